// SPDX-License-Identifier: Apache-2.0
// Checks, packing and dispatch of depthwise convolutions of codes; see
// depthwise_u8s8.h.
#include "detector/kernels/depthwise_u8s8.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "detector/kernels/depthwise_u8s8_vnni.h"
#include "detector/kernels/packed_bytes.h"

namespace cyto8 {

namespace {

template <typename T>
T* Elements(PackedBytes& bytes) {
  return reinterpret_cast<T*>(bytes.bytes().data());
}

}  // namespace

struct DepthwiseU8S8::Packed {
  Packed(int64_t weights, int64_t factors, int64_t row)
      : wei(weights),
        bias(factors * 4),
        shift(factors * 4),
        multiplier(factors * 2),
        pad_row(row) {}

  // Element i of bias, shift and (the 16-bit order may differ) multiplier.
  void SetFactor(int64_t i, int64_t i16, const ChannelFactor& factor) {
    Elements<int32_t>(bias)[i] = factor.bias;
    Elements<int32_t>(shift)[i] = factor.shift;
    Elements<int16_t>(multiplier)[i16] =
        static_cast<int16_t>(factor.multiplier);
  }

  PackedBytes wei, bias, shift, multiplier, pad_row;
  EvenTable table;
};

namespace {

Status CheckRequantization(const Requantization& layer) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("left_shift", int64_t{layer.left_shift}, 0, 15));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("fraction_bits", int64_t{layer.fraction_bits}, 0, 5));
  if (layer.table == nullptr) return OkStatus();
  return CheckRange("segment_shift", int64_t{layer.table->segment_shift}, 0,
                    15);
}

// The factor is in range, and the sum of a channel always fits in 32 bits.
Status CheckChannel(const Conv2dShape& s, std::span<const int8_t> wei,
                    const ChannelFactor& factor, int64_t channel) {
  CYTO8_RETURN_IF_ERROR(CheckRange("shift", int64_t{factor.shift}, 0, 31));
  if (factor.multiplier != 0) {
    CYTO8_RETURN_IF_ERROR(CheckRange("multiplier", int64_t{factor.multiplier},
                                     1 << 13, (1 << 14) - 1));
  }
  int64_t largest = std::abs(int64_t{factor.bias});
  for (auto i = channel; i < std::ssize(wei); i += s.in_channels) {
    largest += 255 * std::abs(int64_t{wei[static_cast<size_t>(i)]});
  }
  return CheckRange("largest sum", largest, 0,
                    std::numeric_limits<int32_t>::max());
}

Status CheckArguments(const Conv2dShape& s, std::span<const int8_t> wei,
                      std::span<const ChannelFactor> factors,
                      const Requantization& layer) {
  CYTO8_RETURN_IF_ERROR(CheckConv2dShape(s));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("out_channels", s.out_channels, s.in_channels, s.in_channels));
  CYTO8_RETURN_IF_ERROR(CheckSize(
      "wei", wei.size(), {s.kernel_height, s.kernel_width, s.in_channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize("factors", factors.size(), {s.in_channels}));
  CYTO8_RETURN_IF_ERROR(CheckRequantization(layer));
  for (int64_t c = 0; c < s.in_channels; ++c) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckChannel(s, wei, factors[static_cast<size_t>(c)], c),
                 "channel " + std::to_string(c)));
  }
  return OkStatus();
}

DepthwiseU8S8Rows Geometry(const Conv2dShape& s, uint8_t pad_code) {
  return {.in_height = s.in_height,
          .in_width = s.in_width,
          .out_width = s.out_width,
          .channels = s.in_channels,
          .kernel_height = s.kernel_height,
          .kernel_width = s.kernel_width,
          .stride_y = s.stride_y,
          .stride_x = s.stride_x,
          .dilation_y = s.dilation_y,
          .dilation_x = s.dilation_x,
          .pad_top = s.pad_top,
          .pad_left = s.pad_left,
          .pad_code = pad_code};
}

// Shapes that the islands cover.
bool IsFast(const Conv2dShape& s) {
  const int64_t kernel = s.kernel_height;
  const int64_t stride = s.stride_y;
  return (kernel == 3 || kernel == 5) && kernel == s.kernel_width &&
         (stride == 1 || stride == 2) && stride == s.stride_x &&
         s.dilation_y == 1 && s.dilation_x == 1 && s.pad_top < kernel &&
         s.pad_left < kernel;
}

