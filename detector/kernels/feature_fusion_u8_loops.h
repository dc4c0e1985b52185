// SPDX-License-Identifier: Apache-2.0
// Rows of feature fusion in vectors of channels, for islands only (see
// native_codes.h). Tested by tests/detector/kernels/feature_fusion_u8_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/feature_fusion_u8_fast.h"
#include "detector/kernels/native_codes.h"

namespace cyto8 {
namespace {

inline WordPair AddCodes(const WordPair& p, Bytes codes,
                         const WordPair& multiplier) {
  const WordPair wide = WidenBytes(codes);
  return {AddSaturated(p.low, MultiplyHigh(wide.low, multiplier.low)),
          AddSaturated(p.high, MultiplyHigh(wide.high, multiplier.high))};
}

// The vector of channels from `channel` on of all pixels. kSources: how many
// there are, 0: as row.sources says. kWhole: the vector has kBytes channels.
template <int kSources, bool kWhole>
inline void FuseColumn(const FusionRowU8& row, int64_t channel,
                       const EvenVectors* even) {
  constexpr int64_t kMost = kSources == 0 ? kMaxFusionSources : kSources;
  const int64_t sources = kSources == 0 ? row.sources : kSources;
  const int64_t channels = row.channels;
  const ByteLanes lanes = FirstBytes(kWhole ? kBytes : channels - channel);
  const WordPair start = LoadWords(row.start + channel, lanes);
  WordPair multiplier[kMost];
  const uint8_t* pixels[kMost];
  int64_t repeats[kMost];
  int64_t uses[kMost];  // of the pixel so far.
  for (int64_t i = 0; i < sources; ++i) {
    multiplier[i] = LoadWords(row.multiplier + i * channels + channel, lanes);
    pixels[i] = row.rows[i] + channel;
    repeats[i] = row.repeats[i];
    uses[i] = 0;
  }
  const ShiftCount shift = ShiftBy(row.requantization.fraction_bits);
  uint8_t* dst = row.dst + channel;
  for (int64_t x = row.width; x > 0; --x) {
    WordPair p = start;
    for (int64_t i = 0; i < sources; ++i) {
      p = AddCodes(p,
                   kWhole ? LoadBytes(pixels[i]) : LoadBytes(pixels[i], lanes),
                   multiplier[i]);
      if (++uses[i] < repeats[i]) continue;
      pixels[i] += channels;
      uses[i] = 0;
    }
    if (even != nullptr) p = Activate(p, *even);
    const Bytes codes = PackCodes(p, shift);
    if (kWhole) {
      StoreBytes(dst, codes);
    } else {
      StoreBytes(dst, codes, lanes);
    }
    dst += channels;
  }
}

inline void FuseWholeColumn(const FusionRowU8& row, int64_t channel,
                            const EvenVectors* even) {
  switch (row.sources) {
    case 2:
      return FuseColumn<2, true>(row, channel, even);
    case 3:
      return FuseColumn<3, true>(row, channel, even);
    default:
      return FuseColumn<0, true>(row, channel, even);
  }
}

// The last vector of channels may take some once more.
inline void FuseRow(const FusionRowU8& row) {
  const EvenTable* const table = row.requantization.table;
  EvenVectors vectors;
  if (table != nullptr) vectors = LoadTable(*table);
  const EvenVectors* const even = table == nullptr ? nullptr : &vectors;
  const int64_t last = row.channels - kBytes;
  if (last < 0) return FuseColumn<0, false>(row, 0, even);
  for (int64_t first = 0; first < row.channels; first += kBytes) {
    FuseWholeColumn(row, first < last ? first : last, even);
  }
}

}  // namespace
}  // namespace cyto8
