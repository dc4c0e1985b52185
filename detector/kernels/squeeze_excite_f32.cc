// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of squeeze-and-excitation; see squeeze_excite_f32.h.
#include "detector/kernels/squeeze_excite_f32.h"

#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/activation_f32_fast.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

Status CheckWeights(const SqueezeExciteShape& shape,
                    const SqueezeExciteWeights& weights) {
  CYTO8_RETURN_IF_ERROR(CheckSize("reduce_wei", weights.reduce_wei.size(),
                                  {shape.channels, shape.reduced}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("reduce_bias", weights.reduce_bias.size(), {shape.reduced}));
  CYTO8_RETURN_IF_ERROR(CheckSize("expand_wei", weights.expand_wei.size(),
                                  {shape.reduced, shape.channels}));
  return CheckSize("expand_bias", weights.expand_bias.size(), {shape.channels});
}

// Sums in the first part of scratch, then means, which become the gate.
void Fast(Isa isa, const SqueezeExciteShape& shape, const float* src,
          const SqueezeExciteWeights& weights, float* scratch, float* dst) {
  const SqueezeExciteKernels parts = SqueezeExciteParts(isa);
  auto* const sums = reinterpret_cast<double*>(scratch);
  float* const gate = scratch + 2 * shape.channels;
  const int64_t image = shape.pixels * shape.channels;
  for (int64_t n = 0; n < shape.batch; ++n) {
    const float* const from = src + n * image;
    parts.means(from, shape.pixels, shape.channels, sums, gate);
    SqueezeExciteGate(isa, shape, gate, weights, gate + shape.channels, gate);
    parts.scale_pixels(from, gate, shape.pixels, shape.channels,
                       dst + n * image);
  }
}

}  // namespace

int64_t SqueezeExciteScratch(const SqueezeExciteShape& shape) {
  return 3 * shape.channels + shape.reduced;
}

SqueezeExciteKernels SqueezeExciteParts(Isa isa) {
  return isa >= Isa::kAvx512 ? SqueezeExciteAvx512() : SqueezeExciteAvx2();
}

void SqueezeExciteGate(Isa isa, const SqueezeExciteShape& shape,
                       const float* means, const SqueezeExciteWeights& weights,
                       float* reduced, float* gate) {
  const SqueezeExciteKernels parts = SqueezeExciteParts(isa);
  const auto activate =
      isa >= Isa::kAvx512 ? &ActivateF32Avx512 : &ActivateF32Avx2;
  parts.layer(means, shape.channels, weights.reduce_wei.data(),
              weights.reduce_bias.data(), shape.reduced, reduced);
  activate(shape.activation, reduced, reduced, shape.reduced);
  parts.layer(reduced, shape.reduced, weights.expand_wei.data(),
              weights.expand_bias.data(), shape.channels, gate);
  activate(Activation::kSigmoid, gate, gate, shape.channels);
}

Status SqueezeExciteF32(Isa isa, const SqueezeExciteShape& shape,
                        std::span<const float> src,
                        const SqueezeExciteWeights& weights,
                        std::span<float> scratch, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckRange("pixels", shape.pixels, 1,
                                   kMaxWindowNumber * kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(CheckSize("src", src.size(),
                                  {shape.batch, shape.pixels, shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckWeights(shape, weights));
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst.size(),
                                  {shape.batch, shape.pixels, shape.channels}));
  const auto available = static_cast<int64_t>(scratch.size());
  const int64_t needed = SqueezeExciteScratch(shape);
  CYTO8_RETURN_IF_ERROR(CheckRange("scratch elements", available, needed,
                                   std::numeric_limits<int64_t>::max()));
  if (isa == Isa::kPlain) {
    SqueezeExciteF32Naive(shape, src.data(), weights, scratch.data(),
                          dst.data());
  } else {
    Fast(isa, shape, src.data(), weights, scratch.data(), dst.data());
  }
  return OkStatus();
}

}  // namespace cyto8
