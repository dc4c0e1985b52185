// SPDX-License-Identifier: Apache-2.0
// Tests of app/overlay.h and tiling/jpeg_encoder.h.
#include "app/overlay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/app/result_fixture.h"
#include "tests/support/image_encoding.h"
#include "tiling/jpeg_encoder.h"
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
  return {{.id = 1, .name = "HSIL", .color = kRed},
          {.id = 2, .name = "gjpqy|_", .color = {0, 90, 200}}};
}

Detection CellAt(const Box& box, float score = 0.5f, int class_id = 1) {
  return {.box = box, .score = score, .class_id = class_id, .tile = 0};
}

// The image with the cells on it, painted in bands of so many rows.
std::vector<uint8_t> Painted(const Image& image,
                             const std::vector<Detection>& cells,
                             int64_t band_rows) {
  const std::vector<CardClass> classes = Classes();
  OverlayPainter painter(cells, classes);
  const ImageView view = image.view();
  const int64_t stride = view.width_px * kRgbChannels;
  std::vector<uint8_t> pixels(view.data, view.data + stride * view.height_px);
  for (int64_t y = 0; y < view.height_px; y += band_rows) {
    const Status status =
        painter.Paint({.data = pixels.data() + y * stride,
                       .width_px = view.width_px,
                       .height_px = std::min(band_rows, view.height_px - y),
                       .stride_bytes = stride,
                       .y_px = y});
    EXPECT_TRUE(status.ok()) << status.message();
  }
  return pixels;
}

Rgb PixelOf(const std::vector<uint8_t>& pixels, int64_t width_px, int64_t x,
            int64_t y) {
  const uint8_t* pixel = pixels.data() + (y * width_px + x) * kRgbChannels;
  return {pixel[0], pixel[1], pixel[2]};
}

RowReader RowsOf(const Image& image) {
  return [view = image.view(), y = int64_t{0}](int64_t rows, uint8_t* dst,
                                               int64_t stride_bytes) mutable {
    for (; rows > 0; --rows, ++y, dst += stride_bytes) {
      std::copy_n(view.Row(y), view.width_px * kRgbChannels, dst);
    }
    return OkStatus();
  };
}

std::string Overlay(const Image& image, const std::vector<Detection>& cells,
                    int64_t band_rows) {
  const std::vector<CardClass> classes = Classes();
  return Written([&](const Sink& sink) {
    return WriteOverlay({.width_px = image.width_px(),
                         .height_px = image.height_px(),
                         .band_rows = band_rows},
                        OverlayPainter(cells, classes), RowsOf(image), sink);
  });
}

Image Decoded(const std::string& jpeg) {
  return DecodeJpeg(std::as_bytes(std::span(jpeg)), Limits()).value();
}

TEST(OverlayPainterTest, TheFrameIsTwoPixelsWideInTheColourOfTheClass) {
  const auto pixels =
      Painted(GreyImage(100, 80), {CellAt({20, 30, 60, 70})}, 80);
  for (int64_t y = 50; y < 80; ++y) {  // below the letters.
    for (int64_t x = 0; x < 100; ++x) {
      const bool in_outer = x >= 19 && x < 61 && y < 71;
      const bool in_inner = x >= 21 && x < 59 && y < 69;
      ASSERT_EQ(PixelOf(pixels, 100, x, y),
                in_outer && !in_inner ? kRed : kGrey)
          << x << ", " << y;
    }
  }
}

TEST(OverlayPainterTest, TheLabelHasLettersInTheColourOnWhite) {
  const auto pixels =
      Painted(GreyImage(100, 80), {CellAt({20, 30, 95, 75})}, 80);
  int64_t red = 0;
  int64_t white = 0;
  for (int64_t y = 32; y < 50; ++y) {
    for (int64_t x = 23; x < 90; ++x) {
      const Rgb pixel = PixelOf(pixels, 100, x, y);
      red += pixel.red > 200 && pixel.green < 110;
      white += pixel == Rgb{255, 255, 255};
    }
  }
  EXPECT_GT(red, 40);
  EXPECT_GT(white, 100);
}

