// SPDX-License-Identifier: Apache-2.0
// The contract of the islands squeeze_excite_f32_avx2.cc and _avx512.cc: the
// parts of squeeze-and-excitation; see squeeze_excite_f32.h.
#pragma once

#include <cstdint>

namespace cyto8 {

// Floats [begin, end) that share one factor.
struct ScaledRun {
  int32_t begin = 0;
  int32_t end = 0;
  int32_t factor = 0;  // its index.
};

struct SqueezeExciteKernels {
  // means[c] = mean of src[:, c], src [pixels, channels]. `sums` [channels] is
  // scratch. Float sums over some hundred pixels, double over those.
  void (*means)(const float* src, int64_t pixels, int64_t channels,
                double* sums, float* means);
  // y[o] = bias[o] + sum over i of x[i] * wei[i, o]; y overlaps nothing.
  void (*layer)(const float* x, int64_t x_count, const float* wei,
                const float* bias, int64_t y_count, float* y);
  // dst[p, c] = src[p, c] * gate[c]; dst may be src.
  void (*scale_pixels)(const float* src, const float* gate, int64_t pixels,
                       int64_t channels, float* dst);
  // dst[i] = src[i] * factors[run.factor] for i in each run.
  void (*scale_runs)(const ScaledRun* runs, int64_t count, const float* src,
                     const float* factors, float* dst);
};

SqueezeExciteKernels SqueezeExciteAvx2();
SqueezeExciteKernels SqueezeExciteAvx512();

}  // namespace cyto8
