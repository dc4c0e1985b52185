// SPDX-License-Identifier: Apache-2.0
// `cyto8 info`: the facts of an image or a slide, as text or JSON. Tested by
// tests/app/info_command_test.cc.
#pragma once

#include <string>
#include <vector>

#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace cyto8 {

struct InfoOptions {
  std::vector<std::string> images = {};
  bool json = false;
  // Folder for the images beside a slide (label, macro, thumbnail), which are
  // read only if one is given: <folder>/<id>-<name>.png.
  std::string include_associated = {};
  Limits limits = {};
};

// The facts are those of the header; every image is decoded, so damage shows,
// but row by row, so its size does not matter. Of a slide no pixel is decoded
// and nothing told that could name a patient. kPartial if one of several
// failed, kNoInput if all did; kTemporary instead if what failed may pass (no
// memory, a failing disk), unless all failed and one for good.
ExitCode RunInfo(FileSystem& files, const InfoOptions& options);

}  // namespace cyto8
