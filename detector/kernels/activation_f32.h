// SPDX-License-Identifier: Apache-2.0
// The activations that kernels apply to their results. Not the unary operators
// of the graph (unary.h). Tested by
// tests/detector/kernels/activation_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/isa.h"

namespace cyto8 {

// dst[i] = activation(src[i]); NaN stays NaN. dst may be src. With kPlain as
// ActivateF32Naive; otherwise swish and sigmoid differ from it by a relative
// 2e-6 at most (and below x = -87, where the naive result is 0 or no normal
// number, by less than 1e-34). Thread-safe.
Status ActivateF32(Isa isa, Activation activation, std::span<const float> src,
                   std::span<float> dst);

// x[i] = activation(x[i]) for i in [0, count) by plain loops. NaN stays NaN.
void ActivateF32Naive(Activation activation, float* x, int64_t count);

}  // namespace cyto8
