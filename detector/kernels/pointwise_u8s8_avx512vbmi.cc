// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see pointwise_u8s8_fast.h.
#include "detector/kernels/pointwise_u8s8_fast.h"
#include "detector/kernels/pointwise_u8s8_vnni_loops.h"

namespace cyto8 {

void PointwiseAvx512Vbmi(const PointwiseRows& rows) { ComputeAll(rows); }

}  // namespace cyto8
