// SPDX-License-Identifier: Apache-2.0
// Takes nodes with one input out of the way: Identity, CheckNumerics, ...
// Whether a node may be missed is for the caller to know. Tested by
// tests/detector/passes/remove_nodes_test.cc.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Every node with one input and one output whose operator is named in `ops`,
// either as in the model file ("CheckNumerics") or as in the graph ("Identity"
// covers all that are imported as such). Its readers read its input instead;
// a graph output keeps its name. Inputs and constants stay, and so does a node
// by which a graph output would otherwise be one of these.
StatusOr<Graph> RemoveNodes(Graph graph, const std::vector<std::string>& ops);

}  // namespace cyto8
