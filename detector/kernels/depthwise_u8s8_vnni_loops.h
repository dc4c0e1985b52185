// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of codes with vpdpbusd, which multiplies four
// neighbouring bytes of a dword at once: four taps of one channel. Included by
// the islands depthwise_u8s8_avx512*.cc; see depthwise_u8s8_fast.h and
// depthwise_u8s8_vnni.h, which says the order of the weights. Tested by
// tests/detector/kernels/depthwise_u8s8_test.cc.
//
// Codes of four pixels become quads by two rounds of vpunpck. What counts is
// how often a quad is used:
//
// * 3x3, stride 1: quads of four rows in one column serve two output rows and
//   three output columns; those of three columns stay in registers.
// * 5x5: 25 taps fit in 7 quads. Quads M of the four rows that two output rows
//   share (2nd to 5th of 6), and quads H of four neighbouring columns of the
//   row that only the upper, or only the lower output row needs. H lie at every
//   fourth column: an output takes what it needs from two of them, with weights
//   for each phase. Stride 2 has one output row and two phases.
// * 3x3, stride 2: quads of three rows with the lowest row's next column, and
//   one quad of the upper two rows in the odd columns of two outputs.
//
// A block of 64 channels is one vector per pixel. What is left of the channels
// makes vectors of one pixel in each of 2 (32 channels) or 4 (16 channels)
// strips of output rows, one below the other; then the columns, and all that is
// said above, are the same.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "detector/kernels/depthwise_u8s8_blocks.h"
#include "detector/kernels/depthwise_u8s8_fast.h"
#include "detector/kernels/requantize_avx512.h"

