// SPDX-License-Identifier: Apache-2.0
// Tests of app/overlay.h and app/jpeg_encoder.h.
#include "app/overlay.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "app/jpeg_encoder.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

constexpr Rgb kGrey = {128, 128, 128};
constexpr Rgb kRed = {255, 0, 0};

Image GreyImage(int64_t width_px, int64_t height_px) {
  Image image = Image::Create(width_px, height_px).value();
  image.Fill(kGrey);
  return image;
}

std::vector<CardClass> Classes() {
  return {{.id = 1, .name = "HSIL", .color = kRed}};
}

FoundCell CellAt(const Box& box) {
  return {.detection = {.box = box, .score = 0.5f, .class_id = 1}, .tile = 0};
}

TEST(DrawOverlayTest, DrawsTheFrameInTheColourOfTheClassAndLeavesTheRest) {
  const Image image = GreyImage(100, 80);
  const std::vector<FoundCell> cells = {CellAt({20, 30, 60, 70})};
  const Image overlay =
      DrawOverlay(image.view(), cells, Classes(), Limits()).value();
  EXPECT_EQ(overlay.view().At(20, 60), kRed);
  EXPECT_EQ(overlay.view().At(40, 70), kRed);
  EXPECT_EQ(overlay.view().At(40, 60), kGrey);
  EXPECT_EQ(overlay.view().At(90, 10), kGrey);
  EXPECT_EQ(image.view().At(20, 60), kGrey);
}

TEST(DrawOverlayTest, BoxesThatReachFarOutsideAreCut) {
  const Image image = GreyImage(20, 20);
  const std::vector<FoundCell> cells = {CellAt({-1e12, -5, 1e12, 10}),
                                        CellAt({-50, -50, -40, -40})};
  const auto overlay = DrawOverlay(image.view(), cells, Classes(), Limits());
  ASSERT_TRUE(overlay.ok()) << overlay.status().message();
  EXPECT_EQ(overlay->view().At(15, 10), kRed);
}

TEST(EncodeJpegTest, ReadsBackNearlyTheSame) {
  const Image image = GreyImage(33, 17);
  const auto bytes = EncodeJpeg(image.view(), /*quality=*/90);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const Image back = DecodeJpeg(*bytes, Limits()).value();
  ASSERT_EQ(back.width_px(), 33);
  ASSERT_EQ(back.height_px(), 17);
  const Rgb pixel = back.view().At(32, 16);
  EXPECT_LE(std::abs(pixel.red - kGrey.red), 2);
}

TEST(EncodeJpegTest, RefusesSidesThatJpegCannotHold) {
  ImageView view = {.width_px = 65'501, .height_px = 1};
  EXPECT_EQ(EncodeJpeg(view, 90).status().message(),
            "JPEG width = 65501: must be in [1, 65500]");
  view = {.width_px = 1, .height_px = 0};
  EXPECT_EQ(EncodeJpeg(view, 90).status().message(),
            "JPEG height = 0: must be in [1, 65500]");
}

}  // namespace
}  // namespace cyto8
