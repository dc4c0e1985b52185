// SPDX-License-Identifier: Apache-2.0
// MatMul by plain loops; the specification of the operator. Columns are the
// innermost loop, so that each sum runs in the order of the inner axis. Tested
// by tests/detector/kernels/matmul_f32_test.cc.
#include <algorithm>

#include "detector/kernels/matmul_f32.h"

namespace cyto8 {
namespace {

// dst[c] += a * b[c * step].
void AddScaledRow(float a, const float* b, int64_t step, int64_t columns,
                  float* __restrict dst) {
  if (step == 1) {
    for (int64_t c = 0; c < columns; ++c) dst[c] += a * b[c];
  } else {
    for (int64_t c = 0; c < columns; ++c) dst[c] += a * b[c * step];
  }
}

}  // namespace

void MatMulF32Naive(const MatMulShape& shape, const float* a, const float* b,
                    float* dst) {
  const int64_t a_row = shape.transpose_a ? 1 : shape.inner;
  const int64_t a_step = shape.transpose_a ? shape.rows : 1;
  const int64_t b_row = shape.transpose_b ? 1 : shape.columns;
  const int64_t b_step = shape.transpose_b ? shape.inner : 1;
  for (int64_t r = 0; r < shape.rows; ++r) {
    float* row = dst + r * shape.columns;
    std::fill_n(row, shape.columns, 0.0f);
    for (int64_t k = 0; k < shape.inner; ++k) {
      AddScaledRow(a[r * a_row + k * a_step], b + k * b_row, b_step,
                   shape.columns, row);
    }
  }
}

}  // namespace cyto8
