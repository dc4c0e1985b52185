// SPDX-License-Identifier: Apache-2.0
// The contract of the islands squeeze_excite_gate_avx2.cc and _avx512.cc, and
// of their naive twin: blocks of gated weights; see squeeze_excite_gate.h.
#pragma once

#include <cstdint>

namespace cyto8 {

// One block of packed outputs: for each quad of inputs, 4 weights for each
// dword. With v = (wei16 * gates + 2^14) >> 15, for each dword:
//   largest = the greatest |v|, at least 127
//   wei     = round to nearest even(float(v) * (127 / float(largest)))
//   sum     = the sum of wei
struct GatedBlock {
  int64_t quads = 0;
  int64_t outputs = 0;             // 16, 32 or 64.
  const int16_t* wei16 = nullptr;  // [quads, outputs, 4].
  const int16_t* gates = nullptr;  // [quads, 4], >= 0.
  int8_t* wei = nullptr;           // [quads, outputs, 4].
  int32_t* largest = nullptr;      // [outputs].
  int32_t* sum = nullptr;          // [outputs].
};

void GatedBlockNaive(const GatedBlock& block);
void GatedBlockAvx2(const GatedBlock& block);
void GatedBlockAvx512(const GatedBlock& block);

}  // namespace cyto8