namespace cyto8 {
namespace {

constexpr int64_t kTileColumns = 32;
constexpr int64_t kTileRows = 8;
constexpr int kMostStrips = 4;

// Output columns at a time: 5x5 kernels hold the quads of all of them.
template <int kKernel, int kStride>
constexpr int64_t TileColumns() {
  return kKernel == 5 ? kTileColumns / kStride : kTileColumns;
}
// 16-bit sums of codes hold 257 of them.
constexpr int64_t kMostCodes = 256;

// Sums of 64 outputs: words of both bytes (modulo 2^16), and of the odd ones.
struct CodeSums {
  __m512i both;
  __m512i odd;
};

// The same row of each strip.
using StripRows = const uint8_t* [kMostStrips];

// Some columns of one or two output rows of each strip, one block of channels.
struct Segment {
  const DepthwiseU8S8Rows* rows;
  int64_t in_width;
  int64_t pixel;  // bytes: all channels.
  uint8_t pad_code;
  // Source rows and output rows at the block's first channel.
  StripRows src[6];
  uint8_t* dst[2][kMostStrips];
  int64_t strips[2];   // that have this output row: the first ones.
  __mmask64 valid[2];  // the bytes of these.
  int64_t first_column;
  int64_t last_column;
  int64_t seen;    // channels that the block before has, too.
  __mmask64 mask;  // the channels that exist, in one strip.
  bool whole;      // 64, 32 or 16.
  const int8_t* wei;
  const int32_t* bias;
  const int32_t* shift;
  const int16_t* multiplier;
  CodeSums* sums;
};

// What is known when a segment is compiled: the two usual cases have neither a
// part of a block nor a shift to the left.
enum class Mode {
  kActivation,  // a table and sums.
  kLinear,      // neither.
  kAny,         // looked up.
};

template <Mode kMode>
[[gnu::always_inline]] inline bool IsWhole(const Segment& s) {
  return kMode != Mode::kAny || s.whole;
}

// Keeps the compiler from holding all weights in registers, that is, on the
// stack: they are operands in memory.
template <typename T>
inline const T* InMemory(const T* p) {
  asm("" : "+r"(p));
  return p;
}

[[gnu::always_inline]] inline __m512i Weights(const int8_t* wei, int64_t i) {
  return _mm512_load_si512(wei + i * 64);
}

// quads[j]: dword 4 * l + i is bytes 16 * l + 4 * j + i of a, b, c, d.
[[gnu::always_inline]] inline void Interleave(__m512i a, __m512i b, __m512i c,
                                              __m512i d, __m512i (&quads)[4]) {
  const __m512i ab_low = _mm512_unpacklo_epi8(a, b);
  const __m512i ab_high = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8(c, d);
  const __m512i cd_high = _mm512_unpackhi_epi8(c, d);
  quads[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
  quads[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
  quads[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
  quads[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void AddCodes(const Segment& s, int row,
                                            __m512i codes, CodeSums& sums) {
  if (kMode == Mode::kLinear) return;
  if (kMode == Mode::kAny && s.rows->sums == nullptr) return;
  if (kStrips > 1) codes = _mm512_maskz_mov_epi8(s.valid[row], codes);
  sums.both = _mm512_add_epi16(sums.both, codes);
  sums.odd = _mm512_add_epi16(sums.odd, _mm512_srli_epi16(codes, 8));
}

// p of half a block of sums; `half` says which.
template <Mode kMode>
[[gnu::always_inline]] inline __m512i Rescale(const RequantizeAvx512& r,
                                              const int32_t* shift,
                                              const int16_t* multiplier,
                                              int half, __m512i low,
                                              __m512i high) {
  return RescaleAvx512<kMode == Mode::kAny>(r, low, high, shift + 32 * half,
                                            multiplier + 32 * half);
}

template <Mode kMode>
[[gnu::always_inline]] inline __m512i Codes(const Segment& s,
                                            const RequantizeAvx512& r,
                                            __m512i p0, __m512i p1) {
  if (kMode == Mode::kLinear) return CodesAvx512<false>(r, p0, p1);
  if (kMode == Mode::kAny && s.rows->requantization.table == nullptr) {
    return CodesAvx512<false>(r, p0, p1);
  }
  return CodesAvx512<true>(r, p0, p1);
}

template <Mode kMode>
[[gnu::always_inline]] inline __m512i CodesOf(const Segment& s,
                                              const RequantizeAvx512& r,
                                              const __m512i (&sums)[4]) {
  const int32_t* const shift = InMemory(s.shift);
  const int16_t* const multiplier = InMemory(s.multiplier);
  return Codes<kMode>(
      s, r, Rescale<kMode>(r, shift, multiplier, 0, sums[0], sums[1]),
      Rescale<kMode>(r, shift, multiplier, 1, sums[2], sums[3]));
}

// The codes of one output row and column in all strips.
template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void Store(const Segment& s, int row,
                                         int64_t offset, __m512i codes) {
  uint8_t* const* const dst = s.dst[row];
  if constexpr (kStrips == 1) {
    if (IsWhole<kMode>(s)) {
      _mm512_storeu_si512(dst[0] + offset, codes);
    } else {
      _mm512_mask_storeu_epi8(dst[0] + offset, s.mask, codes);
    }
    return;
  }
  const auto store = [&](int strip, __m256i part) {
    if (strip >= s.strips[row]) return;
    uint8_t* const to = dst[strip] + offset;
    if (!IsWhole<kMode>(s)) {
      _mm256_mask_storeu_epi8(to, static_cast<__mmask32>(s.mask), part);
    } else if (kStrips == 2) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), part);
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                       _mm256_castsi256_si128(part));
    }
  };
  store(0, _mm512_castsi512_si256(codes));
  if constexpr (kStrips == 2) {
    store(1, _mm512_extracti64x4_epi64(codes, 1));
  } else {
    const auto quarter = [](__m128i x) { return _mm256_castsi128_si256(x); };
    store(1, quarter(_mm512_extracti32x4_epi32(codes, 1)));
    store(2, quarter(_mm512_extracti32x4_epi32(codes, 2)));
    store(3, quarter(_mm512_extracti32x4_epi32(codes, 3)));
  }
}

template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void StoreAndAdd(const Segment& s, int row,
                                               int64_t offset, __m512i codes,
                                               CodeSums& sums) {
  Store<kMode, kStrips>(s, row, offset, codes);
  AddCodes<kMode, kStrips>(s, row, codes, sums);
}

// A pixel of each strip.
template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline __m512i LoadPixel(const Segment& s,
                                                const StripRows& rows,
                                                int64_t offset) {
  if constexpr (kStrips == 1) {
    return IsWhole<kMode>(s)
               ? _mm512_loadu_si512(rows[0] + offset)
               : _mm512_maskz_loadu_epi8(s.mask, rows[0] + offset);
  } else if constexpr (kStrips == 2) {
    const auto half = [&](int strip) {
      const uint8_t* const from = rows[strip] + offset;
      return IsWhole<kMode>(s)
                 ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))
                 : _mm256_maskz_loadu_epi8(static_cast<__mmask32>(s.mask),
                                           from);
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(half(0)), half(1), 1);
  } else {
    const auto quarter = [&](int strip) {
      const uint8_t* const from = rows[strip] + offset;
      return IsWhole<kMode>(s)
                 ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(from))
                 : _mm_maskz_loadu_epi8(static_cast<__mmask16>(s.mask), from);
    };
    __m512i all = _mm512_castsi128_si512(quarter(0));
    all = _mm512_inserti32x4(all, quarter(1), 1);
    all = _mm512_inserti32x4(all, quarter(2), 2);
    return _mm512_inserti32x4(all, quarter(3), 3);
  }
}

