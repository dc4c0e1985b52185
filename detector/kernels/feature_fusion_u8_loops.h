// SPDX-License-Identifier: Apache-2.0
// Rows of feature fusion in vectors of channels, for islands only (see
// native_codes.h). Tested by tests/detector/kernels/feature_fusion_u8_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/feature_fusion_u8_fast.h"
#include "detector/kernels/native_codes.h"

namespace cyto8 {
namespace {

// What the pixels of a row share, for the channels from first_channel on.
struct FusionColumn {
  int64_t first_channel;
  ByteLanes lanes;
  const EvenVectors* table;  // null: no activation.
  WordPair start;
  WordPair multiplier[kMaxFusionSources];
};

inline FusionColumn ColumnOf(const FusionRowU8& row, int64_t first_channel,
                             const EvenVectors* table) {
  const int64_t left = row.channels - first_channel;
  FusionColumn column;
  column.first_channel = first_channel;
  column.lanes = FirstBytes(left < kBytes ? left : kBytes);
  column.table = table;
  column.start = LoadWords(row.start + first_channel, column.lanes);
  for (int64_t i = 0; i < row.sources; ++i) {
    column.multiplier[i] = LoadWords(
        row.multiplier + i * row.channels + first_channel, column.lanes);
  }
  return column;
}

inline WordPair AddCodes(const WordPair& p, Bytes codes,
                         const WordPair& multiplier) {
  const WordPair wide = WidenBytes(codes);
  return {AddSaturated(p.low, MultiplyHigh(wide.low, multiplier.low)),
          AddSaturated(p.high, MultiplyHigh(wide.high, multiplier.high))};
}

// kSources: how many there are, which the compiler unrolls; 0: it cannot know.
template <int kSources, bool kActivate>
inline void FuseColumn(const FusionRowU8& row, const FusionColumn& column) {
  const int64_t sources = kSources == 0 ? row.sources : kSources;
  const uint8_t* pixels[kMaxFusionSources];
  int64_t uses[kMaxFusionSources];  // of the pixel so far.
  for (int64_t i = 0; i < sources; ++i) {
    pixels[i] = row.rows[i] + column.first_channel;
    uses[i] = 0;
  }
  uint8_t* dst = row.dst + column.first_channel;
  for (int64_t x = 0; x < row.width; ++x) {
    WordPair p = column.start;
    for (int64_t i = 0; i < sources; ++i) {
      p = AddCodes(p, LoadBytes(pixels[i], column.lanes), column.multiplier[i]);
      if (++uses[i] < row.repeats[i]) continue;
      pixels[i] += row.channels;
      uses[i] = 0;
    }
    if (kActivate) p = Activate(p, *column.table);
    StoreBytes(dst, PackCodes(p, row.requantization.fraction_bits),
               column.lanes);
    dst += row.channels;
  }
}

template <bool kActivate>
inline void FuseColumnOf(const FusionRowU8& row, const FusionColumn& column) {
  switch (row.sources) {
    case 2:
      return FuseColumn<2, kActivate>(row, column);
    case 3:
      return FuseColumn<3, kActivate>(row, column);
    default:
      return FuseColumn<0, kActivate>(row, column);
  }
}

inline void FuseRow(const FusionRowU8& row) {
  const EvenTable* const table = row.requantization.table;
  EvenVectors vectors;
  if (table != nullptr) vectors = LoadTable(*table);
  for (int64_t c = 0; c < row.channels; c += kBytes) {
    const FusionColumn column =
        ColumnOf(row, c, table == nullptr ? nullptr : &vectors);
    if (table == nullptr) {
      FuseColumnOf<false>(row, column);
    } else {
      FuseColumnOf<true>(row, column);
    }
  }
}

}  // namespace
}  // namespace cyto8
