// SPDX-License-Identifier: Apache-2.0
// Codes by plain loops; the specification of codes.h. Channels are the
// innermost loop. Tested by tests/detector/kernels/codes_test.cc.
#include <algorithm>
#include <bit>

#include "detector/kernels/codes_fast.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

// To the nearest whole number, ties to even; |x| <= kMaxCodeF32.
int32_t Round(float x) {
  return std::bit_cast<int32_t>(x + kRoundsF32) -
         std::bit_cast<int32_t>(kRoundsF32);
}

void Quantize(const float* src, float inverse_scale, int32_t zero_point,
              int64_t count, uint8_t* dst) {
  for (int64_t i = 0; i < count; ++i) {
    const float product = src[i] * inverse_scale;
    const float known = product == product ? product : 0;
    const float low = known > -kMaxCodeF32 ? known : -kMaxCodeF32;
    dst[i] =
        SaturateTo8(Round(low < kMaxCodeF32 ? low : kMaxCodeF32) + zero_point);
  }
}

void Dequantize(const uint8_t* src, float scale, int32_t zero_point,
                int64_t count, float* dst) {
  for (int64_t i = 0; i < count; ++i) {
    dst[i] = static_cast<float>(src[i] - zero_point) * scale;
  }
}

void MaxInto(const uint8_t* src, int64_t count, uint8_t* __restrict dst) {
  for (int64_t c = 0; c < count; ++c) dst[c] = std::max(dst[c], src[c]);
}

void PoolRow(const MaxPoolCodesRow& row) {
  std::fill_n(row.dst, row.out_width * row.channels, uint8_t{0});
  for (int64_t x = 0; x < row.out_width; ++x) {
    const int64_t start = x * row.stride - row.pad_left;
    const int64_t first = std::max<int64_t>(start, 0);
    const int64_t last = std::min(start + row.kernel, row.in_width);
    for (int64_t y = 0; y < row.rows; ++y) {
      const uint8_t* const src = row.src + y * row.in_width * row.channels;
      for (int64_t i = first; i < last; ++i) {
        MaxInto(src + i * row.channels, row.channels,
                row.dst + x * row.channels);
      }
    }
  }
}

}  // namespace

CodesKernels CodesNaive() { return {&Quantize, &Dequantize, &PoolRow}; }

}  // namespace cyto8
