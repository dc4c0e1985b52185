// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_vector.h and
// squeeze_excite_f32_fast.h.
#include "detector/kernels/squeeze_excite_f32_fast.h"
#include "detector/kernels/squeeze_excite_f32_loops.h"

namespace cyto8 {

SqueezeExciteKernels SqueezeExciteAvx2() {
  return {&Means, &Layer, &ScalePixels, &ScaleRuns};
}

}  // namespace cyto8
