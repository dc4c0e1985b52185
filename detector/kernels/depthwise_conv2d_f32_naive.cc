// SPDX-License-Identifier: Apache-2.0
// DepthwiseConv2D by plain loops; the specification of the operator. Channels
// are the innermost loop, so that the compiler can use vectors. Tested by
// tests/detector/kernels/depthwise_conv2d_f32_test.cc.
#include <algorithm>

#include "detector/kernels/activation_f32.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/multiply_add.h"
#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

// sums[c] += src[c] * wei[c]; sums overlaps neither.
void AddProducts(const float* src, const float* wei, int64_t channels,
                 float* __restrict sums) {
  for (int64_t c = 0; c < channels; ++c) {
    sums[c] = MultiplyAdd(src[c], wei[c], sums[c]);
  }
}

// The pixel of the output whose window starts at (top, left) of the image.
void ComputePixel(const Conv2dShape& shape, const float* image,
                  const float* wei, int64_t top, int64_t left, float* dst) {
  const int64_t channels = shape.in_channels;
  const TapRange rows =
      TapsInside(top, shape.kernel_height, shape.dilation_y, shape.in_height);
  const TapRange columns =
      TapsInside(left, shape.kernel_width, shape.dilation_x, shape.in_width);
  for (int64_t ky = rows.begin; ky < rows.end; ++ky) {
    const int64_t y = top + ky * shape.dilation_y;
    for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
      const int64_t x = left + kx * shape.dilation_x;
      AddProducts(image + (y * shape.in_width + x) * channels,
                  wei + (ky * shape.kernel_width + kx) * channels, channels,
                  dst);
    }
  }
}

}  // namespace

void DepthwiseConv2dF32Naive(const Conv2dShape& shape, const float* src,
                             const float* wei, const float* bias, float* dst) {
  const int64_t channels = shape.in_channels;
  for (int64_t n = 0; n < shape.batch; ++n) {
    const float* image = src + n * shape.in_height * shape.in_width * channels;
    for (int64_t y = 0; y < shape.out_height; ++y) {
      for (int64_t x = 0; x < shape.out_width; ++x) {
        if (bias == nullptr) {
          std::fill_n(dst, channels, 0.0f);
        } else {
          std::copy_n(bias, channels, dst);
        }
        ComputePixel(shape, image, wei, y * shape.stride_y - shape.pad_top,
                     x * shape.stride_x - shape.pad_left, dst);
        ActivateF32Naive(shape.activation, dst, channels);
        dst += channels;
      }
    }
  }
}

}  // namespace cyto8
