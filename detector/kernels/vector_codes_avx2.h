// SPDX-License-Identifier: Apache-2.0
// 32 codes, for the islands *_avx2.cc only. The same names as in
// vector_codes_avx512.h, so that both compile the same loops (*_loops.h). All
// of it is in an unnamed namespace: nothing compiled here can be linked
// elsewhere.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

using Bytes = __m256i;
using Words = __m256i;
using Dwords = __m256i;
using ByteLanes = size_t;  // how many bytes of a vector are meant.
constexpr int64_t kBytes = 32;
constexpr int64_t kWords = 16;
constexpr int64_t kDwords = 8;

// kBytes words, in the order in which bytes are unpacked within each 128 bits.
struct WordPair {
  Words low;
  Words high;
};

// The first `count` bytes, count in [1, kBytes].
inline ByteLanes FirstBytes(int64_t count) {
  return static_cast<ByteLanes>(count);
}

inline Bytes LoadAny(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void StoreAny(void* p, Bytes x) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), x);
}

inline Bytes LoadBytes(const uint8_t* p) { return LoadAny(p); }
inline Bytes LoadBytes(const uint8_t* p, ByteLanes lanes) {
  uint8_t bytes[kBytes] = {};
  __builtin_memcpy(bytes, p, lanes);
  return LoadAny(bytes);  // 0 in the other lanes.
}
inline void StoreBytes(uint8_t* p, Bytes x) { StoreAny(p, x); }
inline void StoreBytes(uint8_t* p, Bytes x, ByteLanes lanes) {
  uint8_t bytes[kBytes];
  StoreAny(bytes, x);
  __builtin_memcpy(p, bytes, lanes);
}
inline Bytes MaxBytes(Bytes a, Bytes b) { return _mm256_max_epu8(a, b); }

inline WordPair LoadWords(const int16_t* p, ByteLanes lanes) {
  int16_t words[kBytes] = {};
  __builtin_memcpy(words, p, lanes * sizeof(int16_t));
  const Words a = LoadAny(words);
  const Words b = LoadAny(words + kWords);
  return {_mm256_permute2x128_si256(a, b, 0x20),
          _mm256_permute2x128_si256(a, b, 0x31)};
}
// Each code times 128.
inline WordPair WidenBytes(Bytes x) {
  const Bytes zero = _mm256_setzero_si256();
  return {_mm256_srli_epi16(_mm256_unpacklo_epi8(zero, x), 1),
          _mm256_srli_epi16(_mm256_unpackhi_epi8(zero, x), 1)};
}
inline Words MultiplyHigh(Words a, Words b) {
  return _mm256_mulhrs_epi16(a, b);
}
inline Words AddSaturated(Words a, Words b) { return _mm256_adds_epi16(a, b); }

// The low and the high bytes of 32 words, 16 in each half of a vector.
struct LookUp {
  Bytes low[2];
  Bytes high[2];
};
inline LookUp LoadLookUp(const int16_t* words) {
  const auto take = [&](int first, int shift) {
    uint8_t bytes[16];
    for (int i = 0; i < 16; ++i) {
      bytes[i] = static_cast<uint8_t>(words[first + i] >> shift);
    }
    return _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
  };
  return {{take(0, 0), take(16, 0)}, {take(0, 8), take(16, 8)}};
}
// Words number i of the table, for bytes i in [0, 31]; is_high: i > 15.
inline WordPair Find(const LookUp& table, Bytes i, Bytes is_high) {
  const auto bytes = [&](const Bytes* halves) {
    return _mm256_blendv_epi8(_mm256_shuffle_epi8(halves[0], i),
                              _mm256_shuffle_epi8(halves[1], i), is_high);
  };
  const Bytes low = bytes(table.low);
  const Bytes high = bytes(table.high);
  return {_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high)};
}

