// SPDX-License-Identifier: Apache-2.0
// The squeeze-and-excitation block of EfficientNet as one operator. Tested by
// tests/detector/kernels/squeeze_excite_f32_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/squeeze_excite_f32_fast.h"

namespace cyto8 {

// src and dst are [batch, pixels, channels]; per image
//   squeezed = mean of src over pixels                        [channels]
//   reduced  = activation(squeezed * reduce_wei + reduce_bias) [reduced]
//   gate     = sigmoid(reduced * expand_wei + expand_bias)     [channels]
//   dst      = src * gate
struct SqueezeExciteShape {
  int64_t batch = 1;
  int64_t pixels = 0;  // height * width, at least 1.
  int64_t channels = 0;
  int64_t reduced = 0;
  Activation activation = Activation::kSwish;
};

struct SqueezeExciteWeights {
  std::span<const float> reduce_wei;   // [channels, reduced].
  std::span<const float> reduce_bias;  // [reduced].
  std::span<const float> expand_wei;   // [reduced, channels].
  std::span<const float> expand_bias;  // [channels].
};

// Floats of scratch that the kernel needs: a double and a float per channel,
// and a float per reduced one.
int64_t SqueezeExciteScratch(const SqueezeExciteShape& shape);

// scratch holds SqueezeExciteScratch(shape) floats or more, on the address of
// a double. dst may be src. Another isa than kPlain differs from it by some
// 1e-6 of the largest value. Thread-safe where scratch is the thread's own.
Status SqueezeExciteF32(Isa isa, const SqueezeExciteShape& shape,
                        std::span<const float> src,
                        const SqueezeExciteWeights& weights,
                        std::span<float> scratch, std::span<float> dst);

// The parts, for engines that gate elsewhere; isa is not kPlain.
SqueezeExciteKernels SqueezeExciteParts(Isa isa);

// `gate` [channels] of one image from its means [channels]; `reduced` is
// scratch of shape.reduced floats. `gate` may be `means`. isa is not kPlain.
// Checks nothing.
void SqueezeExciteGate(Isa isa, const SqueezeExciteShape& shape,
                       const float* means, const SqueezeExciteWeights& weights,
                       float* reduced, float* gate);

// The same by plain loops. Checks nothing.
void SqueezeExciteF32Naive(const SqueezeExciteShape& shape, const float* src,
                           const SqueezeExciteWeights& weights, float* scratch,
                           float* dst);

}  // namespace cyto8
