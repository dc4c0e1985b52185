// SPDX-License-Identifier: Apache-2.0
// From exact sums to codes and floats, and the loops over blocks: what the
// islands pointwise_u8s8_avx512*.cc and _amx.cc share; see
// pointwise_u8s8_fast.h. All of it is in an unnamed namespace: nothing compiled
// here can be linked elsewhere.
//
// With a table 64 outputs cost some 31 instructions on the two vector ports of
// Intel's cores, as much as 60 inputs do by vpdpbusd: so they are counted.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/even_table_avx512.h"
#include "detector/kernels/pointwise_u8s8_fast.h"

namespace cyto8 {
namespace {

// Sums of some pixels and G * 16 outputs, in packed order.
template <int kPixels, int G>
using Sums = __m512i[kPixels][G];

// What an epilogue has to do: flags, which are known when it is compiled, or
// kAny: asked at run time, for the pixels that do not fill a tile.
constexpr int kTable = 1;
constexpr int kAddend = 2;
constexpr int kShiftLeft = 4;
constexpr int kFloats = 8;
constexpr int kAny = -1;

int ModeOf(const PointwiseRows& rows) {
  if (rows.dst == nullptr) return kFloats;
  return (rows.requantization.table != nullptr ? kTable : 0) |
         (rows.addend != nullptr ? kAddend : 0) |
         (rows.requantization.left_shift != 0 ? kShiftLeft : 0);
}

// The part of a layer that is computed with one set of factors.
struct Block {
  int64_t first = 0;    // output, and place in packed order.
  int64_t outputs = 0;  // that exist.
  const int8_t* wei = nullptr;
  const int32_t* bias = nullptr;
  const int32_t* shift = nullptr;
};

// What the epilogue of a block wants to know.
struct Epilogue {
  __m512i multiplier[2];  // in the order that vpackssdw gives words.
  EvenTableAvx512 even;
  __m512i addend_multiplier, left_shift, fraction_bits;  // in every element.
  __mmask64 outputs;  // those of the block that exist.
  bool all_outputs;
  int mode;
};

// Multipliers of two registers of sums, in the order of their words after
// vpackssdw. For one register only, twice the same.
inline __m512i PairMultipliers(const int16_t* multiplier, int groups) {
  const __m512i one = _mm512_broadcast_i64x4(
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(multiplier)));
  const __m512i words = groups == 1 ? one : _mm512_loadu_si512(multiplier);
  return _mm512_permutexvar_epi64(_mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0),
                                  words);
}

template <int kMode>
inline bool Has(const Epilogue& e, int flag) {
  return ((kMode == kAny ? e.mode : kMode) & flag) != 0;
}

template <int G>
inline Epilogue MakeEpilogue(const PointwiseRows& rows, const Block& block) {
  const Requantization& layer = rows.requantization;
  Epilogue e = {};
  e.outputs =
      block.outputs == 64 ? ~uint64_t{0} : (uint64_t{1} << block.outputs) - 1;
  e.all_outputs = block.outputs == G * 16;
  e.mode = ModeOf(rows);
  if (e.mode == kFloats) return e;
  const int16_t* multiplier = rows.multiplier + block.first;
  e.multiplier[0] = PairMultipliers(multiplier, G);
  e.multiplier[1] =
      G == 4 ? PairMultipliers(multiplier + 32, G) : e.multiplier[0];
  if (layer.table != nullptr) e.even = LoadEvenTable(*layer.table);
  e.addend_multiplier =
      _mm512_set1_epi16(static_cast<int16_t>(rows.addend_multiplier));
  e.left_shift = _mm512_set1_epi32(layer.left_shift);
  e.fraction_bits =
      _mm512_set1_epi16(static_cast<int16_t>(layer.fraction_bits));
  return e;
}

// t of two registers of sums.
template <int kMode>
inline __m512i Words(const Epilogue& e, __m512i a, __m512i b, __m512i a_shift,
                     __m512i b_shift) {
  if (Has<kMode>(e, kShiftLeft)) {
    a = _mm512_sllv_epi32(a, e.left_shift);
    b = _mm512_sllv_epi32(b, e.left_shift);
  }
  return _mm512_packs_epi32(_mm512_srav_epi32(a, a_shift),
                            _mm512_srav_epi32(b, b_shift));
}

