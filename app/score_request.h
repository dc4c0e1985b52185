// SPDX-License-Identifier: Apache-2.0
// What `cyto8 score` was asked to do, as plain data: the images, the settings
// with their origins, and how it was called. Tested by
// tests/app/score_command_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/settings_layers.h"
#include "base/limits.h"

namespace cyto8 {

struct ScoreRequest {
  // Files and folders as given; input_list.h makes files of them.
  std::vector<std::string> images = {};
  ResolvedSettings resolved = {};
  bool dry_run = false;
  bool force = false;  // what an earlier run left does not count.
  std::vector<std::string> command = {};  // argv, for run.json.
  Environment environment = {};           // of the process.
  Limits limits = {};
  // Of tests: from which size on images are hashed while they are scored.
  std::optional<int64_t> hash_aside_bytes = std::nullopt;
};

}  // namespace cyto8
