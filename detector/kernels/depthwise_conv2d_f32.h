// SPDX-License-Identifier: Apache-2.0
// DepthwiseConv2dNative (TensorFlow) of float images with channel multiplier 1,
// with bias and activation. Tested by
// tests/detector/kernels/depthwise_conv2d_f32_test.cc.
#pragma once

#include <span>

#include "base/status.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/depthwise_conv2d_f32_fast.h"
#include "detector/kernels/isa.h"

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

// The kernel that computes rows of such a convolution with the instructions of
// `isa`; null if there is none for this shape (kernels 3x3 and 5x5, strides 1
// and 2, not dilated) or isa is kPlain. Its sums run in another order than the
// naive kernel's: they agree within a few units in the last place of the
// largest term.
using DepthwiseRowsKernel = void (*)(const DepthwiseRows& rows);
DepthwiseRowsKernel FastDepthwise(Isa isa, const Conv2dShape& shape);

// All rows of one image, without sums. bias may be null.
DepthwiseRows AllDepthwiseRows(const Conv2dShape& shape, const float* src,
                               const float* wei, const float* bias, float* dst);

// The same by plain loops; bias may be null. Checks nothing.
void DepthwiseConv2dF32Naive(const Conv2dShape& shape, const float* src,
                             const float* wei, const float* bias, float* dst);

}  // namespace cyto8
