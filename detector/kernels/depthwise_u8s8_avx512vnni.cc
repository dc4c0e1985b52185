// SPDX-License-Identifier: Apache-2.0
// An island: depthwise convolution of codes with vpdpbusd, which multiplies
// four neighbouring bytes of a dword at once: four taps of one channel. See
// depthwise_u8s8_fast.h and depthwise_u8s8_vnni.h, which says the order of the
// weights. Tested by tests/detector/kernels/depthwise_u8s8_test.cc.
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
// A block of 64 channels is one vector per pixel. The rest of the channels, if
// narrow, makes vectors of 2 pixels x 32 or 4 pixels x 16 channels.
#include <immintrin.h>

#include <cstdint>

#include "detector/kernels/depthwise_u8s8_fast.h"
#include "detector/kernels/requantize_avx512.h"

namespace cyto8 {
namespace {

constexpr int64_t kTileColumns = 48;
constexpr int64_t kTileRows = 4;
// 16-bit sums of codes hold 257 of them.
constexpr int64_t kMostCodes = 256;

// Sums of 64 outputs: words of both bytes (modulo 2^16), and of the odd ones.
struct CodeSums {
  __m512i both;
  __m512i odd;
};

// Some columns of one or two output rows, one block of channels.
struct Segment {
  const DepthwiseU8S8Rows* rows;
  int64_t in_width;
  int64_t pixel;  // bytes: all channels.
  uint8_t pad_code;
  // Source rows and output rows at the block's first channel.
  const uint8_t* src[6];
  uint8_t* dst[2];
  int64_t first_column;
  int64_t last_column;
  int64_t channels;  // of the block, if the last is not full.
  __mmask64 mask;    // of these in 64.
  bool whole;        // 64, 32 or 16.
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

template <Mode kMode>
[[gnu::always_inline]] inline void AddCodes(const Segment& s, __m512i codes,
                                            CodeSums& sums) {
  if (kMode == Mode::kLinear) return;
  if (kMode == Mode::kAny && s.rows->sums == nullptr) return;
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

// One pixel of a block of 64.
template <Mode kMode>
[[gnu::always_inline]] inline void Store(const Segment& s, uint8_t* dst,
                                         __m512i codes) {
  if (IsWhole<kMode>(s)) {
    _mm512_storeu_si512(dst, codes);
  } else {
    _mm512_mask_storeu_epi8(dst, s.mask, codes);
  }
}

// kCount rows of one column; padding outside of the image.
template <Mode kMode, int kCount>
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
  if (IsWhole<kMode>(s)) {
    for (int i = 0; i < kCount; ++i) {
      codes[i] = _mm512_loadu_si512(s.src[i] + offset);
    }
  } else {
    for (int i = 0; i < kCount; ++i) {
      codes[i] = _mm512_maskz_loadu_epi8(s.mask, s.src[i] + offset);
    }
  }
}

template <Mode kMode>
[[gnu::always_inline]] inline void LoadQuads(const Segment& s, int64_t x,
                                             int64_t offset,
                                             __m512i (&quads)[4]) {
  __m512i codes[4];
  LoadColumn<kMode>(s, x, offset, codes);
  Interleave(codes[0], codes[1], codes[2], codes[3], quads);
}

// ---- 3x3, stride 1, blocks of 64.

// The outputs of kCount columns at once, whose quads begin at columns[0]: loads
// of weights, not products, are the limit of one column alone.
template <Mode kMode, int kRows, int kCount>
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
      Store<kMode>(s, s.dst[row] + offset + column * s.pixel, codes);
      AddCodes<kMode>(s, codes, code_sums);
    }
  }
}

template <Mode kMode, int kRows>
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
  LoadQuads<kMode>(s, column - 2, src - 2 * s.pixel, a);
  LoadQuads<kMode>(s, column - 1, src - s.pixel, b);
  // Two columns, whose first two of four quads are there; false at the end.
  const auto step = [&](const __m512i(&q0)[4], const __m512i(&q1)[4],
                        __m512i(&q2)[4], __m512i(&q3)[4])
      __attribute__((always_inline)) {
    if (column == last) return false;
    LoadQuads<kMode>(s, column, src, q2);
    if (column + 1 == last) {
      Columns3x3<kMode, kRows, 1>(s, r, dst, q0, q1, q2, q2, sums);
      return false;
    }
    LoadQuads<kMode>(s, column + 1, src + s.pixel, q3);
    Columns3x3<kMode, kRows, 2>(s, r, dst, q0, q1, q2, q3, sums);
    column += 2;
    src += 2 * s.pixel;
    dst += 2 * s.pixel;
    return true;
  };
  while (step(a, b, c, d) && step(c, d, a, b)) {
  }
  *s.sums = sums;
}

