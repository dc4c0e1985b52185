// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_vector.h and
// depthwise_conv2d_f32_fast.h.
#include "detector/kernels/depthwise_conv2d_f32_fast.h"
#include "detector/kernels/depthwise_conv2d_f32_loops.h"

namespace cyto8 {

void DepthwiseRowsAvx512(const DepthwiseRows& rows) { Depthwise(rows); }

}  // namespace cyto8
