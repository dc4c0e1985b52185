// SPDX-License-Identifier: Apache-2.0
// Steps of operators on NHWC images: convolution, pooling, resizing, squeeze
// and excitation, normalisation. See step_context.h.
#include <algorithm>
#include <array>

#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/normalize_u8_f32.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/pool_f32.h"
#include "detector/kernels/resize.h"
#include "detector/kernels/squeeze_excite_f32.h"
#include "detector/runtime/onednn_step.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

// NotMine() if the naive kernel shall do it: no oneDNN, weights that are
// computed, or an empty tensor.
MaybeStep OneDnnConv(const StepContext& context, const Conv2dShape& shape) {
  const bool constant =
      context.constant(1) != nullptr &&
      (context.input_count() < 3 || context.constant(2) != nullptr);
  const bool empty =
      Product(context.dst_shape()) == 0 || context.src_count(0) == 0;
  if (context.engine() != Engine::kOneDnn || !constant || empty) {
    return NotMine();
  }
  const std::span<const float> wei = context.constant(1)->data<float>();
  const std::span<const float> bias = context.input_count() < 3
                                          ? std::span<const float>()
                                          : context.constant(2)->data<float>();
  const PackedLookup packed = context.PackedConstant(1);
  return OneDnnStep(
      context.node().op == Op::kConv2D
          ? OneDnnPrimitive::Conv2d(shape, wei, bias, packed)
          : OneDnnPrimitive::DepthwiseConv2d(shape, wei, bias, packed));
}

using ConvKernel = void (*)(const Conv2dShape&, const float* src,
                            const float* wei, const float* bias, float* dst);

// The images of a batch are independent, so the executor may share them out.
Step NaiveConv(const Conv2dShape& batch_shape, bool has_bias,
               ConvKernel kernel) {
  Conv2dShape shape = batch_shape;
  const int64_t images = std::exchange(shape.batch, 1);
  const int64_t src_step = shape.in_height * shape.in_width * shape.in_channels;
  const int64_t dst_step =
      shape.out_height * shape.out_width * shape.out_channels;
  auto bind = [=](const StepBuffers& b) -> StatusOr<StepCall> {
    const float* src = b.In<float>(0).data();
    const float* wei = b.In<float>(1).data();
    const float* bias = has_bias ? b.In<float>(2).data() : nullptr;
    float* dst = b.Out<float>().data();
    const auto one = [=](int64_t i) {
      kernel(shape, src + i * src_step, wei, bias, dst + i * dst_step);
    };
    // Made here, since making a std::function allocates.
    const std::function<void(int64_t)> body = one;
    return StepCall([images, body](ParallelFor& executor) {
      executor.Run(images, body);
      return OkStatus();
    });
  };
  return {.reads = FirstInputs(has_bias ? 3 : 2), .bind = std::move(bind)};
}

// NotMine() if there is no kernel of ours for it.
MaybeStep FastDepthwiseStep(const StepContext& context,
                            const Conv2dShape& shape) {
  const DepthwiseRowsKernel kernel = FastDepthwise(context.isa(), shape);
  if (context.node().op != Op::kDepthwiseConv2D || kernel == nullptr) {
    return NotMine();
  }
  const bool has_bias = context.input_count() > 2;
  return StepThat(FirstInputs(has_bias ? 3 : 2), [=](const StepBuffers& b) {
    const int64_t src_step =
        shape.in_height * shape.in_width * shape.in_channels;
    const int64_t dst_step =
        shape.out_height * shape.out_width * shape.out_channels;
    for (int64_t n = 0; n < shape.batch; ++n) {
      kernel(AllDepthwiseRows(shape, b.In<float>(0).data() + n * src_step,
                              b.In<float>(1).data(),
                              has_bias ? b.In<float>(2).data() : nullptr,
                              b.Out<float>().data() + n * dst_step));
    }
    return OkStatus();
  });
}

MaybeStep MakeConv(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ConvShapeOf(context));
  CYTO8_ASSIGN_OR_RETURN(const Step own, FastDepthwiseStep(context, shape));
  if (own.bind) return own;
  CYTO8_ASSIGN_OR_RETURN(const Step fast, OneDnnConv(context, shape));
  if (fast.bind) return fast;
  const bool dense = context.node().op == Op::kConv2D;
  return NaiveConv(shape, context.input_count() > 2,
                   dense ? &Conv2dF32Naive : &DepthwiseConv2dF32Naive);
}

// Windows that lie wholly in the padding are an error of the naive kernel;
// oneDNN would make up a number.
bool EveryWindowSeesAPixel(const PoolShape& shape) {
  const auto sees = [](int64_t in, int64_t out, int64_t kernel, int64_t stride,
                       int64_t before) {
    return before < kernel && (out - 1) * stride - before < in;
  };
  return sees(shape.in_height, shape.out_height, shape.kernel_height,
              shape.stride_y, shape.pad_top) &&
         sees(shape.in_width, shape.out_width, shape.kernel_width,
              shape.stride_x, shape.pad_left);
}