// p + addend; `twice` has each code twice, as the bytes of a word.
inline __m512i AddCodes(const Epilogue& e, __m512i p, __m512i twice) {
  const __m512i code = _mm512_maddubs_epi16(twice, _mm512_set1_epi8(64));
  return _mm512_adds_epi16(p, _mm512_mulhrs_epi16(code, e.addend_multiplier));
}

// From p to words that only have to become bytes.
template <int kMode>
inline __m512i Activate(const Epilogue& e, __m512i p) {
  if (Has<kMode>(e, kTable)) {
    const __m512i relu = _mm512_max_epi16(p, _mm512_setzero_si512());
    const __m512i even = EvenPart(e.even, _mm512_abs_epi16(p));
    // Without an addend the difference cannot overflow (requantize.h).
    p = Has<kMode>(e, kAddend) ? _mm512_subs_epi16(relu, even)
                               : _mm512_sub_epi16(relu, even);
  }
  return _mm512_srav_epi16(p, e.fraction_bits);
}

// The codes of two registers of t; `addend` has the codes that are added, in
// the order of the result.
template <int kMode>
inline __m512i Codes(const Epilogue& e, __m512i low, __m512i high,
                     __m512i addend) {
  low = _mm512_mulhrs_epi16(low, e.multiplier[0]);
  high = _mm512_mulhrs_epi16(high, e.multiplier[1]);
  if (Has<kMode>(e, kAddend)) {
    low = AddCodes(e, low, _mm512_unpacklo_epi8(addend, addend));
    high = AddCodes(e, high, _mm512_unpackhi_epi8(addend, addend));
  }
  return _mm512_packus_epi16(Activate<kMode>(e, low), Activate<kMode>(e, high));
}

// Four times the 16 outputs of a pixel each, as vpackuswb leaves them, to
// rising outputs; it is its own inverse.
inline __m512i TransposeDwords(__m512i x) {
  return _mm512_permutexvar_epi32(
      _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0),
      x);
}
// The same for two pixels of 32 outputs, and its inverse.
inline __m512i SplitQwords(__m512i x) {
  return _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), x);
}
inline __m512i MergeQwords(__m512i x) {
  return _mm512_permutexvar_epi64(_mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0), x);
}

// The outputs of a pixel, as codes: 64, 32 or 16, or as many as exist.
inline __m512i Load64(const Epilogue& e, const uint8_t* p) {
  return e.all_outputs ? _mm512_loadu_si512(p)
                       : _mm512_maskz_loadu_epi8(e.outputs, p);
}
inline __m256i Load32(const Epilogue& e, const uint8_t* p) {
  return e.all_outputs
             ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))
             : _mm256_maskz_loadu_epi8(static_cast<__mmask32>(e.outputs), p);
}
inline __m128i Load16(const Epilogue& e, const uint8_t* p) {
  return e.all_outputs
             ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
             : _mm_maskz_loadu_epi8(static_cast<__mmask16>(e.outputs), p);
}
inline void Store(const Epilogue& e, uint8_t* p, __m512i x) {
  if (__builtin_expect(e.all_outputs, 1)) return _mm512_storeu_si512(p, x);
  _mm512_mask_storeu_epi8(p, e.outputs, x);
}
inline void Store(const Epilogue& e, uint8_t* p, __m256i x) {
  if (__builtin_expect(e.all_outputs, 1)) {
    return _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x);
  }
  _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(e.outputs), x);
}
inline void Store(const Epilogue& e, uint8_t* p, __m128i x) {
  if (__builtin_expect(e.all_outputs, 1)) {
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x);
  }
  _mm_mask_storeu_epi8(p, static_cast<__mmask16>(e.outputs), x);
}

// Where a tile's results go: pixels of this block.
struct Target {
  uint8_t* dst;
  const uint8_t* addend;
  int64_t stride;
};

// One pixel of 64 outputs at a time.
template <int kMode, int kPixels>
inline void StoreCodes(const Epilogue& e, const Block& block,
                       const Target& target, int64_t count,
                       Sums<kPixels, 4>& sums) {
  const __m512i* shift = reinterpret_cast<const __m512i*>(block.shift);
#pragma GCC unroll 6
  for (int p = 0; p < kPixels; ++p) {
    if (p >= count) return;
    const int64_t at = p * target.stride;
    __m512i addend = {};
    if (Has<kMode>(e, kAddend)) addend = Load64(e, target.addend + at);
    const __m512i low =
        Words<kMode>(e, sums[p][0], sums[p][1], shift[0], shift[1]);
    const __m512i high =
        Words<kMode>(e, sums[p][2], sums[p][3], shift[2], shift[3]);
    Store(e, target.dst + at, Codes<kMode>(e, low, high, addend));
  }
}

