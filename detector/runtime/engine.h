// SPDX-License-Identifier: Apache-2.0
// Who computes the operators of a compiled model. Tested by
// tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include "detector/kernels/isa.h"

namespace cyto8 {

class PackedWeights;

enum class Engine {
  kNaive,   // plain loops: the specification of every operator.
  kOneDnn,  // the fastest: oneDNN's kernels, our own where they are faster,
            // plain loops elsewhere.
};

// What a step is made with.
struct StepOptions {
  Engine engine = Engine::kNaive;
  Isa isa = Isa::kPlain;  // of our own kernels, beside oneDNN's.
  PackedWeights* packed_weights = nullptr;  // null: each step packs its own.
};

}  // namespace cyto8
