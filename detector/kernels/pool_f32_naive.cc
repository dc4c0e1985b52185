// SPDX-License-Identifier: Apache-2.0
// Pooling by plain loops; the specification of the operators. Channels are the
// innermost loop. Tested by tests/detector/kernels/pool_f32_test.cc.
#include <algorithm>
#include <limits>

#include "detector/kernels/pool_f32.h"
#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

// dst[c] = merge(dst[c], src[c]) for every pixel of the window.
template <typename Merge>
void VisitWindow(const PoolShape& shape, const float* image, TapRange rows,
                 TapRange columns, Merge merge) {
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t x = columns.begin; x < columns.end; ++x) {
      merge(image + (y * shape.in_width + x) * shape.channels);
    }
  }
}

void MaxPixel(const PoolShape& shape, const float* image, TapRange rows,
              TapRange columns, float* __restrict dst) {
  std::fill_n(dst, shape.channels, -std::numeric_limits<float>::infinity());
  VisitWindow(shape, image, rows, columns, [&](const float* src) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      dst[c] = std::max(dst[c], src[c]);
    }
  });
}

void AveragePixel(const PoolShape& shape, const float* image, TapRange rows,
                  TapRange columns, float* __restrict dst) {
  std::fill_n(dst, shape.channels, 0.0f);
  VisitWindow(shape, image, rows, columns, [&](const float* src) {
    for (int64_t c = 0; c < shape.channels; ++c) dst[c] += src[c];
  });
  const auto count = static_cast<float>((rows.end - rows.begin) *
                                        (columns.end - columns.begin));
  for (int64_t c = 0; c < shape.channels; ++c) dst[c] /= count;
}

// The part of [start, start + kernel) that lies on the image.
TapRange PixelsInside(int64_t start, int64_t kernel, int64_t in) {
  const TapRange taps = TapsInside(start, kernel, /*dilation=*/1, in);
  return {.begin = start + taps.begin, .end = start + taps.end};
}

}  // namespace

void PoolF32Naive(PoolKind kind, const PoolShape& shape, const float* src,
                  float* dst) {
  const auto pixel = kind == PoolKind::kMax ? MaxPixel : AveragePixel;
  for (int64_t n = 0; n < shape.batch; ++n) {
    const float* image =
        src + n * shape.in_height * shape.in_width * shape.channels;
    for (int64_t y = 0; y < shape.out_height; ++y) {
      const TapRange rows = PixelsInside(y * shape.stride_y - shape.pad_top,
                                         shape.kernel_height, shape.in_height);
      for (int64_t x = 0; x < shape.out_width; ++x) {
        const TapRange columns =
            PixelsInside(x * shape.stride_x - shape.pad_left,
                         shape.kernel_width, shape.in_width);
        pixel(shape, image, rows, columns, dst);
        dst += shape.channels;
      }
    }
  }
}

}  // namespace cyto8
