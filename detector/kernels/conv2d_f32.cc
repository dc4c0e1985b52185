// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of Conv2D; see conv2d_f32.h. The oneDNN twin keeps packed
// weights between calls, so it is a class of its own in onednn_adapter.h.
#include "detector/kernels/conv2d_f32.h"

#include "base/checked_math.h"

namespace cyto8 {

Status CheckConv2dShape(const Conv2dShape& shape) {
  const auto size = [](std::string_view name, int64_t value) {
    return CheckRange(name, value, 0, kMaxWindowNumber);
  };
  const auto step = [](std::string_view name, int64_t value) {
    return CheckRange(name, value, 1, kMaxWindowNumber);
  };
  CYTO8_RETURN_IF_ERROR(size("batch", shape.batch));
  CYTO8_RETURN_IF_ERROR(size("in_height", shape.in_height));
  CYTO8_RETURN_IF_ERROR(size("in_width", shape.in_width));
  CYTO8_RETURN_IF_ERROR(size("in_channels", shape.in_channels));
  CYTO8_RETURN_IF_ERROR(size("out_height", shape.out_height));
  CYTO8_RETURN_IF_ERROR(size("out_width", shape.out_width));
  CYTO8_RETURN_IF_ERROR(size("out_channels", shape.out_channels));
  CYTO8_RETURN_IF_ERROR(step("kernel_height", shape.kernel_height));
  CYTO8_RETURN_IF_ERROR(step("kernel_width", shape.kernel_width));
  CYTO8_RETURN_IF_ERROR(step("stride_y", shape.stride_y));
  CYTO8_RETURN_IF_ERROR(step("stride_x", shape.stride_x));
  CYTO8_RETURN_IF_ERROR(step("dilation_y", shape.dilation_y));
  CYTO8_RETURN_IF_ERROR(step("dilation_x", shape.dilation_x));
  CYTO8_RETURN_IF_ERROR(size("pad_top", shape.pad_top));
  return size("pad_left", shape.pad_left);
}

Status Conv2dF32(const Conv2dShape& shape, std::span<const float> src,
                 std::span<const float> wei, std::span<const float> bias,
                 std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckConv2dShape(shape));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "src", src.size(),
      {shape.batch, shape.in_height, shape.in_width, shape.in_channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize("wei", wei.size(),
                                  {shape.kernel_height, shape.kernel_width,
                                   shape.in_channels, shape.out_channels}));
  if (!bias.empty()) {
    CYTO8_RETURN_IF_ERROR(CheckSize("bias", bias.size(), {shape.out_channels}));
  }
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "dst", dst.size(),
      {shape.batch, shape.out_height, shape.out_width, shape.out_channels}));
  Conv2dF32Naive(shape, src.data(), wei.data(),
                 bias.empty() ? nullptr : bias.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
