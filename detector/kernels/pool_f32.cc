// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of pooling; see pool_f32.h.
#include "detector/kernels/pool_f32.h"

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

struct AxisWindow {
  std::string_view pad_name;
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 0;
  int64_t stride = 0;
  int64_t pad = 0;
};

Status CheckSizes(const PoolShape& shape) {
  const auto size = [](std::string_view name, int64_t value) {
    return CheckRange(name, value, 0, kMaxWindowNumber);
  };
  const auto step = [](std::string_view name, int64_t value) {
    return CheckRange(name, value, 1, kMaxWindowNumber);
  };
  CYTO8_RETURN_IF_ERROR(size("batch", shape.batch));
  CYTO8_RETURN_IF_ERROR(size("in_height", shape.in_height));
  CYTO8_RETURN_IF_ERROR(size("in_width", shape.in_width));
  CYTO8_RETURN_IF_ERROR(size("channels", shape.channels));
  CYTO8_RETURN_IF_ERROR(size("out_height", shape.out_height));
  CYTO8_RETURN_IF_ERROR(size("out_width", shape.out_width));
  CYTO8_RETURN_IF_ERROR(step("kernel_height", shape.kernel_height));
  CYTO8_RETURN_IF_ERROR(step("kernel_width", shape.kernel_width));
  CYTO8_RETURN_IF_ERROR(step("stride_y", shape.stride_y));
  return step("stride_x", shape.stride_x);
}

// The first window must reach the image and the last must start on it.
Status CheckWindows(const AxisWindow& axis) {
  if (axis.out == 0) return OkStatus();
  CYTO8_RETURN_IF_ERROR(
      CheckRange(axis.pad_name, axis.pad, 0, axis.kernel - 1));
  return CheckRange("start of the last window",
                    (axis.out - 1) * axis.stride - axis.pad, -axis.pad,
                    axis.in - 1);
}

}  // namespace

Status PoolF32(PoolKind kind, const PoolShape& shape,
               std::span<const float> src, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckSizes(shape));
  CYTO8_RETURN_IF_ERROR(CheckWindows({.pad_name = "pad_top",
                                      .in = shape.in_height,
                                      .out = shape.out_height,
                                      .kernel = shape.kernel_height,
                                      .stride = shape.stride_y,
                                      .pad = shape.pad_top}));
  CYTO8_RETURN_IF_ERROR(CheckWindows({.pad_name = "pad_left",
                                      .in = shape.in_width,
                                      .out = shape.out_width,
                                      .kernel = shape.kernel_width,
                                      .stride = shape.stride_x,
                                      .pad = shape.pad_left}));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "src", src.size(),
      {shape.batch, shape.in_height, shape.in_width, shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "dst", dst.size(),
      {shape.batch, shape.out_height, shape.out_width, shape.channels}));
  PoolF32Naive(kind, shape, src.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
