// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_vector.h and
// feature_fusion_f32_fast.h.
#include "detector/kernels/feature_fusion_f32_fast.h"
#include "detector/kernels/feature_fusion_f32_loops.h"

namespace cyto8 {

void FuseRowAvx2(const FusionRow& row) { FuseRow(row); }

void PoolRowAvx2(const MaxPoolRow& row) { PoolRow(row); }

}  // namespace cyto8