TEST(OverlayPainterTest, TheHighestScoreIsOnTop) {
  const auto pixels = Painted(
      GreyImage(100, 80),
      {CellAt({20, 30, 60, 70}, 0.9f), CellAt({20, 30, 60, 70}, 0.5f, 2)}, 80);
  EXPECT_EQ(PixelOf(pixels, 100, 20, 69), kRed);
}

TEST(OverlayPainterTest, BoxesThatReachFarOutsideAreCut) {
  const auto pixels =
      Painted(GreyImage(20, 20),
              {CellAt({-1e12, -5, 1e12, 10}), CellAt({-50, -50, -40, -40}),
               CellAt({1e300, 1e300, 1e300, 1e300})},
              20);
  EXPECT_EQ(PixelOf(pixels, 20, 15, 10), kRed);
  EXPECT_EQ(PixelOf(pixels, 20, 15, 12), kGrey);
}

// Boxes of all sizes, some past every edge, some over each other.
std::vector<Detection> ManyCells(uint32_t seed, int64_t width_px,
                                 int64_t height_px) {
  std::mt19937 random(seed);
  const auto below = [&](int64_t limit) {
    return static_cast<double>(random() % static_cast<uint32_t>(limit));
  };
  std::vector<Detection> cells;
  for (int i = 0; i < 40; ++i) {
    const double x = below(width_px + 60) - 40;
    const double y = below(height_px + 60) - 40;
    cells.push_back(CellAt({x, y, x + below(90) + 0.7, y + below(90) + 0.3},
                           1 - static_cast<float>(i) / 40, i % 2 + 1));
  }
  return cells;
}

TEST(OverlayPainterTest, NoPixelDependsOnTheHeightOfTheBands) {
  constexpr uint32_t kSeed = 3;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const Image image = MakeTestImage(170, 131);
  const auto cells = ManyCells(kSeed, image.width_px(), image.height_px());
  const auto whole = Painted(image, cells, image.height_px());
  for (int64_t rows = 1; rows <= 70; ++rows) {
    ASSERT_EQ(Painted(image, cells, rows), whole) << rows;
  }
}

TEST(OverlayPainterTest, ALabelNeverReachesPastItsCanvas) {
  std::vector<Detection> cells = {CellAt({60, 60, 61, 61}, 0.88f, 2)};
  const auto pixels = Painted(GreyImage(200, 140), cells, 140);
  const int64_t top = 60 + 14 - 20;
  const int64_t bottom = 60 + 14 + 12;
  for (int64_t y : {top, bottom - 1}) {
    for (int64_t x = 0; x < 200; ++x) {
      ASSERT_EQ(PixelOf(pixels, 200, x, y), kGrey) << x << ", " << y;
    }
  }
}

TEST(WriteOverlayTest, TheBytesDoNotDependOnTheHeightOfTheBands) {
  const Image image = MakeTestImage(150, 100);
  const auto cells = ManyCells(5, 150, 100);
  const std::string whole = Overlay(image, cells, 100);
  for (const int64_t rows : {0, 1, 7, 8, 33, 99, 1000}) {
    EXPECT_EQ(Overlay(image, cells, rows), whole) << rows;
  }
}

TEST(WriteOverlayTest, IsTheImageWithItsCells) {
  const Image back =
      Decoded(Overlay(GreyImage(90, 70), {CellAt({10, 10, 60, 60})}, 16));
  EXPECT_EQ(back.width_px(), 90);
  EXPECT_EQ(back.height_px(), 70);
  EXPECT_GT(back.view().At(30, 60).red, 200);
  EXPECT_LT(back.view().At(30, 60).green, 60);
  EXPECT_LE(std::abs(back.view().At(80, 65).red - kGrey.red), 3);
}

TEST(WriteOverlayTest, AnErrorOfTheRowsIsItsOwn) {
  const std::vector<CardClass> classes = Classes();
  int calls = 0;
  const RowReader rows = [&](int64_t, uint8_t*, int64_t) {
    return ++calls == 3 ? DataLoss("x.tif: cut") : OkStatus();
  };
  const Status status =
      WriteOverlay({.width_px = 10, .height_px = 100, .band_rows = 8},
                   OverlayPainter({}, classes), rows,
                   [](std::string_view) { return OkStatus(); });
  EXPECT_EQ(status.message(), "x.tif: cut");
  EXPECT_EQ(calls, 3);
}

