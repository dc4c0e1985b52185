// SPDX-License-Identifier: Apache-2.0
// Copies shared constant nodes; see unshare_constants.h.
#include "detector/passes/unshare_constants.h"

#include <utility>

#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

bool WantsOwnConstant(Op op) {
  return op == Op::kConv2D || op == Op::kDepthwiseConv2D ||
         op == Op::kBiasAdd || op == Op::kMatMul;
}

}  // namespace

StatusOr<Graph> UnshareConstants(Graph graph) {
  NamePool names(graph);
  const size_t count = graph.nodes.size();
  std::vector<bool> taken(count, false);
  for (size_t i = 0; i < count; ++i) {
    if (!WantsOwnConstant(graph.nodes[i].op)) continue;
    for (size_t k = 0; k < graph.nodes[i].inputs.size(); ++k) {
      const ValueRef input = graph.nodes[i].inputs[k];
      if (ConstantOf(graph, input) == nullptr) continue;
      if (!taken[static_cast<size_t>(input.node)]) {
        taken[static_cast<size_t>(input.node)] = true;
        continue;
      }
      Node copy = graph.node(input);
      copy.name = names.TakeCopy(copy.name);
      const ValueRef own = graph.Add(std::move(copy));
      graph.nodes[i].inputs[k] = own;
    }
  }
  return RemoveDeadNodes(std::move(graph));
}

}  // namespace cyto8
