// SPDX-License-Identifier: Apache-2.0
// What an evaluation must know of a result folder: run.json of `cyto8 score`
// (docs/formats.md, section 3). Tested by tests/app/eval_input_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

struct RunImage {
  int64_t image_id = 0;
  std::string path = {};
  std::string status = {};  // "done" or how it failed.
  std::string sha256 = {};  // of the file; empty where not stated.
};

struct RunFolder {
  std::vector<RunImage> images = {};
  // Of the model: names by class id, class names by group. Empty in trees of
  // programs that did not write them.
  std::map<int64_t, std::string> classes = {};
  std::map<std::string, std::vector<std::string>> groups = {};
  // Of the files that the model was calibrated with; empty if with none.
  std::set<std::string> calibration_sha256 = {};
};

// 64 lower-case hex digits.
bool IsSha256Text(std::string_view text);

// kInvalidArgument names field and index; another format and a version above
// our own are refused, as are image ids and class ids that stand twice, and
// hashes of calibration images that are none: they would match no image.
StatusOr<RunFolder> ParseRunManifest(std::span<const std::byte> bytes,
                                     const Limits& limits);

}  // namespace cyto8
