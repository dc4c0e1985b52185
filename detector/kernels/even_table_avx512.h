// SPDX-License-Identifier: Apache-2.0
// The even part of an activation (requantize.h) of 32 words, for islands of
// AVX-512 BW; looked up by fewer instructions where VBMI is there. Tested by
// the tests of the kernels that include it.
//
// vpermw is two instructions inside, one on each of the vector ports, and
// shifts share a port with half of what an epilogue does. With VBMI,
// vpmultishiftqb makes two byte numbers of a segment, and vpermb looks up low
// and high bytes at once, both on the other port.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

// In registers.
struct EvenTableAvx512 {
  // min(a >> shift, 31) is the low 5 bits of adds(a, wrap) >> shift: at 32
  // segments and above the sum saturates, and wrap has no bits below.
  __m512i wrap;
  __m512i intercept;
  __m512i slope;
#ifdef __AVX512VBMI__
  __m512i first_bits;  // of the segment, for each byte of its word.
  __m512i segment_bits;
  __m512i high_bytes;  // 32 in the high byte of each word.
#else
  __m512i segment_shift;
#endif
};

#ifdef __AVX512VBMI__
// The low bytes of 32 words, then their high bytes.
inline __m512i SplitBytes(const int16_t* words) {
  alignas(64) uint8_t places[64];
  for (int i = 0; i < 64; ++i) {
    places[i] = static_cast<uint8_t>(2 * (i % 32) + i / 32);
  }
  return _mm512_permutexvar_epi8(_mm512_load_si512(places),
                                 _mm512_loadu_si512(words));
}
#endif

inline EvenTableAvx512 LoadEvenTable(const EvenTable& table) {
  const int32_t shift = table.segment_shift;
  EvenTableAvx512 t;
  t.wrap = _mm512_set1_epi16(static_cast<int16_t>(-(kEvenSegments << shift)));
#ifdef __AVX512VBMI__
  t.intercept = SplitBytes(table.intercept);
  t.slope = SplitBytes(table.slope);
  const int64_t bytes = 0x0101010101010101;
  t.first_bits = _mm512_set1_epi64(0x3030202010100000 + bytes * shift);
  const int bits = shift > 11 ? 16 - shift : 5;
  t.segment_bits = _mm512_set1_epi8(static_cast<char>((1 << bits) - 1));
  t.high_bytes = _mm512_set1_epi16(32 << 8);
#else
  t.intercept = _mm512_loadu_si512(table.intercept);
  t.slope = _mm512_loadu_si512(table.slope);
  t.segment_shift = _mm512_set1_epi16(static_cast<int16_t>(shift));
#endif
  return t;
}

// even(a), a = |p|.
[[gnu::always_inline]] inline __m512i EvenPart(const EvenTableAvx512& t,
                                               __m512i a) {
  const __m512i wrapped = _mm512_adds_epu16(a, t.wrap);
#ifdef __AVX512VBMI__
  constexpr int kAndOr = 0xEA;  // (bits & segment_bits) | high_bytes
  const __m512i i = _mm512_ternarylogic_epi64(
      _mm512_multishift_epi64_epi8(t.first_bits, wrapped), t.segment_bits,
      t.high_bytes, kAndOr);
  const __m512i intercept = _mm512_permutexvar_epi8(i, t.intercept);
  const __m512i slope = _mm512_permutexvar_epi8(i, t.slope);
#else
  const __m512i i = _mm512_srlv_epi16(wrapped, t.segment_shift);
  const __m512i intercept = _mm512_permutexvar_epi16(i, t.intercept);
  const __m512i slope = _mm512_permutexvar_epi16(i, t.slope);
#endif
  return _mm512_add_epi16(intercept, _mm512_mulhrs_epi16(slope, a));
}

}  // namespace
}  // namespace cyto8
