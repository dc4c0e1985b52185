// SPDX-License-Identifier: Apache-2.0
// 1x1 convolutions of codes by plain loops, from packed order. Tested by
// tests/detector/kernels/pointwise_u8s8_test.cc.
#include "detector/kernels/pointwise_u8s8.h"

namespace cyto8 {
namespace {

// Some outputs of a layer, and where their dwords and weights begin.
struct Block {
  int64_t first = 0;
  int64_t outputs = 0;
};

// Wraps, as vectors do; nothing that PackPointwise lets pass makes it.
int32_t Plus(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) +
                              static_cast<uint32_t>(b));
}

// sums[dword] = bias + products, for one pixel.
void SumProducts(const PointwiseRows& rows, const Block& block,
                 const uint8_t* src, int32_t* sums) {
  const int64_t quads = (rows.in_channels + 3) / 4;
  const int8_t* wei = rows.wei + block.first * quads * 4;
  for (int64_t d = 0; d < block.outputs; ++d) {
    sums[d] = rows.bias[block.first + d];
  }
  for (int64_t k = 0; k < rows.in_channels; ++k) {
    const int8_t* taps = wei + k / 4 * block.outputs * 4 + k % 4;
    const int32_t code = src[k];
    for (int64_t d = 0; d < block.outputs; ++d) {
      sums[d] = Plus(sums[d], code * taps[d * 4]);
    }
  }
}

uint8_t CodeOfSum(const PointwiseRows& rows, int32_t sum, int64_t place,
                  const uint8_t* addend) {
  int16_t p = Rescale(sum, rows.requantization, rows.shift[place],
                      rows.multiplier[place]);
  if (addend != nullptr) p = AddCode(p, *addend, rows.addend_multiplier);
  return CodeOf(p, rows.requantization);
}

void ComputeBlock(const PointwiseRows& rows, const Block& block,
                  int64_t pixel) {
  int32_t sums[64];
  SumProducts(rows, block, rows.src + pixel * rows.in_channels, sums);
  for (int64_t d = 0; d < block.outputs; ++d) {
    const int64_t place = block.first + d;
    const int64_t output =
        block.first + block.outputs / 4 * (d % 16 / 4) + d / 16 * 4 + d % 4;
    if (output >= rows.out_channels) continue;
    const int64_t at = pixel * rows.out_channels + output;
    if (rows.dst == nullptr) {
      const float product = static_cast<float>(sums[d]) * rows.scale[place];
      rows.dst_f32[at] = product + rows.offset[place];
    } else {
      const uint8_t* addend =
          rows.addend == nullptr ? nullptr : rows.addend + at;
      rows.dst[at] = CodeOfSum(rows, sums[d], place, addend);
    }
  }
}

}  // namespace

void PointwiseNaive(const PointwiseRows& rows) {
  Block block;
  for (; block.first < rows.out_channels; block.first += block.outputs) {
    const int64_t rest = rows.out_channels - block.first;
    block.outputs = rest > 48 ? 64 : rest > 16 ? 32 : 16;
    for (int64_t pixel = 0; pixel < rows.pixels; ++pixel) {
      ComputeBlock(rows, block, pixel);
    }
  }
}

}  // namespace cyto8
