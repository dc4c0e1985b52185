// SPDX-License-Identifier: Apache-2.0
// An island: compiled for AVX-512 with VBMI; see mean_rows.h. Products and sums
// are rounded one by one (the build forbids contraction), as in plain loops.
#include <immintrin.h>

#include "tiling/mean_rows.h"

namespace cyto8 {
namespace {

__m512 PixelsOf(const MeanTap& tap, __m512i window) {
  const __m512i places = _mm512_castsi128_si512(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(tap.places)));
  const __m512i bytes = _mm512_permutexvar_epi8(places, window);
  return _mm512_cvtepi32_ps(
      _mm512_cvtepu8_epi32(_mm512_castsi512_si128(bytes)));
}

__m512 Weighted(const MeanTap& tap, __m512i window) {
  return _mm512_mul_ps(PixelsOf(tap, window), _mm512_loadu_ps(tap.weights));
}

}  // namespace

void MeanRowAvx512(const MeanBlock* blocks, int64_t block_count,
                   const MeanTap* taps, int64_t taps_per_block,
                   const uint8_t* src, float* means) {
  for (int64_t b = 0; b < block_count; ++b) {
    const __m512i window =
        _mm512_maskz_loadu_epi8(blocks[b].in_row, src + blocks[b].first_byte);
    __m512 mean = Weighted(taps[0], window);
    for (int64_t tap = 1; tap < taps_per_block; ++tap) {
      mean = _mm512_add_ps(mean, Weighted(taps[tap], window));
    }
    _mm512_storeu_ps(means + b * kMeanLanes, mean);
    taps += taps_per_block;
  }
}

void SetRowAvx512(float weight, const float* means, int64_t count,
                  float* sums) {
  const __m512 factor = _mm512_set1_ps(weight);
  for (int64_t i = 0; i < count; i += kMeanLanes) {
    _mm512_storeu_ps(sums + i,
                     _mm512_mul_ps(factor, _mm512_loadu_ps(means + i)));
  }
}

void AddRowAvx512(float weight, const float* means, int64_t count,
                  float* sums) {
  const __m512 factor = _mm512_set1_ps(weight);
  for (int64_t i = 0; i < count; i += kMeanLanes) {
    const __m512 more = _mm512_mul_ps(factor, _mm512_loadu_ps(means + i));
    _mm512_storeu_ps(sums + i, _mm512_add_ps(_mm512_loadu_ps(sums + i), more));
  }
}

void RoundRowAvx512(const float* sums, int64_t count, uint8_t* dst) {
  for (int64_t i = 0; i < count; i += kMeanLanes) {
    const int64_t left = count - i;
    const auto keep =
        static_cast<__mmask16>(left < kMeanLanes ? (1U << left) - 1 : 0xFFFFU);
    const __m512i rounded =
        _mm512_cvtps_epi32(_mm512_maskz_loadu_ps(keep, sums + i));
    _mm512_mask_cvtusepi32_storeu_epi8(dst + i, keep, rounded);
  }
}

}  // namespace cyto8
