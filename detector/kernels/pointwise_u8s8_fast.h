// SPDX-License-Identifier: Apache-2.0
// The contract of the islands pointwise_u8s8_*.cc; everybody else begins with
// pointwise_u8s8.h.
#pragma once

#include <cstdint>

#include "detector/kernels/requantize.h"

namespace cyto8 {

// Some pixels of an image. src [pixels, in_channels], dst [pixels,
// out_channels]. If in_channels is no multiple of 4, up to 3 bytes behind the
// last pixel may be read; their values do not matter.
struct PointwiseRows {
  int64_t pixels = 0;
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  const uint8_t* src = nullptr;
  const int8_t* wei = nullptr;  // packed, on a cache line, as the next three.
  const int32_t* bias = nullptr;
  // Codes: as requantize.h says.
  const int32_t* shift = nullptr;
  const int16_t* multiplier = nullptr;
  Requantization requantization = {};
  const uint8_t* addend = nullptr;  // as dst, or null.
  int32_t addend_multiplier = 0;    // in [-2^15, 2^15).
  uint8_t* dst = nullptr;           // null: floats are asked for.
  // Floats: dst_f32 = float(sum + bias) * scale[c] + offset[c], both rounded;
  // in packed order.
  const float* scale = nullptr;
  const float* offset = nullptr;
  float* dst_f32 = nullptr;
};

void PointwiseNaive(const PointwiseRows& rows);
void PointwiseAvx2(const PointwiseRows& rows);
void PointwiseAvx512Vnni(const PointwiseRows& rows);
void PointwiseAvx512Vbmi(const PointwiseRows& rows);
void PointwiseAmx(const PointwiseRows& rows);

}  // namespace cyto8
