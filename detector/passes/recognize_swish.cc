// SPDX-License-Identifier: Apache-2.0
// Matching of activations; see recognize_swish.h.
#include "detector/passes/recognize_swish.h"

#include <cmath>
#include <utility>

#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

// `factor` times `value`.
struct Scaled {
  ValueRef value;
  double factor = 1;
};

// scale * left * right, neither being constant.
struct Product {
  ValueRef left;
  ValueRef right;
  double scale = 1;
};

class SwishMatcher {
 public:
  explicit SwishMatcher(Graph graph)
      : graph_(std::move(graph)), uses_(graph_) {}

  StatusOr<Graph> Run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      Rewrite(static_cast<int64_t>(i));
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  void Rewrite(int64_t number) {
    const std::optional<Product> product = ProductAt(number);
    if (!product) return;
    for (const auto& [x, gate] : {std::pair(product->left, product->right),
                                  std::pair(product->right, product->left)}) {
      if (RewritePair(number, x, gate, product->scale)) return;
    }
  }

  bool RewritePair(int64_t number, ValueRef x, ValueRef gate, double scale) {
    if (scale == 1) {
      if (const auto beta = SwishBeta(x, gate)) {
        Become(graph_, number, Op::kSwish, {x}, SwishAttributes{*beta});
        return true;
      }
      if (IsMishGate(x, gate)) {
        Become(graph_, number, Op::kMish, {x});
        return true;
      }
    }
    const auto argument = HardSwishArgument(x, gate, scale);
    if (argument) Become(graph_, number, Op::kHardSwish, {*argument});
    return argument.has_value();
  }

  // The scalar that `constant` is as the other operand of `value`.
  std::optional<double> ScalarFor(ValueRef value, ValueRef constant) const {
    return ScalarConstant(graph_, constant, RankOf(graph_, value));
  }

  // A value as a multiple of another one, where a node says so.
  Scaled Peel(ValueRef value) const {
    const Node& node = graph_.node(value);
    if (node.op != Op::kMul && node.op != Op::kDiv) return {value, 1};
    if (const auto c = ScalarFor(node.inputs[0], node.inputs[1])) {
      return {node.inputs[0], node.op == Op::kMul ? *c : 1 / *c};
    }
    if (node.op == Op::kDiv) return {value, 1};
    if (const auto c = ScalarFor(node.inputs[1], node.inputs[0])) {
      return {node.inputs[1], *c};
    }
    return {value, 1};
  }

  std::optional<Product> ProductAt(int64_t number) const {
    const ValueRef root{.node = number, .port = 0};
    const Scaled scaled = Peel(root);
    if (scaled.value != root && !uses_.Single(scaled.value)) {
      return std::nullopt;
    }
    const Node& node = graph_.node(scaled.value);
    if (node.op != Op::kMul || ConstantOf(graph_, node.inputs[0]) ||
        ConstantOf(graph_, node.inputs[1])) {
      return std::nullopt;
    }
    return Product{node.inputs[0], node.inputs[1], scaled.factor};
  }

  // The input of a node of that kind that nobody else reads.
  std::optional<ValueRef> ArgumentOf(Op op, ValueRef value) const {
    const Node& node = graph_.node(value);
    if (node.op != op || !uses_.Single(value)) return std::nullopt;
    return node.inputs[0];
  }

  // beta, if the gate is sigmoid(beta * x).
  std::optional<float> SwishBeta(ValueRef x, ValueRef gate) const {
    const auto argument = ArgumentOf(Op::kSigmoid, gate);
    if (!argument) return std::nullopt;
    if (*argument == x) return 1.0f;
    const Scaled scaled = Peel(*argument);
    if (scaled.value != x || !uses_.Single(*argument)) return std::nullopt;
    return static_cast<float>(scaled.factor);
  }

  bool IsMishGate(ValueRef x, ValueRef gate) const {
    const auto softplus = ArgumentOf(Op::kTanh, gate);
    if (!softplus) return false;
    const auto argument = ArgumentOf(Op::kSoftplus, *softplus);
    return argument && *argument == x;
  }

  // x, if the whole is x * relu6(x + 3) / 6, the sixth being anywhere.
  std::optional<ValueRef> HardSwishArgument(ValueRef x, ValueRef gate,
                                            double scale) const {
    constexpr double kTolerance = 1e-6;  // of 1/6 rounded to float.
    for (const Scaled& left : Readings(x)) {
      for (const Scaled& right : Readings(gate)) {
        const double sixth = scale * left.factor * right.factor;
        if (std::abs(sixth * 6 - 1) < kTolerance &&
            IsShiftedRelu6(left.value, right.value)) {
          return left.value;
        }
      }
    }
    return std::nullopt;
  }

  // A factor as it is and, if it may be taken apart, without its scale.
  std::vector<Scaled> Readings(ValueRef value) const {
    std::vector<Scaled> readings = {{value, 1}};
    const Scaled peeled = Peel(value);
    if (peeled.value != value && uses_.Single(value)) {
      readings.push_back(peeled);
    }
    return readings;
  }

  bool IsShiftedRelu6(ValueRef x, ValueRef gate) const {
    const Node& relu = graph_.node(gate);
    if (relu.op != Op::kRelu6 || !uses_.Single(gate)) return false;
    const ValueRef sum = relu.inputs[0];
    const Node& add = graph_.node(sum);
    if (add.op != Op::kAdd || !uses_.Single(sum)) return false;
    const size_t side = add.inputs[0] == x ? 1 : 0;
    const auto offset = ScalarFor(x, add.inputs[side]);
    return add.inputs[1 - side] == x && offset && *offset == 3;
  }

  Graph graph_;
  Uses uses_;
};

}  // namespace

StatusOr<Graph> RecognizeSwish(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  return SwishMatcher(std::move(graph)).Run();
}

}  // namespace cyto8
