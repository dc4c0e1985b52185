// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/feature_fusion_f32.h.
#include "detector/kernels/feature_fusion_f32.h"

#include <gtest/gtest.h>

#include <vector>

#include "detector/kernels/activation_f32.h"
#include "detector/kernels/resize.h"
#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

using Images = std::vector<std::vector<float>>;

std::vector<std::span<const float>> SpansOf(const Images& images) {
  return {images.begin(), images.end()};
}

// The source as it is summed, by the naive kernels.
std::vector<float> Resized(const FeatureFusionShape& s,
                           const FusionSource& source,
                           const std::vector<float>& src) {
  std::vector<float> dst(CountOf({s.batch, s.height, s.width, s.channels}));
  if (source.pool) {
    PoolF32Naive(PoolKind::kMax, *source.pool, src.data(), dst.data());
    return dst;
  }
  const UpsampleShape upsample = {
      .batch = s.batch,
      .in_height = s.height / source.factor_y,
      .in_width = s.width / source.factor_x,
      .pixel_bytes = s.channels * static_cast<int64_t>(sizeof(float)),
      .factor_y = source.factor_y,
      .factor_x = source.factor_x};
  EXPECT_TRUE(
      UpsampleNearest(upsample, BytesOf(src), WritableBytesOf(dst)).ok());
  return dst;
}

std::vector<float> Naive(const FeatureFusionShape& s,
                         const std::vector<float>& weights,
                         const Images& sources) {
  std::vector<float> dst(CountOf({s.batch, s.height, s.width, s.channels}));
  const auto channels = static_cast<size_t>(s.channels);
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<float> src = Resized(s, s.sources[i], sources[i]);
    for (size_t k = 0; k < dst.size(); ++k) {
      dst[k] += weights[i * channels + k % channels] * src[k];
    }
  }
  ActivateF32Naive(s.activation, dst.data(), std::ssize(dst));
  return dst;
}

PoolShape PoolTo(const FeatureFusionShape& s, int64_t kernel, int64_t stride,
                 int64_t pad, int64_t beyond) {
  return {.batch = s.batch,
          .in_height = (s.height - 1) * stride + kernel - pad - beyond,
          .in_width = (s.width - 1) * stride + kernel - pad - beyond,
          .channels = s.channels,
          .out_height = s.height,
          .out_width = s.width,
          .kernel_height = kernel,
          .kernel_width = kernel,
          .stride_y = stride,
          .stride_x = stride,
          .pad_top = pad,
          .pad_left = pad};
}

size_t SourceCount(const FeatureFusionShape& s, const FusionSource& source) {
  if (source.pool) {
    return CountOf(
        {s.batch, source.pool->in_height, source.pool->in_width, s.channels});
  }
  return CountOf({s.batch, s.height / source.factor_y,
                  s.width / source.factor_x, s.channels});
}

void ExpectTwins(Isa isa, const FeatureFusionShape& s, RandomNumbers& random) {
  Images sources;
  for (const FusionSource& source : s.sources) {
    sources.push_back(random.WholeFloats(SourceCount(s, source)));
  }
  const auto weights =
      random.WholeFloats(s.sources.size() * static_cast<size_t>(s.channels));
  std::vector<float> dst(CountOf({s.batch, s.height, s.width, s.channels}));
  std::vector<float> scratch(static_cast<size_t>(FeatureFusionScratch(s)));
  const Status status =
      FeatureFusionF32(isa, s, weights, SpansOf(sources), scratch, dst);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ExpectClose(dst, Naive(s, weights, sources), 2e-6, 1e-30);
}

TEST(FeatureFusionTest, EveryIsaAgreesWithTheNaiveKernels) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Isa isa : UsableIsas()) {
    if (isa == Isa::kPlain) continue;
    for (int64_t round = 0; round < 400; ++round) {
      FeatureFusionShape s = {.batch = random.Int(1, 2),
                              .height = 2 * random.Int(1, 4),
                              .width = 6 * random.Int(1, 3),
                              .channels = random.Int(1, 40),
                              .activation = static_cast<Activation>(round % 6),
                              .sources = {}};
      const int64_t count = random.Int(1, kMaxFusionSources);
      for (int64_t i = 0; i < count; ++i) {
        FusionSource source;
        const int64_t kind = random.Int(0, 2);
        if (kind == 1) {
          source.factor_y = random.Int(1, 2);
          source.factor_x = random.Int(1, 3);
        } else if (kind == 2) {
          const int64_t kernel = random.Int(1, 4);
          source.pool = PoolTo(s, kernel, random.Int(1, 3),
                               random.Int(0, (kernel - 1) / 2),
                               random.Int(0, (kernel - 1) / 2));
        }
        s.sources.push_back(source);
      }
      ASSERT_NO_FATAL_FAILURE(ExpectTwins(isa, s, random))
          << IsaName(isa) << " round " << round;
    }
  }
}

TEST(FeatureFusionTest, WhatDoesNotFitIsRefusedByName) {
  FeatureFusionShape s = {
      .height = 4, .width = 6, .channels = 2, .sources = {{}}};
  EXPECT_TRUE(CheckFeatureFusion(s).ok());
  s.sources[0].factor_y = 3;
  EXPECT_EQ(CheckFeatureFusion(s).message(),
            "height % factor_y = 1: must be in [0, 0]");
  s.sources[0] = {.pool = PoolTo(s, 3, 2, 1, 0)};
  EXPECT_TRUE(CheckFeatureFusion(s).ok());
  s.sources[0].pool->pad_left = 3;
  EXPECT_EQ(CheckFeatureFusion(s).message(),
            "pool columns = 3: must be in [0, 2]");
  s.sources[0] = {.pool = PoolTo(s, 3, 2, 1, 3)};
  EXPECT_EQ(CheckFeatureFusion(s).message(),
            "pool rows = 5: must be in [-1, 4]")
      << "the last window has no pixel";
  s.sources.assign(kMaxFusionSources + 1, {});
  EXPECT_EQ(CheckFeatureFusion(s).message(), "sources = 9: must be in [1, 8]");
  s.sources.assign(1, {});
  std::vector<float> image(48), weights(2), dst(48);
  const auto message = [&](std::span<const float> src,
                           std::span<const float> w) {
    const std::vector<std::span<const float>> sources = {src};
    return FeatureFusionF32(BestIsa(), s, w, sources, {}, dst).message();
  };
  EXPECT_EQ(message(std::span(image).first(5), weights),
            "src elements = 5: must be 48");
  EXPECT_EQ(message(image, std::span(weights).first(1)),
            "weights elements = 1: must be 2");
}

}  // namespace
}  // namespace cyto8
