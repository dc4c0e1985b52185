// SPDX-License-Identifier: Apache-2.0
// Steps of INT8 convolutions; see step_context.h. A dense convolution is a 1x1
// one of patches, copied some pixels at a time. A gate multiplies the weights,
// once an image. Tested by tests/detector/runtime/quantized_steps_test.cc.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "detector/kernels/depthwise_u8s8.h"
#include "detector/kernels/patch_rows.h"
#include "detector/kernels/pointwise_u8s8.h"
#include "detector/kernels/squeeze_excite_gate.h"
#include "detector/runtime/quantized_constants.h"
#include "detector/runtime/quantized_stream.h"
#include "detector/runtime/row_split.h"
#include "detector/runtime/scratch_layout.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

// Output pixels whose patches are held at a time: they stay in the first-level
// cache.
constexpr int64_t kPatchPixels = 96;

const QuantizedConvAttributes& AttributesOf(const StepContext& context) {
  return context.node().As<QuantizedConvAttributes>();
}

int64_t InputsOf(const Conv2dShape& shape) {
  return shape.kernel_height * shape.kernel_width * shape.in_channels;
}

bool IsPointwise(const Conv2dShape& shape) {
  return shape.kernel_height == 1 && shape.kernel_width == 1 &&
         shape.stride_y == 1 && shape.stride_x == 1 &&
         shape.in_height == shape.out_height &&
         shape.in_width == shape.out_width;
}

// Everything of a convolution but the memory of a request. Its kernel's struct
// points into what is beside it.
struct QuantizedConv {
  Conv2dShape shape;
  PointwiseKernel kernel = nullptr;
  bool is_float = false;
  std::vector<uint8_t> pad;  // patches only.
  AlignedConstant wei;
  RequantizationOf requantization;
  std::shared_ptr<const PackedBytes> factors;  // bias, shift, multiplier.
  AlignedConstant bias;                        // floats only, as the next.
  AlignedConstant scale_and_offset;
  std::optional<size_t> addend;
  int32_t addend_multiplier = 0;

  int64_t pixels() const {
    return shape.batch * shape.out_height * shape.out_width;
  }
  int64_t work() const {
    return pixels() * InputsOf(shape) * shape.out_channels;
  }
  PointwiseRows Rows() const;
  PointwiseRows RowsOf(const StepBuffers& b) const;
};

PointwiseRows QuantizedConv::Rows() const {
  const int64_t outputs = PackedOutputs(shape.out_channels);
  PointwiseRows rows = {.in_channels = InputsOf(shape),
                        .out_channels = shape.out_channels,
                        .wei = wei.data<int8_t>(),
                        .requantization = requantization.layer,
                        .addend_multiplier = addend_multiplier};
  if (is_float) {
    rows.bias = bias.data<int32_t>();
    rows.scale = scale_and_offset.data<float>();
    rows.offset = rows.scale + outputs;
  } else if (factors != nullptr) {
    rows.bias = reinterpret_cast<const int32_t*>(factors->bytes().data());
    rows.shift = rows.bias + outputs;
    rows.multiplier = reinterpret_cast<const int16_t*>(rows.shift + outputs);
  }
  return rows;
}

// All pixels of the batch.
PointwiseRows QuantizedConv::RowsOf(const StepBuffers& b) const {
  PointwiseRows rows = Rows();
  rows.pixels = pixels();
  rows.src = b.In<uint8_t>(0).data();
  if (addend) rows.addend = b.In<uint8_t>(*addend).data();
  if (is_float) {
    rows.dst_f32 = b.Out<float>().data();
  } else {
    rows.dst = b.Out<uint8_t>().data();
  }
  return rows;
}

// Pixels [first, last) of `rows`, whose src is `src`.
PointwiseRows Part(PointwiseRows rows, int64_t first, int64_t last,
                   const uint8_t* src) {
  const int64_t before = first * rows.out_channels;
  rows.pixels = last - first;
  rows.src = src;
  if (rows.addend != nullptr) rows.addend += before;
  if (rows.dst != nullptr) rows.dst += before;
  if (rows.dst_f32 != nullptr) rows.dst_f32 += before;
  return rows;
}

