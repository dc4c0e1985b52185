// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/resample.h: sides as Python rounds them, pixels as Python's
// cv2.resize with INTER_AREA gives them.
#include "tiling/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "tests/support/image_encoding.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

std::string PixelHash(const Image& image) {
  const ImageView view = image.view();
  const auto size = static_cast<size_t>(view.stride_bytes * view.height_px);
  return ToHex(Sha256(std::as_bytes(std::span(view.data, size))).value());
}

std::string RefusalOf(const StatusOr<int64_t>& side) {
  EXPECT_EQ(side.status().code(), StatusCode::kInvalidArgument);
  return side.status().message();
}

TEST(ResampledSideTest, FieldsOfCricBecomeWhatTheModelWasTrainedOn) {
  EXPECT_EQ(ResampledSide(1180, 0.2472, 0.484).value(), 603);
  EXPECT_EQ(ResampledSide(941, 0.2472, 0.484).value(), 481);
}

TEST(ResampledSideTest, TiesGoToTheEvenNumber) {
  EXPECT_EQ(ResampledSide(1, 0.5, 1).value(), 1);  // 0.5 -> 0 -> at least 1.
  EXPECT_EQ(ResampledSide(3, 0.5, 1).value(), 2);  // 1.5
  EXPECT_EQ(ResampledSide(5, 0.5, 1).value(), 2);  // 2.5
  EXPECT_EQ(ResampledSide(7, 0.5, 1).value(), 4);  // 3.5
  EXPECT_EQ(ResampledSide(9, 0.5, 1).value(), 4);  // 4.5
  EXPECT_EQ(ResampledSide(5, 0.25, 0.5).value(), 2);
}

TEST(ResampledSideTest, EqualScalesKeepEverySide) {
  for (int64_t side = 1; side <= 2000; ++side) {
    for (const double mpp : {0.1, 0.2472, 0.3, 0.484, 0.7, 1.1}) {
      ASSERT_EQ(ResampledSide(side, mpp, mpp).value(), side);
    }
  }
}

TEST(ResampledSideTest, IsAtLeastOne) {
  EXPECT_EQ(ResampledSide(1, 0.001, 1000).value(), 1);
  EXPECT_EQ(ResampledSide(10, 0.01, 1).value(), 1);
}

TEST(ResampledSideTest, RefusesScalesOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(RefusalOf(ResampledSide(10, 0, 1)),
            "mpp_from = 0: must be in [0.001, 1000]");
  EXPECT_EQ(RefusalOf(ResampledSide(10, 1, -1)),
            "mpp_to = -1: must be in [0.001, 1000]");
  EXPECT_EQ(RefusalOf(ResampledSide(10, kNan, 1)),
            "mpp_from = nan: must be in [0.001, 1000]");
}

TEST(ResampledSideTest, RefusesSidesOutOfRange) {
  EXPECT_EQ(RefusalOf(ResampledSide(0, 1, 1)),
            "side_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(ResampledSide(200'000, 1000, 0.001)),
            "resampled side_px = 200000000000: must be in [0, 1000000]");
}

struct Golden {
  int64_t width_px;
  int64_t height_px;
  std::string_view pixel_hash;  // golden/README.md tells how it was made.
};

// Of rgb.png, 45 x 37 px: averages, an exact copy, linear where a side grows.
constexpr Golden kGoldens[] = {
    {23, 19,
     "5fa42fd516cbac3ad96ab5c559dca4ad6d7dd28661ea4bbc86e4e8b6b45c5e35"},
    {15, 37,
     "1a001dccac58703079079aed79a8e44534776cff31de7c192760db95006c5a97"},
    {45, 37,
     "64e8bc18db44f9b06c3c0ac3bd5179a9ec314ed5448a5735246516724adf06cb"},
    {9, 1, "a00ad8a5508c477eb1a46c0ae11ead472c194f54677230f85fa9bbe26a8a70e0"},
    {1, 1, "74620d11da412b3c589035193e171b67ee27ed163d28dcffb3fe8ed5757e96d3"},
    {60, 50,
     "8135b953b4b330e20929c28f1a08195b8df96847286ebc363f83c62bb0efa299"},
    {90, 20,
     "e544a86465da897d6709ba59abdee66ea99617fbd070b297cba1e4059072aae4"},
    {44, 36,
     "697f06a75665e6984e17c1b62f1a5a8072f888c845fa278625edfdf63ec13b16"},
    {22, 18,
     "a6e6604891efd6eb0968f8b5a9e6125bbbbbfc7f95af66658eedad15b1fd26f6"},
};

TEST(ResampleAreaTest, PixelsEqualThoseOfPythonsCv2) {
  const StatusOr<Image> src = ReadImage(
      RealFileSystem(), CYTO8_SOURCE_DIR "/tests/tiling/golden/rgb.png", {});
  ASSERT_TRUE(src.ok()) << src.status().ToString();
  for (const Golden& golden : kGoldens) {
    const StatusOr<Image> dst =
        ResampleArea(src->view(), golden.width_px, golden.height_px);
    ASSERT_TRUE(dst.ok()) << dst.status().ToString();
    EXPECT_EQ(PixelHash(*dst), golden.pixel_hash)
        << golden.width_px << " x " << golden.height_px;
  }
}

TEST(ResampleAreaTest, HalvingAveragesFourPixels) {
  const Image src = MakeTestImage(8, 6);
  const StatusOr<Image> dst = ResampleArea(src.view(), 4, 3);
  ASSERT_TRUE(dst.ok());
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 4; ++x) {
      int sum = 0;
      for (const int64_t i : {0, 1, 2, 3}) {
        sum += src.view().At(2 * x + i % 2, 2 * y + i / 2).green;
      }
      EXPECT_EQ(dst->view().At(x, y).green, (sum + 2) / 4);
    }
  }
}

TEST(ResampleAreaTest, ReadsOnlyTheWindowOfAView) {
  const Image whole = MakeTestImage(40, 30);
  const ImageView window = whole.view().Crop(7, 5, 21, 14);
  Image copy = Image::Create(21, 14).value();
  for (int64_t y = 0; y < 14; ++y) {
    std::copy_n(window.Row(y), 21 * kRgbChannels, copy.MutableRow(y));
  }
  EXPECT_EQ(PixelHash(ResampleArea(window, 10, 9).value()),
            PixelHash(ResampleArea(copy.view(), 10, 9).value()));
}

TEST(ResampleAreaTest, RefusesSizesOutOfRange) {
  const Image src = MakeTestImage(4, 4);
  EXPECT_EQ(ResampleArea(src.view(), 0, 4).status().message(),
            "width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(ResampleArea(src.view(), 20, 20, {.max_image_pixels = 399})
                .status()
                .message(),
            "image pixels = 400: must be in [1, 399]");
  EXPECT_EQ(ResampleArea(ImageView{}, 4, 4).status().message(),
            "width_px = 0: must be in [1, 1000000]");
}

}  // namespace
}  // namespace cyto8
