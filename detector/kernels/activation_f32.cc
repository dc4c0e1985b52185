// SPDX-License-Identifier: Apache-2.0
// Activations by plain loops; see activation_f32.h.
#include "detector/kernels/activation_f32.h"

#include "detector/kernels/scalar_f32.h"

namespace cyto8 {
namespace {

template <typename Function>
void Apply(Function function, float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = function(x[i]);
}

}  // namespace

void ActivateF32Naive(Activation activation, float* x, int64_t count) {
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return Apply([](float v) { return ReluF32(v); }, x, count);
    case Activation::kRelu6:
      return Apply([](float v) { return Relu6F32(v); }, x, count);
    case Activation::kSwish:
      return Apply([](float v) { return SwishF32(v); }, x, count);
    case Activation::kHardSwish:
      return Apply([](float v) { return HardSwishF32(v); }, x, count);
    case Activation::kSigmoid:
      return Apply([](float v) { return SigmoidF32(v); }, x, count);
  }
}

}  // namespace cyto8
