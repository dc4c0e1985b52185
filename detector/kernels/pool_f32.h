// SPDX-License-Identifier: Apache-2.0
// MaxPool and AvgPool (TensorFlow) of float images, NHWC. Tested by
// tests/detector/kernels/pool_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

enum class PoolKind {
  kMax,      // padding never wins.
  kAverage,  // of the pixels inside the image: padding is not counted.
};

// Numbers are in [0, kMaxWindowNumber], kernel sides and strides at least 1.
// src [batch, in_height, in_width, channels], dst [batch, out_height,
// out_width, channels]. The window of output (y, x) starts at source
// (y * stride_y - pad_top, x * stride_x - pad_left).
struct PoolShape {
  int64_t batch = 1;
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t channels = 0;
  int64_t out_height = 0;
  int64_t out_width = 0;
  int64_t kernel_height = 1;
  int64_t kernel_width = 1;
  int64_t stride_y = 1;
  int64_t stride_x = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
};

// kInvalidArgument if sizes do not fit or a window lies wholly in the padding.
// dst overlaps no operand. Thread-safe.
Status PoolF32(PoolKind kind, const PoolShape& shape,
               std::span<const float> src, std::span<float> dst);

// The same by plain loops. Checks nothing.
void PoolF32Naive(PoolKind kind, const PoolShape& shape, const float* src,
                  float* dst);

}  // namespace cyto8
