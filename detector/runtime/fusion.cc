// SPDX-License-Identifier: Apache-2.0
// Matching of groups; see fusion.h. Patterns are followed along values that one
// node alone reads: nobody can ask for what is left out.
#include "detector/runtime/fusion.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "detector/graph/activation_node.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/feature_fusion_f32.h"
#include "detector/runtime/step.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

class GroupFinder {
 public:
  GroupFinder(const Graph& graph, const StepOptions& options)
      : graph_(graph),
        options_(options),
        readers_(ReadersOf(graph)),
        taken_(graph.nodes.size()) {
    for (const GraphOutput& output : graph.outputs) {
      readers_[Index(output.value.node)].push_back(kNoNode);
    }
  }

  std::vector<FusionGroup> Run() {
    for (int64_t i = 0; i < std::ssize(graph_.nodes); ++i) {
      if (taken_[Index(i)]) continue;
      const Op op = At(i).op;
      if (op == Op::kConv2D) MatchConvolution(i);
      if (op == Op::kWeightedSum) MatchWeightedSum(i);
    }
    for (int64_t i = 0; i < std::ssize(graph_.nodes); ++i) {
      const bool free = !taken_[Index(i)];
      if (free && At(i).op == Op::kDepthwiseConv2D) MatchDepthwise(i);
    }
    return std::move(groups_);
  }

 private:
  static size_t Index(int64_t i) { return static_cast<size_t>(i); }
  const Node& At(int64_t i) const { return graph_.nodes[Index(i)]; }

  // The node that alone reads `node`; kNoNode if there is none such.
  int64_t OnlyReader(int64_t node) const {
    const std::vector<int64_t>& readers = readers_[Index(node)];
    return readers.size() == 1 ? readers[0] : kNoNode;
  }

  // The node of `value` if it is of that kind, float, of known shape, in no
  // group and read only once.
  int64_t InnerNode(ValueRef value, Op op) const {
    const bool fits = graph_.node(value).op == op && value.port == 0 &&
                      !taken_[Index(value.node)] &&
                      OnlyReader(value.node) != kNoNode && IsFloat(value);
    return fits ? value.node : kNoNode;
  }

  bool IsFloat(ValueRef value) const {
    const TensorDesc& desc = graph_.desc(value);
    return desc.type == DataType::kFloat32 && desc.shape &&
           IsStatic(*desc.shape);
  }

  bool SameShape(ValueRef a, ValueRef b) const {
    return IsFloat(a) && IsFloat(b) &&
           *graph_.desc(a).shape == *graph_.desc(b).shape;
  }

  bool AllConstant(const Node& node, size_t first) const {
    return std::all_of(
        node.inputs.begin() + static_cast<int64_t>(first), node.inputs.end(),
        [&](ValueRef v) { return ConstantOf(graph_, v) != nullptr; });
  }

