// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_vector.h and
// activation_f32_fast.h.
#include "detector/kernels/activation_f32_fast.h"
#include "detector/kernels/activation_loops.h"

namespace cyto8 {

void ActivateF32Avx512(Activation activation, const float* src, float* dst,
                       int64_t count) {
  ActivateArray(activation, src, dst, count);
}

}  // namespace cyto8
