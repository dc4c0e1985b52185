// SPDX-License-Identifier: Apache-2.0
// Eight floats, for the islands *_avx2.cc only; see vector_avx512.h.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace cyto8 {
namespace {

using Vector = __m256;
using Lanes = __m256i;
constexpr int64_t kLanes = 8;

inline Lanes FirstLanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline Vector Set(float x) { return _mm256_set1_ps(x); }
inline Vector Load(const float* p) { return _mm256_loadu_ps(p); }
inline Vector Load(const float* p, Lanes lanes) {
  return _mm256_maskload_ps(p, lanes);
}
inline void Store(float* p, Vector x) { _mm256_storeu_ps(p, x); }
inline void Store(float* p, Vector x, Lanes lanes) {
  _mm256_maskstore_ps(p, lanes, x);
}
inline Vector LoadBytes(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

inline Vector Add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector Sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector Mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
inline Vector Div(Vector a, Vector b) { return _mm256_div_ps(a, b); }
inline Vector MulAdd(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vector Min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline Vector Max(Vector a, Vector b) { return _mm256_max_ps(a, b); }

inline Vector Round(Vector x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vector TimesPowerOfTwo(Vector x, Vector n) {
  const __m256i exponent =
      _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
inline Vector Reciprocal(Vector x) { return _mm256_div_ps(Set(1), x); }

}  // namespace
}  // namespace cyto8
