// SPDX-License-Identifier: Apache-2.0
// Who computes the operators of a compiled model. Tested by
// tests/detector/runtime/compiled_model_test.cc.
#pragma once

namespace cyto8 {

class PackedWeights;

enum class Engine {
  kNaive,   // plain loops: the specification of every operator.
  kOneDnn,  // oneDNN where it has a fast kernel, plain loops elsewhere.
};

// What a step is made with.
struct StepOptions {
  Engine engine = Engine::kNaive;
  PackedWeights* packed_weights = nullptr;  // null: each step packs its own.
};

}  // namespace cyto8
