// SPDX-License-Identifier: Apache-2.0
// Pooling of codes in vectors of channels, for islands only (see
// native_codes.h). Tested by tests/detector/kernels/codes_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/codes_fast.h"
#include "detector/kernels/native_codes.h"

namespace cyto8 {
namespace {

// The maximum over the taps [first, last) of each row.
inline void PoolPixel(const MaxPoolCodesRow& row, int64_t first, int64_t last,
                      uint8_t* dst) {
  for (int64_t c = 0; c < row.channels; c += kBytes) {
    const int64_t left = row.channels - c;
    const ByteLanes lanes = FirstBytes(left < kBytes ? left : kBytes);
    const uint8_t* const src = row.src + first * row.channels + c;
    Bytes best = LoadBytes(src, lanes);
    for (int64_t y = 0; y < row.rows; ++y) {
      for (int64_t x = 0; x < last - first; ++x) {
        const int64_t pixel = y * row.in_width + x;
        best = MaxBytes(best, LoadBytes(src + pixel * row.channels, lanes));
      }
    }
    StoreBytes(dst + c, best, lanes);
  }
}

inline void PoolRow(const MaxPoolCodesRow& row) {
  for (int64_t x = 0; x < row.out_width; ++x) {
    const int64_t start = x * row.stride - row.pad_left;
    const int64_t end = start + row.kernel;
    PoolPixel(row, start < 0 ? 0 : start,
              end > row.in_width ? row.in_width : end,
              row.dst + x * row.channels);
  }
}

}  // namespace
}  // namespace cyto8
