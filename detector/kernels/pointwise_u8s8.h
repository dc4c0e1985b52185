// SPDX-License-Identifier: Apache-2.0
// 1x1 convolutions of 8-bit codes, exact and requantized; with patch_rows.h
// also dense convolutions of other kernels. Tested by
// tests/detector/kernels/pointwise_u8s8_test.cc.
//
// Packed order, the same for every instruction set, so that a model file holds
// it. Outputs fall into blocks of 64, 32 or 16 (PointwiseBlocks): as many 64s
// as fit; of a rest r: r > 48 -> 64; r > 16 -> 32, then what is left again;
// else
// 16. A block of G * 16 outputs holds, for each quad of inputs k = 4q .. 4q+3,
// G * 16 dwords of four signed bytes: dword j * 16 + 4 * l + i (j < G, l < 4,
// i < 4) is output 4 * G * l + 4 * j + i of the block, inputs k .. k+3. That
// order is the one which vpackssdw and vpackuswb of the block's sums turn into
// rising outputs. Outputs and inputs that do not exist have weight 0. Bias,
// shift and multiplier of channels lie in the same order of blocks and dwords.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/pointwise_u8s8_fast.h"

namespace cyto8 {

// Sizes of the blocks of so many outputs: {64, 64, 32, 16}, say.
std::vector<int64_t> PointwiseBlocks(int64_t out_channels);
// The blocks' sum: the length of bias, shift and multiplier.
int64_t PackedOutputs(int64_t out_channels);
// PackedOutputs * in_channels rounded up to a multiple of 4.
int64_t PackedPointwiseBytes(int64_t in_channels, int64_t out_channels);

// wei [in_channels, out_channels] (a 1x1 HWIO kernel) to packed order.
// kInvalidArgument if a size does not fit.
Status PackPointwise(int64_t in_channels, int64_t out_channels,
                     std::span<const int8_t> wei, std::span<int8_t> packed);
// The same for 16-bit weights (of gated layers, gated_weights.h).
Status PackPointwise(int64_t in_channels, int64_t out_channels,
                     std::span<const int16_t> wei, std::span<int16_t> packed);

// Channel factors in packed order; what has no output has zeros.
struct PackedFactors {
  std::vector<int32_t> bias;
  std::vector<int32_t> shift;
  std::vector<int16_t> multiplier;
};
PackedFactors PackFactors(std::span<const ChannelFactor> factors);
// Any values of channels to packed order, zeros elsewhere.
std::vector<float> PackChannels(std::span<const float> values);

// The kernel of an instruction set; never null. kPlain is the naive twin, which
// reads the same packed order. All give the same bytes.
using PointwiseKernel = void (*)(const PointwiseRows& rows);
PointwiseKernel PointwiseKernelFor(Isa isa);

// Status of the sizes that a kernel relies on: channels at least 1, in_channels
// * 255 * 127 + any bias below 2^31 (in_channels <= 2^15).
Status CheckPointwise(int64_t in_channels, int64_t out_channels);

}  // namespace cyto8
