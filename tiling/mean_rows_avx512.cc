// SPDX-License-Identifier: Apache-2.0
// An island: compiled for AVX-512 with VBMI; see mean_rows.h. Products and sums
// are rounded one by one (the build forbids contraction), as in plain loops.
#include <immintrin.h>

#include "tiling/mean_rows.h"

namespace cyto8 {
namespace {

__m512 Weighted(const MeanWeights& weights, const MeanPlaces& places,
                __m512i window) {
  const __m512i wanted = _mm512_castsi128_si512(
      _mm_load_si128(reinterpret_cast<const __m128i*>(places.places)));
  const __m128i bytes =
      _mm512_castsi512_si128(_mm512_permutexvar_epi8(wanted, window));
  const __m512 pixels = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  return _mm512_mul_ps(pixels, _mm512_load_ps(weights.weights));
}

// kTaps == 0: as many as the plan says.
template <int64_t kTaps>
void MeanRow(const MeanPlan& plan, const uint8_t* src, float* means) {
  const int64_t taps = kTaps > 0 ? kTaps : plan.taps_per_block;
  const MeanWeights* weights = plan.weights;
  const MeanPlaces* places = plan.places;
  for (int64_t b = 0; b < plan.block_count; ++b) {
    const MeanBlock& block = plan.blocks[b];
    const __m512i window =
        _mm512_maskz_loadu_epi8(block.in_row, src + block.first_byte);
    __m512 mean = Weighted(weights[0], places[0], window);
    for (int64_t tap = 1; tap < taps; ++tap) {
      mean = _mm512_add_ps(mean, Weighted(weights[tap], places[tap], window));
    }
    _mm512_storeu_ps(means + b * kMeanLanes, mean);
    weights += taps;
    places += taps;
  }
}

}  // namespace

void MeanRowAvx512(const MeanPlan& plan, const uint8_t* src, float* means) {
  if (plan.taps_per_block == 3) {
    MeanRow<3>(plan, src, means);  // a scan at twice the model's resolution.
  } else {
    MeanRow<0>(plan, src, means);
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