// Two pixels of 32 outputs at a time.
inline __m512i LoadTwo(const Epilogue& e, const uint8_t* p, int64_t stride,
                       int64_t count) {
  const __m256i a = Load32(e, p);
  const __m256i b = count > 1 ? Load32(e, p + stride) : a;
  return MergeQwords(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
}

inline void StoreTwo(const Epilogue& e, uint8_t* p, int64_t stride,
                     int64_t count, __m512i codes) {
  codes = SplitQwords(codes);
  Store(e, p, _mm512_castsi512_si256(codes));
  if (count > 1) Store(e, p + stride, _mm512_extracti64x4_epi64(codes, 1));
}

template <int kMode, int kPixels>
inline void StoreCodes(const Epilogue& e, const Block& block,
                       const Target& target, int64_t count,
                       Sums<kPixels, 2>& sums) {
  const __m512i* shift = reinterpret_cast<const __m512i*>(block.shift);
#pragma GCC unroll 6
  for (int p = 0; p < kPixels; p += 2) {
    if (p >= count) return;
    const int64_t at = p * target.stride;
    __m512i addend = {};
    if (Has<kMode>(e, kAddend)) {
      addend = LoadTwo(e, target.addend + at, target.stride, count - p);
    }
    const __m512i low =
        Words<kMode>(e, sums[p][0], sums[p][1], shift[0], shift[1]);
    const __m512i high =
        Words<kMode>(e, sums[p + 1][0], sums[p + 1][1], shift[0], shift[1]);
    StoreTwo(e, target.dst + at, target.stride, count - p,
             Codes<kMode>(e, low, high, addend));
  }
}

// Four pixels of 16 outputs at a time.
inline __m512i LoadFour(const Epilogue& e, const uint8_t* p, int64_t stride,
                        int64_t count) {
  __m512i x = _mm512_castsi128_si512(Load16(e, p));
  if (count > 1) x = _mm512_inserti32x4(x, Load16(e, p + stride), 1);
  if (count > 2) x = _mm512_inserti32x4(x, Load16(e, p + 2 * stride), 2);
  if (count > 3) x = _mm512_inserti32x4(x, Load16(e, p + 3 * stride), 3);
  return TransposeDwords(x);
}

inline void StoreFour(const Epilogue& e, uint8_t* p, int64_t stride,
                      int64_t count, __m512i codes) {
  codes = TransposeDwords(codes);
  Store(e, p, _mm512_castsi512_si128(codes));
  if (count < 2) return;
  Store(e, p + stride, _mm512_extracti32x4_epi32(codes, 1));
  if (count < 3) return;
  Store(e, p + 2 * stride, _mm512_extracti32x4_epi32(codes, 2));
  if (count < 4) return;
  Store(e, p + 3 * stride, _mm512_extracti32x4_epi32(codes, 3));
}

template <int kMode, int kPixels>
inline void StoreCodes(const Epilogue& e, const Block& block,
                       const Target& target, int64_t count,
                       Sums<kPixels, 1>& sums) {
  const __m512i shift = _mm512_load_si512(block.shift);
#pragma GCC unroll 6
  for (int p = 0; p < kPixels; p += 4) {
    if (p >= count) return;
    const int64_t at = p * target.stride;
    __m512i addend = {};
    if (Has<kMode>(e, kAddend)) {
      addend = LoadFour(e, target.addend + at, target.stride, count - p);
    }
    const __m512i low =
        Words<kMode>(e, sums[p][0], sums[p + 1][0], shift, shift);
    const __m512i high =
        Words<kMode>(e, sums[p + 2][0], sums[p + 3][0], shift, shift);
    StoreFour(e, target.dst + at, target.stride, count - p,
              Codes<kMode>(e, low, high, addend));
  }
}

// Floats of one pixel from packed order to rising outputs: 128-bit lanes of G
// registers are transposed.
template <int G>
inline void StorePixel(float* dst, const __m512 (&x)[G], int64_t outputs) {
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    for (int lane = 0; lane < 4; ++lane) {
      const int64_t at = 4 * G * lane + 4 * g;
      const int64_t count = outputs - at;
      if (count <= 0) break;
      const __m128 four = lane == 0   ? _mm512_castps512_ps128(x[g])
                          : lane == 1 ? _mm512_extractf32x4_ps(x[g], 1)
                          : lane == 2 ? _mm512_extractf32x4_ps(x[g], 2)
                                      : _mm512_extractf32x4_ps(x[g], 3);
      if (count >= 4) {
        _mm_storeu_ps(dst + at, four);
      } else {
        _mm_mask_storeu_ps(dst + at, static_cast<__mmask8>((1 << count) - 1),
                           four);
      }
    }
  }
}

