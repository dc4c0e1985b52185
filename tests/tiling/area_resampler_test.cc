// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/area_resampler.h against ResampleArea, byte for byte.
#include "tiling/area_resampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/image_view.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

Image MakeRandomImage(int64_t width, int64_t height, std::mt19937& random) {
  Image image = Image::Create(width, height).value();
  for (int64_t y = 0; y < height; ++y) {
    uint8_t* row = image.MutableRow(y);
    for (int64_t i = 0; i < width * kRgbChannels; ++i) {
      row[i] = static_cast<uint8_t>(random() >> 24);
    }
  }
  return image;
}

// The rows as they come, and how many bytes they are.
std::vector<uint8_t> ResampleByRows(const ImageView& src, int64_t width,
                                    int64_t height,
                                    ResamplerIsa isa = BestResamplerIsa()) {
  AreaResampler resampler = AreaResampler::Create(src.width_px, src.height_px,
                                                  width, height, Limits(), isa)
                                .value();
  std::vector<uint8_t> row(static_cast<size_t>(width * kRgbChannels));
  std::vector<uint8_t> rows;
  for (int64_t y = 0; y < src.height_px; ++y) {
    EXPECT_TRUE(resampler.PushRow(src.Row(y)).ok());
    while (resampler.HasRow()) {
      EXPECT_TRUE(resampler.TakeRow(row.data()).ok());
      rows.insert(rows.end(), row.begin(), row.end());
    }
  }
  return rows;
}

// With every set of instructions.
bool EqualsResampleArea(const ImageView& src, int64_t width, int64_t height) {
  const Image expected = ResampleArea(src, width, height).value();
  const std::span pixels(expected.view().data,
                         static_cast<size_t>(kRgbChannels * width * height));
  return std::ranges::all_of(UsableResamplerIsas(), [&](ResamplerIsa isa) {
    return std::ranges::equal(ResampleByRows(src, width, height, isa), pixels);
  });
}

std::string Sizes(const ImageView& src, int64_t width, int64_t height) {
  return std::to_string(src.width_px) + " x " + std::to_string(src.height_px) +
         " to " + std::to_string(width) + " x " + std::to_string(height);
}

TEST(AreaResamplerTest, AllSmallSizesEqualResampleArea) {
  std::mt19937 random(1);
  constexpr int64_t kMost = 16;
  for (int64_t src_width = 1; src_width <= kMost; ++src_width) {
    for (int64_t src_height = 1; src_height <= kMost; ++src_height) {
      const Image image = MakeRandomImage(src_width, src_height, random);
      const ImageView src = image.view();
      for (int64_t width = 1; width <= kMost; ++width) {
        for (int64_t height = 1; height <= kMost; ++height) {
          ASSERT_TRUE(EqualsResampleArea(src, width, height))
              << Sizes(src, width, height);
        }
      }
    }
  }
}

// Here the factors are such as 1 / (1 / 49), which is not 49.
TEST(AreaResamplerTest, AllSidesOfOneAxisEqualResampleArea) {
  std::mt19937 random(2);
  for (int64_t side = 1; side <= 150; ++side) {
    const Image wide = MakeRandomImage(side, 2, random);
    const Image high = MakeRandomImage(2, side, random);
    for (int64_t to = 1; to <= 150; ++to) {
      ASSERT_TRUE(EqualsResampleArea(wide.view(), to, 1))
          << Sizes(wide.view(), to, 1);
      ASSERT_TRUE(EqualsResampleArea(high.view(), 1, to))
          << Sizes(high.view(), 1, to);
    }
  }
}

struct Size {
  int64_t src_width;
  int64_t src_height;
  int64_t width;
  int64_t height;
};

TEST(AreaResamplerTest, LargeSizesEqualResampleArea) {
  const std::vector<Size> sizes = {
      {1180, 941, 603, 481},  // a field of CRIC at the model's scale.
      {1180, 940, 590, 470},  // 2 x 2.
      {2100, 900, 700, 300},  // 3 x 3.
      {3000, 80, 1, 1},       // one block.
      {514, 771, 2, 3},       // blocks whose sum has more than 24 bits.
      {999, 1000, 998, 999},  // barely smaller.
      {500, 400, 700, 390},   // one axis up, one down.
      {500, 400, 490, 600},   // the other way round.
      {300, 200, 901, 603},   // both up.
      {5001, 3, 1234, 2},     // wide.
      {3, 5001, 2, 1234},     // high.
      {4900, 49, 100, 1},     // 49 is no whole number here.
  };
  std::mt19937 random(3);
  for (const Size& size : sizes) {
    const Image image =
        MakeRandomImage(size.src_width, size.src_height, random);
    EXPECT_TRUE(EqualsResampleArea(image.view(), size.width, size.height))
        << Sizes(image.view(), size.width, size.height);
  }
}

