// SPDX-License-Identifier: Apache-2.0
// Steps of INT8 operators other than convolutions; see step_context.h. Tested
// by tests/detector/runtime/quantized_steps_test.cc.
#include <algorithm>

#include "detector/kernels/codes.h"
#include "detector/kernels/feature_fusion_u8.h"
#include "detector/kernels/squeeze_excite_gate.h"
#include "detector/runtime/quantized_constants.h"
#include "detector/runtime/row_split.h"
#include "detector/runtime/scratch_layout.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

MaybeStep MakeQuantize(const StepContext& context) {
  const QuantParams codes = context.node().As<CodeAttributes>().codes;
  return StepThat({0}, [isa = context.isa(), codes](const StepBuffers& b) {
    QuantizeF32(isa, b.In<float>(0), 1 / codes.scale, codes.zero_point,
                b.Out<uint8_t>());
    return OkStatus();
  });
}

MaybeStep MakeDequantize(const StepContext& context) {
  const QuantParams codes = context.node().As<CodeAttributes>().codes;
  return StepThat({0}, [isa = context.isa(), codes](const StepBuffers& b) {
    DequantizeU8(isa, b.In<uint8_t>(0), codes.scale, codes.zero_point,
                 b.Out<float>());
    return OkStatus();
  });
}

struct Gate {
  SqueezeExciteShape shape;
  GateInput input;
};

Status RunGate(const Gate& gate, const StepBuffers& b) {
  const auto channels = static_cast<size_t>(gate.shape.channels);
  const SqueezeExciteWeights weights = {.reduce_wei = b.In<float>(2),
                                        .reduce_bias = b.In<float>(3),
                                        .expand_wei = b.In<float>(4),
                                        .expand_bias = b.In<float>(5)};
  const std::span<float> scratch(
      At<float>(b, 0),
      static_cast<size_t>(gate.shape.channels + gate.shape.reduced));
  for (int64_t i = 0; i < gate.shape.batch; ++i) {
    const size_t first = static_cast<size_t>(i) * channels;
    SqueezeExciteShape image = gate.shape;
    image.batch = 1;
    SqueezeExciteGateExact(image, b.In<uint32_t>(0).subspan(first, channels),
                           gate.input, weights, scratch,
                           b.Out<float>().subspan(first, channels));
  }
  return OkStatus();
}

MaybeStep MakeGate(const StepContext& context) {
  const auto& attributes = context.node().As<QuantizedGateAttributes>();
  const Shape& image = context.src_shape(1);
  const Gate gate = {.shape = {.batch = image[0],
                               .pixels = image[1] * image[2],
                               .channels = image[3],
                               .reduced = context.src_shape(2).back(),
                               .activation = attributes.gate.activation},
                     .input = {.zero_point = attributes.src.zero_point,
                               .scale = attributes.src.scale}};
  Step step = StepThat({0, 2, 3, 4, 5}, [gate](const StepBuffers& b) {
    return RunGate(gate, b);
  });
  step.scratch_bytes = (gate.shape.channels + gate.shape.reduced) *
                       static_cast<int64_t>(sizeof(float));
  return step;
}

StatusOr<FusionSource> SourceOf(const StepContext& context, size_t i) {
  const SourceResize& resize =
      context.node().As<QuantizedSumAttributes>().sources[i];
  FusionSource source = {.factor_y = resize.upsample.factor_y,
                         .factor_x = resize.upsample.factor_x};
  if (!resize.pool) return source;
  CYTO8_ASSIGN_OR_RETURN(
      source.pool,
      PoolShapeOf(*resize.pool, context.src_shape(i), context.dst_shape()));
  source.pool->batch = 1;
  return source;
}

struct Fusion {
  Isa isa = Isa::kPlain;
  int64_t batch = 1;
  FeatureFusionU8 fusion;
  RequantizationOf requantization;
  std::vector<int64_t> src_steps;
  int64_t scratch_bytes = 0;  // of a piece.
};

