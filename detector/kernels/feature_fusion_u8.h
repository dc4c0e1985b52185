// SPDX-License-Identifier: Apache-2.0
// A node of a BiFPN on 8-bit codes in one pass: sources are up-sampled or
// pooled on the way, weighed, summed, activated and requantized. Tested by
// tests/detector/kernels/feature_fusion_u8_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/kernels/feature_fusion_f32.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {

// Per pixel and channel c, with the words of requantize.h:
//   p = start[c]
//   p = sat16(p + (code_i * 128 * multiplier[i, c] + 2^14 >> 15)), i rising
//   code = CodeOf(p)
// where code_i is src[i] repeated or pooled (the greatest code; padding never
// wins), as FeatureFusionShape says; its activation is not looked at. Of
// Requantization only fraction_bits and table count.
struct FeatureFusionU8 {
  FeatureFusionShape shape = {};    // batch 1.
  std::vector<int16_t> start;       // [channels].
  std::vector<int16_t> multiplier;  // [sources, channels].
  Requantization requantization = {};
};

Status CheckFeatureFusionU8(const FeatureFusionU8& fusion);

// Bytes of scratch that one call needs: a row for each pooled source.
int64_t FeatureFusionU8Scratch(const FeatureFusionU8& fusion);

// Rows [first_row, last_row) of the result; src[i] is the whole source, dst is
// row 0. Any isa: the same bytes. Thread-safe where scratch is the thread's
// own. Checks nothing.
void FeatureFusionU8Rows(Isa isa, const FeatureFusionU8& fusion,
                         std::span<const uint8_t* const> src, int64_t first_row,
                         int64_t last_row, uint8_t* scratch, uint8_t* dst);

}  // namespace cyto8
