// SPDX-License-Identifier: Apache-2.0
// Softmax (TensorFlow) over the last axis. Tested by
// tests/detector/kernels/softmax_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// src and dst are [rows, columns]:
//   dst[r, c] = exp(src[r, c] - max of row) / sum over c of the same.
struct SoftmaxShape {
  int64_t rows = 0;
  int64_t columns = 0;
};

// dst may be src. Thread-safe.
Status SoftmaxF32(const SoftmaxShape& shape, std::span<const float> src,
                  std::span<float> dst);

// The same by plain loops. Checks nothing.
void SoftmaxF32Naive(const SoftmaxShape& shape, const float* src, float* dst);

}  // namespace cyto8
