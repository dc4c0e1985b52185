// SPDX-License-Identifier: Apache-2.0
// Rows of feature fusion by plain loops; the specification of the operator.
// Tested by tests/detector/kernels/feature_fusion_u8_test.cc.
#include "detector/kernels/feature_fusion_u8_fast.h"

namespace cyto8 {

void FuseRowU8Naive(const FusionRowU8& row) {
  for (int64_t x = 0; x < row.width; ++x) {
    for (int64_t c = 0; c < row.channels; ++c) {
      int16_t p = row.start[c];
      for (int64_t i = 0; i < row.sources; ++i) {
        const int64_t pixel = x / row.repeats[i];
        p = AddCode(p, row.rows[i][pixel * row.channels + c],
                    row.multiplier[i * row.channels + c]);
      }
      row.dst[x * row.channels + c] = CodeOf(p, row.requantization);
    }
  }
}

}  // namespace cyto8
