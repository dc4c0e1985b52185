// SPDX-License-Identifier: Apache-2.0
// An island: compiled for AVX-512 with VBMI; see mean_rows.h. Products and sums
// are rounded one by one (the build forbids contraction), as in plain loops.
#include <immintrin.h>

#include "tiling/mean_rows.h"

namespace cyto8 {
namespace {

__m512 Weighted(const MeanNumbers& weights, const MeanPlaces& places,
                __m512i window) {
  const __m512i wanted = _mm512_castsi128_si512(
      _mm_load_si128(reinterpret_cast<const __m128i*>(places.places)));
  const __m128i bytes =
      _mm512_castsi512_si128(_mm512_permutexvar_epi8(wanted, window));
  const __m512 pixels = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  return _mm512_mul_ps(pixels, _mm512_load_ps(weights.values));
}

// kTaps == 0: as many as the plan says.
template <int64_t kTaps>
void MeanRow(const MeanPlan& plan, const uint8_t* src, MeanNumbers* means) {
  const int64_t taps = kTaps > 0 ? kTaps : plan.taps_per_block;
  const MeanNumbers* weights = plan.weights;
  const MeanPlaces* places = plan.places;
  for (int64_t b = 0; b < plan.block_count; ++b) {
    const MeanBlock& block = plan.blocks[b];
    const __m512i window =
        _mm512_maskz_loadu_epi8(block.in_row, src + block.first_byte);
    __m512 mean = Weighted(weights[0], places[0], window);
    for (int64_t tap = 1; tap < taps; ++tap) {
      mean = _mm512_add_ps(mean, Weighted(weights[tap], places[tap], window));
    }
    _mm512_store_ps(means[b].values, mean);
    weights += taps;
    places += taps;
  }
}

}  // namespace

void MeanRowAvx512(const MeanPlan& plan, const uint8_t* src,
                   MeanNumbers* means) {
  if (plan.taps_per_block == 3) {
    MeanRow<3>(plan, src, means);  // a scan at twice the model's resolution.
  } else {
    MeanRow<0>(plan, src, means);
  }
}

void SetRowAvx512(float weight, const MeanNumbers* means, int64_t block_count,
                  MeanNumbers* sums) {
  const __m512 factor = _mm512_set1_ps(weight);
  for (int64_t b = 0; b < block_count; ++b) {
    _mm512_store_ps(sums[b].values,
                    _mm512_mul_ps(factor, _mm512_load_ps(means[b].values)));
  }
}

void AddRowAvx512(float weight, const MeanNumbers* means, int64_t block_count,
                  MeanNumbers* sums) {
  const __m512 factor = _mm512_set1_ps(weight);
  for (int64_t b = 0; b < block_count; ++b) {
    const __m512 more = _mm512_mul_ps(factor, _mm512_load_ps(means[b].values));
    _mm512_store_ps(sums[b].values,
                    _mm512_add_ps(_mm512_load_ps(sums[b].values), more));
  }
}

void RoundRowAvx512(const MeanNumbers* sums, int64_t count, uint8_t* dst) {
  for (int64_t left = count; left > 0; left -= kMeanLanes) {
    const auto keep =
        static_cast<__mmask16>(left < kMeanLanes ? (1U << left) - 1 : 0xFFFFU);
    const __m512i rounded = _mm512_cvtps_epi32(_mm512_load_ps(sums->values));
    _mm512_mask_cvtusepi32_storeu_epi8(dst, keep, rounded);
    ++sums;
    dst += kMeanLanes;
  }
}

}  // namespace cyto8
