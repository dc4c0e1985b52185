// SPDX-License-Identifier: Apache-2.0
// Cuts a network out of a larger graph: what lies behind the outputs or before
// the inputs goes away. Tested by
// tests/detector/passes/strip_unused_nodes_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

struct StripOptions {
  // Nodes where the network begins. One that is not an input becomes one, of
  // the type and shape given below, else of those known for its output.
  std::vector<std::string> inputs;
  // "name" or "name:port". Empty: the outputs stay as they are.
  std::vector<std::string> outputs;
  std::optional<DataType> type;  // for inputs that are not in `types`.
  std::optional<Shape> shape;    // likewise.
  std::map<std::string, DataType> types;
  std::map<std::string, Shape> shapes;
};

// Inputs that no output needs are dropped, unless they are named.
// kNotFound for a name that no node has, kInvalidArgument for a port that its
// node does not have and for a new input with several outputs.
StatusOr<Graph> StripUnusedNodes(Graph graph, const StripOptions& options);

}  // namespace cyto8
