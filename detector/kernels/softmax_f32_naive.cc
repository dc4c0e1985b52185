// SPDX-License-Identifier: Apache-2.0
// Softmax by plain loops; the specification of the operator. Tested by
// tests/detector/kernels/softmax_f32_test.cc.
#include <algorithm>

#include "detector/kernels/scalar_f32.h"
#include "detector/kernels/softmax_f32.h"

namespace cyto8 {

void SoftmaxF32Naive(const SoftmaxShape& shape, const float* src, float* dst) {
  for (int64_t r = 0; r < shape.rows; ++r) {
    const float highest = *std::max_element(src, src + shape.columns);
    double sum = 0;
    for (int64_t c = 0; c < shape.columns; ++c) {
      dst[c] = ExpF32(src[c] - highest);
      sum += static_cast<double>(dst[c]);
    }
    const auto total = static_cast<float>(sum);
    for (int64_t c = 0; c < shape.columns; ++c) dst[c] /= total;
    src += shape.columns;
    dst += shape.columns;
  }
}

}  // namespace cyto8
