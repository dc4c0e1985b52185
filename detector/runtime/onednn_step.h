// SPDX-License-Identifier: Apache-2.0
// A oneDNN primitive as a step; what oneDNN cannot do fast is left to the naive
// kernels. Tested through tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include "detector/kernels/onednn_adapter.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {

// Reads input 0, writes output 0. NotMine() if oneDNN says kUnimplemented;
// other errors pass.
MaybeStep OneDnnStep(OneDnnPrimitive::Result made);

}  // namespace cyto8
