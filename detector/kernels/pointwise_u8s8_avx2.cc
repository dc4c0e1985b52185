// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see pointwise_u8s8_fast.h.
//
// vpmaddubsw would saturate, so codes and weights are widened to 16 bits and
// summed exactly by vpmaddwd: a dword of four products needs two of them. Eight
// dwords, an eighth of a block of 64, and four pixels at a time; the epilogue
// goes through memory, as requantize.h spells it.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/pointwise_u8s8_fast.h"

namespace cyto8 {
namespace {

constexpr int64_t kPixels = 4;  // of a tile.
constexpr int64_t kDwords = 8;  // of a register.

// The part of a layer with one packed order.
struct Block {
  int64_t first = 0;    // output, and place in packed order.
  int64_t outputs = 0;  // of the packed order.
  const int8_t* wei = nullptr;
};

inline __m256i Load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

// The codes of one quad as words, in every 64 bits.
inline __m256i BroadcastQuad(const uint8_t* codes) {
  int32_t quad;
  __builtin_memcpy(&quad, codes, sizeof(quad));
  return _mm256_cvtepu8_epi16(_mm_set1_epi32(quad));
}

// Sums of 8 dwords of `count` pixels; the last one stands in for those that do
// not exist. Until the end each output has two partial sums side by side.
inline void Accumulate(const PointwiseRows& rows, const Block& block,
                       int64_t dword, const uint8_t* src, int64_t count,
                       __m256i (&sums)[kPixels]) {
  const uint8_t* pixel[kPixels];
  __m256i low[kPixels], high[kPixels];
  for (int64_t p = 0; p < kPixels; ++p) {
    pixel[p] = src + (p < count ? p : count - 1) * rows.in_channels;
    low[p] = high[p] = _mm256_setzero_si256();
  }
  const int8_t* wei = block.wei + dword * 4;
  for (int64_t k = 0; k < rows.in_channels; k += 4) {
    const __m256i bytes = Load(wei);
    // Outputs 0..3 and 4..7 of the register, four words each.
    const __m256i first = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes));
    const __m256i second =
        _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1));
    wei += block.outputs * 4;
#pragma GCC unroll 4
    for (int64_t p = 0; p < kPixels; ++p) {
      const __m256i codes = BroadcastQuad(pixel[p] + k);
      low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(codes, first));
      high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(codes, second));
    }
  }
  for (int64_t p = 0; p < kPixels; ++p) {
    // Outputs 0 1 4 5 2 3 6 7, then rising.
    const __m256i pairs = _mm256_hadd_epi32(low[p], high[p]);
    const __m256i rising = _mm256_permute4x64_epi64(pairs, 0xd8);
    sums[p] = _mm256_add_epi32(rising, Load(rows.bias + block.first + dword));
  }
}

inline uint8_t CodeOfSum(const PointwiseRows& rows, int32_t sum, int64_t place,
                         int64_t at) {
  int16_t p = Rescale(sum, rows.requantization, rows.shift[place],
                      rows.multiplier[place]);
  if (rows.addend != nullptr) {
    p = AddCode(p, rows.addend[at], rows.addend_multiplier);
  }
  return CodeOf(p, rows.requantization);
}

// Results of 8 dwords of one pixel.
inline void Store(const PointwiseRows& rows, const Block& block, int64_t dword,
                  int64_t pixel, __m256i sums) {
  alignas(32) int32_t sum[kDwords];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sum), sums);
  for (int64_t i = 0; i < kDwords; ++i) {
    const int64_t d = dword + i;
    const int64_t place = block.first + d;
    const int64_t output =
        block.first + block.outputs / 4 * (d % 16 / 4) + d / 16 * 4 + d % 4;
    if (output >= rows.out_channels) continue;
    const int64_t at = pixel * rows.out_channels + output;
    if (rows.dst == nullptr) {
      const float product = static_cast<float>(sum[i]) * rows.scale[place];
      rows.dst_f32[at] = product + rows.offset[place];
    } else {
      rows.dst[at] = CodeOfSum(rows, sum[i], place, at);
    }
  }
}

void ComputeBlock(const PointwiseRows& rows, const Block& block) {
  for (int64_t pixel = 0; pixel < rows.pixels; pixel += kPixels) {
    const int64_t rest = rows.pixels - pixel;
    const int64_t count = rest < kPixels ? rest : kPixels;
    for (int64_t dword = 0; dword < block.outputs; dword += kDwords) {
      __m256i sums[kPixels];
      Accumulate(rows, block, dword, rows.src + pixel * rows.in_channels, count,
                 sums);
      for (int64_t p = 0; p < count; ++p) {
        Store(rows, block, dword, pixel + p, sums[p]);
      }
    }
  }
}

}  // namespace

void PointwiseAvx2(const PointwiseRows& rows) {
  const int64_t quads = (rows.in_channels + 3) / 4;
  Block block;
  for (; block.first < rows.out_channels; block.first += block.outputs) {
    const int64_t rest = rows.out_channels - block.first;
    block.outputs = rest > 48 ? 64 : rest > 16 ? 32 : 16;
    block.wei = rows.wei + block.first * quads * 4;
    ComputeBlock(rows, block);
  }
}

}  // namespace cyto8
