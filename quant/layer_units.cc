// SPDX-License-Identifier: Apache-2.0
// Matching of units; see layer_units.h. Patterns are followed along values that
// one node alone reads: nobody can ask for what is left out.
#include "quant/layer_units.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "detector/graph/activation_node.h"
#include "detector/kernels/requantization.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

constexpr size_t kImageRank = 4;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

class UnitFinder {
 public:
  UnitFinder(const Graph& graph, const std::vector<bool>& excluded)
      : graph_(graph), uses_(graph), excluded_(excluded) {
    found_.unit_of.assign(graph.nodes.size(), -1);
    found_.absorbed.assign(graph.nodes.size(), false);
  }

  LayerUnits Run() {
    std::vector<LayerUnit> units;
    // Sums first: they absorb pools and up-samplings; convolutions before them
    // absorb sums.
    Match(&UnitFinder::MatchConv, units);
    Match(&UnitFinder::MatchDepthwise, units);
    Match(&UnitFinder::MatchSum, units);
    Match(&UnitFinder::MatchCodes, units);
    std::ranges::sort(units, {}, &LayerUnit::last);
    for (LayerUnit& unit : units) {
      found_.unit_of[Index(unit.last)] = std::ssize(found_.units);
      unit.is_output = IsOutput(unit.last);
      found_.units.push_back(std::move(unit));
    }
    return std::move(found_);
  }

 private:
  using Matcher = bool (UnitFinder::*)(int64_t node, LayerUnit& unit) const;

  const Node& At(int64_t i) const { return graph_.nodes[Index(i)]; }
  bool IsFree(int64_t i) const {
    return !taken_.contains(i) && !excluded_[Index(i)];
  }

  void Match(Matcher matcher, std::vector<LayerUnit>& units) {
    for (int64_t i = 0; i < std::ssize(graph_.nodes); ++i) {
      LayerUnit unit{.main = i, .last = i};
      if (!IsFree(i) || !(this->*matcher)(i, unit)) continue;
      Take(unit);
      units.push_back(std::move(unit));
    }
  }

  void Take(const LayerUnit& unit) {
    std::vector<int64_t> nodes = {unit.main, unit.last, unit.normalize,
                                  unit.gate, unit.add};
    nodes.insert(nodes.end(), unit.resizers.begin(), unit.resizers.end());
    for (const int64_t node : nodes) {
      if (node == kNoUnitNode) continue;
      taken_.insert(node);
      found_.absorbed[Index(node)] = node != unit.last;
    }
  }

  bool IsOutput(int64_t node) const {
    return std::ranges::any_of(graph_.outputs, [&](const GraphOutput& output) {
      return output.value.node == node;
    });
  }

  bool IsImage(ValueRef value) const {
    const TensorDesc& desc = graph_.desc(value);
    return desc.type == DataType::kFloat32 && desc.shape &&
           desc.shape->size() == kImageRank && IsStatic(*desc.shape) &&
           *ElementCount(*desc.shape) > 0;
  }

  bool AllConstant(const Node& node, size_t first) const {
    return std::all_of(node.inputs.begin() + static_cast<int64_t>(first),
                       node.inputs.end(), [&](ValueRef v) {
                         const Tensor* value = ConstantOf(graph_, v);
                         return value != nullptr &&
                                value->type() == DataType::kFloat32;
                       });
  }

  // The node behind `node` if it alone reads it and is free.
  int64_t Next(int64_t node) const {
    const int64_t next = uses_.OnlyReader(node);
    return next >= 0 && IsFree(next) ? next : kNoUnitNode;
  }

