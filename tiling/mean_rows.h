// SPDX-License-Identifier: Apache-2.0
// The means of the area resampler in vectors of 16 numbers: what its plain
// loops give, bit for bit. Contract of an island: no templates, nothing that
// could be shared with other files. Tested by
// tests/tiling/area_resampler_test.cc.
#pragma once

#include <cstdint>

namespace cyto8 {

constexpr int64_t kMeanLanes = 16;
constexpr int64_t kMeanWindowBytes = 64;

// 16 numbers; a register.
struct alignas(64) MeanNumbers {
  float values[kMeanLanes] = {};
};

// One pixel of the source for each of 16 numbers of the result: which byte of
// the block's window it is. Beside it stands its weight; a number that needs no
// such pixel has weight 0.
struct alignas(16) MeanPlaces {
  uint8_t places[kMeanLanes] = {};
};

// 16 numbers of a row of the result, one after the other.
struct MeanBlock {
  int64_t first_byte = 0;  // of the source row: there the window begins.
  uint64_t in_row = 0;     // bit i: byte i of the window lies in the row.
};

// means[block_count]; block b has the weights and places from
// [taps_per_block * b] on, which are added in that order.
struct MeanPlan {
  const MeanBlock* blocks = nullptr;
  int64_t block_count = 0;
  const MeanNumbers* weights = nullptr;
  const MeanPlaces* places = nullptr;
  int64_t taps_per_block = 0;
};
void MeanRowAvx512(const MeanPlan& plan, const uint8_t* src,
                   MeanNumbers* means);

// sums[i] = weight * means[i], or that added to it.
void SetRowAvx512(float weight, const MeanNumbers* means, int64_t block_count,
                  MeanNumbers* sums);
void AddRowAvx512(float weight, const MeanNumbers* means, int64_t block_count,
                  MeanNumbers* sums);

// The first `count` numbers, rounded half to even; sums in [0, 255.5).
void RoundRowAvx512(const MeanNumbers* sums, int64_t count, uint8_t* dst);

}  // namespace cyto8
