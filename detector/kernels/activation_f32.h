// SPDX-License-Identifier: Apache-2.0
// The activations that kernels apply to their results, in place. Not the unary
// operators of the graph (unary.h). Tested by
// tests/detector/kernels/activation_f32_test.cc.
#pragma once

#include <cstdint>

#include "base/activation.h"

namespace cyto8 {

// x[i] = activation(x[i]) for i in [0, count). NaN stays NaN.
void ActivateF32Naive(Activation activation, float* x, int64_t count);

}  // namespace cyto8
