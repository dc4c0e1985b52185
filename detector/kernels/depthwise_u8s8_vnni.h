// SPDX-License-Identifier: Apache-2.0
// The order of operands that depthwise_u8s8_vnni_loops.h wants. Tested by
// tests/detector/kernels/depthwise_u8s8_test.cc.
//
// Channels fall into blocks (depthwise_u8s8_blocks.h). A block of B channels is
// 64 lanes, a pixel in each of 64 / B strips of rows: dword 4 * l + i (l, i <
// 4) of vector j < 4 belongs to channel 16 * (l % (B / 16)) + 4 * j + i of the
// block, and word 8 * l + 4 * (j % 2) + i of vector j / 2, where there are 16
// bits. Channels that do not exist have zeros.
//
// Weights are groups of four vectors; a group gives each lane four taps, bytes
// of its dword. Which taps, and in which order, says DepthwiseVnniGroups.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "detector/kernels/depthwise_u8s8_blocks.h"

namespace cyto8 {

// Taps ky * kernel + kx, or -1 for a weight of 0.
using DepthwiseTaps = std::array<int64_t, 4>;

// The groups of a block, in order. Kernel 3 or 5, stride 1 or 2.
std::vector<DepthwiseTaps> DepthwiseVnniGroups(int64_t kernel, int64_t stride);

// The channel of dword 4 * l + i of vector j, counted in its block.
int64_t DepthwiseVnniChannel(int64_t block, int64_t j, int64_t dword);

}  // namespace cyto8
