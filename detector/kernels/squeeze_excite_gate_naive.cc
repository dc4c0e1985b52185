// SPDX-License-Identifier: Apache-2.0
// Gated weights by plain loops; the specification of the operator. Tested by
// tests/detector/kernels/squeeze_excite_gate_test.cc.
#include <algorithm>
#include <cmath>

#include "detector/kernels/requantize.h"
#include "detector/kernels/squeeze_excite_gate_fast.h"

namespace cyto8 {

void GatedBlockNaive(const GatedBlock& block) {
  const int64_t row = block.outputs * 4;
  for (int64_t o = 0; o < block.outputs; ++o) {
    const auto gated = [&](int64_t quad, int64_t k) {
      return int32_t{MultiplyHigh(block.wei16[quad * row + o * 4 + k],
                                  block.gates[quad * 4 + k])};
    };
    int32_t largest = 127;
    for (int64_t quad = 0; quad < block.quads; ++quad) {
      for (int64_t k = 0; k < 4; ++k) {
        largest = std::max(largest, std::abs(gated(quad, k)));
      }
    }
    const float factor = 127 / static_cast<float>(largest);
    int32_t sum = 0;
    for (int64_t quad = 0; quad < block.quads; ++quad) {
      for (int64_t k = 0; k < 4; ++k) {
        const auto wei = static_cast<int8_t>(
            std::nearbyint(static_cast<float>(gated(quad, k)) * factor));
        block.wei[quad * row + o * 4 + k] = wei;
        sum += wei;
      }
    }
    block.largest[o] = largest;
    block.sum[o] = sum;
  }
}

}  // namespace cyto8
