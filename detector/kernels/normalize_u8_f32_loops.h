// SPDX-License-Identifier: Apache-2.0
// Normalisation of pixels in vectors, for islands only (see native_vector.h).
// Tested by tests/detector/kernels/normalize_u8_f32_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/native_vector.h"
#include "detector/kernels/normalize_u8_f32_fast.h"

namespace cyto8 {
namespace {

// Three vectors hold whole pixels, whatever their width: colour c stands at the
// same places of every such triple. Divides, so that the result is that of the
// naive loop to the last bit.
inline void NormalizePixels(const float* mean, const float* deviation,
                            const uint8_t* src, float* dst, int64_t count) {
  constexpr int64_t kTriple = 3 * kLanes;
  float means[kTriple];
  float deviations[kTriple];
  for (int64_t i = 0; i < kTriple; ++i) {
    means[i] = mean[i % 3];
    deviations[i] = deviation[i % 3];
  }
  int64_t i = 0;
  for (; i + kTriple <= count; i += kTriple) {
    for (int64_t v = 0; v < kTriple; v += kLanes) {
      const Vector level = Sub(LoadBytes(src + i + v), Load(means + v));
      Store(dst + i + v, Div(level, Load(deviations + v)));
    }
  }
  for (; i < count; ++i) {
    dst[i] = (static_cast<float>(src[i]) - mean[i % 3]) / deviation[i % 3];
  }
}

}  // namespace
}  // namespace cyto8
