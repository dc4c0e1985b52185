// SPDX-License-Identifier: Apache-2.0
// The exact gate, and dispatch of gated weights; see squeeze_excite_gate.h.
// Loops run over outputs, so that the compiler may take several at once without
// changing the order of anyone's sum.
#include "detector/kernels/squeeze_excite_gate.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "detector/kernels/pointwise_order.h"
#include "detector/kernels/requantization.h"
#include "detector/kernels/scalar_f32.h"
#include "detector/kernels/squeeze_excite_gate_fast.h"

namespace cyto8 {
namespace {

// Added to a float of at most 2^21, it leaves its nearest whole number in the
// lowest bits, ties to even.
constexpr float kRounds = 1.5f * (1 << 23);

// x = n ln 2 + r, e^x = 2^n e^r, with ln 2 in two parts, the first of which has
// few bits, so that n times it is exact. The polynomial of e^r, r in
// [-0.35, 0.35], is that of Cephes' expf.
inline float Exp(float x) {
  const float below = x < 88.0f ? x : 88.0f;
  const float bounded = below > -87.0f ? below : -87.0f;
  const float rounds = bounded * 1.44269504f + kRounds;
  const float n = rounds - kRounds;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float power = ((p * (r * r)) + r) + 1.0f;
  const int32_t exponent =
      std::bit_cast<int32_t>(rounds) - std::bit_cast<int32_t>(kRounds);
  const auto scale = std::bit_cast<float>((exponent + 127) << 23);
  return x < -87.0f ? 0.0f : power * scale;
}

inline float Sigmoid(float x) {
  const float e = Exp(-std::abs(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

template <typename Function>
void Apply(Function function, int64_t count, float* x) {
  for (int64_t i = 0; i < count; ++i) x[i] = function(x[i]);
}

void Activate(Activation activation, int64_t count, float* x) {
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return Apply(&ReluF32, count, x);
    case Activation::kRelu6:
      return Apply(&Relu6F32, count, x);
    case Activation::kSwish:
      return Apply([](float value) { return value * Sigmoid(value); }, count,
                   x);
    case Activation::kHardSwish:
      return Apply(&HardSwishF32, count, x);
    case Activation::kSigmoid:
      return Apply([](float value) { return Sigmoid(value); }, count, x);
  }
}

// y[o] += x[i] * wei[i, o], i rising; four rows at once save most of the loads
// and stores of y.
void AddRows(const float* x, int64_t x_count, const float* wei, int64_t y_count,
             float* __restrict y) {
  int64_t i = 0;
  for (; i + 4 <= x_count; i += 4) {
    const float* const row = wei + i * y_count;
    for (int64_t o = 0; o < y_count; ++o) {
      y[o] = (((y[o] + x[i] * row[o]) + x[i + 1] * row[o + y_count]) +
              x[i + 2] * row[o + 2 * y_count]) +
             x[i + 3] * row[o + 3 * y_count];
    }
  }
  for (; i < x_count; ++i) {
    for (int64_t o = 0; o < y_count; ++o) y[o] += x[i] * wei[i * y_count + o];
  }
}

// y = bias + x * wei.
void FullyConnected(const float* x, int64_t x_count, const float* wei,
                    std::span<const float> bias, float* y) {
  std::copy(bias.begin(), bias.end(), y);
  AddRows(x, x_count, wei, std::ssize(bias), y);
}

// Rounded to 16 bits; zeros up to a whole quad.
void RoundGates(std::span<const float> gate, int64_t quads, int16_t* rounded) {
  const int64_t count = std::ssize(gate);
  std::fill(rounded + count, rounded + quads * 4, int16_t{0});
  for (int64_t c = 0; c < count; ++c) {
    const float high = gate[c] > 0 ? gate[c] : 0.0f;
    const float value = high < 1 ? high : 1.0f;
    rounded[c] =
        static_cast<int16_t>(std::bit_cast<int32_t>(value * 32767 + kRounds) -
                             std::bit_cast<int32_t>(kRounds));
  }
}

using BlockKernel = void (*)(const GatedBlock& block);

BlockKernel KernelOf(Isa isa) {
  if (isa >= Isa::kAvx512) return &GatedBlockAvx512;
  return isa == Isa::kAvx2 ? &GatedBlockAvx2 : &GatedBlockNaive;
}

// The factor of output o, whose greatest 16-bit weight and whose sum of 8-bit
// weights are given.
ChannelFactor FactorOfGated(const GatedLayer& layer, int64_t o, int32_t largest,
                            int32_t sum) {
  const float wei_unit = layer.wei_scale[o] * (static_cast<float>(largest) *
                                               (32768.0f / 32767.0f / 127.0f));
  return FactorOf(
      layer.src_scale * wei_unit, layer.bias[o],
      static_cast<float>(layer.dst_zero_point) + layer.addend_offset_codes,
      int64_t{-layer.src_zero_point} * sum,
      {.scale = layer.dst_scale, .zero_point = layer.dst_zero_point},
      layer.requantization);
}

// The factors of the block's dwords from output `first` on.
void StoreFactors(const GatedLayer& layer, int64_t first,
                  const GatedBlock& block, const GatedWeights& dst) {
  for (int64_t dword = 0; dword < block.outputs; ++dword) {
    const int64_t o = first + OutputOfDword(block.outputs, dword);
    const ChannelFactor factor =
        o < layer.out_channels
            ? FactorOfGated(layer, o, block.largest[dword], block.sum[dword])
            : ChannelFactor();
    dst.bias[first + dword] = factor.bias;
    dst.shift[first + dword] = factor.shift;
    dst.multiplier[first + dword] = static_cast<int16_t>(factor.multiplier);
  }
}

}  // namespace

float ExpExact(float x) { return Exp(x); }

void SqueezeExciteGateExact(const SqueezeExciteShape& shape,
                            std::span<const uint32_t> sums,
                            const GateInput& input,
                            const SqueezeExciteWeights& weights,
                            std::span<float> scratch, std::span<float> gate) {
  float* const means = scratch.data();
  float* const reduced = means + shape.channels;
  const int64_t zeros = shape.pixels * input.zero_point;
  const float scale = input.scale / static_cast<float>(shape.pixels);
  for (int64_t c = 0; c < shape.channels; ++c) {
    means[c] = static_cast<float>(int64_t{sums[c]} - zeros) * scale;
  }
  FullyConnected(means, shape.channels, weights.reduce_wei.data(),
                 weights.reduce_bias, reduced);
  Activate(shape.activation, shape.reduced, reduced);
  FullyConnected(reduced, shape.reduced, weights.expand_wei.data(),
                 weights.expand_bias, gate.data());
  Activate(Activation::kSigmoid, shape.channels, gate.data());
}

int64_t GatedWeightsScratchBytes(const GatedLayer& layer) {
  return (layer.in_channels + 3) / 4 * 4 * int64_t{sizeof(int16_t)};
}

void MakeGatedWeights(Isa isa, const GatedLayer& layer,
                      std::span<const float> gate, std::byte* scratch,
                      const GatedWeights& dst) {
  const int64_t quads = (layer.in_channels + 3) / 4;
  auto* const gates = reinterpret_cast<int16_t*>(scratch);
  RoundGates(gate, quads, gates);
  int32_t largest[64];
  int32_t sum[64];
  int64_t first = 0;
  while (first < layer.out_channels) {
    const int64_t outputs = PointwiseBlock(layer.out_channels - first);
    const int64_t start = first * quads * 4;
    const GatedBlock block = {.quads = quads,
                              .outputs = outputs,
                              .wei16 = layer.wei16 + start,
                              .gates = gates,
                              .wei = dst.wei + start,
                              .largest = largest,
                              .sum = sum};
    KernelOf(isa)(block);
    StoreFactors(layer, first, block, dst);
    first += outputs;
  }
}

}  // namespace cyto8