// Output pixels [first, last), counted over the batch, of a dense convolution.
void RunPatches(const QuantizedConv& conv, const PointwiseRows& all,
                int64_t first, int64_t last, uint8_t* patches) {
  const Conv2dShape& shape = conv.shape;
  const int64_t image_pixels = shape.out_height * shape.out_width;
  const int64_t src_step = shape.in_height * shape.in_width * shape.in_channels;
  while (first < last) {
    const int64_t image = first / image_pixels;
    const int64_t end =
        std::min({last, first + kPatchPixels, (image + 1) * image_pixels});
    const int64_t before = image * image_pixels;
    CopyPatches(shape, all.src + image * src_step, conv.pad.data(),
                first - before, end - before, patches);
    conv.kernel(Part(all, first, end, patches));
    first = end;
  }
}

void RunPointwise(const QuantizedConv& conv, const PointwiseRows& all,
                  int64_t first, int64_t last) {
  conv.kernel(Part(all, first, last, all.src + first * conv.shape.in_channels));
}

// One line more: kernels read whole quads.
int64_t PatchBytes(const QuantizedConv& conv) {
  const int64_t bytes = kPatchPixels * InputsOf(conv.shape) + kBufferAlignment;
  return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

Step ConvStep(QuantizedConv made) {
  const auto conv = std::make_shared<const QuantizedConv>(std::move(made));
  const bool pointwise = IsPointwise(conv->shape);
  const int64_t patch_bytes = pointwise ? 0 : PatchBytes(*conv);
  auto bind = [=](const StepBuffers& b) -> StatusOr<StepCall> {
    const PointwiseRows all = conv->RowsOf(b);
    uint8_t* const scratch = At<uint8_t>(b, 0);
    const auto body = [=](int64_t piece, int64_t first, int64_t last) {
      if (pointwise) {
        RunPointwise(*conv, all, first, last);
      } else {
        RunPatches(*conv, all, first, last, scratch + piece * patch_bytes);
      }
    };
    return StepCall([split = RowSplit(conv->pixels(), conv->work(), body)](
                        ParallelFor& executor) {
      split.Run(executor);
      return OkStatus();
    });
  };
  std::vector<size_t> reads = {0};
  if (conv->addend) reads.push_back(*conv->addend);
  return {.reads = std::move(reads),
          .scratch_bytes = patch_bytes * RowSplit::kMaxPieces,
          .bind = std::move(bind)};
}

// The multipliers as the kernels want them, behind bias and shift.
StatusOr<std::shared_ptr<const PackedBytes>> PackedFactorsOf(
    const StepContext& context, size_t i, int64_t outputs) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ChannelFactor> factors,
                         FactorsOf(context, i, outputs));
  constexpr int64_t kBytes = 2 * sizeof(int32_t) + sizeof(int16_t);
  auto packed = std::make_shared<PackedBytes>(outputs * kBytes);
  auto* const bias = reinterpret_cast<int32_t*>(packed->bytes().data());
  auto* const multiplier = reinterpret_cast<int16_t*>(bias + 2 * outputs);
  for (size_t c = 0; c < factors.size(); ++c) {
    bias[c] = factors[c].bias;
    bias[factors.size() + c] = factors[c].shift;
    multiplier[c] = static_cast<int16_t>(factors[c].multiplier);
  }
  return std::shared_ptr<const PackedBytes>(std::move(packed));
}

