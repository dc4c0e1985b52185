// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of DepthwiseConv2D; see depthwise_conv2d_f32.h.
#include "detector/kernels/depthwise_conv2d_f32.h"

#include "base/checked_math.h"

namespace cyto8 {

DepthwiseRowsKernel FastDepthwise(Isa isa, const Conv2dShape& s) {
  const int64_t kernel = s.kernel_height;
  const int64_t stride = s.stride_y;
  const bool covered = (kernel == 3 || kernel == 5) &&
                       kernel == s.kernel_width &&
                       (stride == 1 || stride == 2) && stride == s.stride_x &&
                       s.dilation_y == 1 && s.dilation_x == 1 &&
                       s.pad_top < kernel && s.pad_left < kernel;
  if (!covered || isa == Isa::kPlain) return nullptr;
  return isa >= Isa::kAvx512 ? &DepthwiseRowsAvx512 : &DepthwiseRowsAvx2;
}

DepthwiseRows AllDepthwiseRows(const Conv2dShape& s, const float* src,
                               const float* wei, const float* bias,
                               float* dst) {
  return {.in_height = s.in_height,
          .in_width = s.in_width,
          .out_width = s.out_width,
          .channels = s.in_channels,
          .kernel = s.kernel_height,
          .stride = s.stride_y,
          .pad_top = s.pad_top,
          .pad_left = s.pad_left,
          .activation = s.activation,
          .wei = wei,
          .bias = bias,
          .first_row = 0,
          .last_row = s.out_height,
          .src = src,
          .ring_rows = s.in_height,
          .dst = dst};
}

Status DepthwiseConv2dF32(const Conv2dShape& shape, std::span<const float> src,
                          std::span<const float> wei,
                          std::span<const float> bias, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckConv2dShape(shape));
  const int64_t channels = shape.in_channels;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("out_channels", shape.out_channels, channels, channels));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("src", src.size(),
                {shape.batch, shape.in_height, shape.in_width, channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "wei", wei.size(), {shape.kernel_height, shape.kernel_width, channels}));
  if (!bias.empty()) {
    CYTO8_RETURN_IF_ERROR(CheckSize("bias", bias.size(), {channels}));
  }
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(),
                {shape.batch, shape.out_height, shape.out_width, channels}));
  DepthwiseConv2dF32Naive(shape, src.data(), wei.data(),
                          bias.empty() ? nullptr : bias.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
