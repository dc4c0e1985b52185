// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of codes by plain loops; the specification of the
// operator. Channels are the innermost loop, so that the compiler can use
// vectors. Tested by tests/detector/kernels/depthwise_u8s8_test.cc.
#include <algorithm>

#include "detector/kernels/depthwise_u8s8_fast.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {
namespace {

// Channels at once: their sums are kept on the stack.
constexpr int64_t kChunk = 64;

// The source pixel of a tap, or null outside of the image.
const uint8_t* PixelOf(const DepthwiseU8S8Rows& rows, int64_t y, int64_t x) {
  if (y < 0 || y >= rows.in_height || x < 0 || x >= rows.in_width) {
    return nullptr;
  }
  const int64_t row = y % rows.ring_rows;
  return rows.src + (row * rows.in_width + x) * rows.channels;
}

// sums[i] += pixel[i] * wei[i]; a null pixel is padding.
void AddProducts(const uint8_t* pixel, uint8_t pad_code, const int8_t* wei,
                 int64_t count, int32_t* __restrict sums) {
  if (pixel == nullptr) {
    for (int64_t i = 0; i < count; ++i) sums[i] += pad_code * wei[i];
  } else {
    for (int64_t i = 0; i < count; ++i) sums[i] += pixel[i] * wei[i];
  }
}

// Channels [c, c + count) of output (y, x).
void ComputeChunk(const DepthwiseU8S8Rows& rows, int64_t y, int64_t x,
                  int64_t c, int64_t count, uint8_t* dst) {
  int32_t sums[kChunk];
  std::copy_n(rows.bias + c, count, sums);
  const int8_t* wei = rows.wei + c;
  for (int64_t ky = 0; ky < rows.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < rows.kernel_width; ++kx) {
      const uint8_t* pixel =
          PixelOf(rows, y * rows.stride_y + ky * rows.dilation_y - rows.pad_top,
                  x * rows.stride_x + kx * rows.dilation_x - rows.pad_left);
      AddProducts(pixel == nullptr ? nullptr : pixel + c, rows.pad_code, wei,
                  count, sums);
      wei += rows.channels;
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    dst[c + i] = CodeOf(Rescale(sums[i], rows.requantization, rows.shift[c + i],
                                rows.multiplier[c + i]),
                        rows.requantization);
  }
}

}  // namespace

void DepthwiseU8S8Naive(const DepthwiseU8S8Rows& rows) {
  const int64_t channels = rows.channels;
  for (int64_t y = rows.first_row; y < rows.last_row; ++y) {
    for (int64_t x = 0; x < rows.out_width; ++x) {
      uint8_t* const dst = rows.dst + (y * rows.out_width + x) * channels;
      for (int64_t c = 0; c < channels; c += kChunk) {
        ComputeChunk(rows, y, x, c, std::min(kChunk, channels - c), dst);
      }
      if (rows.sums == nullptr) continue;
      for (int64_t c = 0; c < channels; ++c) rows.sums[c] += dst[c];
    }
  }
}

}  // namespace cyto8