// What all convolutions but depthwise ones share.
StatusOr<QuantizedConv> CommonConv(const StepContext& context) {
  const QuantizedConvAttributes& attributes = AttributesOf(context);
  QuantizedConv conv;
  CYTO8_ASSIGN_OR_RETURN(conv.shape, ConvShapeOf(context));
  CYTO8_RETURN_IF_ERROR(
      CheckPointwise(InputsOf(conv.shape), conv.shape.out_channels));
  conv.kernel = PointwiseKernelFor(context.isa());
  conv.requantization = MakeRequantization(attributes.requantize);
  conv.addend_multiplier = static_cast<int32_t>(attributes.addend_multiplier);
  conv.pad.assign(static_cast<size_t>(conv.shape.in_channels),
                  static_cast<uint8_t>(attributes.src.zero_point));
  std::ranges::transform(attributes.pad, conv.pad.begin(), [](int64_t code) {
    return static_cast<uint8_t>(code);
  });
  return conv;
}

StatusOr<QuantizedConv> MakeConv(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(QuantizedConv conv, CommonConv(context));
  const int64_t inputs = InputsOf(conv.shape);
  const int64_t outputs = PackedOutputs(conv.shape.out_channels);
  CYTO8_ASSIGN_OR_RETURN(
      conv.wei, AlignedConstant::Create(
                    context, 1, DataType::kInt8,
                    PackedPointwiseBytes(inputs, conv.shape.out_channels)));
  conv.is_float = context.node().op == Op::kQuantizedConv2DFloat;
  if (conv.is_float) {
    CYTO8_ASSIGN_OR_RETURN(
        conv.bias,
        AlignedConstant::Create(context, 2, DataType::kInt32, outputs));
    CYTO8_ASSIGN_OR_RETURN(
        conv.scale_and_offset,
        AlignedConstant::Create(context, 3, DataType::kFloat32, 2 * outputs));
  } else {
    CYTO8_ASSIGN_OR_RETURN(conv.factors, PackedFactorsOf(context, 2, outputs));
    if (context.input_count() > 3) conv.addend = 3;
  }
  return conv;
}

MaybeStep MakeConvStep(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(QuantizedConv conv, MakeConv(context));
  return ConvStep(std::move(conv));
}

// A 1x1 convolution behind a gate.
struct GatedConv {
  QuantizedConv conv;
  Isa isa = Isa::kPlain;
  AlignedConstant wei16;
  AlignedConstant scale_and_bias;
  GatedLayer layer;
  // Offsets in scratch.
  int64_t wei = 0, bias = 0, shift = 0, multiplier = 0, work = 0;

  GatedWeights WeightsIn(const StepBuffers& b) const {
    return {.wei = At<int8_t>(b, wei),
            .bias = At<int32_t>(b, bias),
            .shift = At<int32_t>(b, shift),
            .multiplier = At<int16_t>(b, multiplier)};
  }
};

PointwiseRows GatedRows(const GatedConv& gated, const StepBuffers& b) {
  PointwiseRows rows = gated.conv.RowsOf(b);
  const GatedWeights weights = gated.WeightsIn(b);
  rows.wei = weights.wei;
  rows.bias = weights.bias;
  rows.shift = weights.shift;
  rows.multiplier = weights.multiplier;
  return rows;
}

// One image after the other: each has weights of its own.
StatusOr<StepCall> BindGated(const std::shared_ptr<const GatedConv>& gated,
                             const StepBuffers& b) {
  const Conv2dShape& shape = gated->conv.shape;
  const int64_t pixels = shape.out_height * shape.out_width;
  const PointwiseRows all = GatedRows(*gated, b);
  const auto image = std::make_shared<int64_t>(0);
  const auto body = [gated, all, image, pixels](int64_t, int64_t first,
                                                int64_t last) {
    const int64_t before = *image * pixels;
    RunPointwise(gated->conv, all, before + first, before + last);
  };
  const RowSplit split(pixels, gated->conv.work() / shape.batch, body);
  return StepCall([gated, b, split, image](ParallelFor& executor) {
    const Conv2dShape& conv = gated->conv.shape;
    const auto channels = static_cast<size_t>(conv.in_channels);
    for (*image = 0; *image < conv.batch; ++*image) {
      MakeGatedWeights(gated->isa, gated->layer,
                       b.In<float>(3).subspan(
                           static_cast<size_t>(*image) * channels, channels),
                       At<std::byte>(b, gated->work), gated->WeightsIn(b));
      split.Run(executor);
    }
    return OkStatus();
  });
}

