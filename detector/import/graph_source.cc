// SPDX-License-Identifier: Apache-2.0
// Facts of the file for summaries; see graph_source.h.
#include "detector/import/graph_source.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "detector/import/attribute_scope.h"
#include "detector/import/tensor_proto.h"

namespace cyto8 {
namespace {

bool IsVariable(std::string_view op) {
  constexpr std::array<std::string_view, 5> kOps = {
      "Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable",
      "TemporaryVariable"};
  return std::ranges::find(kOps, op) != kOps.end();
}

int64_t ControlEdges(const tf::NodeDef& node) {
  return std::ranges::count_if(node.input(), [](const std::string& input) {
    return input.starts_with('^');
  });
}

StatusOr<VariableSource> DescribeVariable(const tf::NodeDef& node,
                                          const Limits& limits) {
  VariableSource variable{.name = node.name(), .op = node.op()};
  CYTO8_ASSIGN_OR_RETURN(const tf::TensorShapeProto* shape,
                         AttributeScope(node.attr()).Shape("shape"));
  if (shape != nullptr) {
    CYTO8_ASSIGN_OR_RETURN(variable.shape, ToShape(*shape, limits));
  }
  return variable;
}

FunctionSource DescribeFunction(const tf::FunctionDef& function) {
  FunctionSource source{.name = function.signature().name()};
  for (const tf::NodeDef& node : function.node_def()) {
    ++source.op_counts[node.op()];
  }
  return source;
}

}  // namespace

StatusOr<GraphSource> DescribeSource(const tf::GraphDef& graph_def,
                                     GraphDefFormat format,
                                     const Limits& limits) {
  GraphSource source{.format = format, .node_count = graph_def.node_size()};
  if (graph_def.has_versions()) {
    source.producer_version = graph_def.versions().producer();
  }
  for (const tf::NodeDef& node : graph_def.node()) {
    ++source.nodes_per_device[node.device()];
    ++source.op_counts[node.op()];
    source.control_edge_count += ControlEdges(node);
    if (!IsVariable(node.op())) continue;
    CYTO8_ASSIGN_OR_RETURN(
        VariableSource variable,
        Annotate(DescribeVariable(node, limits),
                 "node \"" + node.name() + "\" (" + node.op() + ")"));
    source.variables.push_back(std::move(variable));
  }
  for (const tf::FunctionDef& function : graph_def.library().function()) {
    source.functions.push_back(DescribeFunction(function));
  }
  return source;
}

}  // namespace cyto8
