// SPDX-License-Identifier: Apache-2.0
// Makers of fused steps; see fused_steps.h.
//
// Squeeze-and-excitation is split: the depthwise convolution in front sums its
// channels while they are in registers; the gate is computed from the means;
// and since a pointwise convolution of scaled channels is one with scaled
// weights, the gate multiplies some ten thousand weights, in oneDNN's packed
// order, and not some million pixels.
#include "detector/runtime/fused_steps.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/checked_math.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/feature_fusion_f32.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/squeeze_excite_f32.h"
#include "detector/runtime/memory_plan.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

// Parts of a step's scratch, each on a cache line.
class ScratchLayout {
 public:
  // The offset of `count` elements of type T.
  template <typename T>
  int64_t Take(int64_t count) {
    const int64_t offset = bytes_;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    bytes_ +=
        (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    return offset;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

template <typename T>
T* At(const StepBuffers& buffers, int64_t offset) {
  return reinterpret_cast<T*>(buffers.scratch.data() + offset);
}

std::span<const float> ConstantFloats(const StepContext& context, size_t i) {
  if (i >= context.input_count()) return {};
  return context.constant(i)->data<float>();
}

// A depthwise convolution of one image that also gives the means of its
// channels, as a second result.
StatusOr<FusedStep> DepthwiseWithMeans(const Graph& graph, int64_t node,
                                       const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, node, options));
  CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ConvShapeOf(context));
  const DepthwiseRowsKernel kernel = FastDepthwise(options.isa, shape);
  const bool has_bias = context.input_count() > 2;
  ScratchLayout layout;
  const int64_t sums = layout.Take<double>(shape.in_channels);
  const int64_t row_sums = layout.Take<float>(shape.in_channels);
  Step step =
      StepThat(FirstInputs(context.input_count()), [=](const StepBuffers& b) {
        DepthwiseRows rows = AllDepthwiseRows(
            shape, b.In<float>(0).data(), b.In<float>(1).data(),
            has_bias ? b.In<float>(2).data() : nullptr, b.Out<float>().data());
        rows.sums = At<double>(b, sums);
        rows.row_sums = At<float>(b, row_sums);
        std::fill_n(rows.sums, shape.in_channels, 0.0);
        kernel(rows);
        const auto pixels =
            static_cast<double>(shape.out_height * shape.out_width);
        std::transform(
            rows.sums, rows.sums + shape.in_channels, b.Out<float>(1).begin(),
            [=](double sum) { return static_cast<float>(sum / pixels); });
        return OkStatus();
      });
  step.scratch_bytes = layout.bytes();
  return FusedStep{.step = std::move(step),
                   .src = context.node().inputs,
                   .hidden_bytes = {shape.in_channels *
                                    static_cast<int64_t>(sizeof(float))}};
}

// Where the parts of a gated convolution lie in its scratch.
struct GateScratch {
  int64_t weights = 0;  // scaled, in oneDNN's order.
  int64_t gate = 0;
  int64_t reduced = 0;
  int64_t sums = 0;   // only if the step computes the means itself.
  int64_t means = 0;  // likewise.
};

// Everything but the memory of a group that ends in a convolution.
struct ConvGroup {
  std::shared_ptr<const OneDnnPrimitive> primitive = nullptr;
  std::optional<size_t> addend = {};  // sources, by number.
  std::optional<size_t> gate = {};    // the first of its four weights.
  std::optional<size_t> means = {};
  Isa isa = Isa::kPlain;
  SqueezeExciteShape gate_shape = {};
  GateScratch scratch = {};

  void ScaleWeights(const StepBuffers& b) const;
};

void ConvGroup::ScaleWeights(const StepBuffers& b) const {
  const SqueezeExciteKernels parts = SqueezeExciteParts(isa);
  const float* mean_values = means ? b.In<float>(*means).data() : nullptr;
  if (!means) {
    float* const computed = At<float>(b, scratch.means);
    parts.means(b.In<float>(0).data(), gate_shape.pixels, gate_shape.channels,
                At<double>(b, scratch.sums), computed);
    mean_values = computed;
  }
  float* const factors = At<float>(b, scratch.gate);
  SqueezeExciteGate(isa, gate_shape, mean_values,
                    {.reduce_wei = b.In<float>(*gate),
                     .reduce_bias = b.In<float>(*gate + 1),
                     .expand_wei = b.In<float>(*gate + 2),
                     .expand_bias = b.In<float>(*gate + 3)},
                    At<float>(b, scratch.reduced), factors);
  const std::vector<ScaledRun>& runs = primitive->weight_runs();
  parts.scale_runs(runs.data(), std::ssize(runs),
                   primitive->packed_weights().data(), factors,
                   At<float>(b, scratch.weights));
}

