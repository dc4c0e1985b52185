// SPDX-License-Identifier: Apache-2.0
// The contract of the islands activation_f32_avx2.cc and _avx512.cc; everybody
// else calls ActivateF32() of activation_f32.h.
#pragma once

#include <cstdint>

#include "base/activation_kind.h"

namespace cyto8 {

// dst[i] = activation(src[i]) for i in [0, count); dst may be src.
void ActivateF32Avx2(Activation activation, const float* src, float* dst,
                     int64_t count);
void ActivateF32Avx512(Activation activation, const float* src, float* dst,
                       int64_t count);

}  // namespace cyto8