DepthwiseU8S8::Kernel KernelFor(Isa isa, const Conv2dShape& s) {
  if (isa == Isa::kPlain || !IsFast(s)) return &DepthwiseU8S8Naive;
  if (isa >= Isa::kAvx512Vbmi) return &DepthwiseU8S8Avx512Vbmi;
  if (isa == Isa::kAvx512Vnni) return &DepthwiseU8S8Avx512Vnni;
  return s.in_channels < 16 ? &DepthwiseU8S8Naive : &DepthwiseU8S8Avx2;
}

// The order of the naive kernel.
std::shared_ptr<DepthwiseU8S8::Packed> PackPlain(
    const Conv2dShape& s, std::span<const int8_t> wei,
    std::span<const ChannelFactor> factors) {
  auto packed = std::make_shared<DepthwiseU8S8::Packed>(std::ssize(wei),
                                                        s.in_channels, 0);
  std::copy(wei.begin(), wei.end(), Elements<int8_t>(packed->wei));
  for (int64_t c = 0; c < s.in_channels; ++c) {
    packed->SetFactor(c, c, factors[static_cast<size_t>(c)]);
  }
  return packed;
}

constexpr int64_t kAvx2Lanes = 16;

// Bytes of the weights of 16 channels: two taps of each in 16 bits.
int64_t Avx2BlockBytes(const Conv2dShape& s) {
  return (s.kernel_height * s.kernel_width + 1) / 2 * kAvx2Lanes * 4;
}

// Channels [first, first + 16): dword i of bias and shift is the channel 8 *
// (i / 4 % 2) + 4 * (i / 8) + i % 4, which vpackssdw sorts. Weights are pairs
// of taps, in the same order; the last is paired with 0.
void PackAvx2Block(const Conv2dShape& s, std::span<const int8_t> wei,
                   std::span<const ChannelFactor> factors, int64_t first,
                   int64_t block, DepthwiseU8S8::Packed& packed) {
  auto* const pairs = reinterpret_cast<int16_t*>(Elements<int8_t>(packed.wei) +
                                                 block * Avx2BlockBytes(s));
  const int64_t taps = s.kernel_height * s.kernel_width;
  for (int64_t i = 0; i < kAvx2Lanes; ++i) {
    const int64_t lane = 8 * (i / 4 % 2) + 4 * (i / 8) + i % 4;
    const int64_t c = first + lane;
    packed.SetFactor(block * kAvx2Lanes + i, block * kAvx2Lanes + lane,
                     factors[static_cast<size_t>(c)]);
    for (int64_t tap = 0; tap < taps; ++tap) {
      pairs[(tap / 2 * kAvx2Lanes + i) * 2 + tap % 2] =
          wei[static_cast<size_t>(tap * s.in_channels + c)];
    }
  }
}

// The last block begins where it has 16 channels.
std::shared_ptr<DepthwiseU8S8::Packed> PackAvx2(
    const Conv2dShape& s, std::span<const int8_t> wei,
    std::span<const ChannelFactor> factors) {
  const int64_t blocks = (s.in_channels + kAvx2Lanes - 1) / kAvx2Lanes;
  auto packed = std::make_shared<DepthwiseU8S8::Packed>(
      blocks * Avx2BlockBytes(s), blocks * kAvx2Lanes,
      std::max<int64_t>(s.in_width, 1) * s.in_channels);
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first =
        std::min(block * kAvx2Lanes, s.in_channels - kAvx2Lanes);
    PackAvx2Block(s, wei, factors, first, block, *packed);
  }
  return packed;
}

