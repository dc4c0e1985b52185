// SPDX-License-Identifier: Apache-2.0
// ValidateGraph and CheckSupported; see graph.h.
#include <set>

#include "base/checked_math.h"
#include "detector/graph/graph.h"
#include "detector/graph/op_table.h"

namespace cyto8 {
namespace {

std::string Named(const Node& node) {
  return "node \"" + node.name + "\" (" + std::string(OpName(node.op)) + ")";
}

std::string InputNames(const Graph& graph, const Node& node) {
  std::string names;
  for (const ValueRef& input : node.inputs) {
    names += (names.empty() ? "" : ", ") + ValueName(graph, input);
  }
  return "[" + names + "]";
}

Status CheckReference(const Graph& graph, ValueRef value, int64_t before) {
  if (value.node < 0 || value.node >= before) {
    return Internal("reference to node number " + std::to_string(value.node) +
                    ": must be in [0, " + std::to_string(before - 1) + "]");
  }
  const auto ports = static_cast<int64_t>(graph.node(value).outputs.size());
  return CheckRange("output number of \"" + graph.node(value).name + "\"",
                    value.port, 0, ports - 1);
}

Status CheckInputCount(const Node& node, const OpInfo& info) {
  const auto count = static_cast<int64_t>(node.inputs.size());
  if (info.max_inputs == kAnyNumber) {
    if (count >= info.min_inputs) return OkStatus();
    return InvalidArgument("inputs = " + std::to_string(count) +
                           ": must be at least " +
                           std::to_string(info.min_inputs));
  }
  return CheckRange("inputs", count, info.min_inputs, info.max_inputs);
}

Status CheckConstant(const Node& node, const Limits& limits) {
  const auto& value = node.As<ConstAttributes>().value;
  if (value == nullptr) return InvalidArgument("has no value");
  return CheckRange("rank", static_cast<int64_t>(value->shape().size()), 0,
                    limits.max_rank);
}

Status CheckConvolution(const ConvAttributes& conv) {
  constexpr int64_t kMaxStep = 1024;
  for (const int64_t stride : conv.strides) {
    CYTO8_RETURN_IF_ERROR(CheckRange("stride", stride, 1, kMaxStep));
  }
  for (const int64_t dilation : conv.dilations) {
    CYTO8_RETURN_IF_ERROR(CheckRange("dilation", dilation, 1, kMaxStep));
  }
  return OkStatus();
}

Status CheckNode(const Graph& graph, int64_t index, const Limits& limits) {
  const Node& node = graph.nodes[static_cast<size_t>(index)];
  const OpInfo& info = InfoOf(node.op);
  CYTO8_RETURN_IF_ERROR(CheckInputCount(node, info));
  if (node.attributes.index() != info.attribute_index) {
    return Internal("has attributes of another operator");
  }
  if (node.outputs.empty()) return Internal("has no outputs");
  for (const ValueRef& input : node.inputs) {
    CYTO8_RETURN_IF_ERROR(CheckReference(graph, input, index));
  }
  if (node.op == Op::kConst) return CheckConstant(node, limits);
  if (const auto* conv = std::get_if<ConvAttributes>(&node.attributes)) {
    return CheckConvolution(*conv);
  }
  return OkStatus();
}

}  // namespace

Status ValidateGraph(const Graph& graph, const Limits& limits) {
  const auto count = static_cast<int64_t>(graph.nodes.size());
  CYTO8_RETURN_IF_ERROR(CheckRange("nodes", count, 0, limits.max_nodes));
  std::set<std::string_view> names;
  for (int64_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (!names.insert(node.name).second) {
      return InvalidArgument(Named(node) + ": name is used twice");
    }
    CYTO8_RETURN_IF_ERROR(Annotate(CheckNode(graph, i, limits), Named(node)));
  }
  for (const GraphOutput& output : graph.outputs) {
    CYTO8_RETURN_IF_ERROR(Annotate(CheckReference(graph, output.value, count),
                                   "graph output \"" + output.name + "\""));
  }
  return OkStatus();
}

Status CheckSupported(const Graph& graph) {
  const Node* first = nullptr;
  int64_t others = 0;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::kOpaque) continue;
    if (first == nullptr) {
      first = &node;
    } else {
      ++others;
    }
  }
  if (first == nullptr) return OkStatus();
  std::string message =
      "node \"" + first->name + "\": operator " + first->source_op +
      " is not supported; its inputs: " + InputNames(graph, *first);
  if (others > 0) {
    message += "; " + std::to_string(others) + " more such nodes";
  }
  return Unimplemented(std::move(message));
}

}  // namespace cyto8