StatusOr<StepCall> BindFusion(const std::shared_ptr<const Fusion>& fusion,
                              const StepBuffers& b) {
  const FeatureFusionShape& shape = fusion->fusion.shape;
  const int64_t dst_step = shape.height * shape.width * shape.channels;
  const auto src = std::make_shared<std::vector<const uint8_t*>>();
  const auto image = std::make_shared<int64_t>(0);
  const auto body = [=, dst = b.Out<uint8_t>().data(),
                     scratch = At<uint8_t>(b, 0)](int64_t piece, int64_t first,
                                                  int64_t last) {
    FeatureFusionU8Rows(fusion->isa, fusion->fusion, *src, first, last,
                        scratch + piece * fusion->scratch_bytes,
                        dst + *image * dst_step);
  };
  src->resize(shape.sources.size());
  constexpr int64_t kWorkPerCode = 8;  // as much as so many multiply-adds.
  const RowSplit split(shape.height, dst_step * kWorkPerCode, body);
  return StepCall([=](ParallelFor& executor) {
    for (*image = 0; *image < fusion->batch; ++*image) {
      for (size_t i = 0; i < src->size(); ++i) {
        (*src)[i] = b.In<uint8_t>(i).data() + *image * fusion->src_steps[i];
      }
      split.Run(executor);
    }
    return OkStatus();
  });
}

// Rows of start, then of each source's multiplier.
Status FillFactors(const StepContext& context, FeatureFusionU8& fusion) {
  const size_t sources = fusion.shape.sources.size();
  const auto channels = static_cast<size_t>(fusion.shape.channels);
  CYTO8_ASSIGN_OR_RETURN(
      const AlignedConstant factors,
      AlignedConstant::Create(context, sources, DataType::kInt16,
                              static_cast<int64_t>((1 + sources) * channels)));
  const int16_t* const words = factors.data<int16_t>();
  fusion.start.assign(words, words + channels);
  fusion.multiplier.assign(words + channels, words + (1 + sources) * channels);
  return OkStatus();
}

MaybeStep MakeWeightedSum(const StepContext& context) {
  const auto& attributes = context.node().As<QuantizedSumAttributes>();
  const Shape& dst = context.dst_shape();
  const auto fusion = std::make_shared<Fusion>();
  fusion->isa = context.isa();
  fusion->batch = dst[0];
  FeatureFusionShape& shape = fusion->fusion.shape;
  shape = {.batch = 1,
           .height = dst[1],
           .width = dst[2],
           .channels = dst[3],
           .sources = {}};
  for (size_t i = 0; i < attributes.sources.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const FusionSource source, SourceOf(context, i));
    shape.sources.push_back(source);
    const Shape& src = context.src_shape(i);
    fusion->src_steps.push_back(src[1] * src[2] * src[3]);
  }
  CYTO8_RETURN_IF_ERROR(FillFactors(context, fusion->fusion));
  fusion->requantization = MakeRequantization(attributes.requantize);
  fusion->fusion.requantization = fusion->requantization.layer;
  CYTO8_RETURN_IF_ERROR(CheckFeatureFusionU8(fusion->fusion));
  fusion->scratch_bytes = FeatureFusionU8Scratch(fusion->fusion);
  return Step{
      .reads = FirstInputs(attributes.sources.size()),
      .scratch_bytes = fusion->scratch_bytes * RowSplit::kMaxPieces,
      .bind = [fusion](const StepBuffers& b) { return BindFusion(fusion, b); }};
}

}  // namespace

MaybeStep MakeQuantizedStep(const StepContext& context) {
  switch (context.node().op) {
    case Op::kQuantize:
      return MakeQuantize(context);
    case Op::kDequantize:
      return MakeDequantize(context);
    case Op::kQuantizedGate:
      return MakeGate(context);
    case Op::kQuantizedWeightedSum:
      return MakeWeightedSum(context);
    default:
      return NotMine();
  }
}

// Codes rise with what they stand for, so the greatest code is the code of the
// greatest value.
MaybeStep MakeMaxPoolOfCodes(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(PoolShape shape, PoolShapeOf(context));
  const int64_t images = std::exchange(shape.batch, 1);
  return StepThat({0}, [=, isa = context.isa()](const StepBuffers& b) {
    const int64_t src_step = shape.in_height * shape.in_width * shape.channels;
    const int64_t dst_step =
        shape.out_height * shape.out_width * shape.channels;
    for (int64_t i = 0; i < images; ++i) {
      MaxPoolU8Rows(isa, shape, b.In<uint8_t>(0).data() + i * src_step, 0,
                    shape.out_height, b.Out<uint8_t>().data() + i * dst_step);
    }
    return OkStatus();
  });
}

}  // namespace cyto8
