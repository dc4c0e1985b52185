// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_vector.h and
// normalize_u8_f32_fast.h.
#include "detector/kernels/normalize_u8_f32_fast.h"
#include "detector/kernels/normalize_u8_f32_loops.h"

namespace cyto8 {

void NormalizeU8F32Avx2(const float mean[3], const float deviation[3],
                        const uint8_t* src, float* dst, int64_t count) {
  NormalizePixels(mean, deviation, src, dst, count);
}

}  // namespace cyto8