// ---- 3x3, stride 2, blocks of 64.

// Columns x and x + 1: `even` quads of the three rows with the third row's next
// column; the upper two rows of x + 1.
template <Mode kMode>
[[gnu::always_inline]] inline void LoadPair3x3(const Segment& s, int64_t x,
                                               __m512i (&even)[4],
                                               __m512i (&odd)[2]) {
  __m512i left[3], right[3];
  LoadColumn<kMode>(s, x, x * s.pixel, left);
  LoadColumn<kMode>(s, x + 1, (x + 1) * s.pixel, right);
  Interleave(left[0], left[1], left[2], right[2], even);
  odd[0] = right[0];
  odd[1] = right[1];
}

template <Mode kMode>
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
  Store<kMode>(s, s.dst[0] + x * s.pixel, codes);
  AddCodes<kMode>(s, codes, code_sums);
}

template <Mode kMode>
[[gnu::noinline]] void Segment3x3Stride2(const Segment& segment) {
  const Segment s = segment;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums sums = *s.sums;
  __m512i a[4], b[4], c[4], middle[4], odd[2], next_odd[2];
  LoadPair3x3<kMode>(s, s.first_column * 2 - s.rows->pad_left, a, odd);
  for (int64_t x = s.first_column; x < s.last_column; x += 2) {
    const int64_t column = x * 2 - s.rows->pad_left;
    LoadPair3x3<kMode>(s, column + 2, b, next_odd);
    Interleave(odd[0], odd[1], next_odd[0], next_odd[1], middle);
    Output3x3Stride2<kMode>(s, r, x, 0, a, middle, b, sums);
    if (x + 1 == s.last_column) break;
    LoadPair3x3<kMode>(s, column + 4, c, odd);
    Output3x3Stride2<kMode>(s, r, x + 1, 1, b, middle, c, sums);
    for (int j = 0; j < 4; ++j) a[j] = c[j];
  }
  *s.sums = sums;
}

// ---- 5x5, blocks of 64.

// Quads of four columns: of the four rows in each, and across them in the one
// or two other rows.
struct FourColumns {
  __m512i m[4][4];
  __m512i h[2][4];
};

template <Mode kMode, int kRows>
[[gnu::always_inline]] inline void LoadFour(const Segment& s, int64_t x,
                                            FourColumns& four) {
  __m512i upper[4], lower[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    __m512i codes[4 + kRows];
    LoadColumn<kMode>(s, x + i, (x + i) * s.pixel, codes);
    upper[i] = codes[0];
    if (kRows == 2) lower[i] = codes[3 + kRows];
    Interleave(codes[1], codes[2], codes[3], codes[4], four.m[i]);
  }
  Interleave(upper[0], upper[1], upper[2], upper[3], four.h[0]);
  if (kRows == 2) {
    Interleave(lower[0], lower[1], lower[2], lower[3], four.h[1]);
  }
}

