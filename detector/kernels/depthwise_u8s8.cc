// SPDX-License-Identifier: Apache-2.0
// Checks, packing and dispatch of depthwise convolutions of codes; see
// depthwise_u8s8.h.
#include "detector/kernels/depthwise_u8s8.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "detector/kernels/packed_bytes.h"

namespace cyto8 {

struct DepthwiseU8S8::Packed {
  Packed(int64_t weights, int64_t factors, int64_t row)
      : wei(weights),
        bias(factors * 4),
        shift(factors * 4),
        multiplier(factors * 2),
        pad_row(row) {}

  PackedBytes wei, bias, shift, multiplier, pad_row;
  EvenTable table;
};

namespace {

template <typename T>
T* Elements(PackedBytes& bytes) {
  return reinterpret_cast<T*>(bytes.bytes().data());
}

Status CheckRequantization(const Requantization& layer) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("left_shift", int64_t{layer.left_shift}, 0, 15));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("fraction_bits", int64_t{layer.fraction_bits}, 0, 6));
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

}  // namespace

StatusOr<DepthwiseU8S8> DepthwiseU8S8::Create(
    Isa, const Conv2dShape& shape, std::span<const int8_t> wei,
    std::span<const ChannelFactor> factors, const Requantization& layer,
    uint8_t pad_code) {
  CYTO8_RETURN_IF_ERROR(CheckArguments(shape, wei, factors, layer));
  const int64_t channels = shape.in_channels;
  auto packed = std::make_shared<Packed>(std::ssize(wei), channels, 0);
  std::copy(wei.begin(), wei.end(), Elements<int8_t>(packed->wei));
  for (int64_t c = 0; c < channels; ++c) {
    const ChannelFactor& factor = factors[static_cast<size_t>(c)];
    Elements<int32_t>(packed->bias)[c] = factor.bias;
    Elements<int32_t>(packed->shift)[c] = factor.shift;
    Elements<int16_t>(packed->multiplier)[c] =
        static_cast<int16_t>(factor.multiplier);
  }
  DepthwiseU8S8 depthwise;
  depthwise.shape_ = shape;
  depthwise.rows_ = Geometry(shape, pad_code);
  depthwise.rows_.wei = Elements<int8_t>(packed->wei);
  depthwise.rows_.bias = Elements<int32_t>(packed->bias);
  depthwise.rows_.shift = Elements<int32_t>(packed->shift);
  depthwise.rows_.multiplier = Elements<int16_t>(packed->multiplier);
  depthwise.rows_.requantization = layer;
  if (layer.table != nullptr) {
    packed->table = *layer.table;
    depthwise.rows_.requantization.table = &packed->table;
  }
  depthwise.kernel_ = &DepthwiseU8S8Naive;
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
