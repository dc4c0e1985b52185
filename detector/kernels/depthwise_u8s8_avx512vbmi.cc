// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see depthwise_u8s8_fast.h.
#include "detector/kernels/depthwise_u8s8_fast.h"
#include "detector/kernels/depthwise_u8s8_vnni_loops.h"

namespace cyto8 {

void DepthwiseU8S8Avx512Vbmi(const DepthwiseU8S8Rows& rows) {
  RunDepthwise(rows);
}

}  // namespace cyto8
