// SPDX-License-Identifier: Apache-2.0
// `cyto8 score`: images in, result folder out. Tested by
// tests/app/score_command_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

struct ScoreCommandOptions {
  std::vector<std::string> images = {};
  std::string model = {};
  std::string output = {};
  std::optional<double> mpp = std::nullopt;
  std::string mpp_from = {};  // empty: none.
  std::optional<double> min_score = std::nullopt;
  bool class_agnostic = false;
  int64_t overlap_px = 192;
  bool overlays = true;
  bool quiet = false;
  Engine engine = Engine::kOneDnn;
  Limits limits = {};
  std::vector<std::string> command = {};  // argv, for run.json.
};

// The table goes to stdout, messages to stderr.
ExitCode RunScore(FileSystem& files, const ScoreCommandOptions& options);

}  // namespace cyto8