MaybeStep MakePool(const StepContext& context, PoolKind kind) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  CYTO8_ASSIGN_OR_RETURN(const PoolShape shape, PoolShapeOf(context));
  const bool empty =
      Product(context.dst_shape()) == 0 || context.src_count() == 0;
  if (context.engine() == Engine::kOneDnn && !empty &&
      EveryWindowSeesAPixel(shape)) {
    CYTO8_ASSIGN_OR_RETURN(const Step fast,
                           OneDnnStep(OneDnnPrimitive::Pool(kind, shape)));
    if (fast.bind) return fast;
  }
  return StepThat({0}, [=](const StepBuffers& b) {
    return PoolF32(kind, shape, b.In<float>(0), b.Out<float>());
  });
}

ResizeShape ShapeOfResize(const StepContext& context) {
  const Shape& src = context.src_shape();
  const auto& resize = context.node().As<ResizeAttributes>();
  return {.batch = src[0],
          .in_height = src[1],
          .in_width = src[2],
          .channels = src[3],
          .out_height = context.dst_shape()[1],
          .out_width = context.dst_shape()[2],
          .align_corners = resize.align_corners,
          .half_pixel_centers = resize.half_pixel_centers};
}

MaybeStep MakeResizeNearest(const StepContext& context) {
  const int64_t bytes = ByteSize(context.src_type());
  return StepThat(
      {0}, [shape = ShapeOfResize(context), bytes](const StepBuffers& b) {
        return ResizeNearest(shape, bytes, b.src[0], b.dst[0]);
      });
}

template <typename T>
Step BilinearStep(const ResizeShape& shape) {
  return StepThat({0}, [shape](const StepBuffers& b) {
    return ResizeBilinear(shape, b.In<T>(0), b.Out<float>());
  });
}

MaybeStep MakeResizeBilinear(const StepContext& context) {
  const ResizeShape shape = ShapeOfResize(context);
  if (context.src_type() == DataType::kUint8) {
    return BilinearStep<uint8_t>(shape);
  }
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(0, 1, DataType::kFloat32));
  return BilinearStep<float>(shape);
}

MaybeStep MakeUpsample(const StepContext& context) {
  const Shape& src = context.src_shape();
  const auto& upsample = context.node().As<UpsampleAttributes>();
  const UpsampleShape shape = {
      .batch = src[0],
      .in_height = src[1],
      .in_width = src[2],
      .pixel_bytes = src[3] * ByteSize(context.src_type()),
      .factor_y = upsample.factor_y,
      .factor_x = upsample.factor_x};
  return StepThat({0}, [shape](const StepBuffers& b) {
    return UpsampleNearest(shape, b.src[0], b.dst[0]);
  });
}

MaybeStep MakeSqueezeExcite(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  const Shape& src = context.src_shape();
  const SqueezeExciteShape shape = {
      .batch = src[0],
      .pixels = src[1] * src[2],
      .channels = src[3],
      .reduced = context.src_shape(1).back(),
      .activation = context.node().As<SqueezeExciteAttributes>().activation};
  const Isa isa = context.isa();
  Step step = StepThat(FirstInputs(5), [=](const StepBuffers& b) {
    const SqueezeExciteWeights weights = {.reduce_wei = b.In<float>(1),
                                          .reduce_bias = b.In<float>(2),
                                          .expand_wei = b.In<float>(3),
                                          .expand_bias = b.In<float>(4)};
    const std::span<float> scratch(reinterpret_cast<float*>(b.scratch.data()),
                                   b.scratch.size() / sizeof(float));
    return SqueezeExciteF32(isa, shape, b.In<float>(0), weights, scratch,
                            b.Out<float>());
  });
  step.scratch_bytes =
      SqueezeExciteScratch(shape) * static_cast<int64_t>(sizeof(float));
  return step;
}

MaybeStep MakeNormalize(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kUint8));
  const auto& normalize = context.node().As<NormalizeAttributes>();
  const NormalizeParameters parameters = {.mean = normalize.mean,
                                          .deviation = normalize.deviation};
  const Isa isa = context.isa();
  return StepThat({0}, [=](const StepBuffers& b) {
    return NormalizeU8F32(isa, parameters, b.In<uint8_t>(0), b.Out<float>());
  });
}

}  // namespace

MaybeStep MakeWindowStep(const StepContext& context) {
  switch (context.node().op) {
    case Op::kConv2D:
    case Op::kDepthwiseConv2D:
      return MakeConv(context);
    case Op::kMaxPool:
      if (context.src_type() == DataType::kUint8) {
        return MakeMaxPoolOfCodes(context);
      }
      return MakePool(context, PoolKind::kMax);
    case Op::kAvgPool:
      return MakePool(context, PoolKind::kAverage);
    case Op::kResizeNearest:
      return MakeResizeNearest(context);
    case Op::kResizeBilinear:
      return MakeResizeBilinear(context);
    case Op::kUpsampleNearest:
      return MakeUpsample(context);
    case Op::kSqueezeExcite:
      return MakeSqueezeExcite(context);
    case Op::kNormalize:
      return MakeNormalize(context);
    default:
      return NotMine();
  }
}

}  // namespace cyto8
