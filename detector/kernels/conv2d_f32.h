// SPDX-License-Identifier: Apache-2.0
// Conv2D (TensorFlow) of float images, with bias and activation. Padding rules
// are resolved by the caller. Tested by
// tests/detector/kernels/conv2d_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

// src [batch, in_height, in_width, in_channels] (NHWC), wei [kernel_height,
// kernel_width, in_channels, out_channels] (HWIO), bias [out_channels], dst
// [batch, out_height, out_width, out_channels]:
//   dst[n, y, x, o] = activation(bias[o] + sum over ky, kx, i of
//     wei[ky, kx, i, o] * src[n, y * stride_y + ky * dilation_y - pad_top,
//                                x * stride_x + kx * dilation_x - pad_left, i])
// where src is 0 outside; so padding at the bottom and right follows from the
// output's size.
struct Conv2dShape {
  int64_t batch = 1;
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t in_channels = 0;
  int64_t out_height = 0;
  int64_t out_width = 0;
  int64_t out_channels = 0;
  int64_t kernel_height = 1;
  int64_t kernel_width = 1;
  int64_t stride_y = 1;
  int64_t stride_x = 1;
  int64_t dilation_y = 1;
  int64_t dilation_x = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  Activation activation = Activation::kNone;
};

// kInvalidArgument for a negative size or pad, a stride, dilation or kernel
// side below 1, or any of these above kMaxWindowNumber.
Status CheckConv2dShape(const Conv2dShape& shape);

// An empty bias means none. dst overlaps no operand. Thread-safe.
Status Conv2dF32(const Conv2dShape& shape, std::span<const float> src,
                 std::span<const float> wei, std::span<const float> bias,
                 std::span<float> dst);

// The same by plain loops; bias may be null. Checks nothing.
void Conv2dF32Naive(const Conv2dShape& shape, const float* src,
                    const float* wei, const float* bias, float* dst);

}  // namespace cyto8
