// SPDX-License-Identifier: Apache-2.0
// requantize.h in vectors of AVX-512 BW, bit by bit; only for islands. Tested
// by the tests of the kernels that include it.
//
// 64 sums of 32 bit lie in four vectors: dword 4 * l + i of vector j is output
// 16 * l + 4 * j + i. vpackssdw and vpackuswb then leave the codes in order.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "detector/kernels/even_table_avx512.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

// What a layer's 64 outputs at a time have in common, in registers.
struct RequantizeAvx512 {
  __m512i left_shift;
  __m512i fraction_bits;
  EvenTableAvx512 even;
};

inline RequantizeAvx512 MakeRequantizeAvx512(const Requantization& layer) {
  RequantizeAvx512 r;
  r.left_shift = _mm512_set1_epi32(layer.left_shift);
  r.fraction_bits =
      _mm512_set1_epi16(static_cast<int16_t>(layer.fraction_bits));
  if (layer.table != nullptr) r.even = LoadEvenTable(*layer.table);
  return r;
}

// p of 32 sums: those of two neighbouring vectors. `shift` [32] in the order of
// the sums, `multiplier` [32] in that of the result.
template <bool kShiftsLeft>
[[gnu::always_inline]] inline __m512i RescaleAvx512(const RequantizeAvx512& r,
                                                    __m512i low, __m512i high,
                                                    const int32_t* shift,
                                                    const int16_t* multiplier) {
  if constexpr (kShiftsLeft) {
    low = _mm512_sllv_epi32(low, r.left_shift);
    high = _mm512_sllv_epi32(high, r.left_shift);
  }
  const __m512i t = _mm512_packs_epi32(
      _mm512_srav_epi32(low, _mm512_loadu_si512(shift)),
      _mm512_srav_epi32(high, _mm512_loadu_si512(shift + 16)));
  return _mm512_mulhrs_epi16(t, _mm512_loadu_si512(multiplier));
}

// Without an addend the difference does not overflow (requantize.h).
[[gnu::always_inline]] inline __m512i ActivateAvx512(const RequantizeAvx512& r,
                                                     __m512i p) {
  const __m512i relu = _mm512_max_epi16(p, _mm512_setzero_si512());
  return _mm512_sub_epi16(relu, EvenPart(r.even, _mm512_abs_epi16(p)));
}

// Codes of 64 p, given as two vectors.
template <bool kTable>
[[gnu::always_inline]] inline __m512i CodesAvx512(const RequantizeAvx512& r,
                                                  __m512i p0, __m512i p1) {
  if constexpr (kTable) {
    p0 = ActivateAvx512(r, p0);
    p1 = ActivateAvx512(r, p1);
  }
  return _mm512_packus_epi16(_mm512_srav_epi16(p0, r.fraction_bits),
                             _mm512_srav_epi16(p1, r.fraction_bits));
}

}  // namespace
}  // namespace cyto8
