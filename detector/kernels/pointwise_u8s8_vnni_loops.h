// SPDX-License-Identifier: Apache-2.0
// 1x1 convolutions of codes with vpdpbusd, included by the islands
// pointwise_u8s8_avx512*.cc; see pointwise_u8s8_fast.h.
//
// 24 registers hold the sums of 24 / G pixels and G * 16 outputs; a quad of
// inputs needs G loads of weights and 24 / G broadcasts of codes for 24
// vpdpbusd. The epilogue runs from these registers.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/pointwise_u8s8_epilogue.h"
#include "detector/kernels/pointwise_u8s8_fast.h"

namespace cyto8 {
namespace {

constexpr int kRegisters = 24;  // of sums.

// _mm512_dpbusd_epi32, for which GCC 12 copies the sums to and fro.
inline void AddProducts(__m512i codes, __m512i weights, __m512i& sums) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(codes), "v"(weights));
}

inline __m512i BroadcastQuad(const uint8_t* codes) {
  int32_t quad;
  __builtin_memcpy(&quad, codes, sizeof(quad));
  return _mm512_set1_epi32(quad);
}

// sums = bias + products. kWhole: all pixels exist; otherwise the last one
// stands in for those that do not.
template <int G, bool kWhole>
inline void Accumulate(const PointwiseRows& rows, const Block& block,
                       const uint8_t* src, int64_t count,
                       Sums<kRegisters / G, G>& sums) {
  constexpr int kPixels = kRegisters / G;
  const int64_t stride = rows.in_channels;
  const uint8_t* pixel[kPixels];
#pragma GCC unroll 24
  for (int p = 0; p < kPixels; ++p) {
    pixel[p] = src + (kWhole || p < count ? p : count - 1) * stride;
    // A register for every fourth; the others are at 1, 2 and 3 strides.
    if (kWhole && p % 4 == 0) asm("" : "+r"(pixel[p]));
    if (kWhole && p % 4 != 0) pixel[p] = pixel[p - p % 4] + p % 4 * stride;
  }
#pragma GCC unroll 24
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      sums[p][g] = _mm512_load_si512(block.bias + g * 16);
    }
  }
  const int8_t* wei = block.wei;
  const int8_t* const end = wei + (rows.in_channels + 3) / 4 * (G * 64);
  int64_t k = 0;
  for (; wei != end; wei += G * 64, k += 4) {
    __m512i weights[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      weights[g] = _mm512_load_si512(wei + g * 64);
    }
#pragma GCC unroll 24
    for (int p = 0; p < kPixels; ++p) {
      const __m512i codes = BroadcastQuad(pixel[p] + k);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        AddProducts(codes, weights[g], sums[p][g]);
      }
    }
  }
}

template <int G, int kMode>
inline void ComputeTile(const PointwiseRows& rows, const Block& block,
                        const Epilogue& e, int64_t pixel, int64_t count) {
  Sums<kRegisters / G, G> sums;
  Accumulate<G, kMode != kAny>(rows, block, rows.src + pixel * rows.in_channels,
                               count, sums);
  StoreResults<kMode, kRegisters / G, G>(rows, block, e, pixel, count, sums);
}

// Pixels that do not fill a tile.
template <int G>
__attribute__((noinline)) void ComputeRest(const PointwiseRows& rows,
                                           const Block& block,
                                           const Epilogue& e, int64_t pixel,
                                           int64_t count) {
  ComputeTile<G, kAny>(rows, block, e, pixel, count);
}

// Pixels [first, last) of one block.
template <int G, int kMode>
void ComputeBlock(const PointwiseRows& rows, const Block& block, int64_t first,
                  int64_t last) {
  constexpr int64_t kPixels = kRegisters / G;
  const Epilogue e = MakeEpilogue<G>(rows, block);
  for (; first + kPixels <= last; first += kPixels) {
    ComputeTile<G, kMode>(rows, block, e, first, kPixels);
  }
  if (first < last) ComputeRest<G>(rows, block, e, first, last - first);
}

}  // namespace
}  // namespace cyto8
