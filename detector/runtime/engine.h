// SPDX-License-Identifier: Apache-2.0
// Who computes the operators of a compiled model. Tested by
// tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/isa.h"

namespace cyto8 {

class PackedWeights;

// About the second-level cache: what fits it may as well be whole.
inline constexpr int64_t kMinStreamedBytes = int64_t{3} << 19;

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
  // A map between a pointwise and a depthwise convolution that has at least so
  // many bytes is made and used some rows at a time, and is never whole.
  int64_t min_streamed_bytes = kMinStreamedBytes;
  // Every node's result is whole in memory, for who wants to look at it.
  bool whole_values = false;
};

}  // namespace cyto8