// Numbers of the layer behind the gate; the constants are there already.
GatedLayer LayerOf(const StepContext& context, const GatedConv& gated) {
  const QuantizedConvAttributes& attributes = AttributesOf(context);
  const Conv2dShape& shape = gated.conv.shape;
  const auto outputs = static_cast<size_t>(shape.out_channels);
  const float* const floats = gated.scale_and_bias.data<float>();
  return {.in_channels = shape.in_channels,
          .out_channels = shape.out_channels,
          .wei16 = gated.wei16.data<int16_t>(),
          .wei_scale = {floats, outputs},
          .bias = {floats + outputs, outputs},
          .src_scale = attributes.src.scale,
          .src_zero_point = attributes.src.zero_point,
          .dst_scale = attributes.requantize.dst.scale,
          // A table has it already.
          .dst_zero_point = gated.conv.requantization.table == nullptr
                                ? attributes.requantize.dst.zero_point
                                : 0,
          .requantization = gated.conv.requantization.layer,
          .addend_offset_codes = attributes.addend_offset_codes};
}

// Factors are made of these for every image; what they are made of is checked
// once.
Status CheckGatedNumbers(const GatedLayer& layer) {
  for (size_t o = 0; o < layer.bias.size(); ++o) {
    constexpr float kLargestWeight = 32768.0f / 127;  // 16 bit in 8.
    const float unit = layer.src_scale * layer.wei_scale[o];
    if (std::isnormal(unit) && unit > 0 &&
        std::isfinite(unit * kLargestWeight) && std::isfinite(layer.bias[o])) {
      continue;
    }
    return InvalidArgument(
        "output " + std::to_string(o) +
        ": scale = " + FormatShortest(static_cast<double>(layer.wei_scale[o])) +
        ", bias = " + FormatShortest(static_cast<double>(layer.bias[o])) +
        ": must be finite, the scale above 0");
  }
  return OkStatus();
}

MaybeStep MakeGatedConv(const StepContext& context) {
  GatedConv gated;
  CYTO8_ASSIGN_OR_RETURN(gated.conv, CommonConv(context));
  const Conv2dShape& shape = gated.conv.shape;
  if (!IsPointwise(shape)) return Unimplemented("kernel: must be 1x1");
  const int64_t wei_bytes =
      PackedPointwiseBytes(shape.in_channels, shape.out_channels);
  CYTO8_ASSIGN_OR_RETURN(
      gated.wei16,
      AlignedConstant::Create(context, 1, DataType::kInt16, wei_bytes));
  CYTO8_ASSIGN_OR_RETURN(gated.scale_and_bias,
                         AlignedConstant::Create(context, 2, DataType::kFloat32,
                                                 2 * shape.out_channels));
  if (context.input_count() > 4) gated.conv.addend = 4;
  gated.isa = context.isa();
  gated.layer = LayerOf(context, gated);
  CYTO8_RETURN_IF_ERROR(CheckGatedNumbers(gated.layer));
  ScratchLayout layout;
  const int64_t outputs = PackedOutputs(shape.out_channels);
  gated.wei = layout.Take<int8_t>(wei_bytes);
  gated.bias = layout.Take<int32_t>(outputs);
  gated.shift = layout.Take<int32_t>(outputs);
  gated.multiplier = layout.Take<int16_t>(outputs);
  gated.work = layout.Take<std::byte>(GatedWeightsScratchBytes(gated.layer));
  std::vector<size_t> reads = {0, 3};
  if (gated.conv.addend) reads.push_back(4);
  const auto shared = std::make_shared<const GatedConv>(std::move(gated));
  return Step{
      .reads = std::move(reads),
      .scratch_bytes = layout.bytes(),
      .bind = [shared](const StepBuffers& b) { return BindGated(shared, b); }};
}

// Adds up what the pieces of an image summed.
void AddPieces(const uint32_t* pieces, int64_t count, int64_t channels,
               uint32_t* sums) {
  std::fill_n(sums, channels, 0);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += pieces[i * channels + c];
  }
}

