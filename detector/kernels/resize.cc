// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of resizing; see resize.h. The loops are in
// resize_naive.h.
#include "detector/kernels/resize.h"

#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/resize_naive.h"

namespace cyto8 {
namespace {

Status CheckResizeShape(const ResizeShape& shape) {
  const auto side = [](std::string_view name, int64_t value) {
    return CheckRange(name, value, 1, kMaxWindowNumber);
  };
  CYTO8_RETURN_IF_ERROR(side("in_height", shape.in_height));
  CYTO8_RETURN_IF_ERROR(side("in_width", shape.in_width));
  CYTO8_RETURN_IF_ERROR(side("out_height", shape.out_height));
  CYTO8_RETURN_IF_ERROR(side("out_width", shape.out_width));
  if (shape.align_corners && shape.half_pixel_centers) {
    return InvalidArgument(
        "half_pixel_centers = true: must be false with align_corners");
  }
  return OkStatus();
}

template <typename T>
Status ResizeBilinearOf(const ResizeShape& shape, std::span<const T> src,
                        std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckResizeShape(shape));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "src", src.size(),
      {shape.batch, shape.in_height, shape.in_width, shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "dst", dst.size(),
      {shape.batch, shape.out_height, shape.out_width, shape.channels}));
  ResizeBilinearNaive(shape, src.data(), dst.data());
  return OkStatus();
}

}  // namespace

Status ResizeNearest(const ResizeShape& shape, int64_t element_bytes,
                     std::span<const std::byte> src, std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(CheckResizeShape(shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t pixel_bytes,
                         CheckedMul(shape.channels, element_bytes));
  CYTO8_RETURN_IF_ERROR(
      CheckBytes("src", src.size(),
                 {shape.batch, shape.in_height, shape.in_width, pixel_bytes}));
  CYTO8_RETURN_IF_ERROR(CheckBytes(
      "dst", dst.size(),
      {shape.batch, shape.out_height, shape.out_width, pixel_bytes}));
  if (!dst.empty()) {
    ResizeNearestNaive(shape, pixel_bytes, src.data(), dst.data());
  }
  return OkStatus();
}

Status ResizeBilinear(const ResizeShape& shape, std::span<const float> src,
                      std::span<float> dst) {
  return ResizeBilinearOf(shape, src, dst);
}

Status ResizeBilinear(const ResizeShape& shape, std::span<const uint8_t> src,
                      std::span<float> dst) {
  return ResizeBilinearOf(shape, src, dst);
}

Status UpsampleNearest(const UpsampleShape& shape,
                       std::span<const std::byte> src,
                       std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("factor_y", shape.factor_y, 1, kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("factor_x", shape.factor_x, 1, kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(CheckBytes(
      "src", src.size(),
      {shape.batch, shape.in_height, shape.in_width, shape.pixel_bytes}));
  CYTO8_RETURN_IF_ERROR(
      CheckBytes("dst", dst.size(),
                 {shape.batch, shape.in_height, shape.factor_y, shape.in_width,
                  shape.factor_x, shape.pixel_bytes}));
  if (!dst.empty()) UpsampleNearestNaive(shape, src.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
