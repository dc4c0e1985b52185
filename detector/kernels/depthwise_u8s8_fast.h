// SPDX-License-Identifier: Apache-2.0
// The contract of the islands depthwise_u8s8_*.cc; everybody else begins with
// depthwise_u8s8.h.
#pragma once

#include <cstdint>

#include "detector/kernels/requantize.h"

namespace cyto8 {

// Rows of one image. Output row y needs source rows y * stride_y - pad_top +
// ky * dilation_y; those outside of [0, in_height) are not read, and all their
// codes are pad_code, as are those of columns outside.
struct DepthwiseU8S8Rows {
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t out_width = 0;
  int64_t channels = 0;
  int64_t kernel_height = 3;
  int64_t kernel_width = 3;
  int64_t stride_y = 1;
  int64_t stride_x = 1;
  int64_t dilation_y = 1;
  int64_t dilation_x = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  uint8_t pad_code = 0;
  // A row of the source whose codes are all pad_code; only for islands.
  const uint8_t* pad_row = nullptr;
  // In the order that the kernel wants, each on a cache line.
  const int8_t* wei = nullptr;
  const int32_t* bias = nullptr;
  const int32_t* shift = nullptr;
  const int16_t* multiplier = nullptr;
  Requantization requantization = {};
  // Output rows [first_row, last_row).
  int64_t first_row = 0;
  int64_t last_row = 0;
  // Source row y lies at row y % ring_rows of src.
  const uint8_t* src = nullptr;
  int64_t ring_rows = 0;
  uint8_t* dst = nullptr;    // row 0.
  uint32_t* sums = nullptr;  // [channels], or null.
};

// wei [kernel_height, kernel_width, channels], factors [channels].
void DepthwiseU8S8Naive(const DepthwiseU8S8Rows& rows);
// Kernels 3x3 and 5x5, strides 1 and 2, at least 16 channels; the order of the
// operands is that of PackAvx2 in depthwise_u8s8.cc.
void DepthwiseU8S8Avx2(const DepthwiseU8S8Rows& rows);
// The same for any channels, in the order of depthwise_u8s8_vnni.h.
void DepthwiseU8S8Avx512Vnni(const DepthwiseU8S8Rows& rows);
void DepthwiseU8S8Avx512Vbmi(const DepthwiseU8S8Rows& rows);

}  // namespace cyto8