TEST(WriteOverlayTest, ErrorsOfTheSinkPassOn) {
  const Image image = MakeTestImage(400, 300);
  const std::vector<CardClass> classes = Classes();
  EXPECT_GE(ExpectSinkErrorsPassOn([&](const Sink& sink) {
              return WriteOverlay(
                  {.width_px = 400, .height_px = 300, .band_rows = 64},
                  OverlayPainter({}, classes), RowsOf(image), sink);
            }),
            1);
}

TEST(OverlayFitsTest, EndsWhereJpegEnds) {
  EXPECT_TRUE(OverlayFits({.width_px = 65'500, .height_px = 65'500}));
  EXPECT_FALSE(OverlayFits({.width_px = 65'501, .height_px = 1}));
  EXPECT_FALSE(OverlayFits({.width_px = 1, .height_px = 65'501}));
}

std::string Jpeg(const Image& image, int quality) {
  return Written([&](const Sink& sink) -> Status {
    CYTO8_ASSIGN_OR_RETURN(
        JpegRowWriter writer,
        JpegRowWriter::Create({.width_px = image.width_px(),
                               .height_px = image.height_px(),
                               .quality = quality},
                              sink));
    CYTO8_RETURN_IF_ERROR(writer.WriteRows(image.view()));
    return writer.Finish();
  });
}

TEST(JpegRowWriterTest, ReadsBackNearlyTheSame) {
  const Image back = Decoded(Jpeg(GreyImage(33, 17), /*quality=*/90));
  ASSERT_EQ(back.width_px(), 33);
  ASSERT_EQ(back.height_px(), 17);
  EXPECT_LE(std::abs(back.view().At(32, 16).red - kGrey.red), 2);
}

// Colours are kept at full resolution: one red pixel stays red.
TEST(JpegRowWriterTest, ChromaIsNotSubsampled) {
  Image image = GreyImage(16, 16);
  std::copy_n(std::begin({255, 0, 0}), 3, image.MutableRow(5) + 5 * 3);
  const Image back = Decoded(Jpeg(image, /*quality=*/100));
  EXPECT_GT(back.view().At(5, 5).red, 240);
  EXPECT_LT(back.view().At(5, 5).green, 20);
}

// What the encoder of other libjpeg users gives at the same settings.
TEST(JpegRowWriterTest, EqualsLibjpegBitForBit) {
  const Image image = MakeTestImage(67, 45);
  const Bytes expected =
      EncodeJpeg(image.view(), {.quality = 85, .subsample_chroma = false});
  const std::string bytes = Jpeg(image, 85);
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(bytes)), expected));
}

TEST(JpegRowWriterTest, RefusesWhatJpegCannotHold) {
  const Sink sink = [](std::string_view) { return OkStatus(); };
  const auto refusal = [&](const JpegSize& size) {
    return JpegRowWriter::Create(size, sink).status().message();
  };
  EXPECT_EQ(refusal({.width_px = 65'501, .height_px = 1}),
            "JPEG width = 65501: must be in [1, 65500]");
  EXPECT_EQ(refusal({.width_px = 1, .height_px = 0}),
            "JPEG height = 0: must be in [1, 65500]");
  EXPECT_EQ(refusal({.width_px = 1, .height_px = 1, .quality = 0}),
            "JPEG quality = 0: must be in [1, 100]");
}

TEST(JpegRowWriterTest, EveryRowIsWrittenOnce) {
  const Image image = GreyImage(8, 8);
  JpegRowWriter writer =
      JpegRowWriter::Create({.width_px = 8, .height_px = 9},
                            [](std::string_view) { return OkStatus(); })
          .value();
  EXPECT_EQ(writer.Finish().message(),
            "missing JPEG rows = 9: must be in [0, 0]");
  EXPECT_TRUE(writer.WriteRows(image.view()).ok());
  EXPECT_EQ(writer.WriteRows(image.view()).message(),
            "JPEG rows = 8: must be in [0, 1]");
  EXPECT_EQ(writer.WriteRows(image.view().Crop(0, 0, 7, 1)).message(),
            "width of JPEG rows = 7: must be in [8, 8]");
  EXPECT_TRUE(writer.WriteRows(image.view().Crop(0, 0, 8, 1)).ok());
  EXPECT_TRUE(writer.Finish().ok());
}

}  // namespace
}  // namespace cyto8
