// SPDX-License-Identifier: Apache-2.0
// The anchors that a serving export brings along: one constant as exported, or
// what constant folding left of it. Tested by
// tests/detector/efficientdet/export_layout_test.cc.
#include "detector/efficientdet/graph_walk.h"
#include "detector/efficientdet/serving_parts.h"

namespace cyto8 {
namespace {

// The constant that the reader of kind `op` combines with `value`; the reader
// is left in `value`.
std::vector<double> ConstantOperand(
    const Graph& graph, const std::vector<std::vector<int64_t>>& readers, Op op,
    ValueRef& value) {
  for (const int64_t reader : readers[static_cast<size_t>(value.node)]) {
    const Node& node = graph.nodes[static_cast<size_t>(reader)];
    if (node.op != op) continue;
    for (size_t i = 0; i < 2; ++i) {
      if (node.inputs[i] != value) continue;
      std::vector<double> numbers = NumbersBehind(graph, node.inputs[1 - i]);
      if (numbers.empty()) continue;
      value = {.node = reader, .port = 0};
      return numbers;
    }
  }
  return {};
}

// Sizes and centres of all anchors along one axis.
struct AnchorAxis {
  std::vector<double> sizes;
  std::vector<double> centers;
};

// centre = code * size + anchor centre, with both as constants.
AnchorAxis ReadAxis(const Graph& graph,
                    const std::vector<std::vector<int64_t>>& readers,
                    ValueRef code) {
  AnchorAxis axis;
  axis.sizes = ConstantOperand(graph, readers, Op::kMul, code);
  axis.centers = ConstantOperand(graph, readers, Op::kAdd, code);
  return axis;
}

std::shared_ptr<const Tensor> AnchorTensor(const AnchorAxis& y,
                                           const AnchorAxis& x) {
  std::vector<float> corners;
  for (size_t i = 0; i < y.sizes.size(); ++i) {
    for (const double sign : {-0.5, 0.5}) {
      corners.push_back(static_cast<float>(y.centers[i] + sign * y.sizes[i]));
      corners.push_back(static_cast<float>(x.centers[i] + sign * x.sizes[i]));
    }
  }
  const auto rows = static_cast<int64_t>(y.sizes.size());
  return std::make_shared<const Tensor>(
      Tensor::FromFloats({rows, 4}, std::move(corners)));
}

// Grappler computes sizes and centres of the anchors beforehand. The codes are
// unpacked into ty, tx, th, tw, of which the first two meet them.
std::shared_ptr<const Tensor> FoldedAnchors(const Graph& graph,
                                            const NodeSet& before) {
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (!before[static_cast<size_t>(i)] || node.op != Op::kUnpack ||
        node.As<UnpackAttributes>().count != 4) {
      continue;
    }
    const AnchorAxis y = ReadAxis(graph, readers, {.node = i, .port = 0});
    const AnchorAxis x = ReadAxis(graph, readers, {.node = i, .port = 1});
    const size_t count = y.sizes.size();
    if (count > 1 && x.sizes.size() == count && y.centers.size() == count &&
        x.centers.size() == count) {
      return AnchorTensor(y, x);
    }
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<const Tensor> FindAnchorConstant(const Graph& graph,
                                                 ValueRef table) {
  const NodeSet before = AncestorsOf(graph, table);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!before[i] || node.op != Op::kConst) continue;
    const auto& value = node.As<ConstAttributes>().value;
    const Shape& shape = value->shape();
    if (value->type() == DataType::kFloat32 && shape.size() == 2 &&
        shape[1] == 4 && shape[0] > 1) {
      return value;
    }
  }
  return FoldedAnchors(graph, before);
}

}  // namespace cyto8
