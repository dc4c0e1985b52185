// SPDX-License-Identifier: Apache-2.0
// Rows of feature fusion in vectors of channels, for islands only (see
// native_vector.h). Tested by
// tests/detector/kernels/feature_fusion_f32_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/activation_loops.h"
#include "detector/kernels/feature_fusion_f32_fast.h"

namespace cyto8 {
namespace {

inline void FusePixel(const FusionRow& row, const float* const* pixels,
                      float* dst) {
  for (int64_t c = 0; c < row.channels; c += kLanes) {
    const int64_t left = row.channels - c;
    const Lanes lanes = FirstLanes(left < kLanes ? left : kLanes);
    Vector sum[1] = {Set(0)};
    for (int64_t i = 0; i < row.sources; ++i) {
      const Vector weight = Load(row.weights + i * row.channels + c, lanes);
      sum[0] = MulAdd(weight, Load(pixels[i] + c, lanes), sum[0]);
    }
    Activate(row.activation, sum);
    Store(dst + c, sum[0], lanes);
  }
}

inline void FuseRow(const FusionRow& row) {
  const float* pixels[kMaxFusionSources];
  int64_t uses[kMaxFusionSources];  // of the pixel so far.
  for (int64_t i = 0; i < row.sources; ++i) {
    pixels[i] = row.rows[i];
    uses[i] = 0;
  }
  for (int64_t x = 0; x < row.width; ++x) {
    FusePixel(row, pixels, row.dst + x * row.channels);
    for (int64_t i = 0; i < row.sources; ++i) {
      if (++uses[i] < row.repeats[i]) continue;
      pixels[i] += row.channels;
      uses[i] = 0;
    }
  }
}

// The maximum over the taps [first, last) of each row.
inline void PoolPixel(const MaxPoolRow& row, int64_t first, int64_t last,
                      float* dst) {
  for (int64_t c = 0; c < row.channels; c += kLanes) {
    const int64_t left = row.channels - c;
    const Lanes lanes = FirstLanes(left < kLanes ? left : kLanes);
    Vector best = Load(row.src + first * row.channels + c, lanes);
    for (int64_t y = 0; y < row.rows; ++y) {
      for (int64_t x = first; x < last; ++x) {
        const int64_t pixel = y * row.in_width + x;
        best = Max(best, Load(row.src + pixel * row.channels + c, lanes));
      }
    }
    Store(dst + c, best, lanes);
  }
}

inline void PoolRow(const MaxPoolRow& row) {
  for (int64_t x = 0; x < row.out_width; ++x) {
    const int64_t start = x * row.stride - row.pad_left;
    const int64_t end = start + row.kernel;
    PoolPixel(row, start < 0 ? 0 : start,
              end > row.in_width ? row.in_width : end,
              row.dst + x * row.channels);
  }
}

}  // namespace
}  // namespace cyto8