// The sums of 4 / kStride outputs in kRows rows. The weights have two rows if
// stride is 1.
template <int kStride, int kRows>
[[gnu::always_inline]] inline void Sums5x5(
    const Segment& s, const FourColumns& left, const FourColumns& right,
    __m512i (&results)[4 / kStride][kRows][4]) {
  constexpr int kOutputs = 4 / kStride;
  constexpr int kPackedRows = 3 - kStride;
#pragma GCC unroll 1
  for (int j = 0; j < 4; ++j) {
    const int8_t* const wei = InMemory(s.wei) + j * 64;
    const int8_t* const across = wei + 5 * kPackedRows * 256;
    __m512i sums[kOutputs][kRows];
    const __m512i bias = _mm512_load_si512(s.bias + 16 * j);
#pragma GCC unroll 4
    for (auto& of_column : sums) {
      for (__m512i& sum : of_column) sum = bias;
    }
#pragma GCC unroll 8
    for (int column = 0; column < 8; ++column) {
      const __m512i quads =
          column < 4 ? left.m[column][j] : right.m[column - 4][j];
#pragma GCC unroll 4
      for (int x = 0; x < kOutputs; ++x) {
        const int kx = column - x * kStride;
        if (kx < 0 || kx >= 5) continue;
#pragma GCC unroll 2
        for (int row = 0; row < kRows; ++row) {
          sums[x][row] = _mm512_dpbusd_epi32(
              sums[x][row], quads, Weights(wei, 4 * (kx * kPackedRows + row)));
        }
      }
    }
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
      for (int x = 0; x < kOutputs; ++x) {
        const int i = 4 * (x * 2 * kPackedRows + row);
        sums[x][row] = _mm512_dpbusd_epi32(sums[x][row], left.h[row][j],
                                           Weights(across, i));
        sums[x][row] =
            _mm512_dpbusd_epi32(sums[x][row], right.h[row][j],
                                Weights(across, i + 4 * kPackedRows));
      }
    }
#pragma GCC unroll 4
    for (int x = 0; x < kOutputs; ++x) {
      for (int row = 0; row < kRows; ++row) results[x][row][j] = sums[x][row];
    }
  }
}

template <Mode kMode, int kStride, int kRows>
[[gnu::noinline]] void Segment5x5(const Segment& segment) {
  const Segment s = segment;
  constexpr int kOutputs = 4 / kStride;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums code_sums = *s.sums;
  FourColumns columns[2];
  __m512i sums[kOutputs][kRows][4];
  int side = 0;
  LoadFour<kMode, kRows>(s, s.first_column * kStride - s.rows->pad_left,
                         columns[0]);
  for (int64_t x = s.first_column; x < s.last_column; x += kOutputs) {
    LoadFour<kMode, kRows>(s, x * kStride - s.rows->pad_left + 4,
                           columns[side ^ 1]);
    Sums5x5<kStride, kRows>(s, columns[side], columns[side ^ 1], sums);
    side ^= 1;
    const int64_t left = s.last_column - x;
    const int64_t count = left < kOutputs ? left : kOutputs;
    for (int64_t i = 0; i < count; ++i) {
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        const __m512i codes = CodesOf<kMode>(s, r, sums[i][row]);
        Store<kMode>(s, s.dst[row] + (x + i) * s.pixel, codes);
        AddCodes<kMode>(s, codes, code_sums);
      }
    }
  }
  *s.sums = code_sums;
}

// ---- Narrow blocks: vectors of 2 pixels x 32 or 4 pixels x 16 channels.

// A pixel of a narrow block, or padding.
[[gnu::always_inline]] inline __m256i LoadPixel(const Segment& s,
                                                const uint8_t* row, int64_t x) {
  if (static_cast<uint64_t>(x) >= static_cast<uint64_t>(s.in_width)) {
    return _mm256_set1_epi8(static_cast<char>(s.pad_code));
  }
  return _mm256_maskz_loadu_epi8(static_cast<__mmask32>(s.mask),
                                 row + x * s.pixel);
}

// Pixels at columns x, x + kStride, ... of a row.
template <int kPixels, int kStride>
[[gnu::always_inline]] inline __m512i LoadPixels(const Segment& s,
                                                 const uint8_t* row,
                                                 int64_t x) {
  if (kStride == 1 && s.pixel * kPixels == 64 && x >= 0 &&
      x + kPixels <= s.in_width) {
    return _mm512_loadu_si512(row + x * s.pixel);
  }
  __m512i all = _mm512_castsi256_si512(LoadPixel(s, row, x));
  if constexpr (kPixels == 2) {
    return _mm512_inserti64x4(all, LoadPixel(s, row, x + kStride), 1);
  } else {
    const auto insert = [&](int i, __mmask16 lanes) {
      all = _mm512_mask_broadcast_i32x4(
          all, lanes,
          _mm256_castsi256_si128(LoadPixel(s, row, x + i * kStride)));
    };
    insert(1, 0x00f0);
    insert(2, 0x0f00);
    insert(3, 0xf000);
    return all;
  }
}