// kCount rows of one column; padding outside of the image.
template <Mode kMode, int kStrips, int kCount>
[[gnu::always_inline]] inline void LoadColumn(const Segment& s, int64_t x,
                                              int64_t offset,
                                              __m512i (&codes)[kCount]) {
  if (static_cast<uint64_t>(x) >= static_cast<uint64_t>(s.in_width))
      [[unlikely]] {
    for (__m512i& c : codes) {
      c = _mm512_set1_epi8(static_cast<char>(s.pad_code));
    }
    return;
  }
#pragma GCC unroll 6
  for (int i = 0; i < kCount; ++i) {
    codes[i] = LoadPixel<kMode, kStrips>(s, s.src[i], offset);
  }
}

template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void LoadQuads(const Segment& s, int64_t x,
                                             int64_t offset,
                                             __m512i (&quads)[4]) {
  __m512i codes[4];
  LoadColumn<kMode, kStrips>(s, x, offset, codes);
  Interleave(codes[0], codes[1], codes[2], codes[3], quads);
}

// ---- 3x3, stride 1.

// The outputs of kCount columns at once, whose quads begin at columns[0]: loads
// of weights, not products, are the limit of one column alone.
template <Mode kMode, int kStrips, int kRows, int kCount>
[[gnu::always_inline]] inline void Columns3x3(
    const Segment& s, const RequantizeAvx512& r, int64_t offset,
    const __m512i (&q0)[4], const __m512i (&q1)[4], const __m512i (&q2)[4],
    const __m512i (&q3)[4], CodeSums& code_sums) {
  const int8_t* const wei = InMemory(s.wei);
  const int32_t* const bias = InMemory(s.bias);
  const int32_t* const shift = InMemory(s.shift);
  const int16_t* const multiplier = InMemory(s.multiplier);
  __m512i p[2][kRows][2];
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    __m512i sums[2][kRows][2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const int j = 2 * half + i;
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        const __m512i w0 = Weights(wei, row * 4 + j);
        const __m512i w1 = Weights(wei, 8 + row * 4 + j);
        const __m512i w2 = Weights(wei, 16 + row * 4 + j);
        const __m512i start = _mm512_load_si512(bias + 16 * j);
        __m512i sum = _mm512_dpbusd_epi32(start, q0[j], w0);
        sum = _mm512_dpbusd_epi32(sum, q1[j], w1);
        sums[0][row][i] = _mm512_dpbusd_epi32(sum, q2[j], w2);
        if (kCount == 1) continue;
        sum = _mm512_dpbusd_epi32(start, q1[j], w0);
        sum = _mm512_dpbusd_epi32(sum, q2[j], w1);
        sums[1][row][i] = _mm512_dpbusd_epi32(sum, q3[j], w2);
      }
    }
#pragma GCC unroll 2
    for (int column = 0; column < kCount; ++column) {
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        p[column][row][half] =
            Rescale<kMode>(r, shift, multiplier, half, sums[column][row][0],
                           sums[column][row][1]);
      }
    }
  }
#pragma GCC unroll 2
  for (int column = 0; column < kCount; ++column) {
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      const __m512i codes =
          Codes<kMode>(s, r, p[column][row][0], p[column][row][1]);
      StoreAndAdd<kMode, kStrips>(s, row, offset + column * s.pixel, codes,
                                  code_sums);
    }
  }
}

