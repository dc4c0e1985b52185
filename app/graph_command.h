// SPDX-License-Identifier: Apache-2.0
// `cyto8 graph summarize` and `cyto8 graph run`. Tested by
// tests/app/graph_command_test.cc.
#pragma once

#include <string>
#include <vector>

#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

struct GraphSummarizeOptions {
  std::string model = {};  // GraphDef, binary or text.
  Limits limits = {};
};

ExitCode RunGraphSummarize(FileSystem& files,
                           const GraphSummarizeOptions& options);

struct GraphRunOptions {
  std::string model = {};
  std::vector<std::string> inputs = {};   // "NAME=FILE.npy" each.
  std::vector<std::string> outputs = {};  // tensor names; empty: all.
  std::string output = {};                // folder for the .npy files.
  Engine engine = Engine::kOneDnn;
  bool fused = false;  // rewritten as scoring runs it.
  Limits limits = {};
};

// Every raw output as <output>/<tensor name, / as _>.npy. A serving export is
// fed by its pixel input and gives input.npy and detections.npy besides.
ExitCode RunGraph(FileSystem& files, const GraphRunOptions& options);

}  // namespace cyto8
