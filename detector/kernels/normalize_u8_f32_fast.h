// SPDX-License-Identifier: Apache-2.0
// The contract of the islands normalize_u8_f32_avx2.cc and _avx512.cc;
// everybody else calls NormalizeU8F32() of normalize_u8_f32.h.
#pragma once

#include <cstdint>

namespace cyto8 {

// dst[i] = (src[i] - mean[i % 3]) / deviation[i % 3] for i in [0, count).
void NormalizeU8F32Avx2(const float mean[3], const float deviation[3],
                        const uint8_t* src, float* dst, int64_t count);
void NormalizeU8F32Avx512(const float mean[3], const float deviation[3],
                          const uint8_t* src, float* dst, int64_t count);

}  // namespace cyto8
