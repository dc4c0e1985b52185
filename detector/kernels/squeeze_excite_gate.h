// SPDX-License-Identifier: Apache-2.0
// The gate of squeeze-and-excitation from sums of codes, and the weights of the
// convolution behind it, multiplied by it. Every step is an integer or one IEEE
// operation in a fixed order, with an exp of our own: the same bits on every
// CPU. Tested by tests/detector/kernels/squeeze_excite_gate_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/requantize.h"
#include "detector/kernels/squeeze_excite_f32.h"

namespace cyto8 {

// exp(x) within 2 units in the last place for x in [-87, 88]; 0 below, the
// value at 88 above. The same bits on every CPU.
float ExpExact(float x);

// Of one image: mean[c] = float(sums[c] - pixels * zero_point) * (scale /
// pixels), then the two layers of SqueezeExciteShape in float (activation none,
// ReLU, ReLU6, swish or hard swish between), each output summed from its bias
// over inputs in rising order, product and sum rounded apart, and the sigmoid.
// gate [channels] in [0, 1]; scratch has channels + reduced floats.
struct GateInput {
  int32_t zero_point = 0;
  float scale = 1;
};
void SqueezeExciteGateExact(const SqueezeExciteShape& shape,
                            std::span<const uint32_t> sums,
                            const GateInput& input,
                            const SqueezeExciteWeights& weights,
                            std::span<float> scratch, std::span<float> gate);

// The layer behind the gate. A pointwise convolution of x * gate is one of x
// with weights wei * gate; these are rounded to 8 bits anew for every image,
// with the scale that their largest one needs.
struct GatedLayer {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  // [PackedOutputs * inputs rounded up to 4], packed as pointwise_u8s8.h says:
  // 16-bit weights; weight = wei16 * wei_scale[o].
  const int16_t* wei16 = nullptr;
  std::span<const float> wei_scale = {};  // [out_channels], > 0.
  std::span<const float> bias = {};       // [out_channels], real.
  float src_scale = 1;
  int32_t src_zero_point = 0;
  float dst_scale = 1;
  int32_t dst_zero_point = 0;
  Requantization requantization = {};  // left_shift must be enough for gate 1.
  // What the rounding of an addend's part adds to the constant, in codes of
  // dst: -addend_multiplier' * zero point, say; 0 without one.
  float addend_offset_codes = 0;
};

// With g[c] = round to nearest even(gate[c] * 32767):
//   v[c,o] = (wei16[c,o] * g[c] + 2^14) >> 15,
//   m[o] = max(127, max over c of |v[c,o]|): v is not stretched, only shrunk,
//   wei[c,o] = round to nearest even(float(v) * (127 / float(m)));
// the factors are FactorOf (requantization.h) of the sums' unit src_scale *
// wei_scale[o] * (32768 / 32767 * m[o] / 127). All results are in packed order:
// wei has PackedPointwiseBytes, the others PackedOutputs elements; scratch, for
// the rounded gates, lies where a 16-bit number may. What has no output gets
// zeros. Any isa: the same bytes.
struct GatedWeights {
  int8_t* wei = nullptr;
  int32_t* bias = nullptr;
  int32_t* shift = nullptr;
  int16_t* multiplier = nullptr;
};
int64_t GatedWeightsScratchBytes(const GatedLayer& layer);
void MakeGatedWeights(Isa isa, const GatedLayer& layer,
                      std::span<const float> gate, std::byte* scratch,
                      const GatedWeights& dst);

}  // namespace cyto8
