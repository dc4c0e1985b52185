// SPDX-License-Identifier: Apache-2.0
// ResizeNearestNeighbor and ResizeBilinear (TensorFlow) with all four rules for
// coordinates, in float32 as TensorFlow computes them; and up-sampling by whole
// factors. Tested by tests/detector/kernels/resize_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// src [batch, in_height, in_width, channels], dst [batch, out_height,
// out_width, channels]; NHWC. At most one of the two flags.
//   scale = align_corners and out > 1 ? (in - 1) / (out - 1) : in / out
//   half_pixel_centers: source = (i + 0.5) * scale (- 0.5 if bilinear)
//   otherwise:          source = i * scale
// Nearest takes floor(source), with align_corners round(source) (half away from
// zero), clamped to the image. Bilinear mixes floor(source) and the next pixel,
// both clamped.
struct ResizeShape {
  int64_t batch = 1;
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t channels = 0;
  int64_t out_height = 0;
  int64_t out_width = 0;
  bool align_corners = false;
  bool half_pixel_centers = false;
};

// Any element type. Sides must be at least 1. dst overlaps no operand.
// Thread-safe.
Status ResizeNearest(const ResizeShape& shape, int64_t element_bytes,
                     std::span<const std::byte> src, std::span<std::byte> dst);

// As above; the result is float whatever the source is.
Status ResizeBilinear(const ResizeShape& shape, std::span<const float> src,
                      std::span<float> dst);
Status ResizeBilinear(const ResizeShape& shape, std::span<const uint8_t> src,
                      std::span<float> dst);

// Every pixel is repeated factor_y times down and factor_x times across:
//   dst[n, y, x, :] = src[n, y / factor_y, x / factor_x, :].
struct UpsampleShape {
  int64_t batch = 1;
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t pixel_bytes = 0;  // of all channels together.
  int64_t factor_y = 1;
  int64_t factor_x = 1;
};
Status UpsampleNearest(const UpsampleShape& shape,
                       std::span<const std::byte> src,
                       std::span<std::byte> dst);

}  // namespace cyto8
