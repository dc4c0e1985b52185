// SPDX-License-Identifier: Apache-2.0
// DepthwiseConv2dNative (TensorFlow) of float images with channel multiplier 1,
// with bias and activation. Tested by
// tests/detector/kernels/depthwise_conv2d_f32_test.cc.
#pragma once

#include <span>

#include "base/status.h"
#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

// As Conv2dShape says, with in_channels = out_channels = C, wei [kernel_height,
// kernel_width, C] (HWC1) and
//   dst[n, y, x, c] = activation(bias[c] + sum over ky, kx of
//     wei[ky, kx, c] * src[n, y * stride_y + ky * dilation_y - pad_top,
//                             x * stride_x + kx * dilation_x - pad_left, c]).
// An empty bias means none. dst overlaps no operand. Thread-safe.
Status DepthwiseConv2dF32(const Conv2dShape& shape, std::span<const float> src,
                          std::span<const float> wei,
                          std::span<const float> bias, std::span<float> dst);

// The same by plain loops; bias may be null. Checks nothing.
void DepthwiseConv2dF32Naive(const Conv2dShape& shape, const float* src,
                             const float* wei, const float* bias, float* dst);

}  // namespace cyto8