struct DepthwiseConv {
  DepthwiseU8S8 kernel;
  bool has_sums = false;

  // Of that piece in a step's scratch, cleared; null if none are wanted.
  uint32_t* ClearSums(uint32_t* piece_sums, int64_t piece) const {
    if (!has_sums) return nullptr;
    const int64_t channels = kernel.shape().in_channels;
    return std::fill_n(piece_sums + piece * channels, channels, 0) - channels;
  }
};

// Runs the pieces of one image after the other. `image` tells them which one;
// their sums lie at the beginning of the scratch.
StepCall ImageByImage(const std::shared_ptr<const DepthwiseConv>& conv,
                      const StepBuffers& b, const RowSplit& split,
                      const std::shared_ptr<int64_t>& image) {
  return [=](ParallelFor& executor) {
    const Conv2dShape& shape = conv->kernel.shape();
    for (*image = 0; *image < shape.batch; ++*image) {
      const int64_t pieces = split.Run(executor);
      if (!conv->has_sums) continue;
      AddPieces(At<uint32_t>(b, 0), pieces, shape.in_channels,
                b.Out<uint32_t>(1).data() + *image * shape.in_channels);
    }
    return OkStatus();
  };
}

StatusOr<StepCall> BindDepthwise(
    const std::shared_ptr<const DepthwiseConv>& conv, const StepBuffers& b) {
  const Conv2dShape& shape = conv->kernel.shape();
  const int64_t channels = shape.in_channels;
  const int64_t src_step = shape.in_height * shape.in_width * channels;
  const int64_t dst_step = shape.out_height * shape.out_width * channels;
  uint32_t* const piece_sums = At<uint32_t>(b, 0);
  const auto image = std::make_shared<int64_t>(0);
  const auto body = [=, src = b.In<uint8_t>(0).data(),
                     dst = b.Out<uint8_t>().data()](
                        int64_t piece, int64_t first, int64_t last) {
    conv->kernel.Run(src + *image * src_step, shape.in_height, first, last,
                     dst + *image * dst_step,
                     conv->ClearSums(piece_sums, piece));
  };
  const int64_t work = dst_step * shape.kernel_height * shape.kernel_width;
  const RowSplit split(shape.out_height, work, body);
  return ImageByImage(conv, b, split, image);
}

StatusOr<DepthwiseConv> MakeDepthwise(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ConvShapeOf(context));
  const QuantizedConvAttributes& attributes = AttributesOf(context);
  const int64_t channels = shape.in_channels;
  CYTO8_ASSIGN_OR_RETURN(
      const AlignedConstant wei,
      AlignedConstant::Create(
          context, 1, DataType::kInt8,
          shape.kernel_height * shape.kernel_width * channels));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ChannelFactor> factors,
                         FactorsOf(context, 2, channels));
  const RequantizationOf requantization =
      MakeRequantization(attributes.requantize);
  const std::span<const int8_t> weights(
      wei.data<int8_t>(),
      static_cast<size_t>(shape.kernel_height * shape.kernel_width * channels));
  CYTO8_ASSIGN_OR_RETURN(
      DepthwiseU8S8 kernel,
      DepthwiseU8S8::Create(context.isa(), shape, weights, factors,
                            requantization.layer,
                            static_cast<uint8_t>(attributes.src.zero_point)));
  return DepthwiseConv{.kernel = std::move(kernel),
                       .has_sums = context.IsRead(1)};
}

MaybeStep MakeDepthwiseStep(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(DepthwiseConv made, MakeDepthwise(context));
  const auto conv = std::make_shared<const DepthwiseConv>(std::move(made));
  ScratchLayout layout;
  if (conv->has_sums) {
    layout.Take<uint32_t>(conv->kernel.shape().in_channels *
                          RowSplit::kMaxPieces);
  }
  return Step{
      .reads = {0},
      .scratch_bytes = layout.bytes(),
      .bind = [conv](const StepBuffers& b) { return BindDepthwise(conv, b); }};
}

