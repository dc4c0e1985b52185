// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_codes.h and
// codes_fast.h. Conversions go 16 at a time.
#include "detector/kernels/codes_fast.h"
#include "detector/kernels/codes_loops.h"

namespace cyto8 {
namespace {

inline __mmask16 Lanes(int64_t left) {
  return static_cast<__mmask16>(left < 16 ? (1u << left) - 1 : 0xffffu);
}

void Quantize(const float* src, float inverse_scale, int32_t zero_point,
              int64_t count, uint8_t* dst) {
  const __m512 scale = _mm512_set1_ps(inverse_scale);
  const __m512i zero = _mm512_set1_epi32(zero_point);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = Lanes(count - i);
    __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, src + i), scale);
    x = _mm512_maskz_max_ps(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), x,
                            _mm512_set1_ps(-kMaxCodeF32));
    x = _mm512_min_ps(x, _mm512_set1_ps(kMaxCodeF32));
    const __m512i code = _mm512_add_epi32(_mm512_cvtps_epi32(x), zero);
    _mm512_mask_cvtusepi32_storeu_epi8(
        dst + i, lanes, _mm512_max_epi32(code, _mm512_setzero_si512()));
  }
}

void Dequantize(const uint8_t* src, float scale, int32_t zero_point,
                int64_t count, float* dst) {
  const __m512i zero = _mm512_set1_epi32(zero_point);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = Lanes(count - i);
    const __m512i code =
        _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes, src + i));
    const __m512 x = _mm512_cvtepi32_ps(_mm512_sub_epi32(code, zero));
    _mm512_mask_storeu_ps(dst + i, lanes,
                          _mm512_mul_ps(x, _mm512_set1_ps(scale)));
  }
}

}  // namespace

CodesKernels CodesAvx512() { return {&Quantize, &Dequantize, &PoolRow}; }

}  // namespace cyto8
