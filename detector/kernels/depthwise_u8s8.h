// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions of 8-bit codes, exact and requantized, with sums of
// the result per channel on the way. Tested by
// tests/detector/kernels/depthwise_u8s8_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/depthwise_u8s8_fast.h"
#include "detector/kernels/isa.h"

namespace cyto8 {

// One layer's weights and factors in the order that one instruction set wants,
// and its kernel. Immutable, thread-safe.
class DepthwiseU8S8 {
 public:
  // wei [kernel_height, kernel_width, channels] (HWC1), one factor a channel;
  // outside of the image every code is pad_code. The activation of `shape` is
  // not looked at: the table of `layer` says it, and is copied. Every shape is
  // covered; kernels 3x3 and 5x5 of strides 1 and 2, not dilated, are fast.
  // kInvalidArgument for sizes that do not fit.
  static StatusOr<DepthwiseU8S8> Create(Isa isa, const Conv2dShape& shape,
                                        std::span<const int8_t> wei,
                                        std::span<const ChannelFactor> factors,
                                        const Requantization& layer,
                                        uint8_t pad_code);

  // Output rows [first_row, last_row) of one image. Source row y lies at row
  // y % ring_rows of src; dst is row 0 of the result. If sums [channels] is
  // not null, the codes of these rows are added to it. Up to 64 bytes behind
  // src and dst are neither read nor written.
  void Run(const uint8_t* src, int64_t ring_rows, int64_t first_row,
           int64_t last_row, uint8_t* dst, uint32_t* sums) const;

  const Conv2dShape& shape() const { return shape_; }

  // Of the implementation: the operands and what reads them.
  struct Packed;
  using Kernel = void (*)(const DepthwiseU8S8Rows& rows);

 private:
  DepthwiseU8S8() = default;
  Conv2dShape shape_ = {};
  std::shared_ptr<const Packed> packed_;
  DepthwiseU8S8Rows rows_ = {};  // all but what Run adds; points into packed_.
  Kernel kernel_ = nullptr;
};

}  // namespace cyto8