  StatusOr<Conv2dShape> ShapeOf(int64_t conv) const {
    CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                           StepContext::Create(graph_, conv, options_));
    return ConvShapeOf(context);
  }

  void Take(FusionGroup group) {
    for (const int64_t node : {group.main, group.add, group.gate, group.last}) {
      if (node == kNoNode) continue;
      taken_[Index(node)] = true;
      if (node != group.last) group.absorbed.push_back(node);
    }
    if (group.depthwise != kNoNode) taken_[Index(group.depthwise)] = true;
    if (group.expand != kNoNode) {
      taken_[Index(group.expand)] = true;
      group.absorbed.push_back(group.expand);
    }
    for (const int64_t node : group.resizers) {
      if (node == kNoNode) continue;
      taken_[Index(node)] = true;
      group.absorbed.push_back(node);
    }
    groups_.push_back(std::move(group));
  }

  void MatchConvolution(int64_t conv) {
    const Node& node = At(conv);
    if (!AllConstant(node, 1) || !IsFloat({conv, 0})) return;
    const auto shape = ShapeOf(conv);
    if (!shape.ok()) return;
    FusionGroup group{.main = conv, .last = conv};
    MatchGate(*shape, group);
    if (shape->activation == Activation::kNone) MatchAddend(group);
    if (group.gate != kNoNode || group.add != kNoNode) Take(std::move(group));
  }

  // Squeeze-and-excitation in front of a pointwise convolution of one image.
  void MatchGate(const Conv2dShape& shape, FusionGroup& group) const {
    const int64_t gate =
        InnerNode(At(group.main).inputs[0], Op::kSqueezeExcite);
    if (!IsPointwise(shape) || gate == kNoNode || options_.isa == Isa::kPlain ||
        !AllConstant(At(gate), 1)) {
      return;
    }
    group.gate = gate;
    const int64_t depthwise =
        InnerNode(At(gate).inputs[0], Op::kDepthwiseConv2D);
    if (depthwise != kNoNode && IsFast(depthwise)) {
      group.depthwise = depthwise;
      MatchExpand(group);
    }
  }

  bool IsFast(int64_t depthwise) const {
    if (!AllConstant(At(depthwise), 1)) return false;
    const auto shape = ShapeOf(depthwise);
    return shape.ok() && shape->batch == 1 && shape->in_height > 0 &&
           FastDepthwise(options_.isa, *shape) != nullptr;
  }

  static bool IsPointwise(const Conv2dShape& shape) {
    return shape.batch == 1 && shape.kernel_height == 1 &&
           shape.kernel_width == 1 && shape.stride_y == 1 &&
           shape.stride_x == 1 && shape.in_height == shape.out_height &&
           shape.in_width == shape.out_width && shape.pad_top == 0 &&
           shape.pad_left == 0;
  }

  // A pointwise convolution in front of the group's depthwise one.
  void MatchExpand(FusionGroup& group) const {
    const int64_t expand =
        InnerNode(At(group.depthwise).inputs[0], Op::kConv2D);
    if (expand == kNoNode || !AllConstant(At(expand), 1)) return;
    const auto shape = ShapeOf(expand);
    if (!shape.ok() || !IsPointwise(*shape)) return;
    if (IsWorthStreaming(*shape)) group.expand = expand;
  }

  // Every block of rows reads all weights again.
  bool IsWorthStreaming(const Conv2dShape& shape) const {
    const int64_t pixels = shape.out_height * shape.out_width;
    const int64_t bytes =
        pixels * shape.out_channels * static_cast<int64_t>(sizeof(float));
    return bytes >= options_.min_streamed_bytes &&
           pixels >= 2 * shape.in_channels;
  }

  void MatchDepthwise(int64_t depthwise) {
    if (!IsFloat({depthwise, 0}) || !IsFast(depthwise)) return;
    FusionGroup group{
        .main = depthwise, .last = depthwise, .depthwise = depthwise};
    MatchExpand(group);
    if (group.expand != kNoNode) Take(std::move(group));
  }

  // The other operand of a sum of two images behind the convolution, and an
  // activation behind that.
  void MatchAddend(FusionGroup& group) const {
    const int64_t add = OnlyReader(group.main);
    if (add == kNoNode || At(add).op != Op::kAdd || taken_[Index(add)]) return;
    const std::vector<ValueRef>& terms = At(add).inputs;
    if (!SameShape(terms[0], terms[1])) return;
    group.add = group.last = add;
    group.addend = terms[0].node == group.main ? terms[1] : terms[0];
    MatchActivation(group);
  }

  void MatchActivation(FusionGroup& group) const {
    const int64_t next = OnlyReader(group.last);
    if (next == kNoNode || taken_[Index(next)]) return;
    const auto activation = ActivationOf(At(next));
    if (!activation) return;
    group.activation = *activation;
    group.last = next;
  }

  void MatchWeightedSum(int64_t sum) {
    const ValueRef result{.node = sum, .port = 0};
    const Node& node = At(sum);
    const auto sources = std::ssize(node.inputs) - 1;
    if (options_.isa == Isa::kPlain || sources > kMaxFusionSources ||
        !IsFloat(result) || graph_.desc(result).shape->size() != 4 ||
        ConstantOf(graph_, node.inputs.back()) == nullptr) {
      return;
    }
    FusionGroup group{.main = sum, .last = sum};
    for (int64_t i = 0; i < sources; ++i) {
      const ValueRef source = node.inputs[Index(i)];
      if (!SameShape(source, result)) return;
      const int64_t upsample = InnerNode(source, Op::kUpsampleNearest);
      const int64_t pool = InnerNode(source, Op::kMaxPool);
      group.resizers.push_back(upsample != kNoNode ? upsample : pool);
    }
    MatchActivation(group);
    Take(std::move(group));
  }

  const Graph& graph_;
  const StepOptions& options_;
  std::vector<std::vector<int64_t>> readers_;  // kNoNode: a graph output.
  std::vector<bool> taken_;
  std::vector<FusionGroup> groups_;
};

}  // namespace

std::vector<FusionGroup> FindFusionGroups(const Graph& graph,
                                          const StepOptions& options) {
  if (options.engine == Engine::kNaive) return {};
  return GroupFinder(graph, options).Run();
}

ByteReaders::ByteReaders(const Graph& graph,
                         std::span<const FusionGroup> groups) {
  FindRoots(graph);
  // Absorbed nodes read when the step that they are part of runs.
  std::vector<int64_t> runs_at(graph.nodes.size());
  std::iota(runs_at.begin(), runs_at.end(), int64_t{0});
  for (const FusionGroup& group : groups) {
    for (const int64_t node : group.absorbed) {
      runs_at[static_cast<size_t>(node)] =
          node == group.expand ? group.depthwise : group.last;
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (OnlyRenames(graph.nodes[i].op)) continue;
    for (const ValueRef input : graph.nodes[i].inputs) {
      Reads& reads = reads_[RootOf(input)];
      if (runs_at[i] > reads.last) reads = {.last = runs_at[i], .count = 0};
      if (runs_at[i] == reads.last) ++reads.count;
    }
  }
  for (const GraphOutput& output : graph.outputs) {
    kept_.insert(RootOf(output.value));
  }
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Op op = graph.nodes[static_cast<size_t>(i)].op;
    if (op == Op::kInput || op == Op::kConst) kept_.insert({i, 0});
  }
}

// Renaming operators share the bytes of their source.
void ByteReaders::FindRoots(const Graph& graph) {
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (OnlyRenames(node.op)) renamed_[{i, 0}] = RootOf(node.inputs[0]);
  }
}

ValueRef ByteReaders::RootOf(ValueRef value) const {
  const auto found = renamed_.find(value);
  return found == renamed_.end() ? value : found->second;
}

bool ByteReaders::MayOverwrite(ValueRef value, int64_t node) const {
  const ValueRef root = RootOf(value);
  const auto found = reads_.find(root);
  return !kept_.contains(root) && found != reads_.end() &&
         found->second.last == node && found->second.count == 1;
}

}  // namespace cyto8
