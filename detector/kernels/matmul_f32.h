// SPDX-License-Identifier: Apache-2.0
// MatMul (TensorFlow) of float matrices. Tested by
// tests/detector/kernels/matmul_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// dst [rows, columns] = A [rows, inner] * B [inner, columns]. Where a transpose
// is set, the operand is stored the other way round: a [inner, rows], b
// [columns, inner].
struct MatMulShape {
  int64_t rows = 0;
  int64_t inner = 0;
  int64_t columns = 0;
  bool transpose_a = false;
  bool transpose_b = false;
};

// dst overlaps no operand. Thread-safe.
Status MatMulF32(const MatMulShape& shape, std::span<const float> a,
                 std::span<const float> b, std::span<float> dst);

// The same by plain loops. Checks nothing.
void MatMulF32Naive(const MatMulShape& shape, const float* a, const float* b,
                    float* dst);

}  // namespace cyto8
