// SPDX-License-Identifier: Apache-2.0
// The packed order of pointwise_u8s8.h, as arithmetic. Tested by
// tests/detector/kernels/squeeze_excite_gate_test.cc.
#pragma once

#include <cstdint>

namespace cyto8 {

// Outputs of the next block, if so many are left.
constexpr int64_t PointwiseBlock(int64_t outputs_left) {
  return outputs_left > 48 ? 64 : outputs_left > 16 ? 32 : 16;
}

// Which output of a block of so many has that dword of each of its quads.
constexpr int64_t OutputOfDword(int64_t block, int64_t dword) {
  return block / 4 * (dword % 16 / 4) + dword / 16 * 4 + dword % 4;
}

}  // namespace cyto8
