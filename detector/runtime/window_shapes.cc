// SPDX-License-Identifier: Apache-2.0
// Padding rules become pixels; see window_shapes.h.
#include "detector/runtime/window_shapes.h"

#include <array>

#include "detector/graph/shape_inference.h"
#include "detector/graph/shape_rules.h"

namespace cyto8 {
namespace {

// Padding rules end here: kernels see pixels.
struct WindowPads {
  int64_t top = 0;
  int64_t left = 0;
};

StatusOr<WindowPads> ResolvePads(const Shape& image, const WindowShape& spec) {
  const Padding& padding = spec.padding;
  CYTO8_ASSIGN_OR_RETURN(
      const WindowGeometry y,
      ResolveWindow(image[1], spec.kernel[0], spec.strides[0],
                    spec.dilations[0], padding.kind, padding.top,
                    padding.bottom));
  CYTO8_ASSIGN_OR_RETURN(
      const WindowGeometry x,
      ResolveWindow(image[2], spec.kernel[1], spec.strides[1],
                    spec.dilations[1], padding.kind, padding.left,
                    padding.right));
  return WindowPads{.top = y.before, .left = x.before};
}

// Its sides; packed weights have none.
std::array<int64_t, 2> KernelOf(const StepContext& context) {
  if (IsQuantized(context.node().op)) {
    const auto& conv = context.node().As<QuantizedConvAttributes>();
    return {conv.kernel[0], conv.kernel[1]};
  }
  return {context.src_shape(1)[0], context.src_shape(1)[1]};
}

}  // namespace

StatusOr<Conv2dShape> ConvShapeOf(const StepContext& context) {
  const Shape& src = context.src_shape(0);
  const Shape& dst = context.dst_shape();
  const bool quantized = IsQuantized(context.node().op);
  const ConvAttributes& conv =
      quantized ? context.node().As<QuantizedConvAttributes>().conv
                : context.node().As<ConvAttributes>();
  const std::array<int64_t, 2> wei = KernelOf(context);
  CYTO8_ASSIGN_OR_RETURN(const WindowPads pads,
                         ResolvePads(src, {.kernel = {wei[0], wei[1]},
                                           .strides = conv.strides,
                                           .dilations = conv.dilations,
                                           .padding = conv.padding}));
  const Conv2dShape shape = {.batch = src[0],
                             .in_height = src[1],
                             .in_width = src[2],
                             .in_channels = src[3],
                             .out_height = dst[1],
                             .out_width = dst[2],
                             .out_channels = dst[3],
                             .kernel_height = wei[0],
                             .kernel_width = wei[1],
                             .stride_y = conv.strides[0],
                             .stride_x = conv.strides[1],
                             .dilation_y = conv.dilations[0],
                             .dilation_x = conv.dilations[1],
                             .pad_top = pads.top,
                             .pad_left = pads.left,
                             .activation = conv.activation};
  CYTO8_RETURN_IF_ERROR(CheckConv2dShape(shape));
  return shape;
}

StatusOr<PoolShape> PoolShapeOf(const StepContext& context) {
  return PoolShapeOf(context.node().As<PoolAttributes>(), context.src_shape(),
                     context.dst_shape());
}

StatusOr<PoolShape> PoolShapeOf(const PoolAttributes& pool, const Shape& src,
                                const Shape& dst) {
  CYTO8_ASSIGN_OR_RETURN(const WindowPads pads,
                         ResolvePads(src, {.kernel = pool.kernel,
                                           .strides = pool.strides,
                                           .padding = pool.padding}));
  return PoolShape{.batch = src[0],
                   .in_height = src[1],
                   .in_width = src[2],
                   .channels = src[3],
                   .out_height = dst[1],
                   .out_width = dst[2],
                   .kernel_height = pool.kernel[0],
                   .kernel_width = pool.kernel[1],
                   .stride_y = pool.strides[0],
                   .stride_x = pool.strides[1],
                   .pad_top = pads.top,
                   .pad_left = pads.left};
}

}  // namespace cyto8
