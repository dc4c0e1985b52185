// SPDX-License-Identifier: Apache-2.0
// The contract of the islands feature_fusion_f32_avx2.cc and _avx512.cc: rows
// of feature_fusion_f32.h.
#pragma once

#include <cstdint>

#include "base/activation_kind.h"

namespace cyto8 {

inline constexpr int64_t kMaxFusionSources = 8;

// dst[x, c] = activation(sum over i of
//     weights[i, c] * rows[i][x / repeats[i], c]).
struct FusionRow {
  int64_t width = 0;
  int64_t channels = 0;
  int64_t sources = 0;  // in [1, kMaxFusionSources].
  const float* rows[kMaxFusionSources] = {};
  int64_t repeats[kMaxFusionSources] = {};
  const float* weights = nullptr;  // [sources, channels].
  Activation activation = Activation::kNone;
  float* dst = nullptr;
};

// dst[x, c] = max over ky, kx of
//     src[ky, x * stride - pad_left + kx, c], without pixels outside.
struct MaxPoolRow {
  const float* src = nullptr;  // `rows` rows of in_width pixels.
  int64_t rows = 0;            // at least 1.
  int64_t in_width = 0;
  int64_t out_width = 0;
  int64_t channels = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad_left = 0;
  float* dst = nullptr;
};

void FuseRowAvx2(const FusionRow& row);
void FuseRowAvx512(const FusionRow& row);
void PoolRowAvx2(const MaxPoolRow& row);
void PoolRowAvx512(const MaxPoolRow& row);

}  // namespace cyto8
