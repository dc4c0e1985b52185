// SPDX-License-Identifier: Apache-2.0
// The contract of the islands feature_fusion_u8_avx2.cc and _avx512.cc, and of
// their naive twin: rows of feature_fusion_u8.h.
#pragma once

#include <cstdint>

#include "detector/kernels/feature_fusion_f32_fast.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {

// dst[x, c] from rows[i][x / repeats[i], c], as feature_fusion_u8.h says.
struct FusionRowU8 {
  int64_t width = 0;
  int64_t channels = 0;
  int64_t sources = 0;  // in [1, kMaxFusionSources].
  const uint8_t* rows[kMaxFusionSources] = {};
  int64_t repeats[kMaxFusionSources] = {};
  const int16_t* start = nullptr;       // [channels].
  const int16_t* multiplier = nullptr;  // [sources, channels].
  Requantization requantization = {};
  uint8_t* dst = nullptr;
};

void FuseRowU8Naive(const FusionRowU8& row);
void FuseRowU8Avx2(const FusionRowU8& row);
void FuseRowU8Avx512(const FusionRowU8& row);

}  // namespace cyto8
