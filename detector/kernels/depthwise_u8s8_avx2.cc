// SPDX-License-Identifier: Apache-2.0
// An island: depthwise convolution of codes on 16-bit values with vpmaddwd,
// two taps at once, whose sums are exact. For CPUs without vpdpbusd; see
// depthwise_u8s8_fast.h, and depthwise_u8s8.cc for the order of the operands.
// Tested by tests/detector/kernels/depthwise_u8s8_test.cc.
#include <immintrin.h>

#include <cstdint>

#include "detector/kernels/depthwise_u8s8_fast.h"

namespace cyto8 {
namespace {

constexpr int64_t kLanes = 16;

// 16 channels of a layer.
struct Block {
  const DepthwiseU8S8Rows* rows;
  const int8_t* wei;
  const int32_t* bias;
  const int32_t* shift;
  const int16_t* multiplier;
  int64_t channel;
  int64_t repeated;  // channels at the front that the last block has had.
};

// Intercept and slope of a segment in one dword, for vpgatherdd.
struct PairedTable {
  int32_t pairs[kEvenSegments];
  __m128i segment_shift;
};

inline __m256i Load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

inline PairedTable MakePairedTable(const EvenTable* table) {
  PairedTable paired = {};
  if (table == nullptr) return paired;
  paired.segment_shift = _mm_cvtsi32_si128(table->segment_shift);
  for (int i = 0; i < kEvenSegments; ++i) {
    paired.pairs[i] =
        table->slope[i] * 65536 + static_cast<uint16_t>(table->intercept[i]);
  }
  return paired;
}

// The low and the high 8 of 16 sums (in the order of vpackssdw) to p.
inline __m256i Rescale(const Block& b, __m256i low, __m256i high) {
  const __m128i left = _mm_cvtsi32_si128(b.rows->requantization.left_shift);
  low = _mm256_srav_epi32(_mm256_sll_epi32(low, left), Load(b.shift));
  high = _mm256_srav_epi32(_mm256_sll_epi32(high, left), Load(b.shift + 8));
  return _mm256_mulhrs_epi16(_mm256_packs_epi32(low, high), Load(b.multiplier));
}

inline __m256i Activate(const PairedTable& table, __m256i p) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i a = _mm256_abs_epi16(p);
  const __m256i i = _mm256_min_epu16(_mm256_srl_epi16(a, table.segment_shift),
                                     _mm256_set1_epi16(kEvenSegments - 1));
  const __m256i low =
      _mm256_i32gather_epi32(table.pairs, _mm256_unpacklo_epi16(i, zero), 4);
  const __m256i high =
      _mm256_i32gather_epi32(table.pairs, _mm256_unpackhi_epi16(i, zero), 4);
  const __m256i slope = _mm256_packs_epi32(_mm256_srai_epi32(low, 16),
                                           _mm256_srai_epi32(high, 16));
  const __m256i intercept =
      _mm256_packs_epi32(_mm256_srai_epi32(_mm256_slli_epi32(low, 16), 16),
                         _mm256_srai_epi32(_mm256_slli_epi32(high, 16), 16));
  const __m256i even =
      _mm256_add_epi16(intercept, _mm256_mulhrs_epi16(slope, a));
  return _mm256_subs_epi16(_mm256_max_epi16(p, zero), even);
}

inline __m128i CodesOf(const Block& b, const PairedTable& table, __m256i p) {
  const Requantization& layer = b.rows->requantization;
  if (layer.table != nullptr) p = Activate(table, p);
  p = _mm256_sra_epi16(p, _mm_cvtsi32_si128(layer.fraction_bits));
  return _mm_packus_epi16(_mm256_castsi256_si128(p),
                          _mm256_extracti128_si256(p, 1));
}

inline __m256i LoadCodes(const uint8_t* p) {
  return _mm256_cvtepu8_epi16(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// Sums of one output; taps[i] is the first of 16 codes.
template <int kTaps>
inline void Sum(const Block& b, const uint8_t* const* taps, __m256i& low,
                __m256i& high) {
  low = Load(b.bias);
  high = Load(b.bias + 8);
  const int8_t* wei = b.wei;
#pragma GCC unroll 13
  for (int i = 0; i < kTaps; i += 2, wei += 64) {
    const __m256i first = LoadCodes(taps[i]);
    // The weight of a tap behind the last is 0.
    const __m256i second = i + 1 < kTaps ? LoadCodes(taps[i + 1]) : first;
    low = _mm256_add_epi32(
        low,
        _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), Load(wei)));
    high = _mm256_add_epi32(
        high, _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second),
                                Load(wei + 32)));
  }
}

