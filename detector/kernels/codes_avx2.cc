// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_codes.h and
// codes_fast.h. Conversions go 8 at a time.
#include "detector/kernels/codes_fast.h"
#include "detector/kernels/codes_loops.h"

namespace cyto8 {
namespace {

// count in [1, 8].
inline __m256i Lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int32_t>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

void Quantize(const float* src, float inverse_scale, int32_t zero_point,
              int64_t count, uint8_t* dst) {
  const __m256 scale = _mm256_set1_ps(inverse_scale);
  const __m256i zero = _mm256_set1_epi32(zero_point);
  for (int64_t i = 0; i < count; i += 8) {
    const int64_t left = count - i < 8 ? count - i : 8;
    __m256 x = _mm256_mul_ps(_mm256_maskload_ps(src + i, Lanes(left)), scale);
    x = _mm256_and_ps(x, _mm256_cmp_ps(x, x, _CMP_ORD_Q));
    x = _mm256_max_ps(x, _mm256_set1_ps(-kMaxCodeF32));
    x = _mm256_min_ps(x, _mm256_set1_ps(kMaxCodeF32));
    const __m256i code = _mm256_add_epi32(_mm256_cvtps_epi32(x), zero);
    const __m256i words = _mm256_packs_epi32(code, code);
    const __m256i bytes =
        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words),
                                    _mm256_setr_epi32(0, 4, 0, 4, 0, 4, 0, 4));
    const int64_t codes = _mm256_extract_epi64(bytes, 0);
    __builtin_memcpy(dst + i, &codes, static_cast<size_t>(left));
  }
}

void Dequantize(const uint8_t* src, float scale, int32_t zero_point,
                int64_t count, float* dst) {
  const __m256i zero = _mm256_set1_epi32(zero_point);
  for (int64_t i = 0; i < count; i += 8) {
    const int64_t left = count - i < 8 ? count - i : 8;
    int64_t codes = 0;
    __builtin_memcpy(&codes, src + i, static_cast<size_t>(left));
    const __m256i code = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(codes));
    const __m256 x = _mm256_cvtepi32_ps(_mm256_sub_epi32(code, zero));
    _mm256_maskstore_ps(dst + i, Lanes(left),
                        _mm256_mul_ps(x, _mm256_set1_ps(scale)));
  }
}

}  // namespace

CodesKernels CodesAvx2() { return {&Quantize, &Dequantize, &PoolRow}; }

}  // namespace cyto8
