// SPDX-License-Identifier: Apache-2.0
// See the header. Tested through
// tests/detector/efficientdet/export_layout_test.cc.
#include "detector/efficientdet/graph_walk.h"

namespace cyto8 {
namespace {

template <typename T>
std::vector<double> Widen(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

NodeSet AncestorsOf(const Graph& graph, ValueRef value) {
  NodeSet found(graph.nodes.size(), false);
  std::vector<int64_t> open = {value.node};
  while (!open.empty()) {
    const auto node = static_cast<size_t>(open.back());
    open.pop_back();
    if (found[node]) continue;
    found[node] = true;
    for (const ValueRef input : graph.nodes[node].inputs) {
      open.push_back(input.node);
    }
  }
  return found;
}

NodeSet DescendantsOf(const Graph& graph, std::span<const int64_t> nodes) {
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  NodeSet found(graph.nodes.size(), false);
  std::vector<int64_t> open(nodes.begin(), nodes.end());
  while (!open.empty()) {
    const auto node = static_cast<size_t>(open.back());
    open.pop_back();
    if (found[node]) continue;
    found[node] = true;
    open.insert(open.end(), readers[node].begin(), readers[node].end());
  }
  return found;
}

NodeSet Intersect(const NodeSet& a, const NodeSet& b) {
  NodeSet both(a.size());
  for (size_t i = 0; i < a.size(); ++i) both[i] = a[i] && b[i];
  return both;
}

const Tensor* ConstantBehind(const Graph& graph, ValueRef value) {
  while (graph.node(value).op == Op::kIdentity ||
         graph.node(value).op == Op::kCast) {
    value = graph.node(value).inputs[0];
  }
  return ConstantOf(graph, value);
}

std::vector<double> NumbersBehind(const Graph& graph, ValueRef value) {
  const Tensor* tensor = ConstantBehind(graph, value);
  if (tensor == nullptr) return {};
  switch (tensor->type()) {
    case DataType::kFloat32:
      return Widen(tensor->data<float>());
    case DataType::kInt32:
      return Widen(tensor->data<int32_t>());
    case DataType::kInt64:
      return Widen(tensor->data<int64_t>());
    case DataType::kInt8:
      return Widen(tensor->data<int8_t>());
    case DataType::kInt16:
      return Widen(tensor->data<int16_t>());
    case DataType::kUint8:
    case DataType::kBool:
      return Widen(tensor->data<uint8_t>());
  }
  return {};
}

std::optional<double> NumberBehind(const Graph& graph, ValueRef value) {
  const Tensor* tensor = ConstantBehind(graph, value);
  if (tensor == nullptr || tensor->element_count() != 1) return std::nullopt;
  return NumbersBehind(graph, value).front();
}

std::string NodeLabel(const Graph& graph, int64_t node) {
  const Node& one = graph.nodes[static_cast<size_t>(node)];
  const std::string op =
      one.source_op.empty() ? std::string(OpName(one.op)) : one.source_op;
  return "node '" + one.name + "' (" + op + ")";
}

GraphOutput NamedOutput(const Graph& graph, ValueRef value) {
  return {.name = ValueName(graph, value), .value = value};
}

bool IsOpaque(const Node& node, std::string_view source_op) {
  return node.op == Op::kOpaque && node.source_op == source_op;
}

}  // namespace cyto8
