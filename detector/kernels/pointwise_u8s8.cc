// SPDX-License-Identifier: Apache-2.0
// Packing, checks and dispatch of 1x1 convolutions of codes; see
// pointwise_u8s8.h.
#include "detector/kernels/pointwise_u8s8.h"

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

int64_t QuadsOf(int64_t in_channels) { return (in_channels + 3) / 4; }

// The output, counted from the block's first, whose dword is number `dword` of
// a block of so many.
int64_t OutputOfDword(int64_t block, int64_t dword) {
  const int64_t lane = dword % 16 / 4;
  return block / 4 * lane + dword / 16 * 4 + dword % 4;
}

// take(output, place) for every output, where place counts the dwords of all
// blocks.
template <typename Take>
void ForEachPlace(int64_t out_channels, Take take) {
  int64_t first = 0;
  for (const int64_t block : PointwiseBlocks(out_channels)) {
    for (int64_t dword = 0; dword < block; ++dword) {
      const int64_t output = first + OutputOfDword(block, dword);
      if (output < out_channels) take(output, first + dword);
    }
    first += block;
  }
}

// [in_channels, block] of rows of out_channels, from output `first` on.
template <typename T>
void PackBlock(int64_t in_channels, int64_t out_channels, int64_t first,
               int64_t block, const T* wei, T* packed) {
  for (int64_t quad = 0; quad < QuadsOf(in_channels); ++quad) {
    for (int64_t dword = 0; dword < block; ++dword) {
      const int64_t output = first + OutputOfDword(block, dword);
      for (int64_t k = quad * 4; k < quad * 4 + 4; ++k) {
        const bool exists = output < out_channels && k < in_channels;
        *packed++ = exists ? wei[k * out_channels + output] : T{0};
      }
    }
  }
}

template <typename T>
Status Pack(int64_t in_channels, int64_t out_channels, std::span<const T> wei,
            std::span<T> packed) {
  CYTO8_RETURN_IF_ERROR(CheckPointwise(in_channels, out_channels));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("wei", wei.size(), {in_channels, out_channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("packed", packed.size(),
                {PackedPointwiseBytes(in_channels, out_channels)}));
  int64_t first = 0;
  for (const int64_t block : PointwiseBlocks(out_channels)) {
    PackBlock(in_channels, out_channels, first, block, wei.data(),
              packed.data() + first * QuadsOf(in_channels) * 4);
    first += block;
  }
  return OkStatus();
}

}  // namespace

std::vector<int64_t> PointwiseBlocks(int64_t out_channels) {
  std::vector<int64_t> blocks;
  while (out_channels > 0) {
    const int64_t block = out_channels > 48 ? 64 : out_channels > 16 ? 32 : 16;
    blocks.push_back(block);
    out_channels -= block;
  }
  return blocks;
}

int64_t PackedOutputs(int64_t out_channels) {
  int64_t outputs = 0;
  for (const int64_t block : PointwiseBlocks(out_channels)) outputs += block;
  return outputs;
}

int64_t PackedPointwiseBytes(int64_t in_channels, int64_t out_channels) {
  return PackedOutputs(out_channels) * QuadsOf(in_channels) * 4;
}

Status PackPointwise(int64_t in_channels, int64_t out_channels,
                     std::span<const int8_t> wei, std::span<int8_t> packed) {
  return Pack(in_channels, out_channels, wei, packed);
}

Status PackPointwise(int64_t in_channels, int64_t out_channels,
                     std::span<const int16_t> wei, std::span<int16_t> packed) {
  return Pack(in_channels, out_channels, wei, packed);
}

PackedFactors PackFactors(std::span<const ChannelFactor> factors) {
  const auto channels = static_cast<int64_t>(factors.size());
  const auto places = static_cast<size_t>(PackedOutputs(channels));
  PackedFactors packed = {.bias = std::vector<int32_t>(places),
                          .shift = std::vector<int32_t>(places),
                          .multiplier = std::vector<int16_t>(places)};
  ForEachPlace(channels, [&](int64_t output, int64_t place) {
    const ChannelFactor& factor = factors[static_cast<size_t>(output)];
    const auto at = static_cast<size_t>(place);
    packed.bias[at] = factor.bias;
    packed.shift[at] = factor.shift;
    packed.multiplier[at] = static_cast<int16_t>(factor.multiplier);
  });
  return packed;
}

std::vector<float> PackChannels(std::span<const float> values) {
  const auto channels = static_cast<int64_t>(values.size());
  std::vector<float> packed(static_cast<size_t>(PackedOutputs(channels)));
  ForEachPlace(channels, [&](int64_t output, int64_t place) {
    packed[static_cast<size_t>(place)] = values[static_cast<size_t>(output)];
  });
  return packed;
}

PointwiseKernel PointwiseKernelFor(Isa isa) {
  switch (isa) {
    case Isa::kAmxInt8:
      return &PointwiseAmx;
    case Isa::kAvx512Vbmi:
      return &PointwiseAvx512Vbmi;
    case Isa::kAvx512Vnni:
      return &PointwiseAvx512Vnni;
    case Isa::kAvx512:
    case Isa::kAvx2:
      return &PointwiseAvx2;
    case Isa::kPlain:
      break;
  }
  return &PointwiseNaive;
}

Status CheckPointwise(int64_t in_channels, int64_t out_channels) {
  CYTO8_RETURN_IF_ERROR(CheckRange("in_channels", in_channels, 1, 1 << 15));
  return CheckRange("out_channels", out_channels, 1, kMaxWindowNumber);
}

}  // namespace cyto8