Step ConvGroupStep(ConvGroup group, size_t sources, int64_t scratch_bytes) {
  auto shared = std::make_shared<const ConvGroup>(std::move(group));
  auto bind = [shared](StepBuffers b) -> StatusOr<StepCall> {
    OneDnnOperands operands = {.src = b.In<float>(0).data(),
                               .dst = b.Out<float>().data(),
                               .scratch = b.scratch.data()};
    if (shared->addend) operands.addend = b.In<float>(*shared->addend).data();
    if (shared->gate) {
      operands.weights = At<float>(b, shared->scratch.weights);
    }
    CYTO8_ASSIGN_OR_RETURN(OneDnnCall made,
                           OneDnnCall::Create(*shared->primitive, operands));
    auto call = std::make_shared<OneDnnCall>(std::move(made));
    return StepCall([shared, call, b = std::move(b)](ParallelFor&) {
      if (shared->gate) shared->ScaleWeights(b);
      return call->Run();
    });
  };
  return {.reads = FirstInputs(sources),
          .scratch_bytes = scratch_bytes,
          .bind = std::move(bind)};
}

StatusOr<std::shared_ptr<const OneDnnPrimitive>> PrimitiveOf(
    const StepContext& context, const ConvExtras& extras) {
  CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ConvShapeOf(context));
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<const OneDnnPrimitive> primitive,
      OneDnnPrimitive::Conv2d(shape, ConstantFloats(context, 1),
                              ConstantFloats(context, 2),
                              context.PackedConstant(1), extras));
  return std::shared_ptr<const OneDnnPrimitive>(std::move(primitive));
}

// The sources of the gate, and what it needs in scratch.
void AddGate(const Graph& graph, const FusionGroup& group, bool has_means,
             ScratchLayout& layout, ConvGroup& conv,
             std::vector<ValueRef>& src) {
  const Node& node = graph.nodes[static_cast<size_t>(group.gate)];
  const Shape& image = *graph.desc(node.inputs[0]).shape;
  conv.gate_shape = {
      .pixels = image[1] * image[2],
      .channels = image[3],
      .reduced = graph.desc(node.inputs[1]).shape->back(),
      .activation = node.As<SqueezeExciteAttributes>().activation};
  src[0] = node.inputs[0];
  conv.gate = src.size();
  src.insert(src.end(), node.inputs.begin() + 1, node.inputs.end());
  if (has_means) {
    conv.means = src.size();
    src.push_back({.node = group.depthwise, .port = 1});
  } else {
    conv.scratch.sums = layout.Take<double>(conv.gate_shape.channels);
    conv.scratch.means = layout.Take<float>(conv.gate_shape.channels);
  }
  conv.scratch.weights =
      layout.Take<float>(std::ssize(conv.primitive->packed_weights()));
  conv.scratch.gate = layout.Take<float>(conv.gate_shape.channels);
  conv.scratch.reduced = layout.Take<float>(conv.gate_shape.reduced);
}

StatusOr<FusedStep> ConvolutionStep(const Graph& graph,
                                    const FusionGroup& group, bool has_means,
                                    const ByteReaders& readers,
                                    const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, group.main, options));
  const bool in_place =
      group.add != kNoNode && readers.MayOverwrite(group.addend, group.last);
  const ConvExtras extras = {.addend = group.add == kNoNode ? ConvAddend::kNone
                                       : in_place ? ConvAddend::kInPlace
                                                  : ConvAddend::kSeparate,
                             .last = group.activation,
                             .scales_inputs = group.gate != kNoNode};
  ConvGroup conv = {.isa = options.isa};
  CYTO8_ASSIGN_OR_RETURN(conv.primitive, PrimitiveOf(context, extras));
  ScratchLayout layout;
  layout.Take<std::byte>(conv.primitive->scratch_bytes());
  FusedStep fused = {.src = {context.node().inputs[0]}};
  if (group.gate != kNoNode) {
    AddGate(graph, group, has_means, layout, conv, fused.src);
  }
  if (group.add != kNoNode) {
    if (in_place) fused.overwrites = fused.src.size();
    conv.addend = fused.src.size();
    fused.src.push_back(group.addend);
  }
  fused.step = ConvGroupStep(std::move(conv), fused.src.size(), layout.bytes());
  return fused;
}