template <Mode kMode, int kStrips, int kRows>
[[gnu::noinline]] void Segment3x3Stride1(const Segment& segment) {
  const Segment s = segment;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums sums = *s.sums;
  __m512i a[4], b[4], c[4], d[4];
  // Of the third tap.
  int64_t column = s.first_column - s.rows->pad_left + 2;
  const int64_t last = s.last_column - s.rows->pad_left + 2;
  int64_t src = column * s.pixel;
  int64_t dst = s.first_column * s.pixel;
  LoadQuads<kMode, kStrips>(s, column - 2, src - 2 * s.pixel, a);
  LoadQuads<kMode, kStrips>(s, column - 1, src - s.pixel, b);
  // Two columns, whose first two of four quads are there; false at the end.
  const auto step = [&](const __m512i(&q0)[4], const __m512i(&q1)[4],
                        __m512i(&q2)[4], __m512i(&q3)[4])
      __attribute__((always_inline)) {
    if (column == last) return false;
    LoadQuads<kMode, kStrips>(s, column, src, q2);
    if (column + 1 == last) {
      Columns3x3<kMode, kStrips, kRows, 1>(s, r, dst, q0, q1, q2, q2, sums);
      return false;
    }
    LoadQuads<kMode, kStrips>(s, column + 1, src + s.pixel, q3);
    Columns3x3<kMode, kStrips, kRows, 2>(s, r, dst, q0, q1, q2, q3, sums);
    column += 2;
    src += 2 * s.pixel;
    dst += 2 * s.pixel;
    return true;
  };
  while (step(a, b, c, d) && step(c, d, a, b)) {
  }
  *s.sums = sums;
}

// ---- 3x3, stride 2.

// Columns x and x + 1: `even` quads of the three rows with the third row's next
// column; the upper two rows of x + 1.
template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void LoadPair3x3(const Segment& s, int64_t x,
                                               __m512i (&even)[4],
                                               __m512i (&odd)[2]) {
  __m512i left[3], right[3];
  LoadColumn<kMode, kStrips>(s, x, x * s.pixel, left);
  LoadColumn<kMode, kStrips>(s, x + 1, (x + 1) * s.pixel, right);
  Interleave(left[0], left[1], left[2], right[2], even);
  odd[0] = right[0];
  odd[1] = right[1];
}

template <Mode kMode, int kStrips>
[[gnu::always_inline]] inline void Output3x3Stride2(
    const Segment& s, const RequantizeAvx512& r, int64_t x, int phase,
    const __m512i (&left)[4], const __m512i (&middle)[4],
    const __m512i (&right)[4], CodeSums& code_sums) {
  const int8_t* const wei = InMemory(s.wei);
  const int32_t* const bias = InMemory(s.bias);
  __m512i sums[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    sums[j] = _mm512_load_si512(bias + 16 * j);
    sums[j] = _mm512_dpbusd_epi32(sums[j], left[j], Weights(wei, j));
    sums[j] = _mm512_dpbusd_epi32(sums[j], middle[j],
                                  Weights(wei, 4 + phase * 4 + j));
    sums[j] = _mm512_dpbusd_epi32(sums[j], right[j], Weights(wei, 12 + j));
  }
  const __m512i codes = CodesOf<kMode>(s, r, sums);
  StoreAndAdd<kMode, kStrips>(s, 0, x * s.pixel, codes, code_sums);
}

template <Mode kMode, int kStrips>
[[gnu::noinline]] void Segment3x3Stride2(const Segment& segment) {
  const Segment s = segment;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums sums = *s.sums;
  __m512i a[4], b[4], c[4], middle[4], odd[2], next_odd[2];
  LoadPair3x3<kMode, kStrips>(s, s.first_column * 2 - s.rows->pad_left, a, odd);
  for (int64_t x = s.first_column; x < s.last_column; x += 2) {
    const int64_t column = x * 2 - s.rows->pad_left;
    LoadPair3x3<kMode, kStrips>(s, column + 2, b, next_odd);
    Interleave(odd[0], odd[1], next_odd[0], next_odd[1], middle);
    Output3x3Stride2<kMode, kStrips>(s, r, x, 0, a, middle, b, sums);
    if (x + 1 == s.last_column) break;
    LoadPair3x3<kMode, kStrips>(s, column + 4, c, odd);
    Output3x3Stride2<kMode, kStrips>(s, r, x + 1, 1, b, middle, c, sums);
    for (int j = 0; j < 4; ++j) a[j] = c[j];
  }
  *s.sums = sums;
}

