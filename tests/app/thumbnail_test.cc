// SPDX-License-Identifier: Apache-2.0
// Tests of app/thumbnail.h: from which level, how large, and pixel by pixel.
#include "app/thumbnail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/support/image_encoding.h"
#include "tests/tiling/made_up_slide.h"
#include "tiling/resample.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

Rgb PixelOf(const BlockId& block, int64_t x, int64_t y) {
  return {.red = static_cast<uint8_t>(x * 7 + y),
          .green = static_cast<uint8_t>(y * 5),
          .blue = static_cast<uint8_t>(100 * block.level + x / 3)};
}

Image LevelOf(const SlideReader& slide, int64_t number) {
  const SlideLevel& level = slide.info().levels[static_cast<size_t>(number)];
  Image image = Image::Create(level.width_px, level.height_px).value();
  for (int64_t y = 0; y < level.height_px; ++y) {
    for (int64_t x = 0; x < level.width_px; ++x) {
      const Rgb pixel = PixelOf({.level = number}, x, y);
      uint8_t* dst = image.MutableRow(y) + x * kRgbChannels;
      dst[0] = pixel.red;
      dst[1] = pixel.green;
      dst[2] = pixel.blue;
    }
  }
  return image;
}

bool SamePixels(const ImageView& a, const ImageView& b) {
  if (a.width_px != b.width_px || a.height_px != b.height_px) return false;
  for (int64_t y = 0; y < a.height_px; ++y) {
    if (!std::equal(a.Row(y), a.Row(y) + a.width_px * kRgbChannels, b.Row(y))) {
      return false;
    }
  }
  return true;
}

// "1: 1024x293", or "none".
std::string MadeOf(int64_t width_px, int64_t height_px) {
  MadeUpSlide slide(width_px, height_px, PixelOf);
  const auto thumbnail = MakeThumbnail(slide, Limits());
  if (!thumbnail.ok()) return thumbnail.status().ToString();
  if (!*thumbnail) return slide.decoded == 0 ? "none" : "none, and yet read";
  const std::string size = std::to_string((*thumbnail)->width_px()) + "x" +
                           std::to_string((*thumbnail)->height_px());
  for (int64_t level = 0; level < 2; ++level) {
    const Image whole = LevelOf(slide, level);
    const Image small = ResampleArea(whole.view(), (*thumbnail)->width_px(),
                                     (*thumbnail)->height_px())
                            .value();
    if (!SamePixels(small.view(), (*thumbnail)->view())) continue;
    const SlideLevel& grid = slide.info().levels[static_cast<size_t>(level)];
    EXPECT_EQ(slide.decoded, grid.blocks_across() * grid.blocks_down());
    return std::to_string(level) + ": " + size;
  }
  return size + " of no level";
}

TEST(ThumbnailTest, IsTheAreaMeanOfTheSmallestLevelThatIsLargeEnough) {
  EXPECT_EQ(MadeOf(300, 200), "0: 300x200");  // never enlarged.
  EXPECT_EQ(MadeOf(1, 1), "0: 1x1");
  EXPECT_EQ(MadeOf(1023, 9), "0: 1023x9");
  EXPECT_EQ(MadeOf(1024, 9), "0: 1024x9");
  EXPECT_EQ(MadeOf(1030, 20), "0: 1024x20");  // 19.88.
  EXPECT_EQ(MadeOf(2046, 20), "0: 1024x10");  // level 1 has 1023.
  EXPECT_EQ(MadeOf(2048, 20), "1: 1024x10");
  EXPECT_EQ(MadeOf(2100, 600), "1: 1024x293");  // 292.57.
  EXPECT_EQ(MadeOf(20, 2100), "1: 10x1024");
  EXPECT_EQ(MadeOf(4096, 3), "1: 1024x1");  // half a pixel is one.
}

TEST(ThumbnailTest, NoLevelOfMoreThan4096PixelsIsRead) {
  EXPECT_EQ(MadeOf(8192, 8), "1: 1024x1");
  EXPECT_EQ(MadeOf(8194, 8), "none");
  EXPECT_EQ(MadeOf(8, 8194), "none");
  EXPECT_EQ(MadeOf(60'000, 50'000), "none");
}

TEST(ThumbnailTest, ABlockThatCannotBeReadIsMidGreyAndTheOthersStay) {
  MadeUpSlide slide(100, 50, PixelOf);
  slide.damaged = {{2, 1}, {6, 6}};  // of 16 x 8 px; the last one is cut.
  const Image thumbnail = *MakeThumbnail(slide, Limits()).value();
  const Image whole = LevelOf(slide, 0);
  for (int64_t y = 0; y < 50; ++y) {
    for (int64_t x = 0; x < 300; ++x) {
      const int64_t column = x / 3 / 16;
      const bool is_grey = slide.damaged.contains({column, y / 8});
      ASSERT_EQ(thumbnail.view().Row(y)[x],
                is_grey ? 128 : whole.view().Row(y)[x])
          << x << " " << y;
    }
  }
}

TEST(ThumbnailTest, ASlideThatCannotBeReadAtAllIsGrey) {
  MadeUpSlide slide(2048, 16, PixelOf);
  for (int64_t x = 0; x < 64; ++x) slide.damaged.insert({x, 0});
  const Image thumbnail = *MakeThumbnail(slide, Limits()).value();
  EXPECT_EQ(thumbnail.width_px(), 1024);
  for (int64_t x = 0; x < 3 * 1024; ++x) {
    ASSERT_EQ(thumbnail.view().Row(7)[x], 128);
  }
}

TEST(ThumbnailTest, TheFileIsABaselineJpegOfThesePixels) {
  const auto smooth = [](const BlockId&, int64_t x, int64_t y) {
    return Rgb{.red = static_cast<uint8_t>(x / 2),
               .green = static_cast<uint8_t>(y),
               .blue = 90};
  };
  MadeUpSlide slide(400, 200, smooth);
  const Image thumbnail = *MakeThumbnail(slide, Limits()).value();
  const std::string jpeg = ThumbnailJpeg(thumbnail.view()).value();
  EXPECT_NE(jpeg.find("\xff\xc0"), std::string::npos);  // SOF0.
  const Image decoded =
      DecodeJpeg(std::as_bytes(std::span(jpeg)), Limits()).value();
  ASSERT_EQ(decoded.width_px(), 400);
  ASSERT_EQ(decoded.height_px(), 200);
  for (int64_t y = 0; y < 200; ++y) {
    for (int64_t x = 0; x < 1200; ++x) {
      ASSERT_LE(std::abs(decoded.view().Row(y)[x] - thumbnail.view().Row(y)[x]),
                6);
    }
  }
}

}  // namespace
}  // namespace cyto8
