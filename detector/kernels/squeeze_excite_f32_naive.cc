// SPDX-License-Identifier: Apache-2.0
// Squeeze-and-excitation by plain loops; the specification of the operator.
// Tested by tests/detector/kernels/squeeze_excite_f32_test.cc.
#include <algorithm>

#include "detector/kernels/activation_f32.h"
#include "detector/kernels/squeeze_excite_f32.h"

namespace cyto8 {
namespace {

// means[c] = the mean of src[:, c]. Sums run in double, some channels at a time
// so that they fit on the stack.
void MeanOverPixels(const SqueezeExciteShape& shape, const float* src,
                    float* means) {
  constexpr int64_t kBlock = 64;
  for (int64_t first = 0; first < shape.channels; first += kBlock) {
    const int64_t count = std::min(kBlock, shape.channels - first);
    double sums[kBlock] = {};
    for (int64_t p = 0; p < shape.pixels; ++p) {
      const float* pixel = src + p * shape.channels + first;
      for (int64_t c = 0; c < count; ++c) {
        sums[c] += static_cast<double>(pixel[c]);
      }
    }
    for (int64_t c = 0; c < count; ++c) {
      means[first + c] =
          static_cast<float>(sums[c] / static_cast<double>(shape.pixels));
    }
  }
}

// y = bias + x * wei, with wei [x_count, y_count].
void FullyConnected(const float* x, int64_t x_count, std::span<const float> wei,
                    std::span<const float> bias, float* __restrict y) {
  const auto y_count = static_cast<int64_t>(bias.size());
  std::copy_n(bias.data(), y_count, y);
  for (int64_t i = 0; i < x_count; ++i) {
    const float* row = wei.data() + i * y_count;
    for (int64_t o = 0; o < y_count; ++o) y[o] += x[i] * row[o];
  }
}

// The gate may be the means.
void Gate(const SqueezeExciteShape& shape, const float* squeezed,
          const SqueezeExciteWeights& weights, float* reduced, float* gate) {
  FullyConnected(squeezed, shape.channels, weights.reduce_wei,
                 weights.reduce_bias, reduced);
  ActivateF32Naive(shape.activation, reduced, shape.reduced);
  FullyConnected(reduced, shape.reduced, weights.expand_wei,
                 weights.expand_bias, gate);
  ActivateF32Naive(Activation::kSigmoid, gate, shape.channels);
}

}  // namespace

void SqueezeExciteF32Naive(const SqueezeExciteShape& shape, const float* src,
                           const SqueezeExciteWeights& weights, float* scratch,
                           float* dst) {
  float* gate = scratch;  // first the means, which only the reduction reads.
  float* reduced = scratch + shape.channels;
  for (int64_t n = 0; n < shape.batch; ++n) {
    MeanOverPixels(shape, src, gate);
    Gate(shape, gate, weights, reduced, gate);
    for (int64_t p = 0; p < shape.pixels; ++p) {
      for (int64_t c = 0; c < shape.channels; ++c) dst[c] = src[c] * gate[c];
      src += shape.channels;
      dst += shape.channels;
    }
  }
}

}  // namespace cyto8
