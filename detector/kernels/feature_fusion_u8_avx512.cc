// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_codes.h and
// feature_fusion_u8_fast.h.
#include "detector/kernels/feature_fusion_u8_fast.h"
#include "detector/kernels/feature_fusion_u8_loops.h"

namespace cyto8 {

void FuseRowU8Avx512(const FusionRowU8& row) { FuseRow(row); }

}  // namespace cyto8