// `count` pixels of a row, of which the first is x.
template <int kPixels>
[[gnu::always_inline]] inline void StorePixels(const Segment& s, uint8_t* dst,
                                               int64_t count, __m512i codes) {
  constexpr int kLanes = 64 / kPixels;
  const int64_t channels = s.pixel;
  if (s.whole && count == kPixels && channels == kLanes) {
    _mm512_storeu_si512(dst, codes);
    return;
  }
  alignas(64) uint8_t bytes[64];
  _mm512_store_si512(bytes, codes);
  const auto mask = static_cast<__mmask32>(s.mask);
  for (int64_t i = 0; i < count; ++i) {
    const auto* const from =
        reinterpret_cast<const __m256i*>(bytes + i * kLanes);
    _mm256_mask_storeu_epi8(dst + i * channels, mask,
                            _mm256_maskz_loadu_epi8(mask, from));
  }
}

// Rows first .. first + 3 of the pixels x ..., as far as there are kCount.
template <int kPixels, int kStride, int kCount>
[[gnu::always_inline]] inline void LoadNarrowQuads(const Segment& s, int64_t x,
                                                   __m512i (&quads)[4]) {
  __m512i codes[4];
#pragma GCC unroll 4
  for (int i = 0; i < kCount; ++i) {
    codes[i] = LoadPixels<kPixels, kStride>(s, s.src[i], x);
  }
  if (kCount < 4) codes[3] = codes[2];  // its weight is 0.
  Interleave(codes[0], codes[1], codes[2], codes[3], quads);
}

// Rows 4 and 5, if there, of pixels x ... and of their right neighbours.
template <int kPixels, int kStride, int kRows>
[[gnu::always_inline]] inline void LoadLowerQuads(const Segment& s, int64_t x,
                                                  __m512i (&quads)[4]) {
  __m512i codes[4];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    codes[2 * i] = LoadPixels<kPixels, kStride>(s, s.src[4], x + i);
    codes[2 * i + 1] = kRows == 1
                           ? codes[2 * i]
                           : LoadPixels<kPixels, kStride>(s, s.src[5], x + i);
  }
  Interleave(codes[0], codes[1], codes[2], codes[3], quads);
}

template <int kRows>
[[gnu::always_inline]] inline void AddProducts(const int8_t* wei,
                                               const __m512i (&quads)[4],
                                               __m512i (&sums)[kRows][4]) {
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      sums[row][j] = _mm512_dpbusd_epi32(sums[row][j], quads[j],
                                         Weights(wei, row * 4 + j));
    }
  }
}

template <int kRows>
[[gnu::always_inline]] inline void SetToBias(const Segment& s,
                                             __m512i (&sums)[kRows][4]) {
#pragma GCC unroll 2
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) row[j] = _mm512_load_si512(s.bias + 16 * j);
  }
}

// Stride 2: the quads of each kx are made anew.
template <int kPixels, int kKernel, int kRows>
struct NarrowStride2 {
  explicit NarrowStride2(const Segment&) {}

  [[gnu::always_inline]] void Sum(const Segment& s, int64_t x,
                                  __m512i (&sums)[kRows][4]) {
    const int8_t* wei = InMemory(s.wei);
    SetToBias(s, sums);
    __m512i quads[4];
#pragma GCC unroll 1
    for (int kx = 0; kx < kKernel; ++kx, wei += 256) {
      LoadNarrowQuads<kPixels, 2, kKernel == 3 ? 3 : 4>(s, x + kx, quads);
      AddProducts<kRows>(wei, quads, sums);
    }
#pragma GCC unroll 1
    for (int kx = 0; kKernel == 5 && kx < kKernel; kx += 2, wei += 256) {
      LoadLowerQuads<kPixels, 2, kRows>(s, x + kx, quads);
      AddProducts<kRows>(wei, quads, sums);
    }
  }
};

// The pixels of two neighbouring groups that begin kShift pixels late.
template <int kPixels, int kShift>
[[gnu::always_inline]] inline void Shift(const __m512i (&left)[4],
                                         const __m512i (&right)[4],
                                         __m512i (&quads)[4]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    quads[j] = kShift == 0 ? left[j]
                           : _mm512_alignr_epi64(right[j], left[j],
                                                 kShift * 8 / kPixels);
  }
}

// Stride 1: quads of neighbouring groups of pixels are kept, and shifted by kx.
template <int kPixels, int kKernel, int kRows>
struct NarrowStride1 {
  static constexpr int kGroups = (kKernel + 2 * kPixels - 2) / kPixels;
  static constexpr int kUpper = kKernel + kRows - 1 < 4 ? 3 : 4;

