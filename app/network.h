// SPDX-License-Identifier: Apache-2.0
// From an imported graph to one that is ready to compile: the chain of passes,
// written out. Used alike by `graph run` and by scoring. Tested by
// tests/app/network_test.cc and reshape_golden_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Where the network is cut out of the imported graph.
struct NetworkCut {
  std::map<std::string, TensorDesc> inputs;  // by node name; static shapes.
  std::vector<std::string> outputs;  // tensor names; empty: as imported.
};

// How far the network may be rewritten.
enum class Rewriting {
  kNone,  // operator by operator as in the file: rounds where TensorFlow does.
  kAll,   // batch norms folded, activations and fusions in fused steps: fast.
};

// Strip, check that every operator is supported, bind the shapes, fold
// constants, and rewrite as asked. Names and order of outputs stay.
StatusOr<Graph> PrepareNetwork(Graph imported, const NetworkCut& cut,
                               Rewriting rewriting, const Limits& limits);

// A prepared network for images of another size: what PrepareNetwork would have
// made of an export at that size (reshape_network.h). Its weights are those of
// the given network, not copies. Errors name the node.
StatusOr<Graph> NetworkForSize(Graph prepared, int64_t height_px,
                               int64_t width_px, const Limits& limits);

}  // namespace cyto8
