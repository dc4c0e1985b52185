// SPDX-License-Identifier: Apache-2.0
// Makers of fused steps; see fused_steps.h.
//
// Squeeze-and-excitation is split: the depthwise convolution in front sums its
// channels while they are in registers; the gate is computed from the means;
// and since a pointwise convolution of scaled channels is one with scaled
// weights, the gate multiplies some ten thousand weights, in oneDNN's packed
// order, and not some million pixels.
//
// A map that is too large for the cache, made by a pointwise convolution for a
// depthwise one, is never whole: some rows are made, activated and used while
// they are near. D2's largest map has 57 MB; its rows take 0.6 MB at a time.
#include "detector/runtime/fused_steps.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "detector/kernels/activation_f32.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/feature_fusion_f32.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/squeeze_excite_f32.h"
#include "detector/runtime/scratch_layout.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

std::span<const float> ConstantFloats(const StepContext& context, size_t i) {
  if (i >= context.input_count()) return {};
  return context.constant(i)->data<float>();
}

// A pointwise convolution of one image in blocks of rows, whose results go into
// a ring of rows; everything but the memory.
struct RowBlocks {
  int64_t rows = 0;   // of a block; the last one may be lower.
  int64_t ring = 0;   // rows, a multiple of `rows`.
  int64_t count = 0;  // of blocks.
  int64_t height = 0;
  int64_t src_row_floats = 0;
  int64_t dst_row_floats = 0;
  Activation activation = Activation::kNone;
  std::shared_ptr<const OneDnnPrimitive> whole = nullptr;
  std::shared_ptr<const OneDnnPrimitive> last = nullptr;

  const OneDnnPrimitive& Primitive(int64_t block) const {
    return block + 1 < count ? *whole : *last;
  }
  int64_t RowsBefore(int64_t block) const {
    return std::min(block * rows, height);
  }
};

// Enough pixels in a block for oneDNN to run at full speed, and rows enough in
// the ring for a window to reach over from the block before.
RowBlocks BlocksOf(const Conv2dShape& expand, int64_t kernel) {
  constexpr int64_t kPixels = 192;
  constexpr int64_t kMinRows = 2;
  RowBlocks blocks;
  blocks.height = expand.in_height;
  blocks.rows = std::clamp((kPixels + expand.in_width - 1) / expand.in_width,
                           kMinRows, std::max(kMinRows, blocks.height));
  blocks.count = (blocks.height + blocks.rows - 1) / blocks.rows;
  blocks.ring =
      (1 + (kernel - 1 + blocks.rows - 1) / blocks.rows) * blocks.rows;
  blocks.src_row_floats = expand.in_width * expand.in_channels;
  blocks.dst_row_floats = expand.in_width * expand.out_channels;
  blocks.activation = expand.activation;
  return blocks;
}

// Packs once what several primitives want in the same order.
PackedLookup Remember(PackedLookup lookup) {
  using Packed = std::shared_ptr<const PackedBytes>;
  auto known = std::make_shared<std::map<std::string, Packed>>();
  return [=](const std::string& layout, int64_t size,
             const PackFunction& pack) -> StatusOr<Packed> {
    Packed& packed = (*known)[layout];
    if (packed == nullptr) {
      CYTO8_ASSIGN_OR_RETURN(packed, lookup(layout, size, pack));
    }
    return packed;
  };
}

StatusOr<RowBlocks> MakeRowBlocks(const Graph& graph, int64_t expand,
                                  int64_t kernel, const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, expand, options));
  CYTO8_ASSIGN_OR_RETURN(Conv2dShape shape, ConvShapeOf(context));
  RowBlocks blocks = BlocksOf(shape, kernel);
  shape.activation = Activation::kNone;  // ours is faster than oneDNN's.
  const PackedLookup packed = Remember(context.PackedConstant(1));
  const auto of_rows = [&](int64_t rows) -> OneDnnPrimitive::Result {
    shape.in_height = shape.out_height = rows;
    return OneDnnPrimitive::Conv2d(shape, ConstantFloats(context, 1),
                                   ConstantFloats(context, 2), packed);
  };
  CYTO8_ASSIGN_OR_RETURN(blocks.whole, of_rows(blocks.rows));
  CYTO8_ASSIGN_OR_RETURN(
      blocks.last, of_rows(blocks.height - (blocks.count - 1) * blocks.rows));
  return blocks;
}

