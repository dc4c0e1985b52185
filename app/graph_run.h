// SPDX-License-Identifier: Apache-2.0
// A GraphDef on given tensors: the network alone from float inputs, or a
// serving export from pixels to detections. No files. Tested by
// tests/app/graph_run_test.cc.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "app/network.h"
#include "base/limits.h"
#include "base/npy.h"
#include "base/status.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

struct GraphRunRequest {
  std::map<std::string, NpyArray> inputs;  // by node name.
  std::vector<std::string> outputs = {};   // tensor names; empty: all.
  Engine engine = Engine::kOneDnn;
  Rewriting rewriting = Rewriting::kNone;
  Limits limits = {};
};

struct NamedArray {
  std::string name = {};
  NpyArray array;
};

// The outputs in the graph's order. For the pixel input of a serving export
// (uint8 B x H x W x 3) also "input", the normalised images, and "detections",
// float32 B x N x 7 with N the export's largest number of rows.
StatusOr<std::vector<NamedArray>> RunGraphDef(std::span<const std::byte> model,
                                              const GraphRunRequest& request);

}  // namespace cyto8