// ---- 5x5.

// Quads of four columns: of the four rows in each, and across them in the one
// or two other rows.
struct FourColumns {
  __m512i m[4][4];
  __m512i h[2][4];
};

template <Mode kMode, int kStrips, int kRows>
[[gnu::always_inline]] inline void LoadFour(const Segment& s, int64_t x,
                                            FourColumns& four) {
  __m512i upper[4], lower[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    __m512i codes[4 + kRows];
    LoadColumn<kMode, kStrips>(s, x + i, (x + i) * s.pixel, codes);
    upper[i] = codes[0];
    if (kRows == 2) lower[i] = codes[3 + kRows];
    Interleave(codes[1], codes[2], codes[3], codes[4], four.m[i]);
  }
  Interleave(upper[0], upper[1], upper[2], upper[3], four.h[0]);
  if (kRows == 2) {
    Interleave(lower[0], lower[1], lower[2], lower[3], four.h[1]);
  }
}

// What a segment needs between its columns of codes and its results.
template <int kStride>
struct Quads5x5 {
  static constexpr int kOutputs = 4 / kStride;
  static constexpr int kGroups = TileColumns<5, kStride>() / kOutputs;
  FourColumns four[kGroups + 1];
  __m512i sums[kGroups * kOutputs][4];
};

