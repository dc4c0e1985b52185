// SPDX-License-Identifier: Apache-2.0
// Resizing by plain loops, every coordinate in float32 as TensorFlow has it;
// the specification of the operators. Only resize.cc includes it. Tested by
// tests/detector/kernels/resize_test.cc.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "detector/kernels/resize.h"

namespace cyto8 {

// The rule for one axis.
struct ResizeAxis {
  int64_t in = 1;
  int64_t out = 1;
  bool align_corners = false;
  bool half_pixel_centers = false;

  float scale() const {
    return align_corners && out > 1
               ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
               : static_cast<float>(in) / static_cast<float>(out);
  }
};

inline int64_t NearestSource(const ResizeAxis& axis, int64_t i) {
  const float offset = axis.half_pixel_centers ? 0.5f : 0.0f;
  const float source = (static_cast<float>(i) + offset) * axis.scale();
  const float pixel =
      axis.align_corners ? std::round(source) : std::floor(source);
  return std::clamp(static_cast<int64_t>(pixel), int64_t{0}, axis.in - 1);
}

// Two pixels and the weight of the second.
struct BilinearSource {
  int64_t lower = 0;
  int64_t upper = 0;
  float weight = 0;
};

inline BilinearSource FindBilinearSource(const ResizeAxis& axis, int64_t i) {
  const float offset = axis.half_pixel_centers ? 0.5f : 0.0f;
  const float source = (static_cast<float>(i) + offset) * axis.scale() - offset;
  const float below = std::floor(source);
  const auto lower = static_cast<int64_t>(below);
  const auto upper = static_cast<int64_t>(std::ceil(source));
  return {.lower = std::clamp(lower, int64_t{0}, axis.in - 1),
          .upper = std::clamp(upper, int64_t{0}, axis.in - 1),
          .weight = source - below};
}

inline ResizeAxis VerticalAxis(const ResizeShape& shape) {
  return {.in = shape.in_height,
          .out = shape.out_height,
          .align_corners = shape.align_corners,
          .half_pixel_centers = shape.half_pixel_centers};
}

inline ResizeAxis HorizontalAxis(const ResizeShape& shape) {
  return {.in = shape.in_width,
          .out = shape.out_width,
          .align_corners = shape.align_corners,
          .half_pixel_centers = shape.half_pixel_centers};
}

inline void ResizeNearestNaive(const ResizeShape& shape, int64_t pixel_bytes,
                               const std::byte* src, std::byte* dst) {
  const int64_t row_bytes = shape.in_width * pixel_bytes;
  const ResizeAxis vertical = VerticalAxis(shape);
  const ResizeAxis horizontal = HorizontalAxis(shape);
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t y = 0; y < shape.out_height; ++y) {
      const std::byte* row = src + NearestSource(vertical, y) * row_bytes;
      for (int64_t x = 0; x < shape.out_width; ++x) {
        std::memcpy(dst, row + NearestSource(horizontal, x) * pixel_bytes,
                    static_cast<size_t>(pixel_bytes));
        dst += pixel_bytes;
      }
    }
    src += shape.in_height * row_bytes;
  }
}

// One pixel of the result: across first, then down, as TensorFlow does.
template <typename T>
void MixPixel(const T* upper_row, const T* lower_row, const BilinearSource& y,
              const BilinearSource& x, int64_t channels, float* dst) {
  const auto mix = [](float a, float b, float weight) {
    return a + (b - a) * weight;
  };
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t left = x.lower * channels + c;
    const int64_t right = x.upper * channels + c;
    const float top = mix(static_cast<float>(upper_row[left]),
                          static_cast<float>(upper_row[right]), x.weight);
    const float bottom = mix(static_cast<float>(lower_row[left]),
                             static_cast<float>(lower_row[right]), x.weight);
    dst[c] = mix(top, bottom, y.weight);
  }
}

template <typename T>
void ResizeBilinearNaive(const ResizeShape& shape, const T* src, float* dst) {
  const int64_t row = shape.in_width * shape.channels;
  const ResizeAxis vertical = VerticalAxis(shape);
  const ResizeAxis horizontal = HorizontalAxis(shape);
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t j = 0; j < shape.out_height; ++j) {
      const BilinearSource y = FindBilinearSource(vertical, j);
      for (int64_t i = 0; i < shape.out_width; ++i) {
        MixPixel(src + y.lower * row, src + y.upper * row, y,
                 FindBilinearSource(horizontal, i), shape.channels, dst);
        dst += shape.channels;
      }
    }
    src += shape.in_height * row;
  }
}

inline void UpsampleNearestNaive(const UpsampleShape& shape,
                                 const std::byte* src, std::byte* dst) {
  const int64_t in_row = shape.in_width * shape.pixel_bytes;
  const int64_t out_row = in_row * shape.factor_x;
  for (int64_t y = 0; y < shape.batch * shape.in_height; ++y) {
    std::byte* first_row = dst;
    for (int64_t x = 0; x < shape.in_width; ++x) {
      for (int64_t i = 0; i < shape.factor_x; ++i) {
        std::memcpy(dst, src + x * shape.pixel_bytes,
                    static_cast<size_t>(shape.pixel_bytes));
        dst += shape.pixel_bytes;
      }
    }
    for (int64_t i = 1; i < shape.factor_y; ++i) {
      std::memcpy(dst, first_row, static_cast<size_t>(out_row));
      dst += out_row;
    }
    src += in_row;
  }
}

}  // namespace cyto8
