// SPDX-License-Identifier: Apache-2.0
// Matching of squeeze-and-excitation; see recognize_squeeze_excite.h.
#include "detector/passes/recognize_squeeze_excite.h"

#include <algorithm>
#include <utility>

#include "detector/graph/activation_node.h"
#include "detector/graph/shape_inference.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

// A 1x1 convolution with constant weights.
struct Dense {
  ValueRef src;
  const Tensor* kernel = nullptr;  // [1,1,in,out].
  const Tensor* bias = nullptr;    // [out], or null for none.
  int64_t in_channels() const { return kernel->shape()[2]; }
  int64_t out_channels() const { return kernel->shape()[3]; }
};

struct Block {
  ValueRef x;
  Dense reduce;
  Dense expand;
  Activation activation = Activation::kNone;
};

class SqueezeExciteMatcher {
 public:
  explicit SqueezeExciteMatcher(Graph graph)
      : graph_(std::move(graph)), uses_(graph_), names_(graph_) {}

  StatusOr<Graph> Run() {
    const auto count = static_cast<int64_t>(graph_.nodes.size());
    for (int64_t i = 0; i < count; ++i) {
      if (const auto block = BlockAt(i)) Rewrite(i, *block);
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  std::optional<Block> BlockAt(int64_t number) const {
    const Node& node = graph_.nodes[static_cast<size_t>(number)];
    if (node.op != Op::kMul) return std::nullopt;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      auto block = BlockOf(node.inputs[side], node.inputs[1 - side]);
      if (block) return block;
    }
    return std::nullopt;
  }

  // Follows the gate back to the image x.
  std::optional<Block> BlockOf(ValueRef x, ValueRef gate) const {
    const Node& sigmoid = graph_.node(gate);
    if (sigmoid.op != Op::kSigmoid || !uses_.Single(gate)) return std::nullopt;
    const auto expand = DenseAt(sigmoid.inputs[0]);
    if (!expand) return std::nullopt;
    const Node& inner = graph_.node(expand->src);
    const auto activation = ActivationOf(inner);
    if (!activation || !uses_.Single(expand->src)) return std::nullopt;
    const auto reduce = DenseAt(inner.inputs[0]);
    if (!reduce || reduce->in_channels() != expand->out_channels() ||
        reduce->out_channels() != expand->in_channels() ||
        !IsMeanOf(reduce->src, x)) {
      return std::nullopt;
    }
    return Block{x, *reduce, *expand, *activation};
  }

  std::optional<Dense> DenseAt(ValueRef value) const {
    const Node& node = graph_.node(value);
    if (node.op != Op::kConv2D || !uses_.Single(value)) return std::nullopt;
    Dense dense{.src = node.inputs[0],
                .kernel = ConstantOf(graph_, node.inputs[1])};
    if (dense.kernel == nullptr || dense.kernel->shape().size() != 4 ||
        dense.kernel->shape()[0] != 1 || dense.kernel->shape()[1] != 1 ||
        !IsPlain(node.As<ConvAttributes>())) {
      return std::nullopt;
    }
    if (node.inputs.size() == 3) {
      dense.bias = ConstantOf(graph_, node.inputs[2]);
      if (dense.bias == nullptr) return std::nullopt;
    }
    return dense;
  }

  static bool IsPlain(const ConvAttributes& conv) {
    const Padding& padding = conv.padding;
    return conv.strides == std::array<int64_t, 2>{1, 1} &&
           conv.activation == Activation::kNone &&
           (padding.kind != PaddingKind::kExplicit ||
            (padding.top == 0 && padding.bottom == 0 && padding.left == 0 &&
             padding.right == 0));
  }

  // True if `value` is the [N,1,1,C] mean of x over height and width.
  bool IsMeanOf(ValueRef value, ValueRef x) const {
    if (!IsPooledShape(value) || RankOf(graph_, x) != 4) return false;
    while (true) {
      if (!uses_.Single(value)) return false;
      const Node& node = graph_.node(value);
      if (node.op == Op::kReshape || node.op == Op::kExpandDims) {
        value = node.inputs[0];  // order and count of the values stay.
        continue;
      }
      if (node.inputs.empty() || node.inputs[0] != x) return false;
      if (node.op == Op::kMean) return ReducesMap(node);
      return node.op == Op::kAvgPool && CoversMap(node, x);
    }
  }

  bool IsPooledShape(ValueRef value) const {
    const std::optional<Shape>& shape = graph_.desc(value).shape;
    return shape && shape->size() == 4 && (*shape)[1] == 1 && (*shape)[2] == 1;
  }

  bool ReducesMap(const Node& mean) const {
    const Tensor* constant = ConstantOf(graph_, mean.inputs[1]);
    if (constant == nullptr) return false;
    const auto axes = constant->ToInt64s();
    if (!axes.ok()) return false;
    std::vector<int64_t> sorted;
    for (const int64_t axis : *axes) {
      sorted.push_back(axis < 0 ? axis + 4 : axis);
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted == std::vector<int64_t>{1, 2};
  }

  // An average pool without padding whose one window is the map.
  bool CoversMap(const Node& pool, ValueRef x) const {
    const auto& attributes = pool.As<PoolAttributes>();
    const Shape* shape = StaticShapeOf(graph_, x);
    return shape != nullptr && attributes.padding.kind == PaddingKind::kValid &&
           attributes.kernel[0] == (*shape)[1] &&
           attributes.kernel[1] == (*shape)[2];
  }

  ValueRef AddMatrix(const std::string& name, const Dense& dense) {
    const auto data = dense.kernel->data<float>();
    return graph_.AddConst(
        names_.Take(name),
        Tensor::FromFloats({dense.in_channels(), dense.out_channels()},
                           std::vector<float>(data.begin(), data.end())));
  }

  ValueRef AddBias(const std::string& name, const Dense& dense) {
    std::vector<float> values(static_cast<size_t>(dense.out_channels()), 0.0f);
    if (dense.bias != nullptr) {
      const auto data = dense.bias->data<float>();
      values.assign(data.begin(), data.end());
    }
    return graph_.AddConst(
        names_.Take(name),
        Tensor::FromFloats({dense.out_channels()}, std::move(values)));
  }

  void Rewrite(int64_t number, const Block& block) {
    const std::string name = graph_.nodes[static_cast<size_t>(number)].name;
    std::vector<ValueRef> inputs = {
        block.x, AddMatrix(name + "/reduce_kernel", block.reduce),
        AddBias(name + "/reduce_bias", block.reduce),
        AddMatrix(name + "/expand_kernel", block.expand),
        AddBias(name + "/expand_bias", block.expand)};
    Become(graph_, number, Op::kSqueezeExcite, std::move(inputs),
           SqueezeExciteAttributes{block.activation});
  }

  Graph graph_;
  Uses uses_;
  NamePool names_;
};

}  // namespace

StatusOr<Graph> RecognizeSqueezeExcite(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  CYTO8_ASSIGN_OR_RETURN(graph, InferShapes(std::move(graph)));
  return SqueezeExciteMatcher(std::move(graph)).Run();
}

}  // namespace cyto8