// Both convolutions and how many rows are between them at a time.
struct Stream {
  QuantizedConv expand;
  DepthwiseConv depthwise;
  int64_t row_bytes = 0;  // of the map between them.
  int64_t ring_rows = 0;
  int64_t block_rows = 0;  // of results.
  int64_t ring_bytes = 0;  // of a piece, a multiple of a cache line.
  int64_t rings = 0;       // offset in scratch.

  const Conv2dShape& shape() const { return depthwise.kernel.shape(); }
  // The first source row that output row `y` sees, and the end of those.
  int64_t FirstSource(int64_t y) const {
    return std::max<int64_t>(0, y * shape().stride_y - shape().pad_top);
  }
  int64_t EndSource(int64_t y) const {
    const int64_t end =
        y * shape().stride_y - shape().pad_top + shape().kernel_height;
    return std::clamp<int64_t>(end, 0, shape().in_height);
  }
  void Expand(const PointwiseRows& all, int64_t first, int64_t last,
              uint8_t* ring) const;
};

// A third of a second-level cache of 1 MiB. The depthwise kernel takes eight
// source rows, and so 8 / stride output rows, at a time.
constexpr int64_t kRingBytes = int64_t{3} << 17;
constexpr int64_t kRowsAtATime = 8;

void SizeRing(Stream& stream) {
  const Conv2dShape& s = stream.shape();
  stream.row_bytes = s.in_width * s.in_channels;
  const int64_t rows = kRingBytes / stream.row_bytes;
  const int64_t at_a_time = std::max<int64_t>(kRowsAtATime / s.stride_y, 1);
  const int64_t fitting = (rows - s.kernel_height) / s.stride_y + 1;
  stream.block_rows =
      std::clamp<int64_t>(fitting / at_a_time * at_a_time,
                          std::min(at_a_time, s.out_height), s.out_height);
  stream.ring_rows =
      (stream.block_rows - 1) * s.stride_y + s.kernel_height + s.stride_y;
  stream.ring_bytes = (stream.ring_rows * stream.row_bytes + kBufferAlignment) /
                      kBufferAlignment * kBufferAlignment;
}

// Source rows [first, last) of one image, each to its place in the ring.
void Stream::Expand(const PointwiseRows& all, int64_t first, int64_t last,
                    uint8_t* ring) const {
  const int64_t width = shape().in_width;
  while (first < last) {
    const int64_t place = first % ring_rows;
    const int64_t rows = std::min(last - first, ring_rows - place);
    PointwiseRows part = all;
    part.pixels = rows * width;
    part.src += first * width * all.in_channels;
    part.dst = ring + place * row_bytes;
    expand.kernel(part);
    first += rows;
  }
}

StatusOr<StepCall> BindStream(const std::shared_ptr<const Stream>& stream,
                              const StepBuffers& b) {
  const Conv2dShape& shape = stream->shape();
  const int64_t channels = shape.in_channels;
  const int64_t dst_step = shape.out_height * shape.out_width * channels;
  const int64_t src_step =
      shape.in_height * shape.in_width * stream->expand.shape.in_channels;
  uint32_t* const piece_sums = At<uint32_t>(b, 0);
  const auto image = std::make_shared<int64_t>(0);
  PointwiseRows all = stream->expand.Rows();
  const auto body = [=, src = b.In<uint8_t>(0).data(),
                     dst = b.Out<uint8_t>().data(),
                     rings = At<uint8_t>(b, stream->rings)](
                        int64_t piece, int64_t first, int64_t last) {
    const Stream& s = *stream;
    uint32_t* const sums = s.depthwise.ClearSums(piece_sums, piece);
    uint8_t* const ring = rings + piece * s.ring_bytes;
    PointwiseRows rows = all;
    rows.src = src + *image * src_step;
    int64_t made = s.FirstSource(first);
    for (int64_t y = first; y < last; y += s.block_rows) {
      const int64_t end = std::min(y + s.block_rows, last);
      const int64_t needed = s.EndSource(end - 1);
      s.Expand(rows, made, needed, ring);
      made = std::max(made, needed);
      s.depthwise.kernel.Run(ring, s.ring_rows, y, end, dst + *image * dst_step,
                             sums);
    }
  };
  const RowSplit split(shape.out_height, stream->expand.work(), body);
  return ImageByImage({stream, &stream->depthwise}, b, split, image);
}

