// SPDX-License-Identifier: Apache-2.0
// Activations by plain loops, and the dispatch; see activation_f32.h.
#include "detector/kernels/activation_f32.h"

#include <algorithm>

#include "detector/kernels/activation_f32_fast.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/scalar_f32.h"

namespace cyto8 {
namespace {

template <typename Function>
void Apply(Function function, float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = function(x[i]);
}

}  // namespace

Status ActivateF32(Isa isa, Activation activation, std::span<const float> src,
                   std::span<float> dst) {
  const auto count = static_cast<int64_t>(src.size());
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst.size(), {count}));
  switch (isa) {
    case Isa::kAvx512Vnni:
    case Isa::kAvx512Vbmi:
    case Isa::kAmxInt8:
    case Isa::kAvx512:
      ActivateF32Avx512(activation, src.data(), dst.data(), count);
      break;
    case Isa::kAvx2:
      ActivateF32Avx2(activation, src.data(), dst.data(), count);
      break;
    case Isa::kPlain:
      if (src.data() != dst.data()) std::ranges::copy(src, dst.begin());
      ActivateF32Naive(activation, dst.data(), count);
      break;
  }
  return OkStatus();
}

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
