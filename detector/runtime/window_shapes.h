// SPDX-License-Identifier: Apache-2.0
// Convolutions and pools of the graph in the words of the kernels: padding
// rules end here, kernels see pixels. Tested through
// tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include "base/status.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/pool_f32.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {

// Of a kConv2D or kDepthwiseConv2D node.
StatusOr<Conv2dShape> ConvShapeOf(const StepContext& context);

// Of a kMaxPool or kAvgPool node.
StatusOr<PoolShape> PoolShapeOf(const StepContext& context);

}  // namespace cyto8
