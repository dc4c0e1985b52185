// SPDX-License-Identifier: Apache-2.0
// Checks and rows of feature fusion; see feature_fusion_f32.h.
#include "detector/kernels/feature_fusion_f32.h"

#include <algorithm>
#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

Status CheckEqual(std::string_view name, int64_t value, int64_t wanted) {
  return CheckRange(name, value, wanted, wanted);
}

// Of the first and the last window along one axis: those between see more.
Status CheckWindows(std::string_view name, int64_t in, int64_t out,
                    int64_t kernel, int64_t stride, int64_t before) {
  CYTO8_RETURN_IF_ERROR(CheckRange(name, before, 0, kernel - 1));
  return CheckRange(name, (out - 1) * stride - before, -before, in - 1);
}

Status CheckPool(const FeatureFusionShape& shape, const PoolShape& pool) {
  CYTO8_RETURN_IF_ERROR(CheckEqual("pool batch", pool.batch, shape.batch));
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("pool out_height", pool.out_height, shape.height));
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("pool out_width", pool.out_width, shape.width));
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("pool channels", pool.channels, shape.channels));
  CYTO8_RETURN_IF_ERROR(CheckWindows("pool rows", pool.in_height,
                                     pool.out_height, pool.kernel_height,
                                     pool.stride_y, pool.pad_top));
  return CheckWindows("pool columns", pool.in_width, pool.out_width,
                      pool.kernel_width, pool.stride_x, pool.pad_left);
}

Status CheckFactor(std::string_view name, int64_t factor, int64_t side) {
  CYTO8_RETURN_IF_ERROR(CheckRange(name, factor, 1, kMaxWindowNumber));
  return CheckEqual(name, side % factor, 0);
}

// The sides of a source.
struct Sides {
  int64_t height;
  int64_t width;
};

Sides SidesOf(const FeatureFusionShape& shape, const FusionSource& source) {
  if (source.pool) return {source.pool->in_height, source.pool->in_width};
  return {shape.height / source.factor_y, shape.width / source.factor_x};
}

struct RowKernels {
  void (*fuse)(const FusionRow& row);
  void (*pool)(const MaxPoolRow& row);
};

RowKernels KernelsOf(Isa isa) {
  if (isa >= Isa::kAvx512) return {&FuseRowAvx512, &PoolRowAvx512};
  return {&FuseRowAvx2, &PoolRowAvx2};
}

// Row y of a pooled image into `row`.
void PoolInto(const RowKernels& kernels, const PoolShape& pool,
              const float* image, int64_t y, float* row) {
  const int64_t start = y * pool.stride_y - pool.pad_top;
  const TapRange taps =
      TapsInside(start, pool.kernel_height, 1, pool.in_height);
  kernels.pool(
      {.src = image + (start + taps.begin) * pool.in_width * pool.channels,
       .rows = taps.end - taps.begin,
       .in_width = pool.in_width,
       .out_width = pool.out_width,
       .channels = pool.channels,
       .kernel = pool.kernel_width,
       .stride = pool.stride_x,
       .pad_left = pool.pad_left,
       .dst = row});
}

Status CheckOperands(const FeatureFusionShape& shape,
                     std::span<const float> weights,
                     std::span<const std::span<const float>> src,
                     std::span<float> scratch, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckFeatureFusion(shape));
  const int64_t sources = std::ssize(shape.sources);
  CYTO8_RETURN_IF_ERROR(CheckEqual("sources", std::ssize(src), sources));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("weights", weights.size(), {sources, shape.channels}));
  for (size_t i = 0; i < src.size(); ++i) {
    const Sides sides = SidesOf(shape, shape.sources[i]);
    CYTO8_RETURN_IF_ERROR(
        CheckSize("src", src[i].size(),
                  {shape.batch, sides.height, sides.width, shape.channels}));
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("scratch elements", std::ssize(scratch),
                                   FeatureFusionScratch(shape),
                                   std::numeric_limits<int64_t>::max()));
  return CheckSize("dst", dst.size(),
                   {shape.batch, shape.height, shape.width, shape.channels});
}

}  // namespace

int64_t FeatureFusionScratch(const FeatureFusionShape& shape) {
  const int64_t pooled = std::ranges::count_if(
      shape.sources,
      [](const FusionSource& source) { return source.pool.has_value(); });
  return pooled * shape.width * shape.channels;
}

Status CheckFeatureFusion(const FeatureFusionShape& shape) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("sources", std::ssize(shape.sources), 1, kMaxFusionSources));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height", shape.height, 1, kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(CheckRange("width", shape.width, 1, kMaxWindowNumber));
  for (const FusionSource& source : shape.sources) {
    if (source.pool) {
      CYTO8_RETURN_IF_ERROR(CheckPool(shape, *source.pool));
      continue;
    }
    CYTO8_RETURN_IF_ERROR(
        CheckFactor("height % factor_y", source.factor_y, shape.height));
    CYTO8_RETURN_IF_ERROR(
        CheckFactor("width % factor_x", source.factor_x, shape.width));
  }
  return OkStatus();
}

Status FeatureFusionF32(Isa isa, const FeatureFusionShape& shape,
                        std::span<const float> weights,
                        std::span<const std::span<const float>> src,
                        std::span<float> scratch, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckOperands(shape, weights, src, scratch, dst));
  const RowKernels kernels = KernelsOf(isa);
  FusionRow row = {.width = shape.width,
                   .channels = shape.channels,
                   .sources = std::ssize(src),
                   .weights = weights.data(),
                   .activation = shape.activation,
                   .dst = dst.data()};
  const int64_t row_floats = shape.width * shape.channels;
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t y = 0; y < shape.height; ++y) {
      float* pooled = scratch.data();
      for (size_t i = 0; i < src.size(); ++i) {
        const FusionSource& source = shape.sources[i];
        const Sides sides = SidesOf(shape, source);
        const float* const image =
            src[i].data() + n * sides.height * sides.width * shape.channels;
        row.repeats[i] = source.factor_x;
        row.rows[i] =
            image + y / source.factor_y * sides.width * shape.channels;
        if (!source.pool) continue;
        PoolInto(kernels, *source.pool, image, y, pooled);
        row.repeats[i] = 1;
        row.rows[i] = pooled;
        pooled += row_floats;
      }
      kernels.fuse(row);
      row.dst += row_floats;
    }
  }
  return OkStatus();
}

}  // namespace cyto8
