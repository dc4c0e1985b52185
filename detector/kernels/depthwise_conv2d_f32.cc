// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of DepthwiseConv2D; see depthwise_conv2d_f32.h.
#include "detector/kernels/depthwise_conv2d_f32.h"

#include "base/checked_math.h"

namespace cyto8 {

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
