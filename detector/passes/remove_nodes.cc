// SPDX-License-Identifier: Apache-2.0
// Bypasses nodes; see remove_nodes.h.
#include "detector/passes/remove_nodes.h"

#include <algorithm>
#include <utility>

namespace cyto8 {
namespace {

bool IsNamed(const Node& node, const std::vector<std::string>& ops) {
  return std::any_of(ops.begin(), ops.end(), [&](const std::string& op) {
    return op == node.source_op || op == OpName(node.op);
  });
}

bool IsSource(const Node& node) {
  return node.op == Op::kInput || node.op == Op::kConst;
}

}  // namespace

StatusOr<Graph> RemoveNodes(Graph graph, const std::vector<std::string>& ops) {
  // In topological order the input of a removed node is already resolved, so
  // one sweep takes out chains of any length.
  CYTO8_ASSIGN_OR_RETURN(graph, SortTopologically(std::move(graph)));
  std::vector<ValueRef> instead(graph.nodes.size());
  const auto resolve = [&](ValueRef value) {
    const ValueRef other = instead[static_cast<size_t>(value.node)];
    return other.node < 0 ? value : other;
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    std::transform(node.inputs.begin(), node.inputs.end(), node.inputs.begin(),
                   resolve);
    if (node.inputs.size() == 1 && node.outputs.size() == 1 &&
        IsNamed(node, ops)) {
      instead[i] = node.inputs[0];
    }
  }
  for (GraphOutput& output : graph.outputs) {
    const ValueRef other = resolve(output.value);
    if (!IsSource(graph.node(other))) output.value = other;
  }
  return RemoveDeadNodes(std::move(graph));
}

}  // namespace cyto8
