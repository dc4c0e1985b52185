// SPDX-License-Identifier: Apache-2.0
// The blocks of channels of depthwise convolutions with VNNI, for the islands
// and for who packs their operands (depthwise_u8s8_vnni.h). Tested by
// tests/detector/kernels/depthwise_u8s8_test.cc.
#pragma once

#include <cstdint>

namespace cyto8 {
namespace {  // islands must not share compiled functions.

// Channels [first, first + lanes), the first `seen` of which are in the block
// before.
struct DepthwiseBlock {
  int64_t first = 0;
  int64_t lanes = 0;
  int64_t seen = 0;
};

// The block that begins with the channels from c on: 64 of them, or a rest of
// 32 or 16. It is a full one if it can, by going back.
inline DepthwiseBlock DepthwiseBlockAt(int64_t c, int64_t channels) {
  const int64_t left = channels - c;
  DepthwiseBlock block = {.first = c, .lanes = 16};
  if (left > 48 || (left > 32 && channels >= 64)) {
    block.lanes = 64;
  } else if (left > 16) {
    block.lanes = 32;
  }
  if (left < block.lanes && channels >= block.lanes) {
    block.first = channels - block.lanes;
  }
  block.seen = c - block.first;
  return block;
}

}  // namespace
}  // namespace cyto8
