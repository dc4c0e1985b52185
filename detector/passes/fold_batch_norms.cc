// SPDX-License-Identifier: Apache-2.0
// Folding of per-channel arithmetic; the essay is in fold_batch_norms.h.
#include "detector/passes/fold_batch_norms.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

// y = scale * x + shift in each channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
  bool scaled = false;   // some factor is not known to be 1.
  bool shifted = false;  // some offset is not known to be 0.

  int64_t channels() const { return static_cast<int64_t>(scale.size()); }
};

// A constant kernel and where its output channels lie.
struct Layer {
  int64_t node = -1;
  const Tensor* kernel = nullptr;
  int64_t channels = 0;
  int64_t rank = 4;  // of the layer's output.
  // Channel of flat kernel element i: i / inner % channels.
  int64_t inner = 1;
};

std::optional<Layer> LayerAt(const Graph& graph, int64_t number) {
  const Node& node = graph.nodes[static_cast<size_t>(number)];
  if (node.op != Op::kConv2D && node.op != Op::kDepthwiseConv2D &&
      node.op != Op::kMatMul) {
    return std::nullopt;
  }
  Layer layer{.node = number, .kernel = ConstantOf(graph, node.inputs[1])};
  if (layer.kernel == nullptr || layer.kernel->type() != DataType::kFloat32) {
    return std::nullopt;
  }
  const Shape& shape = layer.kernel->shape();
  if (node.op == Op::kMatMul) {
    if (shape.size() != 2) return std::nullopt;
    const bool transposed = node.As<MatMulAttributes>().transpose_b;
    layer.rank = 2;
    layer.channels = shape[transposed ? 0 : 1];
    layer.inner = transposed ? shape[1] : 1;
    return layer;
  }
  const bool depthwise = node.op == Op::kDepthwiseConv2D;
  if (shape.size() != 4 || (depthwise && shape[3] != 1) ||
      node.As<ConvAttributes>().activation != Activation::kNone) {
    return std::nullopt;
  }
  layer.channels = shape[depthwise ? 2 : 3];
  return layer;
}

using Numbers = std::vector<double>;

// Puts y = s * x + t behind what `affine` does already. `scale` and `shift`
// have one number per channel or one for all.
void Append(Affine& affine, const Numbers& scale, const Numbers& shift) {
  for (size_t c = 0; c < affine.scale.size(); ++c) {
    const double s = scale[scale.size() == 1 ? 0 : c];
    const double t = shift[shift.size() == 1 ? 0 : c];
    affine.scale[c] *= s;
    affine.shift[c] = affine.shift[c] * s + t;
  }
}

void AppendScale(Affine& affine, const Numbers& scale) {
  Append(affine, scale, {0});
  affine.scaled = true;
}

void AppendShift(Affine& affine, const Numbers& shift) {
  Append(affine, {1}, shift);
  affine.shifted = true;
}

Numbers Map(const Numbers& numbers, const std::function<double(double)>& f) {
  Numbers result(numbers.size());
  std::transform(numbers.begin(), numbers.end(), result.begin(), f);
  return result;
}