// Block number `number`, in the order of depthwise_u8s8_vnni.h.
void PackVnniBlock(const Conv2dShape& s, std::span<const int8_t> wei,
                   std::span<const ChannelFactor> factors,
                   std::span<const DepthwiseTaps> groups,
                   const DepthwiseBlock& block, int64_t number,
                   DepthwiseU8S8::Packed& packed) {
  int8_t* const packed_wei =
      Elements<int8_t>(packed.wei) + number * std::ssize(groups) * 256;
  for (int64_t j = 0; j < 4; ++j) {
    for (int64_t dword = 0; dword < 16; ++dword) {
      const int64_t c =
          block.first + DepthwiseVnniChannel(block.lanes, j, dword);
      if (c >= s.in_channels) continue;
      const int64_t word = 32 * (j / 2) + 8 * (dword / 4) + 4 * (j % 2);
      packed.SetFactor(64 * number + 16 * j + dword,
                       64 * number + word + dword % 4,
                       factors[static_cast<size_t>(c)]);
      for (size_t i = 0; i < groups.size() * 4; ++i) {
        const int64_t tap = groups[i / 4][i % 4];
        if (tap < 0) continue;
        packed_wei[static_cast<int64_t>(i / 4) * 256 + j * 64 + dword * 4 +
                   static_cast<int64_t>(i % 4)] =
            wei[static_cast<size_t>(tap * s.in_channels + c)];
      }
    }
  }
}

std::shared_ptr<DepthwiseU8S8::Packed> PackVnni(
    const Conv2dShape& s, std::span<const int8_t> wei,
    std::span<const ChannelFactor> factors) {
  const auto groups = DepthwiseVnniGroups(s.kernel_height, s.stride_y);
  std::vector<DepthwiseBlock> blocks;
  for (int64_t c = 0; c < s.in_channels;) {
    blocks.push_back(DepthwiseBlockAt(c, s.in_channels));
    c = blocks.back().first + blocks.back().lanes;
  }
  auto packed = std::make_shared<DepthwiseU8S8::Packed>(
      std::ssize(blocks) * std::ssize(groups) * 256, std::ssize(blocks) * 64,
      s.in_width * s.in_channels);
  for (size_t i = 0; i < blocks.size(); ++i) {
    PackVnniBlock(s, wei, factors, groups, blocks[i], static_cast<int64_t>(i),
                  *packed);
  }
  return packed;
}

std::shared_ptr<DepthwiseU8S8::Packed> Pack(
    DepthwiseU8S8::Kernel kernel, const Conv2dShape& s,
    std::span<const int8_t> wei, std::span<const ChannelFactor> factors) {
  if (kernel == &DepthwiseU8S8Naive) return PackPlain(s, wei, factors);
  if (kernel == &DepthwiseU8S8Avx2) return PackAvx2(s, wei, factors);
  return PackVnni(s, wei, factors);
}

}  // namespace

StatusOr<DepthwiseU8S8> DepthwiseU8S8::Create(
    Isa isa, const Conv2dShape& shape, std::span<const int8_t> wei,
    std::span<const ChannelFactor> factors, const Requantization& layer,
    uint8_t pad_code) {
  CYTO8_RETURN_IF_ERROR(CheckArguments(shape, wei, factors, layer));
  DepthwiseU8S8 depthwise;
  depthwise.kernel_ = KernelFor(isa, shape);
  auto packed = Pack(depthwise.kernel_, shape, wei, factors);
  std::ranges::fill(packed->pad_row.bytes(), std::byte{pad_code});
  depthwise.shape_ = shape;
  DepthwiseU8S8Rows& rows = depthwise.rows_;
  rows = Geometry(shape, pad_code);
  rows.wei = Elements<int8_t>(packed->wei);
  rows.bias = Elements<int32_t>(packed->bias);
  rows.shift = Elements<int32_t>(packed->shift);
  rows.multiplier = Elements<int16_t>(packed->multiplier);
  rows.pad_row = Elements<uint8_t>(packed->pad_row);
  rows.requantization = layer;
  if (layer.table != nullptr) {
    packed->table = *layer.table;
    rows.requantization.table = &packed->table;
  }
  depthwise.packed_ = std::move(packed);
  return depthwise;
}

void DepthwiseU8S8::Run(const uint8_t* src, int64_t ring_rows,
                        int64_t first_row, int64_t last_row, uint8_t* dst,
                        uint32_t* sums) const {
  DepthwiseU8S8Rows rows = rows_;
  rows.src = src;
  rows.ring_rows = ring_rows;
  rows.first_row = first_row;
  rows.last_row = last_row;
  rows.dst = dst;
  rows.sums = sums;
  kernel_(rows);
}

}  // namespace cyto8
