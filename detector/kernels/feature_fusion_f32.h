// SPDX-License-Identifier: Apache-2.0
// A node of a BiFPN in one pass: sources of several sizes are up-sampled or
// pooled on the way, weighed, summed and activated. Tested by
// tests/detector/kernels/feature_fusion_f32_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/feature_fusion_f32_fast.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/pool_f32.h"

namespace cyto8 {

// How one source gets the size of the result: every pixel repeated (1: as it
// is), or a maximum over windows.
struct FusionSource {
  int64_t factor_y = 1;
  int64_t factor_x = 1;
  std::optional<PoolShape> pool = {};  // its result has the fusion's size.
};

// dst [batch, height, width, channels], all NHWC:
//   dst[n, y, x, c] = activation(sum over i of
//       weights[i, c] * source_i[n, y, x, c])
// where source_i is src[i] repeated or pooled, from left to right.
struct FeatureFusionShape {
  int64_t batch = 1;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  Activation activation = Activation::kNone;
  std::vector<FusionSource> sources;  // 1 to kMaxFusionSources.
};

// Floats of scratch: a row of dst for each pooled source.
int64_t FeatureFusionScratch(const FeatureFusionShape& shape);

// kInvalidArgument if the sizes do not fit: a side that is no multiple of its
// factor, a pool of another size, square only where kernels are, a window
// without a pixel. Everything that FeatureFusionF32 wants of a shape.
Status CheckFeatureFusion(const FeatureFusionShape& shape);

// isa is kAvx2 or kAvx512: the naive twin is UpsampleNearest, PoolF32,
// WeightedSumF32 and ActivateF32Naive in turn, which round after each product.
// weights [sources, channels]; dst overlaps no operand. Allocates nothing.
// Thread-safe where scratch is the thread's own.
Status FeatureFusionF32(Isa isa, const FeatureFusionShape& shape,
                        std::span<const float> weights,
                        std::span<const std::span<const float>> src,
                        std::span<float> scratch, std::span<float> dst);

}  // namespace cyto8