// The four constants of a BatchNorm as y = s * x + t.
bool AppendBatchNorm(const Graph& graph, const Node& node, int64_t rank,
                     Affine& affine) {
  const int64_t channels = affine.channels();
  std::array<Numbers, 4> constants;  // gamma, beta, mean, variance.
  for (size_t i = 0; i < constants.size(); ++i) {
    auto numbers = ChannelConstant(graph, node.inputs[i + 1], channels, rank);
    if (!numbers || std::ssize(*numbers) != channels) return false;
    constants[i] = *std::move(numbers);
  }
  const auto& [gamma, beta, mean, variance] = constants;
  const double epsilon = node.As<BatchNormAttributes>().epsilon;
  Numbers scale(gamma.size());
  Numbers shift(gamma.size());
  for (size_t c = 0; c < scale.size(); ++c) {
    scale[c] = gamma[c] / std::sqrt(variance[c] + epsilon);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
  Append(affine, scale, shift);
  affine.scaled = affine.shifted = true;
  return true;
}

// Add, Sub, Mul or Div of the value and a constant.
bool AppendArithmetic(const Graph& graph, const Node& node, ValueRef value,
                      int64_t rank, Affine& affine) {
  const bool constant_first = node.inputs[1] == value;
  const auto constant = ChannelConstant(
      graph, node.inputs[constant_first ? 0 : 1], affine.channels(), rank);
  if (!constant) return false;
  const auto negate = [](double x) { return -x; };
  switch (node.op) {
    case Op::kAdd:
      AppendShift(affine, *constant);
      return true;
    case Op::kSub:
      if (constant_first) AppendScale(affine, {-1});
      AppendShift(affine, constant_first ? *constant : Map(*constant, negate));
      return true;
    case Op::kMul:
      AppendScale(affine, *constant);
      return true;
    case Op::kDiv:
      if (constant_first) return false;
      AppendScale(affine, Map(*constant, [](double x) { return 1 / x; }));
      return true;
    default:
      return false;
  }
}

// Puts what `node` does to `value` behind `affine`; false if it is no operator
// of the list.
bool AppendNode(const Graph& graph, const Node& node, ValueRef value,
                int64_t rank, Affine& affine) {
  switch (node.op) {
    case Op::kIdentity:
      return true;
    case Op::kBiasAdd: {
      const auto bias =
          ChannelConstant(graph, node.inputs[1], affine.channels(), rank);
      if (!bias || node.inputs[0] != value) return false;
      AppendShift(affine, *bias);
      return true;
    }
    case Op::kBatchNorm:
      return node.inputs[0] == value &&
             AppendBatchNorm(graph, node, rank, affine);
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
      return AppendArithmetic(graph, node, value, rank, affine);
    default:
      return false;
  }
}

// What the layer's own bias does; nothing if it is not constant.
std::optional<Affine> StartOf(const Graph& graph, const Layer& layer) {
  const auto channels = static_cast<size_t>(layer.channels);
  Affine affine{.scale = Numbers(channels, 1), .shift = Numbers(channels, 0)};
  const Node& node = graph.nodes[static_cast<size_t>(layer.node)];
  if (node.inputs.size() < 3) return affine;
  const auto bias =
      ChannelConstant(graph, node.inputs[2], layer.channels, layer.rank);
  if (!bias) return std::nullopt;
  AppendShift(affine, *bias);
  return affine;
}

bool IsFinite(const Affine& affine) {
  const auto finite = [](double x) { return std::isfinite(x); };
  return std::all_of(affine.scale.begin(), affine.scale.end(), finite) &&
         std::all_of(affine.shift.begin(), affine.shift.end(), finite);
}

// Channels lie `inner` elements apart. Multiplied in double, rounded once.
Tensor ScaledKernel(const Layer& layer, const Affine& affine) {
  const auto data = layer.kernel->data<float>();
  const auto inner = static_cast<size_t>(layer.inner);
  std::vector<float> scaled(data.size());
  size_t i = 0;
  while (i < data.size()) {
    for (const double scale : affine.scale) {
      for (const size_t end = i + inner; i < end; ++i) {
        scaled[i] = static_cast<float>(static_cast<double>(data[i]) * scale);
      }
    }
  }
  return Tensor::FromFloats(layer.kernel->shape(), std::move(scaled));
}

class BatchNormFolder {
 public:
  explicit BatchNormFolder(Graph graph)
      : graph_(std::move(graph)), uses_(graph_), names_(graph_) {}

  StatusOr<Graph> Run() {
    const auto count = static_cast<int64_t>(graph_.nodes.size());
    for (int64_t i = 0; i < count; ++i) {
      if (const auto layer = LayerAt(graph_, i)) FoldBehind(*layer);
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  void FoldBehind(const Layer& layer) {
    std::optional<Affine> affine = StartOf(graph_, layer);
    if (!affine) return;
    int64_t tail = layer.node;
    for (int64_t next = uses_.OnlyReader(tail); next >= 0;
         next = uses_.OnlyReader(tail)) {
      const Node& node = graph_.nodes[static_cast<size_t>(next)];
      const ValueRef value{.node = tail, .port = 0};
      if (!AppendNode(graph_, node, value, layer.rank, *affine)) break;
      tail = next;
    }
    if (tail == layer.node || !IsFinite(*affine)) return;
    if (graph_.nodes[static_cast<size_t>(layer.node)].op == Op::kMatMul) {
      RewriteMatMul(layer, *affine, tail);
    } else {
      RewriteConvolution(layer, *affine, tail);
    }
  }

  ValueRef FoldedKernel(const Layer& layer, const Affine& affine) {
    const Node& node = graph_.nodes[static_cast<size_t>(layer.node)];
    if (!affine.scaled) return node.inputs[1];
    return graph_.AddConst(names_.Take(node.name + "/folded_kernel"),
                           ScaledKernel(layer, affine));
  }

  ValueRef FoldedBias(const Layer& layer, const Affine& affine) {
    const Node& node = graph_.nodes[static_cast<size_t>(layer.node)];
    return graph_.AddConst(names_.Take(node.name + "/folded_bias"),
                           ToFloatTensor({layer.channels}, affine.shift));
  }

  // The last node of the chain becomes the layer.
  void RewriteConvolution(const Layer& layer, const Affine& affine,
                          int64_t tail) {
    std::vector<ValueRef> inputs = {
        graph_.nodes[static_cast<size_t>(layer.node)].inputs[0],
        FoldedKernel(layer, affine)};
    if (affine.shifted) inputs.push_back(FoldedBias(layer, affine));
    const Attributes attributes =
        graph_.nodes[static_cast<size_t>(layer.node)].attributes;
    BecomeLayer(graph_, tail, layer.node, std::move(inputs), attributes);
  }

  // The last node of the chain becomes a BiasAdd.
  void RewriteMatMul(const Layer& layer, const Affine& affine, int64_t tail) {
    const ValueRef kernel = FoldedKernel(layer, affine);
    const ValueRef bias = FoldedBias(layer, affine);
    graph_.nodes[static_cast<size_t>(layer.node)].inputs[1] = kernel;
    const ValueRef product{.node = layer.node, .port = 0};
    Become(graph_, tail, Op::kBiasAdd, {product, bias});
  }

  Graph graph_;
  Uses uses_;
  NamePool names_;
};

}  // namespace

StatusOr<Graph> FoldBatchNorms(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  return BatchNormFolder(std::move(graph)).Run();
}

}  // namespace cyto8