// Vector j of the sums of one output row; the weights have two rows if stride
// is 1. Not inlined: weights and quads then stay in registers.
template <int kStride>
[[gnu::noinline]] void Sum5x5(const Segment& s, int64_t groups, int row, int j,
                              Quads5x5<kStride>& quads) {
  constexpr int kOutputs = 4 / kStride;
  constexpr int kPackedRows = 3 - kStride;
  const int8_t* const wei = s.wei + row * 256 + j * 64;
  __m512i down[5], across[kOutputs][2];
#pragma GCC unroll 5
  for (int kx = 0; kx < 5; ++kx) {
    down[kx] = Weights(wei, 4 * kPackedRows * kx);
  }
#pragma GCC unroll 4
  for (int x = 0; x < kOutputs; ++x) {
    across[x][0] = Weights(wei, 4 * kPackedRows * (5 + 2 * x));
    across[x][1] = Weights(wei, 4 * kPackedRows * (6 + 2 * x));
  }
  const __m512i bias = _mm512_load_si512(s.bias + 16 * j);
  __m512i m[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) m[i] = quads.four[0].m[i][j];
  __m512i left = quads.four[0].h[row][j];
  for (int64_t group = 0; group < groups; ++group) {
    const FourColumns& next = quads.four[group + 1];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) m[4 + i] = next.m[i][j];
    const __m512i right = next.h[row][j];
#pragma GCC unroll 4
    for (int x = 0; x < kOutputs; ++x) {
      __m512i sum = _mm512_dpbusd_epi32(bias, left, across[x][0]);
#pragma GCC unroll 5
      for (int kx = 0; kx < 5; ++kx) {
        sum = _mm512_dpbusd_epi32(sum, m[x * kStride + kx], down[kx]);
      }
      quads.sums[group * kOutputs + x][j] =
          _mm512_dpbusd_epi32(sum, right, across[x][1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) m[i] = m[4 + i];
    left = right;
  }
}

template <Mode kMode, int kStrips, int kStride, int kRows>
[[gnu::noinline]] void Segment5x5(const Segment& segment) {
  const Segment s = segment;
  constexpr int kOutputs = 4 / kStride;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums code_sums = *s.sums;
  Quads5x5<kStride> quads;
  const int64_t count = s.last_column - s.first_column;
  const int64_t groups = (count + kOutputs - 1) / kOutputs;
  const int64_t first = s.first_column * kStride - s.rows->pad_left;
  for (int64_t group = 0; group <= groups; ++group) {
    LoadFour<kMode, kStrips, kRows>(s, first + 4 * group, quads.four[group]);
  }
  for (int row = 0; row < kRows; ++row) {
    for (int j = 0; j < 4; ++j) Sum5x5<kStride>(s, groups, row, j, quads);
    for (int64_t x = 0; x < count; ++x) {
      StoreAndAdd<kMode, kStrips>(s, row, (s.first_column + x) * s.pixel,
                                  CodesOf<kMode>(s, r, quads.sums[x]),
                                  code_sums);
    }
  }
  *s.sums = code_sums;
}

// ---- All blocks, rows and columns.

template <Mode kMode, int kStrips, int kKernel, int kStride, int kRows>
inline void RunSegment(const Segment& s) {
  if constexpr (kKernel == 5) {
    Segment5x5<kMode, kStrips, kStride, kRows>(s);
  } else if constexpr (kStride == 1) {
    Segment3x3Stride1<kMode, kStrips, kRows>(s);
  } else {
    Segment3x3Stride2<kMode, kStrips>(s);
  }
}

template <int kStrips, int kKernel, int kStride, int kRows>
inline void RunSegment(const Segment& s) {
  const Requantization& layer = s.rows->requantization;
  const bool usual = s.whole && layer.left_shift == 0;
  const bool table = layer.table != nullptr;
  const bool sums = s.rows->sums != nullptr;
  if (usual && table && sums) {
    RunSegment<Mode::kActivation, kStrips, kKernel, kStride, kRows>(s);
  } else if (usual && !table && !sums) {
    RunSegment<Mode::kLinear, kStrips, kKernel, kStride, kRows>(s);
  } else {
    RunSegment<Mode::kAny, kStrips, kKernel, kStride, kRows>(s);
  }
}

// Adds the sums of a block of so many lanes to those of its channels but the
// ones it has seen, and clears them.
inline void Flush(const Segment& s, int64_t lanes, uint32_t* dst) {
  CodeSums& sums = *s.sums;
  const __m512i even =
      _mm512_sub_epi16(sums.both, _mm512_slli_epi16(sums.odd, 8));
  alignas(64) uint16_t words[64];
  const __m512i low = _mm512_unpacklo_epi16(even, sums.odd);
  const __m512i high = _mm512_unpackhi_epi16(even, sums.odd);
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  _mm512_store_si512(words, _mm512_permutex2var_epi64(low, first, high));
  _mm512_store_si512(words + 32, _mm512_permutex2var_epi64(low, second, high));
  for (int64_t i = 0; i < 64; i += 16) {
    const int64_t c = i % lanes;
    const uint64_t wanted = s.mask >> s.seen << s.seen;
    const auto mask = static_cast<__mmask16>(wanted >> c);
    const __m512i more = _mm512_cvtepu16_epi32(
        _mm256_load_si256(reinterpret_cast<const __m256i*>(words + i)));
    _mm512_mask_storeu_epi32(
        dst + c, mask,
        _mm512_add_epi32(more, _mm512_maskz_loadu_epi32(mask, dst + c)));
  }
  sums = {_mm512_setzero_si512(), _mm512_setzero_si512()};
}

// The source row, at channel c.
inline const uint8_t* SourceRow(const DepthwiseU8S8Rows& rows, int64_t y,
                                int64_t c) {
  if (y < 0 || y >= rows.in_height) return rows.pad_row + c;
  return rows.src + y % rows.ring_rows * rows.in_width * rows.channels + c;
}

// Output rows [y, end) of all strips, `each` in one, from channel c.
template <int kStrips, int kKernel, int kStride>
inline void SetRows(Segment& s, int64_t c, int64_t y, int64_t end,
                    int64_t each) {
  const DepthwiseU8S8Rows& rows = *s.rows;
  constexpr int64_t kBytes = 64 / kStrips;
  s.strips[0] = s.strips[1] = 0;
  for (int strip = 0; strip < kStrips; ++strip) {
    const int64_t first = y + strip * each;
    // A strip below the end repeats the first: nothing of it is kept.
    const int64_t seen = first < end ? first : y;
    for (int i = 0; i < kKernel + 1; ++i) {
      // The last row's weight is 0 if one output row is made.
      const int64_t row = i < kKernel + each - 1 ? i : i - 1;
      s.src[i][strip] = SourceRow(rows, seen * kStride - rows.pad_top + row, c);
    }
    for (int64_t i = 0; i < each && first + i < end; ++i) {
      s.dst[i][strip] =
          rows.dst + (first + i) * rows.out_width * rows.channels + c;
      s.strips[i] = strip + 1;
    }
  }
  for (int i = 0; i < 2; ++i) {
    s.valid[i] =
        s.strips[i] == 0 ? 0 : ~__mmask64{0} >> (64 - s.strips[i] * kBytes);
  }
}

template <int kStrips, int kKernel, int kStride>
inline void RunTile(Segment& s, int64_t c, int64_t first_row,
                    int64_t last_row) {
  for (int64_t y = first_row; y < last_row;) {
    const int64_t left = last_row - y;
    if (kStride == 1 && left > kStrips) {
      SetRows<kStrips, kKernel, kStride>(s, c, y, last_row, 2);
      RunSegment<kStrips, kKernel, kStride, 3 - kStride>(s);
      y += 2 * kStrips;
    } else {
      SetRows<kStrips, kKernel, kStride>(s, c, y, last_row, 1);
      RunSegment<kStrips, kKernel, kStride, 1>(s);
      y += kStrips;
    }
  }
  if (s.rows->sums != nullptr) {
    Flush(s, 64 / kStrips, s.rows->sums + c);
  }
}

// Vectors of 4 * 64 bytes of weights that a block has; depthwise_u8s8_vnni.h.
template <int kKernel, int kStride>
constexpr int GroupsOf() {
  constexpr int kRows = 3 - kStride;
  if (kKernel == 3) return kStride == 1 ? 3 * kRows : 4;
  return (5 + 8 / kStride) * kRows;
}

// All blocks of channels.
template <int kKernel, int kStride>
inline void RunBlocks(Segment& s, int64_t first_row, int64_t last_row) {
  const DepthwiseU8S8Rows& rows = *s.rows;
  s.wei = rows.wei;
  s.bias = rows.bias;
  s.shift = rows.shift;
  s.multiplier = rows.multiplier;
  for (int64_t c = 0; c < rows.channels;) {
    const DepthwiseBlock block = DepthwiseBlockAt(c, rows.channels);
    const int64_t left = rows.channels - block.first;
    s.seen = block.seen;
    s.whole = left >= block.lanes;
    s.mask = ~__mmask64{0} >> (64 - (s.whole ? block.lanes : left));
    if (block.lanes == 64) {
      RunTile<1, kKernel, kStride>(s, block.first, first_row, last_row);
    } else if (block.lanes == 32) {
      RunTile<2, kKernel, kStride>(s, block.first, first_row, last_row);
    } else {
      RunTile<4, kKernel, kStride>(s, block.first, first_row, last_row);
    }
    c = block.first + block.lanes;
    s.wei += GroupsOf<kKernel, kStride>() * 256;
    s.bias += 64;
    s.shift += 64;
    s.multiplier += 64;
  }
}

template <int kKernel, int kStride>
void RunAll(const DepthwiseU8S8Rows& rows) {
  CodeSums sums = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  Segment s = {};
  s.rows = &rows;
  s.in_width = rows.in_width;
  s.pixel = rows.channels;
  s.pad_code = rows.pad_code;
  s.sums = &sums;
  for (int64_t y = rows.first_row; y < rows.last_row; y += kTileRows) {
    const int64_t end = y + kTileRows;
    constexpr int64_t kColumns = TileColumns<kKernel, kStride>();
    for (int64_t x = 0; x < rows.out_width; x += kColumns) {
      const int64_t right = x + kColumns;
      s.first_column = x;
      s.last_column = right < rows.out_width ? right : rows.out_width;
      RunBlocks<kKernel, kStride>(s, y,
                                  end < rows.last_row ? end : rows.last_row);
    }
  }
}

static_assert(kTileColumns * kTileRows <= kMostCodes);

inline void RunDepthwise(const DepthwiseU8S8Rows& rows) {
  if (rows.kernel_height == 3) {
    return rows.stride_y == 1 ? RunAll<3, 1>(rows) : RunAll<3, 2>(rows);
  }
  return rows.stride_y == 1 ? RunAll<5, 1>(rows) : RunAll<5, 2>(rows);
}

}  // namespace
}  // namespace cyto8