  // The groups before the one that Sum adds.
  explicit NarrowStride1(const Segment& s) {
    const int64_t x = s.first_column - s.rows->pad_left;
    for (int g = 0; g + 1 < kGroups; ++g) Load(s, x, g);
  }

  [[gnu::always_inline]] void Load(const Segment& s, int64_t x, int g) {
    LoadNarrowQuads<kPixels, 1, kUpper>(s, x + g * kPixels, upper[g]);
    if constexpr (kKernel == 5) {
      LoadLowerQuads<kPixels, 1, kRows>(s, x + g * kPixels, lower[g]);
    }
  }

  template <int kTap>
  [[gnu::always_inline]] void Add(const int8_t* wei,
                                  const __m512i (&groups)[kGroups][4],
                                  __m512i (&sums)[kRows][4]) {
    constexpr int kLeft = kTap / kPixels;
    constexpr int kRight = kLeft + 1 < kGroups ? kLeft + 1 : kLeft;
    __m512i quads[4];
    Shift<kPixels, kTap % kPixels>(groups[kLeft], groups[kRight], quads);
    AddProducts<kRows>(wei, quads, sums);
  }

  [[gnu::always_inline]] void Sum(const Segment& s, int64_t x,
                                  __m512i (&sums)[kRows][4]) {
    Load(s, x, kGroups - 1);
    const int8_t* const wei = InMemory(s.wei);
    SetToBias(s, sums);
    Add<0>(wei, upper, sums);
    Add<1>(wei + 512, upper, sums);
    Add<2>(wei + 1024, upper, sums);
    if constexpr (kKernel == 5) {
      Add<3>(wei + 1536, upper, sums);
      Add<4>(wei + 2048, upper, sums);
      Add<0>(wei + 2560, lower, sums);
      Add<2>(wei + 3072, lower, sums);
      Add<4>(wei + 3584, lower, sums);
    }
    for (int g = 0; g + 1 < kGroups; ++g) {
      for (int j = 0; j < 4; ++j) {
        upper[g][j] = upper[g + 1][j];
        if (kKernel == 5) lower[g][j] = lower[g + 1][j];
      }
    }
  }

  __m512i upper[kGroups][4];
  __m512i lower[kGroups][4];
};

template <int kPixels, int kKernel, int kStride, int kRows>
struct Narrow : NarrowStride1<kPixels, kKernel, kRows> {
  using NarrowStride1<kPixels, kKernel, kRows>::NarrowStride1;
};
template <int kPixels, int kKernel, int kRows>
struct Narrow<kPixels, kKernel, 2, kRows>
    : NarrowStride2<kPixels, kKernel, kRows> {
  using NarrowStride2<kPixels, kKernel, kRows>::NarrowStride2;
};

template <Mode kMode, int kPixels, int kKernel, int kStride, int kRows>
[[gnu::noinline]] void SegmentNarrow(const Segment& segment) {
  const Segment s = segment;
  const RequantizeAvx512 r = MakeRequantizeAvx512(s.rows->requantization);
  CodeSums code_sums = *s.sums;
  Narrow<kPixels, kKernel, kStride, kRows> narrow(s);
  for (int64_t x = s.first_column; x < s.last_column; x += kPixels) {
    __m512i sums[kRows][4];
    narrow.Sum(s, x * kStride - s.rows->pad_left, sums);
    const int64_t left = s.last_column - x;
    const int64_t count = left < kPixels ? left : kPixels;
    const __mmask64 valid = ~__mmask64{0} >> (64 - count * (64 / kPixels));
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      const __m512i codes =
          _mm512_maskz_mov_epi8(valid, CodesOf<kMode>(s, r, sums[row]));
      StorePixels<kPixels>(s, s.dst[row] + x * s.pixel, count, codes);
      AddCodes<kMode>(s, codes, code_sums);
    }
  }
  *s.sums = code_sums;
}

// ---- All blocks, rows and columns.

template <Mode kMode, int kPixels, int kKernel, int kStride, int kRows>
inline void RunSegment(const Segment& s) {
  if constexpr (kPixels > 1) {
    SegmentNarrow<kMode, kPixels, kKernel, kStride, kRows>(s);
  } else if constexpr (kKernel == 5) {
    Segment5x5<kMode, kStride, kRows>(s);
  } else if constexpr (kStride == 1) {
    Segment3x3Stride1<kMode, kRows>(s);
  } else {
    Segment3x3Stride2<kMode>(s);
  }
}