// A depthwise convolution of one image, with the means of its channels as a
// second result or without, of an image or of what row blocks make.
struct DepthwiseRecipe {
  Conv2dShape shape;
  DepthwiseRowsKernel kernel = nullptr;
  Isa isa = Isa::kPlain;
  bool has_bias = false;
  bool has_means = false;
  std::optional<RowBlocks> blocks = {};
  int64_t sums = 0;  // in scratch, as are the others.
  int64_t row_sums = 0;
  int64_t ring = 0;

  DepthwiseRows Rows(const StepBuffers& b) const;
  void TakeMeans(const StepBuffers& b) const;
  // The output rows that can be computed from so many source rows.
  int64_t RowsFrom(int64_t src_rows) const;
};

DepthwiseRows DepthwiseRecipe::Rows(const StepBuffers& b) const {
  DepthwiseRows rows = AllDepthwiseRows(
      shape, blocks ? At<float>(b, ring) : b.In<float>(0).data(),
      b.In<float>(1).data(), has_bias ? b.In<float>(2).data() : nullptr,
      b.Out<float>().data());
  if (blocks) rows.ring_rows = blocks->ring;
  if (has_means) {
    rows.sums = At<double>(b, sums);
    rows.row_sums = At<float>(b, row_sums);
    std::fill_n(rows.sums, shape.in_channels, 0.0);
  }
  return rows;
}

void DepthwiseRecipe::TakeMeans(const StepBuffers& b) const {
  if (!has_means) return;
  const auto pixels = static_cast<double>(shape.out_height * shape.out_width);
  const double* const totals = At<double>(b, sums);
  std::transform(totals, totals + shape.in_channels, b.Out<float>(1).begin(),
                 [=](double sum) { return static_cast<float>(sum / pixels); });
}

int64_t DepthwiseRecipe::RowsFrom(int64_t src_rows) const {
  if (src_rows == shape.in_height) return shape.out_height;
  const int64_t reach = src_rows - shape.kernel_height + shape.pad_top;
  const int64_t rows = reach < 0 ? 0 : reach / shape.stride_y + 1;
  return std::min(rows, shape.out_height);
}

// Blocks of rows, each into its place in the ring.
StatusOr<std::vector<OneDnnCall>> BindBlocks(const RowBlocks& blocks,
                                             const StepBuffers& b,
                                             float* ring) {
  std::vector<OneDnnCall> calls;
  for (int64_t i = 0; i < blocks.count; ++i) {
    const int64_t row = i * blocks.rows;
    CYTO8_ASSIGN_OR_RETURN(
        OneDnnCall call,
        OneDnnCall::Create(blocks.Primitive(i),
                           b.In<float>(0).data() + row * blocks.src_row_floats,
                           ring + row % blocks.ring * blocks.dst_row_floats,
                           b.scratch.data()));
    calls.push_back(std::move(call));
  }
  return calls;
}

Status RunBlocks(const DepthwiseRecipe& recipe, const StepBuffers& b,
                 std::vector<OneDnnCall>& calls) {
  const RowBlocks& blocks = *recipe.blocks;
  DepthwiseRows rows = recipe.Rows(b);
  float* const ring = At<float>(b, recipe.ring);
  rows.last_row = 0;
  for (int64_t i = 0; i < blocks.count; ++i) {
    CYTO8_RETURN_IF_ERROR(calls[static_cast<size_t>(i)].Run());
    const int64_t first = blocks.RowsBefore(i);
    const int64_t end = blocks.RowsBefore(i + 1);
    const std::span<float> made(
        ring + first % blocks.ring * blocks.dst_row_floats,
        static_cast<size_t>((end - first) * blocks.dst_row_floats));
    CYTO8_RETURN_IF_ERROR(
        ActivateF32(recipe.isa, blocks.activation, made, made));
    rows.first_row = rows.last_row;
    rows.last_row = recipe.RowsFrom(end);
    recipe.kernel(rows);
  }
  recipe.TakeMeans(b);
  return OkStatus();
}

