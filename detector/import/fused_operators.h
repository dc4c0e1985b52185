// SPDX-License-Identifier: Apache-2.0
// The operators into which TensorFlow's own optimizer (grappler) fuses several:
// each becomes one node per step, of which the last is the node itself. Tested
// by tests/detector/import/node_conversion_test.cc.
#pragma once

#include "base/status.h"
#include "detector/import/conversion.h"

namespace cyto8 {

Status ConvertFusedConv2D(Conversion& c);
Status ConvertFusedDepthwise(Conversion& c);
Status ConvertFusedMatMul(Conversion& c);
Status ConvertFusedBatchNormEx(Conversion& c);

// Batch statistics (outputs 1, 2, ...) exist in training only.
Status CheckOnlyFirstOutputRead(const Conversion& c);

}  // namespace cyto8
