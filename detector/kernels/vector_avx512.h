// SPDX-License-Identifier: Apache-2.0
// Sixteen floats, for the islands *_avx512.cc only. The same names as in
// vector_avx2.h, so that both compile the same loops (*_loops.h). All of it is
// in an unnamed namespace: nothing compiled here can be linked elsewhere.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace cyto8 {
namespace {

using Vector = __m512;
using Lanes = __mmask16;  // which lanes of a vector are meant.
constexpr int64_t kLanes = 16;

// The first `count` lanes, count in [1, kLanes].
inline Lanes FirstLanes(int64_t count) {
  return static_cast<Lanes>((1u << count) - 1);
}

inline Vector Set(float x) { return _mm512_set1_ps(x); }
inline Vector Load(const float* p) { return _mm512_loadu_ps(p); }
inline Vector Load(const float* p, Lanes lanes) {  // 0 in the other lanes.
  return _mm512_maskz_loadu_ps(lanes, p);
}
inline void Store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
inline void Store(float* p, Vector x, Lanes lanes) {
  _mm512_mask_storeu_ps(p, lanes, x);
}
inline Vector LoadBytes(const uint8_t* p) {  // kLanes bytes as floats.
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

inline Vector Add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
inline Vector Sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
inline Vector Mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
inline Vector Div(Vector a, Vector b) { return _mm512_div_ps(a, b); }
inline Vector MulAdd(Vector a, Vector b,
                     Vector c) {  // a * b + c, rounded once.
  return _mm512_fmadd_ps(a, b, c);
}
// If one of the operands is NaN, b.
inline Vector Min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
inline Vector Max(Vector a, Vector b) { return _mm512_max_ps(a, b); }

// To the nearest whole number.
inline Vector Round(Vector x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x * 2^n for a whole n in [-126, 126].
inline Vector TimesPowerOfTwo(Vector x, Vector n) {
  return _mm512_scalef_ps(x, n);
}
// 1 / x to 2^-23, for x in [1, 2^127): an estimate and one step of Newton's,
// which is three times as fast as a division here.
inline Vector Reciprocal(Vector x) {
  const Vector y = _mm512_rcp14_ps(x);
  return _mm512_fmadd_ps(y, _mm512_fnmadd_ps(x, y, Set(1)), y);
}

}  // namespace
}  // namespace cyto8