// Weights [n] or [n, C] as [n, C].
std::vector<float> WeightPerChannel(std::span<const float> weights, size_t n,
                                    size_t channels) {
  if (weights.size() == n * channels) return {weights.begin(), weights.end()};
  std::vector<float> all;
  for (const float weight : weights) all.insert(all.end(), channels, weight);
  return all;
}

StatusOr<FusionSource> SourceOf(const Graph& graph, int64_t resizer,
                                const StepOptions& options) {
  FusionSource source;
  if (resizer == kNoNode) return source;
  const Node& node = graph.nodes[static_cast<size_t>(resizer)];
  if (node.op == Op::kUpsampleNearest) {
    source.factor_y = node.As<UpsampleAttributes>().factor_y;
    source.factor_x = node.As<UpsampleAttributes>().factor_x;
    return source;
  }
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, resizer, options));
  CYTO8_ASSIGN_OR_RETURN(source.pool, PoolShapeOf(context));
  return source;
}

// What a fusion is, without its memory.
struct FusionRecipe {
  Isa isa = Isa::kPlain;
  FeatureFusionShape shape;
  std::vector<float> weights;
};

Step FusionStep(FusionRecipe recipe) {
  const size_t sources = recipe.shape.sources.size();
  const int64_t scratch = FeatureFusionScratch(recipe.shape);
  auto shared = std::make_shared<const FusionRecipe>(std::move(recipe));
  auto bind = [shared, sources](StepBuffers b) -> StatusOr<StepCall> {
    std::vector<std::span<const float>> src;
    for (size_t i = 0; i < sources; ++i) src.push_back(b.In<float>(i));
    const std::span<float> floats(At<float>(b, 0),
                                  b.scratch.size() / sizeof(float));
    return StepCall([shared, src = std::move(src), floats,
                     dst = b.Out<float>()](ParallelFor&) {
      return FeatureFusionF32(shared->isa, shared->shape, shared->weights, src,
                              floats, dst);
    });
  };
  return {.reads = FirstInputs(sources),
          .scratch_bytes = scratch * static_cast<int64_t>(sizeof(float)),
          .bind = std::move(bind)};
}

StatusOr<FusedStep> WeightedSumStep(const Graph& graph,
                                    const FusionGroup& group,
                                    const StepOptions& options) {
  const Node& node = graph.nodes[static_cast<size_t>(group.main)];
  const Shape& dst = *node.outputs[0].shape;
  FusionRecipe recipe = {.isa = options.isa,
                         .shape = {.batch = dst[0],
                                   .height = dst[1],
                                   .width = dst[2],
                                   .channels = dst[3],
                                   .activation = group.activation,
                                   .sources = {}},
                         .weights = {}};
  std::vector<ValueRef> src;
  for (size_t i = 0; i + 1 < node.inputs.size(); ++i) {
    const int64_t resizer = group.resizers[i];
    CYTO8_ASSIGN_OR_RETURN(const FusionSource source,
                           SourceOf(graph, resizer, options));
    recipe.shape.sources.push_back(source);
    src.push_back(resizer == kNoNode
                      ? node.inputs[i]
                      : graph.nodes[static_cast<size_t>(resizer)].inputs[0]);
  }
  CYTO8_RETURN_IF_ERROR(CheckFeatureFusion(recipe.shape));
  recipe.weights = WeightPerChannel(
      ConstantOf(graph, node.inputs.back())->data<float>(),
      recipe.shape.sources.size(), static_cast<size_t>(dst[3]));
  return FusedStep{.step = FusionStep(std::move(recipe)),
                   .src = std::move(src)};
}

}  // namespace

StatusOr<FusedSteps> MakeFusedSteps(const Graph& graph,
                                    const FusionGroup& group,
                                    const ByteReaders& readers,
                                    const StepOptions& options) {
  if (graph.nodes[static_cast<size_t>(group.main)].op == Op::kWeightedSum) {
    CYTO8_ASSIGN_OR_RETURN(FusedStep sum,
                           WeightedSumStep(graph, group, options));
    return FusedSteps{.last = std::move(sum), .depthwise = std::nullopt};
  }
  const bool has_depthwise = group.depthwise != kNoNode;
  CYTO8_ASSIGN_OR_RETURN(
      FusedStep conv,
      ConvolutionStep(graph, group, has_depthwise, readers, options));
  FusedSteps steps = {.last = std::move(conv), .depthwise = std::nullopt};
  if (has_depthwise) {
    CYTO8_ASSIGN_OR_RETURN(steps.depthwise,
                           DepthwiseWithMeans(graph, group.depthwise, options));
  }
  return steps;
}

}  // namespace cyto8
