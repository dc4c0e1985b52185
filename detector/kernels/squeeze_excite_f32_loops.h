// SPDX-License-Identifier: Apache-2.0
// Parts of squeeze-and-excitation in vectors of channels, for islands only (see
// native_vector.h). Tested by
// tests/detector/kernels/squeeze_excite_f32_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/native_vector.h"
#include "detector/kernels/squeeze_excite_f32_fast.h"

namespace cyto8 {
namespace {

inline int64_t LanesLeft(int64_t at, int64_t count) {
  return count - at < kLanes ? count - at : kLanes;
}

// sums[0..) += the sums of `pixels` pixels, for the lanes at channel c.
inline void AddPixels(const float* src, int64_t pixels, int64_t channels,
                      int64_t lanes_left, double* sums) {
  const Lanes lanes = FirstLanes(lanes_left);
  Vector sum[4] = {Set(0), Set(0), Set(0), Set(0)};
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4) {
    for (int i = 0; i < 4; ++i) {
      sum[i] = Add(sum[i], Load(src + (p + i) * channels, lanes));
    }
  }
  for (; p < pixels; ++p) sum[0] = Add(sum[0], Load(src + p * channels, lanes));
  float total[kLanes];
  Store(total, Add(Add(sum[0], sum[1]), Add(sum[2], sum[3])));
  for (int64_t c = 0; c < lanes_left; ++c) {
    sums[c] += static_cast<double>(total[c]);
  }
}

// Some pixels at a time, so that they are still near when the next channels of
// the same pixels are read.
inline void Means(const float* src, int64_t pixels, int64_t channels,
                  double* sums, float* means) {
  constexpr int64_t kPixels = 64;
  for (int64_t c = 0; c < channels; ++c) sums[c] = 0;
  for (int64_t p = 0; p < pixels; p += kPixels) {
    const int64_t count = pixels - p < kPixels ? pixels - p : kPixels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      AddPixels(src + p * channels + c, count, channels, LanesLeft(c, channels),
                sums + c);
    }
  }
  for (int64_t c = 0; c < channels; ++c) {
    means[c] = static_cast<float>(sums[c] / static_cast<double>(pixels));
  }
}

inline void Layer(const float* x, int64_t x_count, const float* wei,
                  const float* bias, int64_t y_count, float* y) {
  for (int64_t o = 0; o < y_count; o += kLanes) {
    const Lanes lanes = FirstLanes(LanesLeft(o, y_count));
    Vector sum = Load(bias + o, lanes);
    for (int64_t i = 0; i < x_count; ++i) {
      sum = MulAdd(Set(x[i]), Load(wei + i * y_count + o, lanes), sum);
    }
    Store(y + o, sum, lanes);
  }
}

inline void ScalePixels(const float* src, const float* gate, int64_t pixels,
                        int64_t channels, float* dst) {
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Lanes lanes = FirstLanes(LanesLeft(c, channels));
      const int64_t at = p * channels + c;
      Store(dst + at, Mul(Load(src + at, lanes), Load(gate + c, lanes)), lanes);
    }
  }
}

inline void ScaleRuns(const ScaledRun* runs, int64_t count, const float* src,
                      const float* factors, float* dst) {
  for (int64_t r = 0; r < count; ++r) {
    const Vector factor = Set(factors[runs[r].factor]);
    const int64_t end = runs[r].end;
    for (int64_t i = runs[r].begin; i < end; i += kLanes) {
      const Lanes lanes = FirstLanes(LanesLeft(i, end));
      Store(dst + i, Mul(Load(src + i, lanes), factor), lanes);
    }
  }
}

}  // namespace
}  // namespace cyto8