  bool MatchConv(int64_t node, LayerUnit& unit) const {
    const Node& conv = At(node);
    if (conv.op != Op::kConv2D || !IsImage({node, 0}) ||
        !IsImage(conv.inputs[0]) || !AllConstant(conv, 1)) {
      return false;
    }
    unit.activation = conv.As<ConvAttributes>().activation;
    if (!HasCodes(unit.activation)) return false;
    MatchSource(conv, unit);
    if (IsOutput(node)) {
      unit.gate = kNoUnitNode;  // such units give codes.
      return unit.activation == Activation::kNone;
    }
    if (unit.activation == Activation::kNone) {
      MatchAddend(unit);
      MatchActivation(unit);
    }
    return !IsOutput(unit.last);
  }

  void MatchSource(const Node& conv, LayerUnit& unit) const {
    const int64_t source = conv.inputs[0].node;
    if (!IsFree(source)) return;
    const Node& node = At(source);
    if (node.op == Op::kNormalize && uses_.Single({source, 0})) {
      unit.normalize = source;
    }
    if (node.op == Op::kSqueezeExcite && uses_.Single({source, 0}) &&
        IsPointwise(unit.main) && IsGate(node)) {
      unit.gate = source;
    }
  }

  // Pixel by pixel, none left out, none added.
  bool IsPointwise(int64_t node) const {
    const Node& conv = At(node);
    const Shape& kernel = *graph_.desc(conv.inputs[1]).shape;
    return kernel[0] == 1 && kernel[1] == 1 &&
           conv.As<ConvAttributes>().strides == std::array<int64_t, 2>{1, 1} &&
           graph_.desc({node, 0}).shape ==
               WithChannels(conv.inputs[0], kernel[3]);
  }

  // The depthwise convolution in front will be a unit, and sums its codes.
  bool IsGate(const Node& gate) const {
    const int64_t source = gate.inputs[0].node;
    const Node& depthwise = At(source);
    return depthwise.op == Op::kDepthwiseConv2D && !excluded_[Index(source)] &&
           !IsOutput(source) && AllConstant(depthwise, 1) &&
           HasCodes(depthwise.As<ConvAttributes>().activation) &&
           AllConstant(gate, 1) &&
           HasCodes(gate.As<SqueezeExciteAttributes>().activation);
  }

  std::optional<Shape> WithChannels(ValueRef value, int64_t channels) const {
    Shape shape = *graph_.desc(value).shape;
    shape.back() = channels;
    return shape;
  }

  void MatchAddend(LayerUnit& unit) const {
    const int64_t add = Next(unit.main);
    if (add == kNoUnitNode || At(add).op != Op::kAdd || IsOutput(unit.main)) {
      return;
    }
    const std::vector<ValueRef>& terms = At(add).inputs;
    const ValueRef other = terms[0].node == unit.main ? terms[1] : terms[0];
    if (!IsImage(other) || ConstantOf(graph_, other) != nullptr ||
        graph_.desc(other).shape != graph_.desc({unit.main, 0}).shape) {
      return;
    }
    unit.add = unit.last = add;
    unit.addend = other;
  }

  void MatchActivation(LayerUnit& unit) const {
    if (IsOutput(unit.last)) return;
    const int64_t next = Next(unit.last);
    if (next == kNoUnitNode) return;
    const auto activation = ActivationOf(At(next));
    if (!activation || !HasCodes(*activation)) return;
    unit.activation = *activation;
    unit.last = next;
  }

  bool MatchDepthwise(int64_t node, LayerUnit& unit) const {
    const Node& conv = At(node);
    if (conv.op != Op::kDepthwiseConv2D || !IsImage({node, 0}) ||
        !AllConstant(conv, 1)) {
      return false;
    }
    unit.activation = conv.As<ConvAttributes>().activation;
    if (!HasCodes(unit.activation)) return false;
    if (unit.activation == Activation::kNone) {
      MatchActivation(unit);
      if (unit.last == unit.main) unit.separable = SeparablePart(node);
    }
    return !IsOutput(unit.last);
  }