TEST(AreaResamplerTest, RandomSizesEqualResampleArea) {
  constexpr unsigned kSeed = 4;
  std::mt19937 random(kSeed);
  const auto side = [&] { return 1 + static_cast<int64_t>(random() % 400); };
  for (int trial = 0; trial < 60; ++trial) {
    const Image image = MakeRandomImage(side(), side(), random);
    const int64_t width = side();
    const int64_t height = side();
    ASSERT_TRUE(EqualsResampleArea(image.view(), width, height))
        << Sizes(image.view(), width, height) << ", seed " << kSeed;
  }
}

// Sums of weights may come out above 1.
TEST(AreaResamplerTest, WhiteStaysWhite) {
  Image white = Image::Create(101, 67).value();
  white.Fill({.red = 255, .green = 255, .blue = 255});
  for (int64_t width = 1; width <= 101; ++width) {
    const std::vector<uint8_t> rows = ResampleByRows(white.view(), width, 31);
    ASSERT_EQ(std::ranges::count(rows, 255), width * 31 * kRgbChannels);
  }
}

// 200 000 px square would be 120 GB; nothing here is as large as the image.
TEST(AreaResamplerTest, GiganticImagesTakeRowsOnly) {
  AreaResampler resampler =
      AreaResampler::Create(200'000, 200'000, 100'001, 100'001).value();
  const std::vector<uint8_t> row(600'000, 100);
  std::vector<uint8_t> result(300'003);
  for (int y = 0; y < 8; ++y) {
    ASSERT_TRUE(resampler.PushRow(row.data()).ok());
    if (resampler.HasRow()) {
      ASSERT_TRUE(resampler.TakeRow(result.data()).ok());
    }
  }
  EXPECT_EQ(std::ranges::count(result, 100), 300'003);
}

// The block of the whole image: a sum that 32 bits do not hold.
TEST(AreaResamplerTest, AveragesFortyMillionPixels) {
  AreaResampler resampler = AreaResampler::Create(200, 200'000, 1, 1).value();
  const std::vector<uint8_t> row(600, 200);
  uint8_t pixel[3] = {};
  for (int y = 0; y < 200'000; ++y) {
    ASSERT_FALSE(resampler.HasRow());
    ASSERT_TRUE(resampler.PushRow(row.data()).ok());
  }
  ASSERT_TRUE(resampler.TakeRow(pixel).ok());
  EXPECT_EQ(pixel[0], 200);
}

TEST(AreaResamplerTest, RefusesSidesOutOfRange) {
  const auto refusal = [](int64_t a, int64_t b, int64_t c, int64_t d) {
    return AreaResampler::Create(a, b, c, d).status().ToString();
  };
  EXPECT_EQ(refusal(0, 1, 1, 1),
            "INVALID_ARGUMENT: src_width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(
      refusal(1, 1'000'001, 1, 1),
      "INVALID_ARGUMENT: src_height_px = 1000001: must be in [1, 1000000]");
  EXPECT_EQ(refusal(1, 1, -1, 1),
            "INVALID_ARGUMENT: dst_width_px = -1: must be in [1, 1000000]");
  EXPECT_EQ(
      refusal(1, 1, 1, 1'000'001),
      "INVALID_ARGUMENT: dst_height_px = 1000001: must be in [1, 1000000]");
}

TEST(AreaResamplerTest, RefusesRowsOutOfTurn) {
  AreaResampler resampler = AreaResampler::Create(1, 1, 1, 2).value();
  uint8_t pixel[3] = {7, 8, 9};
  EXPECT_EQ(resampler.TakeRow(pixel).message(),
            "no row of the result is complete");
  EXPECT_TRUE(resampler.PushRow(pixel).ok());
  EXPECT_EQ(resampler.PushRow(pixel).message(),
            "a row of the result was not taken");
  EXPECT_TRUE(resampler.TakeRow(pixel).ok());
  EXPECT_TRUE(resampler.TakeRow(pixel).ok());
  EXPECT_EQ(pixel[2], 9);
  EXPECT_FALSE(resampler.HasRow());
  EXPECT_EQ(resampler.PushRow(pixel).message(),
            "a row after the last row of the source");
}

}  // namespace
}  // namespace cyto8
