// SPDX-License-Identifier: Apache-2.0
// The contract of the islands codes_avx2.cc and codes_avx512.cc, and of their
// naive twin: the parts of codes.h.
#pragma once

#include <cstdint>

namespace cyto8 {

// Products beyond this are cut off before they are rounded: no zero point
// brings them back to a code. Rounding by adding kRoundsF32 is exact there.
inline constexpr float kMaxCodeF32 = 1 << 21;
inline constexpr float kRoundsF32 = 1.5f * (1 << 23);

// dst[x, c] = max over ky, kx of
//     src[ky, x * stride - pad_left + kx, c], without pixels outside.
struct MaxPoolCodesRow {
  const uint8_t* src = nullptr;  // `rows` rows of in_width pixels.
  int64_t rows = 0;              // at least 1.
  int64_t in_width = 0;
  int64_t out_width = 0;
  int64_t channels = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad_left = 0;
  uint8_t* dst = nullptr;
};

struct CodesKernels {
  void (*quantize)(const float* src, float inverse_scale, int32_t zero_point,
                   int64_t count, uint8_t* dst);
  void (*dequantize)(const uint8_t* src, float scale, int32_t zero_point,
                     int64_t count, float* dst);
  void (*pool_row)(const MaxPoolCodesRow& row);
};

CodesKernels CodesNaive();
CodesKernels CodesAvx2();
CodesKernels CodesAvx512();

}  // namespace cyto8
