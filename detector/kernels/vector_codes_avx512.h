// SPDX-License-Identifier: Apache-2.0
// 64 codes, for the islands *_avx512.cc only. The same names as in
// vector_codes_avx2.h, so that both compile the same loops (*_loops.h). All of
// it is in an unnamed namespace: nothing compiled here can be linked elsewhere.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/even_table_avx512.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

using Bytes = __m512i;
using Words = __m512i;
using Dwords = __m512i;
using ByteLanes = __mmask64;  // which bytes of a vector are meant.
constexpr int64_t kBytes = 64;
constexpr int64_t kWords = 32;
constexpr int64_t kDwords = 16;

// kBytes words, in the order in which bytes are unpacked within each 128 bits.
struct WordPair {
  Words low;
  Words high;
};

// The first `count` bytes, count in [1, kBytes].
inline ByteLanes FirstBytes(int64_t count) { return ~0ull >> (kBytes - count); }

inline Bytes LoadBytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline Bytes LoadBytes(const uint8_t* p, ByteLanes lanes) {
  return _mm512_maskz_loadu_epi8(lanes, p);  // 0 in the other lanes.
}
inline void StoreBytes(uint8_t* p, Bytes x) { _mm512_storeu_si512(p, x); }
inline void StoreBytes(uint8_t* p, Bytes x, ByteLanes lanes) {
  _mm512_mask_storeu_epi8(p, lanes, x);
}
inline Bytes MaxBytes(Bytes a, Bytes b) { return _mm512_max_epu8(a, b); }

inline WordPair LoadWords(const int16_t* p, ByteLanes lanes) {
  const auto first = static_cast<__mmask32>(lanes);
  const auto second = static_cast<__mmask32>(lanes >> kWords);
  const Words a = _mm512_maskz_loadu_epi16(first, p);
  const Words b = second == 0 ? _mm512_setzero_si512()
                              : _mm512_maskz_loadu_epi16(second, p + kWords);
  return {_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd)};
}
// Each code times 128.
inline WordPair WidenBytes(Bytes x) {
  const Bytes parts = _mm512_set1_epi16(0x017f);  // times 127 and 1.
  return {_mm512_maddubs_epi16(_mm512_unpacklo_epi8(x, x), parts),
          _mm512_maddubs_epi16(_mm512_unpackhi_epi8(x, x), parts)};
}
inline Words MultiplyHigh(Words a, Words b) {
  return _mm512_mulhrs_epi16(a, b);
}
inline Words AddSaturated(Words a, Words b) { return _mm512_adds_epi16(a, b); }

using EvenVectors = EvenTableAvx512;
inline EvenVectors LoadTable(const EvenTable& table) {
  return LoadEvenTable(table);
}
inline Words Activate(Words p, const EvenVectors& table) {
  const Words even = EvenPart(table, _mm512_abs_epi16(p));
  return _mm512_subs_epi16(_mm512_max_epi16(p, _mm512_setzero_si512()), even);
}
inline WordPair Activate(const WordPair& p, const EvenVectors& table) {
  return {Activate(p.low, table), Activate(p.high, table)};
}
// sat8(x >> shift).
using ShiftCount = __m512i;
inline ShiftCount ShiftBy(int32_t count) {
  return _mm512_set1_epi16(static_cast<int16_t>(count));
}
inline Bytes PackCodes(const WordPair& x, ShiftCount shift) {
  return _mm512_packus_epi16(_mm512_srav_epi16(x.low, shift),
                             _mm512_srav_epi16(x.high, shift));
}

// Gated weights: words are weights of 4 inputs for each output.
inline Words LoadAllWords(const int16_t* p) { return _mm512_loadu_si512(p); }
inline Words RepeatQuad(const int16_t* p) {
  long long quad = 0;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm512_set1_epi64(quad);
}
inline Words MaxWords(Words a, Words b) { return _mm512_max_epi16(a, b); }
inline Words AbsoluteWords(Words x) { return _mm512_abs_epi16(x); }
// In both dwords of each 64 bits the greatest of their words, none < 0.
inline Dwords MaxOfQuads(Words x) {
  x = _mm512_max_epi16(x, _mm512_srli_epi64(x, 32));
  x = _mm512_max_epi16(x, _mm512_srli_epi64(x, 16));
  return _mm512_shuffle_epi32(_mm512_and_si512(x, _mm512_set1_epi64(0xffff)),
                              static_cast<_MM_PERM_ENUM>(0xa0));
}
inline void StoreEvenDwords(int32_t* p, Dwords x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi64_epi32(x));
}
using Floats = __m512;
inline Floats FloatsOf(Dwords x) { return _mm512_cvtepi32_ps(x); }
inline Floats Divide(float a, Floats b) {
  return _mm512_div_ps(_mm512_set1_ps(a), b);
}
// Words times floats, one of these for two words, to the nearest whole number.
inline Words ScaleWords(Words x, Floats factor) {
  const Dwords even = _mm512_srai_epi32(_mm512_slli_epi32(x, 16), 16);
  const Dwords odd = _mm512_srai_epi32(x, 16);
  const auto scaled = [&](Dwords part) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(part), factor));
  };
  return _mm512_mask_blend_epi16(0xaaaaaaaa, scaled(even),
                                 _mm512_slli_epi32(scaled(odd), 16));
}
// Words of [-128, 127] to bytes, those of a first.
inline Bytes JoinWords(Words a, Words b) {
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                  _mm512_packs_epi16(a, b));
}
inline void StoreAllBytes(int8_t* p, Bytes x) { _mm512_storeu_si512(p, x); }
inline void StoreDwords(int32_t* p, Dwords x) { _mm512_storeu_si512(p, x); }
inline Dwords ZeroDwords() { return _mm512_setzero_si512(); }
// Adds to each dword the sum of its four signed bytes.
inline Dwords AddBytes(Dwords sum, Bytes x) {
  const Words pairs = _mm512_maddubs_epi16(_mm512_set1_epi8(1), x);
  return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

}  // namespace
}  // namespace cyto8
