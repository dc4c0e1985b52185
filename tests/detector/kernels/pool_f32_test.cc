// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/pool_f32.h.
#include "detector/kernels/pool_f32.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

const std::vector<float> kImage = {3, -1, 4, 1, -5, 9,
                                   2, -6, 5, 3, -5, 8};  // 3 x 4

StatusOr<std::vector<float>> Pool(PoolKind kind, const PoolShape& s,
                                  const std::vector<float>& src) {
  std::vector<float> dst(
      CountOf({s.batch, s.out_height, s.out_width, s.channels}), -99);
  CYTO8_RETURN_IF_ERROR(PoolF32(kind, s, src, dst));
  return dst;
}

// All pixels of the window that lie on the image, one channel.
std::vector<float> Window(const PoolShape& s, const std::vector<float>& src,
                          int64_t n, int64_t y, int64_t x, int64_t c) {
  std::vector<float> values;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      const int64_t in_y = y * s.stride_y - s.pad_top + ky;
      const int64_t in_x = x * s.stride_x - s.pad_left + kx;
      if (in_y < 0 || in_y >= s.in_height) continue;
      if (in_x < 0 || in_x >= s.in_width) continue;
      values.push_back(src[Ravel(
          {n, in_y, in_x, c}, {s.batch, s.in_height, s.in_width, s.channels})]);
    }
  }
  return values;
}

float Reduced(PoolKind kind, const std::vector<float>& values) {
  if (kind == PoolKind::kMax) return *std::ranges::max_element(values);
  float sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<float>(values.size());
}

void ExpectLiteral(PoolKind kind, const PoolShape& s, RandomNumbers& random) {
  const std::vector<float> src = random.WholeFloats(
      CountOf({s.batch, s.in_height, s.in_width, s.channels}));
  const StatusOr<std::vector<float>> dst = Pool(kind, s, src);
  ASSERT_TRUE(dst.ok()) << dst.status().ToString();
  const TestShape shape = {s.batch, s.out_height, s.out_width, s.channels};
  for (size_t i = 0; i < dst->size(); ++i) {
    const TestShape at = Unravel(i, shape);
    ASSERT_EQ((*dst)[i],
              Reduced(kind, Window(s, src, at[0], at[1], at[2], at[3])))
        << "kernel " << s.kernel_height << " stride " << s.stride_y << " pad "
        << s.pad_top << " height " << s.in_height;
  }
}

TEST(PoolTest, EverySmallGeometryEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t kernel = 1; kernel <= 4; ++kernel) {
    for (int64_t stride = 1; stride <= 3; ++stride) {
      for (int64_t pad = 0; pad < kernel; ++pad) {
        for (int64_t height = 1; height <= 6; ++height) {
          const PoolShape shape = {
              .batch = 2,
              .in_height = height,
              .in_width = 7 - height,
              .channels = 1 + height % 5,
              .out_height = (height - 1 + pad) / stride + 1,
              .out_width = (6 - height) / stride + 1,
              .kernel_height = kernel,
              .kernel_width = 5 - kernel,
              .stride_y = stride,
              .stride_x = stride,
              .pad_top = pad};
          ExpectLiteral(PoolKind::kMax, shape, random);
          ExpectLiteral(PoolKind::kAverage, shape, random);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// tf.nn.max_pool2d(p, 3, 2, 'SAME') and avg_pool2d of kImage: one row of
// padding above and below, one column at the right.
TEST(PoolTest, SamePaddingWithStride2EqualsTensorFlow) {
  const PoolShape shape = {.in_height = 3,
                           .in_width = 4,
                           .channels = 1,
                           .out_height = 2,
                           .out_width = 2,
                           .kernel_height = 3,
                           .kernel_width = 3,
                           .stride_y = 2,
                           .stride_x = 2,
                           .pad_top = 1,
                           .pad_left = 0};
  EXPECT_EQ(*Pool(PoolKind::kMax, shape, kImage),
            (std::vector<float>{9, 4, 9, 8}));
  EXPECT_EQ(*Pool(PoolKind::kAverage, shape, kImage),
            (std::vector<float>{2, 0.25f, 1.5f, -0.25f}));
}

TEST(PoolTest, PaddingNeverWins) {
  const PoolShape shape = {.in_height = 1,
                           .in_width = 1,
                           .channels = 1,
                           .out_height = 1,
                           .out_width = 1,
                           .kernel_height = 3,
                           .kernel_width = 3,
                           .pad_top = 1,
                           .pad_left = 1};
  EXPECT_EQ(*Pool(PoolKind::kMax, shape, {-7}), std::vector<float>{-7});
  EXPECT_EQ(*Pool(PoolKind::kAverage, shape, {-7}), std::vector<float>{-7});
}

TEST(PoolTest, WindowsInThePaddingAreRefused) {
  PoolShape shape = {.in_height = 4,
                     .in_width = 4,
                     .channels = 1,
                     .out_height = 4,
                     .out_width = 4,
                     .kernel_height = 2,
                     .kernel_width = 2,
                     .pad_top = 2};
  EXPECT_EQ(PoolF32(PoolKind::kMax, shape, {}, {}).message(),
            "pad_top = 2: must be in [0, 1]");
  shape.pad_top = 0;
  shape.out_width = 5;
  EXPECT_EQ(PoolF32(PoolKind::kMax, shape, {}, {}).message(),
            "start of the last window = 4: must be in [0, 3]");
  shape.stride_y = 0;
  EXPECT_EQ(PoolF32(PoolKind::kMax, shape, {}, {}).message(),
            "stride_y = 0: must be in [1, 1073741824]");
}

TEST(PoolTest, SizesThatDoNotFitAreRefusedByName) {
  const PoolShape shape = {.in_height = 2,
                           .in_width = 2,
                           .channels = 2,
                           .out_height = 2,
                           .out_width = 2};
  const std::vector<float> src(8);
  EXPECT_EQ(PoolF32(PoolKind::kMax, shape, {}, {}).message(),
            "src elements = 0: must be 8");
  EXPECT_EQ(PoolF32(PoolKind::kMax, shape, src, {}).message(),
            "dst elements = 0: must be 8");
}

}  // namespace
}  // namespace cyto8