template <int kPixels, int G>
inline void StoreFloats(const PointwiseRows& rows, const Block& block,
                        int64_t first_pixel, int64_t count,
                        Sums<kPixels, G>& sums) {
  float* dst = rows.dst_f32 + first_pixel * rows.out_channels + block.first;
#pragma GCC unroll 24
  for (int p = 0; p < kPixels; ++p) {
    if (p >= count) return;
    __m512 x[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const int64_t place = block.first + g * 16;
      x[g] = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[p][g]),
                                         _mm512_load_ps(rows.scale + place)),
                           _mm512_load_ps(rows.offset + place));
    }
    StorePixel<G>(dst + p * rows.out_channels, x, block.outputs);
  }
}

// Results of `count` pixels from their sums.
template <int kMode, int kPixels, int G>
inline void StoreResults(const PointwiseRows& rows, const Block& block,
                         const Epilogue& e, int64_t pixel, int64_t count,
                         Sums<kPixels, G>& sums) {
  if (Has<kMode>(e, kFloats)) {
    StoreFloats<kPixels, G>(rows, block, pixel, count, sums);
    return;
  }
  const int64_t at = pixel * rows.out_channels + block.first;
  const Target target = {rows.dst + at,
                         Has<kMode>(e, kAddend) ? rows.addend + at : nullptr,
                         rows.out_channels};
  StoreCodes<kMode>(e, block, target, count, sums);
}

// Pixels [first, last) of one block of G * 16 outputs: each island's own.
template <int G, int kMode>
void ComputeBlock(const PointwiseRows& rows, const Block& block, int64_t first,
                  int64_t last);

template <int kMode>
void ComputePixels(const PointwiseRows& rows, int64_t first, int64_t last) {
  const int64_t quads = (rows.in_channels + 3) / 4;
  Block block;
  while (block.first < rows.out_channels) {
    const int64_t rest = rows.out_channels - block.first;
    const int64_t size = rest > 48 ? 64 : rest > 16 ? 32 : 16;
    block.outputs = rest < size ? rest : size;
    block.wei = rows.wei + block.first * quads * 4;
    block.bias = rows.bias + block.first;
    block.shift = rows.shift + block.first;
    if (size == 64) {
      ComputeBlock<4, kMode>(rows, block, first, last);
    } else if (size == 32) {
      ComputeBlock<2, kMode>(rows, block, first, last);
    } else {
      ComputeBlock<1, kMode>(rows, block, first, last);
    }
    block.first += size;
  }
}

// All blocks of some pixels before the next pixels, so that the lines of dst,
// which blocks share, stay in the first cache where the weights leave room.
template <int kMode>
void Compute(const PointwiseRows& rows) {
  const int64_t bytes = rows.in_channels + rows.out_channels;
  const int64_t weights = rows.in_channels * rows.out_channels;
  const int64_t budget = weights <= 16384 ? 24576 : 262144;
  const int64_t chunk = (budget / bytes / 48 + 1) * 48;
  for (int64_t first = 0; first < rows.pixels; first += chunk) {
    const int64_t last =
        rows.pixels - first < chunk ? rows.pixels : first + chunk;
    ComputePixels<kMode>(rows, first, last);
  }
}

inline void ComputeAll(const PointwiseRows& rows) {
  switch (ModeOf(rows)) {
    case 0:
      return Compute<0>(rows);
    case kTable:
      return Compute<kTable>(rows);
    case kAddend:
      return Compute<kAddend>(rows);
    case kTable | kAddend:
      return Compute<kTable | kAddend>(rows);
    case kShiftLeft:
      return Compute<kShiftLeft>(rows);
    case kTable | kShiftLeft:
      return Compute<kTable | kShiftLeft>(rows);
    case kAddend | kShiftLeft:
      return Compute<kAddend | kShiftLeft>(rows);
    case kTable | kAddend | kShiftLeft:
      return Compute<kTable | kAddend | kShiftLeft>(rows);
    default:
      return Compute<kFloats>(rows);
  }
}

}  // namespace
}  // namespace cyto8
