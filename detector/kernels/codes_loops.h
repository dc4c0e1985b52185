// SPDX-License-Identifier: Apache-2.0
// Pooling of codes in vectors of channels, for islands only (see
// native_codes.h). Tested by tests/detector/kernels/codes_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/codes_fast.h"
#include "detector/kernels/native_codes.h"

namespace cyto8 {
namespace {

// The maximum over a window of so many rows and columns (0: row.rows and
// `columns`) of the channels of one vector.
template <int kSide>
inline Bytes MaxOfWindow(const MaxPoolCodesRow& row, const uint8_t* src,
                         int64_t columns) {
  const int64_t row_bytes = row.in_width * row.channels;
  const int64_t rows = kSide == 0 ? row.rows : kSide;
  if (kSide != 0) columns = kSide;
  Bytes best = LoadBytes(src);
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      best = MaxBytes(best, LoadBytes(src + y * row_bytes + x * row.channels));
    }
  }
  return best;
}

// Few channels, one after the other.
inline void PoolFew(const MaxPoolCodesRow& row, const uint8_t* src,
                    int64_t columns, uint8_t* dst) {
  for (int64_t c = 0; c < row.channels; ++c) {
    uint8_t best = 0;
    for (int64_t y = 0; y < row.rows; ++y) {
      for (int64_t x = 0; x < columns; ++x) {
        const uint8_t code = src[(y * row.in_width + x) * row.channels + c];
        best = code > best ? code : best;
      }
    }
    dst[c] = best;
  }
}

// The last vector of channels may take some once more.
inline void PoolPixel(const MaxPoolCodesRow& row, const uint8_t* src,
                      int64_t columns, uint8_t* dst) {
  const int64_t last = row.channels - kBytes;
  if (last < 0) return PoolFew(row, src, columns, dst);
  const bool is_usual = row.rows == 3 && columns == 3;
  for (int64_t first = 0; first < row.channels; first += kBytes) {
    const int64_t c = first < last ? first : last;
    StoreBytes(dst + c, is_usual ? MaxOfWindow<3>(row, src + c, columns)
                                 : MaxOfWindow<0>(row, src + c, columns));
  }
}

inline void PoolRow(const MaxPoolCodesRow& row) {
  for (int64_t x = 0; x < row.out_width; ++x) {
    const int64_t start = x * row.stride - row.pad_left;
    const int64_t end = start + row.kernel;
    const int64_t first = start < 0 ? 0 : start;
    PoolPixel(row, row.src + first * row.channels,
              (end > row.in_width ? row.in_width : end) - first,
              row.dst + x * row.channels);
  }
}

}  // namespace
}  // namespace cyto8
