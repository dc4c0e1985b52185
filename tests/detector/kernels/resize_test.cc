// SPDX-License-Identifier: Apache-2.0
// Numbers marked "TensorFlow" are those of tf.raw_ops.ResizeBilinear and
// tf.raw_ops.ResizeNearestNeighbor (2.15.1) of the same image.
#include "detector/kernels/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

using Floats = std::vector<float>;

struct Rule {
  bool align_corners = false;
  bool half_pixel_centers = false;
};
constexpr Rule kLegacy = {};
constexpr Rule kAlignCorners = {.align_corners = true};
constexpr Rule kHalfPixel = {.half_pixel_centers = true};

const Floats kImage = {0, 1, 4, 9, 16, 25};  // 2 x 3

// One channel.
ResizeShape Sides(int64_t in_height, int64_t in_width, int64_t out_height,
                  int64_t out_width, const Rule& rule) {
  return {.in_height = in_height,
          .in_width = in_width,
          .channels = 1,
          .out_height = out_height,
          .out_width = out_width,
          .align_corners = rule.align_corners,
          .half_pixel_centers = rule.half_pixel_centers};
}

size_t DstCount(const ResizeShape& s) {
  return CountOf({s.batch, s.out_height, s.out_width, s.channels});
}

template <typename T>
Floats Bilinear(const ResizeShape& shape, const std::vector<T>& src) {
  Floats dst(DstCount(shape));
  EXPECT_TRUE(ResizeBilinear(shape, std::span<const T>(src), dst).ok());
  return dst;
}

template <typename T>
std::vector<T> Nearest(const ResizeShape& shape, const std::vector<T>& src) {
  std::vector<T> dst(DstCount(shape));
  EXPECT_TRUE(
      ResizeNearest(shape, sizeof(T), BytesOf(src), WritableBytesOf(dst)).ok());
  return dst;
}

TEST(ResizeBilinearTest, EnlargingEqualsTensorFlowUnderEveryRule) {
  EXPECT_EQ(
      Bilinear(Sides(2, 3, 3, 5, kLegacy), kImage),
      (Floats{0, 0.6000000238418579f, 1.6000001430511475f, 3.4000000953674316f,
              4, 6, 9.000000953674316f, 12.400001525878906f,
              16.600000381469727f, 18, 9, 13.200000762939453f,
              17.80000114440918f, 23.200000762939453f, 25}));
  EXPECT_EQ(Bilinear(Sides(2, 3, 3, 5, kAlignCorners), kImage),
            (Floats{0, 0.5f, 1, 2.5f, 4, 4.5f, 6.5f, 8.5f, 11.5f, 14.5f, 9,
                    12.5f, 16, 20.5f, 25}));
  EXPECT_EQ(Bilinear(Sides(2, 3, 3, 5, kHalfPixel), kImage),
            (Floats{0, 0.40000003576278687f, 1, 2.8000004291534424f, 4, 4.5f,
                    6.100000381469727f, 8.5f, 12.100000381469727f, 14.5f, 9,
                    11.800000190734863f, 16, 21.400001525878906f, 25}));
}

TEST(ResizeBilinearTest, ShrinkingEqualsTensorFlowUnderEveryRule) {
  EXPECT_EQ(Bilinear(Sides(2, 3, 1, 2, kLegacy), kImage), (Floats{0, 2.5f}));
  EXPECT_EQ(Bilinear(Sides(2, 3, 1, 2, kAlignCorners), kImage), (Floats{0, 4}));
  EXPECT_EQ(Bilinear(Sides(2, 3, 1, 2, kHalfPixel), kImage),
            (Floats{5.5f, 13}));
}

TEST(ResizeBilinearTest, BytesGiveFloatsAsInTensorFlow) {
  const std::vector<uint8_t> bytes = {0, 255, 7, 100};
  EXPECT_EQ(Bilinear(Sides(1, 4, 1, 7, kHalfPixel), bytes),
            (Floats{0, 91.07144927978516f, 236.7857208251953f, 131,
                    13.642875671386719f, 66.78572845458984f, 100}));
}

TEST(ResizeNearestTest, EnlargingEqualsTensorFlowUnderEveryRule) {
  EXPECT_EQ(Nearest(Sides(2, 3, 3, 5, kLegacy), kImage),
            (Floats{0, 0, 1, 1, 4, 0, 0, 1, 1, 4, 9, 9, 16, 16, 25}));
  EXPECT_EQ(Nearest(Sides(2, 3, 3, 5, kAlignCorners), kImage),
            (Floats{0, 1, 1, 4, 4, 9, 16, 16, 25, 25, 9, 16, 16, 25, 25}));
  EXPECT_EQ(Nearest(Sides(2, 3, 3, 5, kHalfPixel), kImage),
            (Floats{0, 0, 1, 4, 4, 9, 9, 16, 25, 25, 9, 9, 16, 25, 25}));
}

TEST(ResizeNearestTest, ShrinkingEqualsTensorFlowUnderEveryRule) {
  const std::vector<int32_t> row = Iota<int32_t>(10);
  using Ints = std::vector<int32_t>;
  EXPECT_EQ(Nearest(Sides(1, 10, 1, 3, kLegacy), row), (Ints{0, 3, 6}));
  EXPECT_EQ(Nearest(Sides(1, 10, 1, 3, kAlignCorners), row), (Ints{0, 5, 9}));
  EXPECT_EQ(Nearest(Sides(1, 10, 1, 3, kHalfPixel), row), (Ints{1, 5, 8}));
}

