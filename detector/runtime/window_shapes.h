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

// Of a convolution, quantized or not.
StatusOr<Conv2dShape> ConvShapeOf(const StepContext& context);

// Of a kMaxPool or kAvgPool node.
StatusOr<PoolShape> PoolShapeOf(const StepContext& context);
// Of a pool between images of these shapes.
StatusOr<PoolShape> PoolShapeOf(const PoolAttributes& pool, const Shape& src,
                                const Shape& dst);

}  // namespace cyto8