template <int kPixels, int kKernel, int kStride, int kRows>
inline void RunSegment(const Segment& s) {
  const Requantization& layer = s.rows->requantization;
  const bool usual = s.whole && layer.left_shift == 0;
  const bool table = layer.table != nullptr;
  const bool sums = s.rows->sums != nullptr;
  if (usual && table && sums) {
    RunSegment<Mode::kActivation, kPixels, kKernel, kStride, kRows>(s);
  } else if (usual && !table && !sums) {
    RunSegment<Mode::kLinear, kPixels, kKernel, kStride, kRows>(s);
  } else {
    RunSegment<Mode::kAny, kPixels, kKernel, kStride, kRows>(s);
  }
}

// Adds 64 sums of a block to those of its channels, and clears them.
inline void Flush(int64_t channels, int64_t lanes, uint32_t* dst,
                  CodeSums& sums) {
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
    if (c >= channels) continue;
    const int64_t left = channels - c;
    const auto mask =
        static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
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

template <int kPixels, int kKernel, int kStride>
inline void RunTile(Segment& s, int64_t c, int64_t first_row,
                    int64_t last_row) {
  const DepthwiseU8S8Rows& rows = *s.rows;
  for (int64_t y = first_row; y < last_row;) {
    const int count = kStride == 1 && y + 1 < last_row ? 2 : 1;
    for (int i = 0; i < kKernel + count - 1; ++i) {
      s.src[i] = SourceRow(rows, y * kStride - rows.pad_top + i, c);
    }
    for (int i = 0; i < count; ++i) {
      s.dst[i] = rows.dst + (y + i) * rows.out_width * rows.channels + c;
    }
    if (kKernel == 3 && count == 1) s.src[3] = s.src[2];  // its weight is 0.
    if (kStride == 1 && count == 2) {
      RunSegment<kPixels, kKernel, kStride, 3 - kStride>(s);
    } else {
      RunSegment<kPixels, kKernel, kStride, 1>(s);
    }
    y += count;
  }
  if (rows.sums != nullptr) {
    Flush(s.channels, 64 / kPixels, rows.sums + c, *s.sums);
  }
}

// Vectors of 4 * 64 bytes of weights that a block has; depthwise_u8s8_vnni.h.
template <int kKernel, int kStride>
constexpr int GroupsOf(bool narrow) {
  constexpr int kRows = 3 - kStride;
  if (kKernel == 3) return narrow || kStride == 1 ? 3 * kRows : 4;
  return narrow ? 8 * kRows : (5 + 8 / kStride) * kRows;
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
    const int64_t left = rows.channels - c;
    const int64_t lanes = left > 48 ? 64 : left > 16 ? 32 : 16;
    s.channels = left < lanes ? left : lanes;
    s.whole = left >= lanes;
    s.mask = ~__mmask64{0} >> (64 - s.channels);
    if (lanes == 64) {
      RunTile<1, kKernel, kStride>(s, c, first_row, last_row);
    } else if (lanes == 32) {
      RunTile<2, kKernel, kStride>(s, c, first_row, last_row);
    } else {
      RunTile<4, kKernel, kStride>(s, c, first_row, last_row);
    }
    c += lanes;
    s.wei += GroupsOf<kKernel, kStride>(lanes < 64) * 256;
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
    for (int64_t x = 0; x < rows.out_width; x += kTileColumns) {
      const int64_t right = x + kTileColumns;
      s.first_column = x;
      s.last_column = right < rows.out_width ? right : rows.out_width;
      RunBlocks<kKernel, kStride>(s, y,
                                  end < rows.last_row ? end : rows.last_row);
    }
  }
}

static_assert(kTileColumns * kTileRows <= kMostCodes);

}  // namespace

void DepthwiseU8S8Avx512Vnni(const DepthwiseU8S8Rows& rows) {
  if (rows.kernel_height == 3) {
    return rows.stride_y == 1 ? RunAll<3, 1>(rows) : RunAll<3, 2>(rows);
  }
  return rows.stride_y == 1 ? RunAll<5, 1>(rows) : RunAll<5, 2>(rows);
}

}  // namespace cyto8
