// SPDX-License-Identifier: Apache-2.0
// Arithmetic with one number per channel, the last axis: BiasAdd and
// FusedBatchNorm in inference (TensorFlow). Tested by
// tests/detector/kernels/per_channel_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// src and dst are [rows, channels]; rows are all other axes together.
struct PerChannelShape {
  int64_t rows = 0;
  int64_t channels = 0;
};

// dst[r, c] = src[r, c] + bias[c]. dst may be src. Thread-safe.
Status BiasAddF32(const PerChannelShape& shape, std::span<const float> src,
                  std::span<const float> bias, std::span<float> dst);

// All [channels].
struct BatchNormParameters {
  std::span<const float> gamma;
  std::span<const float> beta;
  std::span<const float> mean;
  std::span<const float> variance;
  float epsilon = 1e-3f;
};

// dst[r, c] = (src[r, c] - mean[c]) * (gamma[c] / sqrt(variance[c] + epsilon))
//             + beta[c]. dst may be src. Thread-safe.
Status BatchNormF32(const PerChannelShape& shape, std::span<const float> src,
                    const BatchNormParameters& parameters,
                    std::span<float> dst);

// The same by plain loops. Check nothing.
void BiasAddF32Naive(const PerChannelShape& shape, const float* src,
                     const float* bias, float* dst);
void BatchNormF32Naive(const PerChannelShape& shape, const float* src,
                       const BatchNormParameters& parameters, float* dst);

}  // namespace cyto8