Step DepthwiseStepOf(DepthwiseRecipe made, size_t sources,
                     int64_t scratch_bytes) {
  const auto recipe = std::make_shared<const DepthwiseRecipe>(std::move(made));
  auto bind = [recipe](StepBuffers b) -> StatusOr<StepCall> {
    if (!recipe->blocks) {
      return StepCall([recipe, b = std::move(b)](ParallelFor&) {
        recipe->kernel(recipe->Rows(b));
        recipe->TakeMeans(b);
        return OkStatus();
      });
    }
    CYTO8_ASSIGN_OR_RETURN(
        std::vector<OneDnnCall> bound,
        BindBlocks(*recipe->blocks, b, At<float>(b, recipe->ring)));
    auto calls = std::make_shared<std::vector<OneDnnCall>>(std::move(bound));
    return StepCall([recipe, calls, b = std::move(b)](ParallelFor&) {
      return RunBlocks(*recipe, b, *calls);
    });
  };
  return {.reads = FirstInputs(sources),
          .scratch_bytes = scratch_bytes,
          .bind = std::move(bind)};
}

StatusOr<FusedStep> DepthwiseStep(const Graph& graph, const FusionGroup& group,
                                  const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, group.depthwise, options));
  DepthwiseRecipe recipe = {.shape = {}, .isa = options.isa};
  CYTO8_ASSIGN_OR_RETURN(recipe.shape, ConvShapeOf(context));
  recipe.kernel = FastDepthwise(options.isa, recipe.shape);
  recipe.has_bias = context.input_count() > 2;
  recipe.has_means = group.gate != kNoNode;
  FusedStep fused = {.src = context.node().inputs};
  ScratchLayout layout;
  const int64_t channels = recipe.shape.in_channels;
  if (group.expand != kNoNode) {
    CYTO8_ASSIGN_OR_RETURN(recipe.blocks,
                           MakeRowBlocks(graph, group.expand,
                                         recipe.shape.kernel_height, options));
    fused.src[0] = graph.nodes[static_cast<size_t>(group.expand)].inputs[0];
    const RowBlocks& blocks = *recipe.blocks;
    layout.Take<std::byte>(
        std::max(blocks.whole->scratch_bytes(), blocks.last->scratch_bytes()));
    recipe.ring = layout.Take<float>(blocks.ring * blocks.dst_row_floats);
  }
  if (recipe.has_means) {
    recipe.sums = layout.Take<double>(channels);
    recipe.row_sums = layout.Take<float>(channels);
    fused.hidden_bytes = {channels * static_cast<int64_t>(sizeof(float))};
  }
  fused.step =
      DepthwiseStepOf(std::move(recipe), fused.src.size(), layout.bytes());
  return fused;
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
void AddGate(const Graph& graph, const FusionGroup& group,
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
  if (group.depthwise != kNoNode) {
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
                                    const FusionGroup& group,
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
    AddGate(graph, group, layout, conv, fused.src);
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
    return FusedSteps{.last = std::move(sum)};
  }
  FusedSteps steps;
  if (group.depthwise != kNoNode) {
    CYTO8_ASSIGN_OR_RETURN(steps.depthwise,
                           DepthwiseStep(graph, group, options));
  }
  if (group.main == group.depthwise) return steps;
  CYTO8_ASSIGN_OR_RETURN(steps.last,
                         ConvolutionStep(graph, group, readers, options));
  return steps;
}

}  // namespace cyto8