// Source rows of an output row, from the block's first channel.
template <int kKernel>
inline void FindRows(const Block& b, int64_t y,
                     const uint8_t* (&src)[kKernel]) {
  const DepthwiseU8S8Rows& rows = *b.rows;
  for (int64_t ky = 0; ky < kKernel; ++ky) {
    const int64_t at = y * rows.stride_y - rows.pad_top + ky;
    src[ky] = b.channel + (at < 0 || at >= rows.in_height
                               ? rows.pad_row
                               : rows.src + at % rows.ring_rows *
                                                rows.in_width * rows.channels);
  }
}

template <int kKernel>
inline void FindTaps(const Block& b, int64_t x,
                     const uint8_t* const (&src)[kKernel],
                     const uint8_t* (&taps)[kKernel * kKernel]) {
  const DepthwiseU8S8Rows& rows = *b.rows;
  for (int64_t kx = 0; kx < kKernel; ++kx) {
    const int64_t at = x * rows.stride_x - rows.pad_left + kx;
    const bool outside = at < 0 || at >= rows.in_width;
    for (int64_t ky = 0; ky < kKernel; ++ky) {
      taps[ky * kKernel + kx] =
          outside ? rows.pad_row : src[ky] + at * rows.channels;
    }
  }
}

inline void AddSums(const Block& b, __m256i low, __m256i high) {
  alignas(32) uint32_t sums[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums), low);
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums + 8), high);
  for (int64_t i = b.repeated; i < kLanes; ++i) {
    b.rows->sums[b.channel + i] += sums[i];
  }
}

// One output row of a block.
template <int kKernel>
void ComputeRow(const Block& b, const PairedTable& table, int64_t y) {
  const DepthwiseU8S8Rows& rows = *b.rows;
  const uint8_t* src[kKernel];
  const uint8_t* taps[kKernel * kKernel];
  FindRows(b, y, src);
  uint8_t* dst = rows.dst + y * rows.out_width * rows.channels + b.channel;
  __m256i low_sums = _mm256_setzero_si256();
  __m256i high_sums = _mm256_setzero_si256();
  for (int64_t x = 0; x < rows.out_width; ++x, dst += rows.channels) {
    __m256i low, high;
    FindTaps(b, x, src, taps);
    Sum<kKernel * kKernel>(b, taps, low, high);
    const __m128i codes = CodesOf(b, table, Rescale(b, low, high));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), codes);
    low_sums = _mm256_add_epi32(low_sums, _mm256_cvtepu8_epi32(codes));
    high_sums = _mm256_add_epi32(
        high_sums, _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(codes, codes)));
  }
  if (rows.sums != nullptr) AddSums(b, low_sums, high_sums);
}

template <int kKernel>
void ComputeRows(const DepthwiseU8S8Rows& rows) {
  constexpr int64_t kPairs = (kKernel * kKernel + 1) / 2;
  const PairedTable table = MakePairedTable(rows.requantization.table);
  for (int64_t y = rows.first_row; y < rows.last_row; ++y) {
    Block b = {&rows, rows.wei, rows.bias, rows.shift, rows.multiplier, 0, 0};
    for (int64_t c = 0; c < rows.channels; c += kLanes) {
      const int64_t last = rows.channels - kLanes;
      b.channel = c < last ? c : last;
      b.repeated = c - b.channel;
      ComputeRow<kKernel>(b, table, y);
      b.wei += kPairs * 64;
      b.bias += kLanes;
      b.shift += kLanes;
      b.multiplier += kLanes;
    }
  }
}

}  // namespace

void DepthwiseU8S8Avx2(const DepthwiseU8S8Rows& rows) {
  if (rows.kernel_height == 3) {
    ComputeRows<3>(rows);
  } else {
    ComputeRows<5>(rows);
  }
}

}  // namespace cyto8