TEST(ResizeNearestTest, SevenToSeventeenEqualsTensorFlow) {
  const std::vector<uint8_t> row = Iota<uint8_t>(7);
  using Bytes = std::vector<uint8_t>;
  EXPECT_EQ(Nearest(Sides(1, 7, 1, 17, kLegacy), row),
            (Bytes{0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6}));
  EXPECT_EQ(Nearest(Sides(1, 7, 1, 17, kAlignCorners), row),
            (Bytes{0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6}));
  EXPECT_EQ(Nearest(Sides(1, 7, 1, 17, kHalfPixel), row),
            (Bytes{0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6}));
}

TEST(ResizeTest, TheSameSizeChangesNothingUnderEveryRule) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Rule& rule : {kLegacy, kAlignCorners, kHalfPixel}) {
    for (int64_t side = 1; side <= 9; ++side) {
      ResizeShape shape = Sides(side, 10 - side, side, 10 - side, rule);
      shape.batch = 2;
      shape.channels = 3;
      const Floats src = random.Floats(DstCount(shape));
      EXPECT_EQ(Bilinear(shape, src), src);
      EXPECT_EQ(Nearest(shape, src), src);
    }
  }
}

// A plane a * y + b * x is mixed exactly: the answer is the plane at the
// source coordinate, clamped to the image.
TEST(ResizeBilinearTest, APlaneStaysAPlane) {
  const int64_t height = 4, width = 6;
  Floats src;
  for (int64_t i = 0; i < height * width; ++i) {
    src.push_back(static_cast<float>(10 * (i / width) + i % width));
  }
  const ResizeShape shape = Sides(height, width, 9, 5, kHalfPixel);
  const Floats dst = Bilinear(shape, src);
  const auto coordinate = [](int64_t i, int64_t in, int64_t out) {
    const double source = (static_cast<double>(i) + 0.5) *
                              static_cast<double>(in) /
                              static_cast<double>(out) -
                          0.5;
    return std::clamp(source, 0.0, static_cast<double>(in - 1));
  };
  for (int64_t y = 0; y < shape.out_height; ++y) {
    for (int64_t x = 0; x < shape.out_width; ++x) {
      const float value = dst[static_cast<size_t>(y * shape.out_width + x)];
      EXPECT_NEAR(static_cast<double>(value),
                  10 * coordinate(y, height, 9) + coordinate(x, width, 5),
                  1e-5);
    }
  }
}

TEST(ResizeTest, BothFlagsAreRefused) {
  const ResizeShape shape = Sides(2, 3, 3, 5, {true, true});
  const std::string expected =
      "half_pixel_centers = true: must be false with align_corners";
  EXPECT_EQ(ResizeBilinear(shape, std::span<const float>(), {}).message(),
            expected);
  EXPECT_EQ(ResizeNearest(shape, 4, {}, {}).message(), expected);
}

TEST(ResizeTest, SizesThatDoNotFitAreRefusedByName) {
  Floats dst(15);
  EXPECT_EQ(ResizeBilinear(Sides(0, 3, 3, 5, kLegacy), kImage, dst).message(),
            "in_height = 0: must be in [1, 1073741824]");
  EXPECT_EQ(ResizeBilinear(Sides(3, 3, 3, 5, kLegacy), kImage, dst).message(),
            "src elements = 6: must be 9");
  EXPECT_EQ(ResizeBilinear(Sides(2, 3, 3, 4, kLegacy), kImage, dst).message(),
            "dst elements = 15: must be 12");
  EXPECT_EQ(ResizeNearest(Sides(2, 3, 3, 5, kLegacy), 8, BytesOf(kImage),
                          WritableBytesOf(dst))
                .message(),
            "src bytes = 24: must be 48");
}

TEST(UpsampleNearestTest, EveryPixelIsRepeated) {
  for (int64_t factor_y = 1; factor_y <= 3; ++factor_y) {
    for (int64_t factor_x = 1; factor_x <= 3; ++factor_x) {
      const UpsampleShape shape = {.batch = 2,
                                   .in_height = 2,
                                   .in_width = 3,
                                   .pixel_bytes = 2,
                                   .factor_y = factor_y,
                                   .factor_x = factor_x};
      const auto src = Iota<uint8_t>(24);
      const TestShape dst_shape = {2, 2 * factor_y, 3 * factor_x, 2};
      std::vector<uint8_t> dst(CountOf(dst_shape));
      ASSERT_TRUE(
          UpsampleNearest(shape, BytesOf(src), WritableBytesOf(dst)).ok());
      for (size_t i = 0; i < dst.size(); ++i) {
        const TestShape at = Unravel(i, dst_shape);
        EXPECT_EQ(dst[i],
                  src[Ravel({at[0], at[1] / factor_y, at[2] / factor_x, at[3]},
                            {2, 2, 3, 2})]);
      }
    }
  }
}

TEST(UpsampleNearestTest, SizesThatDoNotFitAreRefusedByName) {
  UpsampleShape shape = {.in_height = 1, .in_width = 1, .pixel_bytes = 4};
  const std::vector<std::byte> src(4);
  EXPECT_EQ(UpsampleNearest(shape, src, {}).message(),
            "dst bytes = 0: must be 4");
  EXPECT_EQ(UpsampleNearest(shape, {}, {}).message(),
            "src bytes = 0: must be 4");
  shape.factor_x = 0;
  EXPECT_EQ(UpsampleNearest(shape, src, {}).message(),
            "factor_x = 0: must be in [1, 1073741824]");
}

}  // namespace
}  // namespace cyto8
