// SPDX-License-Identifier: Apache-2.0
// Dispatch of conversions and pooling of codes; see codes.h.
#include "detector/kernels/codes.h"

#include "detector/kernels/codes_fast.h"
#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

CodesKernels KernelsOf(Isa isa) {
  if (isa >= Isa::kAvx512) return CodesAvx512();
  return isa == Isa::kAvx2 ? CodesAvx2() : CodesNaive();
}

}  // namespace

void QuantizeF32(Isa isa, std::span<const float> src, float inverse_scale,
                 int32_t zero_point, std::span<uint8_t> dst) {
  KernelsOf(isa).quantize(src.data(), inverse_scale, zero_point,
                          std::ssize(src), dst.data());
}

void DequantizeU8(Isa isa, std::span<const uint8_t> src, float scale,
                  int32_t zero_point, std::span<float> dst) {
  KernelsOf(isa).dequantize(src.data(), scale, zero_point, std::ssize(src),
                            dst.data());
}

void MaxPoolU8Row(Isa isa, const PoolShape& shape, const uint8_t* src,
                  int64_t y, uint8_t* row) {
  const int64_t start = y * shape.stride_y - shape.pad_top;
  const TapRange taps =
      TapsInside(start, shape.kernel_height, /*dilation=*/1, shape.in_height);
  KernelsOf(isa).pool_row(
      {.src = src + (start + taps.begin) * shape.in_width * shape.channels,
       .rows = taps.end - taps.begin,
       .in_width = shape.in_width,
       .out_width = shape.out_width,
       .channels = shape.channels,
       .kernel = shape.kernel_width,
       .stride = shape.stride_x,
       .pad_left = shape.pad_left,
       .dst = row});
}

void MaxPoolU8Rows(Isa isa, const PoolShape& shape, const uint8_t* src,
                   int64_t first_row, int64_t last_row, uint8_t* dst) {
  const int64_t row_bytes = shape.out_width * shape.channels;
  for (int64_t y = first_row; y < last_row; ++y) {
    MaxPoolU8Row(isa, shape, src, y, dst + y * row_bytes);
  }
}

}  // namespace cyto8