struct EvenVectors {
  LookUp intercept;
  LookUp slope;
  __m128i segment_shift;
};
inline EvenVectors LoadTable(const EvenTable& table) {
  return {LoadLookUp(table.intercept), LoadLookUp(table.slope),
          _mm_cvtsi32_si128(table.segment_shift)};
}
inline Words ActivateWith(Words p, Words a, Words intercept, Words slope) {
  const Words even = _mm256_add_epi16(intercept, MultiplyHigh(slope, a));
  return _mm256_subs_epi16(_mm256_max_epi16(p, _mm256_setzero_si256()), even);
}
inline WordPair Activate(const WordPair& p, const EvenVectors& table) {
  const WordPair a = {_mm256_abs_epi16(p.low), _mm256_abs_epi16(p.high)};
  const auto segment = [&](Words x) {
    return _mm256_min_epu16(_mm256_srl_epi16(x, table.segment_shift),
                            _mm256_set1_epi16(kEvenSegments - 1));
  };
  const Bytes i = _mm256_packus_epi16(segment(a.low), segment(a.high));
  const Bytes is_high = _mm256_cmpgt_epi8(i, _mm256_set1_epi8(15));
  const WordPair intercept = Find(table.intercept, i, is_high);
  const WordPair slope = Find(table.slope, i, is_high);
  return {ActivateWith(p.low, a.low, intercept.low, slope.low),
          ActivateWith(p.high, a.high, intercept.high, slope.high)};
}
// sat8(x >> shift).
using ShiftCount = __m128i;
inline ShiftCount ShiftBy(int32_t count) { return _mm_cvtsi32_si128(count); }
inline Bytes PackCodes(const WordPair& x, ShiftCount shift) {
  return _mm256_packus_epi16(_mm256_sra_epi16(x.low, shift),
                             _mm256_sra_epi16(x.high, shift));
}

// Gated weights: words are weights of 4 inputs for each output.
inline Words LoadAllWords(const int16_t* p) { return LoadAny(p); }
inline Words RepeatQuad(const int16_t* p) {
  long long quad = 0;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm256_set1_epi64x(quad);
}
inline Words MaxWords(Words a, Words b) { return _mm256_max_epi16(a, b); }
inline Words AbsoluteWords(Words x) { return _mm256_abs_epi16(x); }
// In both dwords of each 64 bits the greatest of their words, none < 0.
inline Dwords MaxOfQuads(Words x) {
  x = _mm256_max_epi16(x, _mm256_srli_epi64(x, 32));
  x = _mm256_max_epi16(x, _mm256_srli_epi64(x, 16));
  return _mm256_shuffle_epi32(_mm256_and_si256(x, _mm256_set1_epi64x(0xffff)),
                              0xa0);
}
inline void StoreEvenDwords(int32_t* p, Dwords x) {
  const Dwords even =
      _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(even));
}
using Floats = __m256;
inline Floats FloatsOf(Dwords x) { return _mm256_cvtepi32_ps(x); }
inline Floats Divide(float a, Floats b) {
  return _mm256_div_ps(_mm256_set1_ps(a), b);
}
// Words times floats, one of these for two words, to the nearest whole number.
inline Words ScaleWords(Words x, Floats factor) {
  const Dwords even = _mm256_srai_epi32(_mm256_slli_epi32(x, 16), 16);
  const Dwords odd = _mm256_srai_epi32(x, 16);
  const auto scaled = [&](Dwords part) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(part), factor));
  };
  return _mm256_blend_epi16(scaled(even), _mm256_slli_epi32(scaled(odd), 16),
                            0xaa);
}
// Words of [-128, 127] to bytes, those of a first.
inline Bytes JoinWords(Words a, Words b) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
}
inline void StoreAllBytes(int8_t* p, Bytes x) { StoreAny(p, x); }
inline void StoreDwords(int32_t* p, Dwords x) { StoreAny(p, x); }
inline Dwords ZeroDwords() { return _mm256_setzero_si256(); }
// Adds to each dword the sum of its four signed bytes.
inline Dwords AddBytes(Dwords sum, Bytes x) {
  const Words pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), x);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

}  // namespace
}  // namespace cyto8
