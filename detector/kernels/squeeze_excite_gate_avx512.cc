// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see native_codes.h and
// squeeze_excite_gate_fast.h.
#include "detector/kernels/squeeze_excite_gate_fast.h"
#include "detector/kernels/squeeze_excite_gate_loops.h"

namespace cyto8 {

void GatedBlockAvx512(const GatedBlock& block) { MakeBlock(block); }

}  // namespace cyto8
