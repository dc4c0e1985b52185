// SPDX-License-Identifier: Apache-2.0
// Resolves the input texts of a GraphDef and puts the bodies of called
// functions in place of the calls: one flat list of nodes whose inputs are
// numbers. Knows no operators but identities and calls. Tested by
// tests/detector/import/function_inlining_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/attribute_scope.h"
#include "detector/import/graph_def.pb.h"

namespace cyto8 {

// Calls within calls; a recursion is refused at this depth.
inline constexpr int kMaxCallDepth = 32;
// Output numbers of one node, and the length of a node's name.
inline constexpr int64_t kMaxNodePorts = 1024;
inline constexpr int64_t kMaxNameBytes = 1024;
// Inputs of all nodes together, per node allowed by Limits::max_nodes.
inline constexpr int64_t kMaxInputsPerNode = 16;

// A node of the flat list. With a null `def` it is an identity: one output of
// an IdentityN, or an argument or a result of a call.
struct FlatNode {
  std::string name;
  std::string source_op;
  const tf::NodeDef* def = nullptr;
  const AttributeScope* attributes = nullptr;  // null together with `def`.
  std::vector<ValueRef> inputs = {};           // numbers in FlatGraph::nodes.
  int64_t read_ports = 1;  // one more than the highest output that is read.
};

// Refers to the GraphDef that it was made from, which must outlive it. Movable,
// not copyable: nodes point to `scopes`.
struct FlatGraph {
  FlatGraph() = default;
  FlatGraph(FlatGraph&&) = default;
  FlatGraph& operator=(FlatGraph&&) = default;

  std::vector<FlatNode> nodes;
  // What nobody reads, neither as data nor by a control edge, except constants,
  // placeholders and operators without a result (quantization.md, section 1).
  std::vector<GraphOutput> outputs;
  std::deque<AttributeScope> scopes;  // stable addresses.
};

// An IdentityN becomes one identity per output, named "name", "name:1", ...; so
// do the results of a call, whose body's nodes are named "call/node". Control
// edges are dropped. Function bodies that nobody calls are not looked at. A
// call of a function with list arguments stays as it is.
StatusOr<FlatGraph> InlineFunctions(const tf::GraphDef& graph_def,
                                    const Limits& limits);

}  // namespace cyto8
