// SPDX-License-Identifier: Apache-2.0
// Tests of base/image_view.h.
#include "base/image_view.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace cyto8 {
namespace {

constexpr Rgb kRed = {.red = 200, .green = 10, .blue = 20};

std::string RefusalOf(int64_t width_px, int64_t height_px,
                      const Limits& limits = {}) {
  const Status checked = CheckImageSize(width_px, height_px, limits);
  const Status created = Image::Create(width_px, height_px, limits).status();
  EXPECT_EQ(created.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(created.message(), checked.message());
  return created.message();
}

TEST(ImageTest, IsBlackAtFirst) {
  const Image image = Image::Create(3, 2).value();
  EXPECT_EQ(image.width_px(), 3);
  EXPECT_EQ(image.height_px(), 2);
  for (int64_t y = 0; y < 2; ++y) {
    for (int64_t x = 0; x < 3; ++x) EXPECT_EQ(image.view().At(x, y), Rgb{});
  }
}

TEST(ImageTest, UnsetPixelsAreOfTheSizeThatWasAskedFor) {
  Image image = Image::CreateUnset(5, 4).value();
  image.Fill(kRed);
  EXPECT_EQ(image.view().width_px, 5);
  EXPECT_EQ(image.view().At(4, 3), kRed);
  EXPECT_EQ(Image::CreateUnset(0, 4).status().message(), RefusalOf(0, 4));
}

TEST(ImageTest, FillColoursEveryPixelOfEverySize) {
  for (int64_t width = 1; width <= 5; ++width) {
    for (int64_t height = 1; height <= 5; ++height) {
      Image image = Image::Create(width, height).value();
      image.Fill(kRed);
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          ASSERT_EQ(image.view().At(x, y), kRed);
        }
      }
    }
  }
}

TEST(ImageTest, RowsFollowEachOtherWithoutPadding) {
  Image image = Image::Create(2, 3).value();
  EXPECT_EQ(image.view().stride_bytes, 6);
  image.MutableRow(1)[3] = 77;
  EXPECT_EQ(image.view().At(1, 1), (Rgb{.red = 77, .green = 0, .blue = 0}));
  EXPECT_EQ(image.view().data[9], 77);
}

TEST(ImageTest, AMoveKeepsThePixels) {
  static_assert(!std::is_copy_constructible_v<Image>);
  Image image = Image::Create(2, 2).value();
  image.Fill(kRed);
  const Image moved = std::move(image);
  EXPECT_EQ(moved.view().At(1, 1), kRed);
}

TEST(ImageTest, SidesAndAreaAreBounded) {
  EXPECT_EQ(RefusalOf(0, 1), "width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(1, -5), "height_px = -5: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(1'000'001, 1),
            "width_px = 1000001: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(200'000, 200'000),
            "image pixels = 40000000000: must be in [1, 268435456]");
  EXPECT_EQ(RefusalOf(3, 4, {.max_image_pixels = 11}),
            "image pixels = 12: must be in [1, 11]");
}

TEST(ImageTest, AreasThatOverflowAreRefused) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(RefusalOf(kMost, 2, {.max_side_px = kMost}),
            "9223372036854775807 * 2 overflows 64 bits");
}

TEST(ImageViewTest, StrideMayExceedTheRow) {
  const std::array<uint8_t, 16> pixels = {1, 2, 3, 4,  5,  6,  0, 0,
                                          7, 8, 9, 10, 11, 12, 0, 0};
  const ImageView view = {
      .data = pixels.data(), .width_px = 2, .height_px = 2, .stride_bytes = 8};
  EXPECT_EQ(view.At(1, 0), (Rgb{.red = 4, .green = 5, .blue = 6}));
  EXPECT_EQ(view.At(0, 1), (Rgb{.red = 7, .green = 8, .blue = 9}));
}

TEST(ImageViewTest, EveryCropOfASmallImageShowsItsPixels) {
  Image image = Image::Create(4, 4).value();
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t i = 0; i < 12; ++i) {
      image.MutableRow(y)[i] = static_cast<uint8_t>(12 * y + i);
    }
  }
  const ImageView whole = image.view();
  for (int64_t x = 0; x < 4; ++x) {
    for (int64_t y = 0; y < 4; ++y) {
      for (int64_t width = 1; x + width <= 4; ++width) {
        for (int64_t height = 1; y + height <= 4; ++height) {
          const ImageView crop = whole.Crop(x, y, width, height);
          ASSERT_EQ(crop.width_px, width);
          ASSERT_EQ(crop.height_px, height);
          ASSERT_EQ(crop.At(0, 0), whole.At(x, y));
          ASSERT_EQ(crop.At(width - 1, height - 1),
                    whole.At(x + width - 1, y + height - 1));
        }
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