  // Taken by a unit of its own already.
  int64_t SeparablePart(int64_t node) const {
    const int64_t next = uses_.OnlyReader(node);
    if (next < 0 || At(next).op != Op::kConv2D || !taken_.contains(next)) {
      return kNoUnitNode;
    }
    const Shape& kernel = *graph_.desc(At(next).inputs[1]).shape;
    const auto& window = At(next).As<ConvAttributes>();
    const bool is_1x1 = kernel[0] == 1 && kernel[1] == 1 &&
                        window.padding.kind != PaddingKind::kExplicit;
    return is_1x1 ? next : kNoUnitNode;
  }

  bool MatchSum(int64_t node, LayerUnit& unit) const {
    const Node& sum = At(node);
    const bool weighted = sum.op == Op::kWeightedSum;
    if (!weighted && sum.op != Op::kAdd && sum.op != Op::kAddN) return false;
    const size_t terms = sum.inputs.size() - (weighted ? 1 : 0);
    constexpr size_t kMaxTerms = 8;
    if (terms > kMaxTerms || !IsImage({node, 0})) return false;
    if (weighted && !AllConstant(sum, terms)) return false;
    for (size_t i = 0; i < terms; ++i) {
      if (!IsTerm(sum.inputs[i], node)) return false;
      unit.resizers.push_back(ResizerOf(sum.inputs[i]));
    }
    unit.kind = UnitKind::kSum;
    MatchActivation(unit);
    return !IsOutput(unit.last);
  }

  bool IsTerm(ValueRef value, int64_t sum) const {
    return IsImage(value) && ConstantOf(graph_, value) == nullptr &&
           graph_.desc(value).shape == graph_.desc({sum, 0}).shape;
  }

  int64_t ResizerOf(ValueRef value) const {
    const Op op = graph_.node(value).op;
    const bool resizes = op == Op::kMaxPool || op == Op::kUpsampleNearest;
    return resizes && IsFree(value.node) && uses_.Single(value) ? value.node
                                                                : kNoUnitNode;
  }

  bool MatchCodes(int64_t node, LayerUnit& unit) const {
    const Op op = At(node).op;
    if ((op != Op::kMaxPool && op != Op::kUpsampleNearest) ||
        !IsImage({node, 0}) || IsOutput(node)) {
      return false;
    }
    unit.kind = UnitKind::kCodes;
    return true;
  }

  const Graph& graph_;
  Uses uses_;
  const std::vector<bool>& excluded_;
  std::set<int64_t> taken_;
  LayerUnits found_;
};

}  // namespace

LayerUnits FindLayerUnits(const Graph& graph,
                          const std::vector<bool>& excluded) {
  LayerUnits found = UnitFinder(graph, excluded).Run();
  for (LayerUnit& unit : found.units) {
    if (graph.nodes[Index(unit.main)].op == Op::kDepthwiseConv2D) {
      unit.kind = UnitKind::kDepthwise;
    }
  }
  return found;
}

std::vector<ValueRef> ValuesToObserve(const Graph& graph,
                                      const LayerUnits& units) {
  std::set<ValueRef> values;
  const auto needs = [&](ValueRef value) {
    const bool constant = ConstantOf(graph, value) != nullptr;
    if (!constant && graph.desc(value).type == DataType::kFloat32) {
      values.insert(value);
    }
  };
  for (const LayerUnit& unit : units.units) {
    if (unit.kind != UnitKind::kCodes && !unit.is_output) {
      needs({.node = unit.last});
    }
    const Node& main = graph.nodes[Index(unit.main)];
    if (unit.kind == UnitKind::kSum) {
      for (size_t i = 0; i < unit.resizers.size(); ++i) {
        const int64_t resizer = unit.resizers[i];
        needs(resizer == kNoUnitNode ? main.inputs[i]
                                     : graph.nodes[Index(resizer)].inputs[0]);
      }
    } else if (unit.gate == kNoUnitNode) {
      needs(main.inputs[0]);
    }
    if (unit.add != kNoUnitNode) needs(unit.addend);
  }
  return {values.begin(), values.end()};
}

}  // namespace cyto8
