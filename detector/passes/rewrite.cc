// SPDX-License-Identifier: Apache-2.0
// Helpers of the passes; see rewrite.h.
#include "detector/passes/rewrite.h"

#include <utility>

namespace cyto8 {
namespace {

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// Reads as a reader that is no node, so that OnlyReader() sees two readers.
constexpr int64_t kOutsideReader = -1;

// True if `shape` is [1, ..., 1, last] and no longer than `rank`.
bool IsFlat(const Shape& shape, int64_t rank) {
  if (static_cast<int64_t>(shape.size()) > rank) return false;
  for (size_t i = 0; i + 1 < shape.size(); ++i) {
    if (shape[i] != 1) return false;
  }
  return true;
}

}  // namespace

Uses::Uses(const Graph& graph) : readers_(ReadersOf(graph)) {
  for (const GraphOutput& output : graph.outputs) {
    readers_[Index(output.value.node)].push_back(kOutsideReader);
  }
}

int64_t Uses::OnlyReader(int64_t node) const {
  const std::vector<int64_t>& readers = readers_[Index(node)];
  return readers.size() == 1 ? readers[0] : kOutsideReader;
}

NamePool::NamePool(const Graph& graph) {
  for (const Node& node : graph.nodes) names_.insert(node.name);
}

std::string NamePool::Take(const std::string& base) {
  if (names_.insert(base).second) return base;
  return TakeCopy(base);
}

std::string NamePool::TakeCopy(const std::string& base) {
  int64_t& suffix = last_suffix_.try_emplace(base, 1).first->second;
  while (true) {
    std::string name = base + "_" + std::to_string(++suffix);
    if (names_.insert(name).second) return name;
  }
}

void Become(Graph& graph, int64_t node, Op op, std::vector<ValueRef> inputs,
            Attributes attributes) {
  Node& changed = graph.nodes[Index(node)];
  changed.op = op;
  changed.source_op = OpName(op);
  changed.inputs = std::move(inputs);
  changed.attributes = std::move(attributes);
}

void BecomeLayer(Graph& graph, int64_t node, int64_t layer,
                 std::vector<ValueRef> inputs, Attributes attributes) {
  Node& old = graph.nodes[Index(layer)];
  Node& changed = graph.nodes[Index(node)];
  Become(graph, node, old.op, std::move(inputs), std::move(attributes));
  changed.source_op = old.source_op;
  std::swap(changed.name, old.name);
}

std::optional<double> ScalarConstant(const Graph& graph, ValueRef value,
                                     int64_t rank) {
  const auto numbers = ChannelConstant(graph, value, 1, rank);
  if (!numbers) return std::nullopt;
  return numbers->front();
}

std::optional<std::vector<double>> ChannelConstant(const Graph& graph,
                                                   ValueRef value,
                                                   int64_t channels,
                                                   int64_t rank) {
  const Tensor* tensor = ConstantOf(graph, value);
  if (tensor == nullptr || tensor->type() != DataType::kFloat32 ||
      !IsFlat(tensor->shape(), rank)) {
    return std::nullopt;
  }
  const int64_t count = tensor->element_count();
  if (count != 1 && (count != channels || count == 0)) return std::nullopt;
  const auto data = tensor->data<float>();
  return std::vector<double>(data.begin(), data.end());
}

int64_t RankOf(const Graph& graph, ValueRef value) {
  const std::optional<Shape>& shape = graph.desc(value).shape;
  return shape ? static_cast<int64_t>(shape->size()) : 0;
}

const Shape* StaticShapeOf(const Graph& graph, ValueRef value) {
  const std::optional<Shape>& shape = graph.desc(value).shape;
  return shape && IsStatic(*shape) ? &*shape : nullptr;
}

Tensor ToFloatTensor(Shape shape, const std::vector<double>& values) {
  std::vector<float> floats;
  floats.reserve(values.size());
  for (const double value : values) floats.push_back(static_cast<float>(value));
  return Tensor::FromFloats(std::move(shape), std::move(floats));
}

}  // namespace cyto8