bool IsStream(const Graph& graph, const std::vector<int64_t>& readers,
              const Node& expand, const StepOptions& options) {
  if (expand.op != Op::kQuantizedConv2D || expand.inputs.size() != 3 ||
      readers.size() != 1) {
    return false;
  }
  const auto& conv = expand.As<QuantizedConvAttributes>();
  const auto& shape = expand.outputs[0].shape;
  const auto& src = graph.desc(expand.inputs[0]).shape;
  const bool is_1x1 = conv.kernel[0] == 1 && conv.kernel[1] == 1 && shape &&
                      IsStatic(*shape) && src && (*src)[1] == (*shape)[1] &&
                      (*src)[2] == (*shape)[2];
  if (!is_1x1) return false;
  const int64_t pixels = (*shape)[1] * (*shape)[2];
  // Every block of rows reads all weights again.
  return pixels * shape->back() >= options.min_streamed_bytes &&
         pixels >= 2 * src->back();
}

}  // namespace

MaybeStep MakeQuantizedConvStep(const StepContext& context) {
  switch (context.node().op) {
    case Op::kQuantizedConv2D:
    case Op::kQuantizedConv2DFloat:
      return MakeConvStep(context);
    case Op::kGatedConv2D:
      return MakeGatedConv(context);
    case Op::kQuantizedDepthwiseConv2D:
      return MakeDepthwiseStep(context);
    default:
      return NotMine();
  }
}

std::vector<QuantizedStream> FindQuantizedStreams(const Graph& graph,
                                                  const StepOptions& options) {
  std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  for (const GraphOutput& output : graph.outputs) {
    readers[static_cast<size_t>(output.value.node)].push_back(-1);
  }
  std::vector<QuantizedStream> streams;
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (node.op != Op::kQuantizedDepthwiseConv2D) continue;
    const int64_t expand = node.inputs[0].node;
    if (IsStream(graph, readers[static_cast<size_t>(expand)],
                 graph.node(node.inputs[0]), options)) {
      streams.push_back({.expand = expand, .depthwise = i});
    }
  }
  return streams;
}

StatusOr<FusedStep> MakeQuantizedStream(const Graph& graph,
                                        const QuantizedStream& nodes,
                                        const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext expand,
                         StepContext::Create(graph, nodes.expand, options));
  CYTO8_ASSIGN_OR_RETURN(const StepContext depthwise,
                         StepContext::Create(graph, nodes.depthwise, options));
  CYTO8_ASSIGN_OR_RETURN(QuantizedConv first, MakeConv(expand));
  CYTO8_ASSIGN_OR_RETURN(DepthwiseConv second, MakeDepthwise(depthwise));
  const auto stream = std::make_shared<Stream>(
      Stream{.expand = std::move(first), .depthwise = std::move(second)});
  SizeRing(*stream);
  ScratchLayout layout;
  const Conv2dShape& shape = stream->shape();
  layout.Take<uint32_t>(shape.in_channels * RowSplit::kMaxPieces);
  stream->rings =
      layout.Take<uint8_t>(stream->ring_bytes * RowSplit::kMaxPieces);
  FusedStep fused = {.src = {expand.node().inputs[0]}};
  fused.hidden_bytes = {shape.batch * shape.in_channels *
                        static_cast<int64_t>(sizeof(uint32_t))};
  fused.step = {
      .reads = {0},
      .scratch_bytes = layout.bytes(),
      .bind = [stream](const StepBuffers& b) { return BindStream(stream, b); }};
  return fused;
}

}  // namespace cyto8
