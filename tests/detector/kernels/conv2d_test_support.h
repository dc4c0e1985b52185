// SPDX-License-Identifier: Apache-2.0
// The definition of both convolutions, word for word, and the geometries that
// their tests go through. Test code.
#pragma once

#include <cstdint>
#include <vector>

#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

struct ConvOperands {
  std::vector<float> src;
  std::vector<float> wei;
  std::vector<float> bias;  // may be empty.
};

// 0 outside of the image.
inline double PixelOrZero(const Conv2dShape& s, const std::vector<float>& src,
                          int64_t n, int64_t y, int64_t x, int64_t c) {
  if (y < 0 || y >= s.in_height || x < 0 || x >= s.in_width) return 0;
  const int64_t i =
      ((n * s.in_height + y) * s.in_width + x) * s.in_channels + c;
  return static_cast<double>(src[static_cast<size_t>(i)]);
}

// The sum for output (n, y, x, o) with weight(ky, kx, i) over input channels
// [first, last).
template <typename Weight>
double WindowSum(const Conv2dShape& s, const std::vector<float>& src, int64_t n,
                 int64_t y, int64_t x, int64_t first, int64_t last,
                 Weight weight) {
  double sum = 0;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t in_y = y * s.stride_y + ky * s.dilation_y - s.pad_top;
        const int64_t in_x = x * s.stride_x + kx * s.dilation_x - s.pad_left;
        sum += weight(ky, kx, i) * PixelOrZero(s, src, n, in_y, in_x, i);
      }
    }
  }
  return sum;
}

// Calls sum(n, y, x, o) for every element of the output, adds the bias.
template <typename Sum>
std::vector<float> EveryOutput(const Conv2dShape& s,
                               const std::vector<float>& bias, Sum sum) {
  std::vector<float> dst;
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t y = 0; y < s.out_height; ++y) {
      for (int64_t x = 0; x < s.out_width; ++x) {
        for (int64_t o = 0; o < s.out_channels; ++o) {
          const float b = bias.empty() ? 0 : bias[static_cast<size_t>(o)];
          dst.push_back(
              static_cast<float>(sum(n, y, x, o) + static_cast<double>(b)));
        }
      }
    }
  }
  return dst;
}

// Without activation.
inline std::vector<float> LiteralConv2d(const Conv2dShape& s,
                                        const ConvOperands& operands) {
  return EveryOutput(
      s, operands.bias, [&](int64_t n, int64_t y, int64_t x, int64_t o) {
        return WindowSum(
            s, operands.src, n, y, x, 0, s.in_channels,
            [&](int64_t ky, int64_t kx, int64_t i) {
              const int64_t at =
                  ((ky * s.kernel_width + kx) * s.in_channels + i) *
                      s.out_channels +
                  o;
              return static_cast<double>(operands.wei[static_cast<size_t>(at)]);
            });
      });
}

inline std::vector<float> LiteralDepthwise(const Conv2dShape& s,
                                           const ConvOperands& operands) {
  return EveryOutput(
      s, operands.bias, [&](int64_t n, int64_t y, int64_t x, int64_t o) {
        return WindowSum(
            s, operands.src, n, y, x, o, o + 1,
            [&](int64_t ky, int64_t kx, int64_t i) {
              const int64_t at = (ky * s.kernel_width + kx) * s.in_channels + i;
              return static_cast<double>(operands.wei[static_cast<size_t>(at)]);
            });
      });
}

// Kernels 1, 3, 5; strides 1, 2; dilations 1, 2; every pad below the kernel on
// either side; images of height 1..7 and width 8 - height. Channels are 1.
inline std::vector<Conv2dShape> SmallGeometries() {
  std::vector<Conv2dShape> shapes;
  for (const int64_t kernel : {1, 3, 5}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t dilation : {1, 2}) {
        for (int64_t pad = 0; pad < kernel; ++pad) {
          for (int64_t height = 1; height <= 7; ++height) {
            const int64_t width = 8 - height;
            shapes.push_back({.in_height = height,
                              .in_width = width,
                              .in_channels = 1,
                              .out_height = (height + pad) / stride + 1,
                              .out_width = (width + pad) / stride + 1,
                              .out_channels = 1,
                              .kernel_height = kernel,
                              .kernel_width = kernel,
                              .stride_y = stride,
                              .stride_x = stride,
                              .dilation_y = dilation,
                              .dilation_x = dilation,
                              .pad_top = pad,
                              .pad_left = kernel - 1 - pad});
          }
        }
      }
    }
  }
  return shapes;
}

}  // namespace cyto8
