// SPDX-License-Identifier: Apache-2.0
// Per-channel arithmetic by plain loops; the specification of the operators.
// Tested by tests/detector/kernels/per_channel_f32_test.cc.
#include <algorithm>
#include <cmath>

#include "detector/kernels/per_channel_f32.h"

namespace cyto8 {

void BiasAddF32Naive(const PerChannelShape& shape, const float* src,
                     const float* bias, float* dst) {
  for (int64_t r = 0; r < shape.rows; ++r) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      const int64_t i = r * shape.channels + c;
      dst[i] = src[i] + bias[c];
    }
  }
}

void BatchNormF32Naive(const PerChannelShape& shape, const float* src,
                       const BatchNormParameters& parameters, float* dst) {
  constexpr int64_t kBlock = 64;  // channels whose factors are kept at a time.
  float factor[kBlock];
  for (int64_t first = 0; first < shape.channels; first += kBlock) {
    const int64_t count = std::min(kBlock, shape.channels - first);
    const float* mean = parameters.mean.data() + first;
    const float* beta = parameters.beta.data() + first;
    for (int64_t c = 0; c < count; ++c) {
      const float variance = parameters.variance.data()[first + c];
      factor[c] = parameters.gamma.data()[first + c] /
                  std::sqrt(variance + parameters.epsilon);
    }
    for (int64_t r = 0; r < shape.rows; ++r) {
      const int64_t start = r * shape.channels + first;
      for (int64_t c = 0; c < count; ++c) {
        dst[start + c] = (src[start + c] - mean[c]) * factor[c] + beta[c];
      }
    }
  }
}

}  // namespace cyto8
