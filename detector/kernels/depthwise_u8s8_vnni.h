// SPDX-License-Identifier: Apache-2.0
// The order of operands that depthwise_u8s8_vnni_loops.h wants. Tested by
// tests/detector/kernels/depthwise_u8s8_test.cc.
//
// Channels fall into blocks (DepthwiseBlockAt). A block of B channels is 64
// lanes, a pixel in each of 64 / B strips of rows: dword 4 * l + i (l, i < 4)
// of vector j < 4 belongs to channel 16 * (l % (B / 16)) + 4 * j + i of the
// block, and word 8 * l + 4 * (j % 2) + i of vector j / 2, where there are 16
// bits. Channels that do not exist have zeros.
//
// Weights are groups of four vectors; a group gives each lane four taps, bytes
// of its dword. Which taps, and in which order, says DepthwiseVnniGroups.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace cyto8 {

// Taps ky * kernel + kx, or -1 for a weight of 0.
using DepthwiseTaps = std::array<int64_t, 4>;

// The groups of a block, in order. Kernel 3 or 5, stride 1 or 2.
std::vector<DepthwiseTaps> DepthwiseVnniGroups(int64_t kernel, int64_t stride);

// The channel of dword 4 * l + i of vector j, counted in its block.
int64_t DepthwiseVnniChannel(int64_t block, int64_t j, int64_t dword);

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
