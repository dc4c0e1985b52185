// SPDX-License-Identifier: Apache-2.0
// Conv2D by plain loops; the specification of the operator. Output channels are
// the innermost loop, so that the compiler can use vectors without reordering
// any sum; a few neighbouring pixels share each weight that is read. Tested by
// tests/detector/kernels/conv2d_f32_test.cc.
#include <algorithm>

#include "detector/kernels/activation_f32.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/multiply_add.h"
#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

constexpr int64_t kChannelBlock = 64;
constexpr int64_t kPixelBlock = 4;

// Neighbouring output pixels whose windows hit the image with the same taps,
// and a block of their channels.
struct Block {
  const float* image;
  int64_t top;       // of the first pixel's window on the image; may be
  int64_t left;      // negative.
  const float* wei;  // of tap (0, 0), input channel 0, first output channel.
  TapRange rows;
  TapRange columns;
  int64_t channels;  // at most kChannelBlock.
};

// sums[p][o] += everything that falls into the windows. Long: a kernel.
template <int64_t kPixels>
void Accumulate(const Conv2dShape& shape, const Block& block,
                float (&sums)[kPixelBlock][kChannelBlock]) {
  const int64_t pixel_step = shape.stride_x * shape.in_channels;
  for (int64_t ky = block.rows.begin; ky < block.rows.end; ++ky) {
    for (int64_t kx = block.columns.begin; kx < block.columns.end; ++kx) {
      const int64_t y = block.top + ky * shape.dilation_y;
      const int64_t x = block.left + kx * shape.dilation_x;
      const float* src =
          block.image + (y * shape.in_width + x) * shape.in_channels;
      const float* wei = block.wei + (ky * shape.kernel_width + kx) *
                                         shape.in_channels * shape.out_channels;
      for (int64_t i = 0; i < shape.in_channels; ++i) {
        float value[kPixels];
        for (int64_t p = 0; p < kPixels; ++p) {
          value[p] = src[p * pixel_step + i];
        }
        for (int64_t o = 0; o < block.channels; ++o) {
          for (int64_t p = 0; p < kPixels; ++p) {
            sums[p][o] = MultiplyAdd(value[p], wei[o], sums[p][o]);
          }
        }
        wei += shape.out_channels;
      }
    }
  }
}

template <int64_t kPixels>
void ComputeBlock(const Conv2dShape& shape, const Block& block,
                  const float* bias, float* dst) {
  float sums[kPixelBlock][kChannelBlock];
  for (int64_t p = 0; p < kPixels; ++p) {
    for (int64_t o = 0; o < block.channels; ++o) {
      sums[p][o] = bias == nullptr ? 0 : bias[o];
    }
  }
  Accumulate<kPixels>(shape, block, sums);
  for (int64_t p = 0; p < kPixels; ++p) {
    std::copy_n(sums[p], block.channels, dst + p * shape.out_channels);
  }
}

// True if all windows of pixels [x, x + kPixelBlock) lie inside the image.
bool CanShareTaps(const Conv2dShape& shape, int64_t x) {
  const int64_t first = x * shape.stride_x - shape.pad_left;
  const int64_t last = first + (kPixelBlock - 1) * shape.stride_x +
                       (shape.kernel_width - 1) * shape.dilation_x;
  return x + kPixelBlock <= shape.out_width && first >= 0 &&
         last < shape.in_width;
}

// One row of the output, `channels` channels from `first_channel`.
void ComputeRow(const Conv2dShape& shape, const float* image, int64_t y,
                const float* wei, const float* bias, float* dst,
                int64_t channels) {
  const int64_t top = y * shape.stride_y - shape.pad_top;
  Block block = {.image = image,
                 .top = top,
                 .left = 0,
                 .wei = wei,
                 .rows = TapsInside(top, shape.kernel_height, shape.dilation_y,
                                    shape.in_height),
                 .columns = {},
                 .channels = channels};
  for (int64_t x = 0; x < shape.out_width;) {
    block.left = x * shape.stride_x - shape.pad_left;
    block.columns = TapsInside(block.left, shape.kernel_width, shape.dilation_x,
                               shape.in_width);
    float* pixel = dst + x * shape.out_channels;
    if (CanShareTaps(shape, x)) {
      ComputeBlock<kPixelBlock>(shape, block, bias, pixel);
      x += kPixelBlock;
    } else {
      ComputeBlock<1>(shape, block, bias, pixel);
      ++x;
    }
  }
}

}  // namespace

void Conv2dF32Naive(const Conv2dShape& shape, const float* src,
                    const float* wei, const float* bias, float* dst) {
  const int64_t dst_row = shape.out_width * shape.out_channels;
  for (int64_t n = 0; n < shape.batch; ++n) {
    const float* image =
        src + n * shape.in_height * shape.in_width * shape.in_channels;
    for (int64_t y = 0; y < shape.out_height; ++y) {
      float* row = dst + (n * shape.out_height + y) * dst_row;
      for (int64_t o = 0; o < shape.out_channels; o += kChannelBlock) {
        ComputeRow(shape, image, y, wei + o,
                   bias == nullptr ? nullptr : bias + o, row + o,
                   std::min(kChannelBlock, shape.out_channels - o));
      }
      ActivateF32Naive(shape.activation, row, dst_row);
    }
  }
}

}  // namespace cyto8
