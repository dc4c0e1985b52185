// SPDX-License-Identifier: Apache-2.0
// Tests of app/heatmap.h and app/png_encoder.h.
#include "app/heatmap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "app/png_encoder.h"
#include "base/version.h"
#include "tests/app/result_fixture.h"
#include "tiling/strict_png.h"

namespace cyto8 {
namespace {

SlideResult SlideOf(int64_t width_px, int64_t height_px) {
  SlideResult slide = TwoCells();
  slide.width_px = width_px;
  slide.height_px = height_px;
  slide.cells.clear();
  return slide;
}

void AddCell(SlideResult& slide, const Box& box, float score,
             int class_id = 2) {
  slide.cells.push_back({.box = box, .score = score, .class_id = class_id});
}

TEST(MakeHeatmapTest, ScalesSoThatTheLongerSideFits) {
  const auto scale = [](int64_t width_px, int64_t height_px) {
    const Heatmap map = MakeHeatmap(SlideOf(width_px, height_px), TwoClasses());
    EXPECT_EQ(map.values.size(),
              static_cast<size_t>(map.width_px * map.height_px));
    return std::vector<int64_t>{map.px_per_px, map.width_px, map.height_px};
  };
  EXPECT_EQ(scale(1, 1), (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(scale(1024, 7), (std::vector<int64_t>{1, 1024, 7}));
  EXPECT_EQ(scale(1025, 7), (std::vector<int64_t>{2, 513, 4}));
  EXPECT_EQ(scale(3, 2049), (std::vector<int64_t>{3, 1, 683}));
  EXPECT_EQ(scale(200'000, 200'000), (std::vector<int64_t>{196, 1021, 1021}));
}

TEST(MakeHeatmapTest, APixelIsSetWhereABoxSharesArea) {
  SlideResult slide = SlideOf(4096, 4);  // 4 px a pixel.
  AddCell(slide, {4, 0, 8, 4}, 1.0f);
  AddCell(slide, {15.9, 1, 16.1, 2}, 0.5f);
  AddCell(slide, {24, 0, 24, 4}, 0.4f);  // no area.
  const Heatmap map = MakeHeatmap(slide, TwoClasses());
  EXPECT_EQ(map.height_px, 1);
  EXPECT_EQ(std::vector<uint8_t>(map.values.begin(), map.values.begin() + 8),
            (std::vector<uint8_t>{0, 255, 0, 128, 128, 0, 0, 0}));
}

TEST(MakeHeatmapTest, ValuesAreStepsOfTheScore) {
  for (const auto& [score, value] :
       std::vector<std::pair<float, int>>{{0.0f, 1},
                                          {0.0039f, 1},
                                          {0.004f, 2},
                                          {0.5f, 128},
                                          {0.9999f, 254},
                                          {1.0f, 255}}) {
    SlideResult slide = SlideOf(1, 1);
    AddCell(slide, {0, 0, 1, 1}, score);
    EXPECT_EQ(MakeHeatmap(slide, TwoClasses()).values[0], value) << score;
  }
}

TEST(MakeHeatmapTest, BoxesPastTheImageAreCut) {
  SlideResult slide = SlideOf(3, 2);
  AddCell(slide, {-1e12, -1e12, 1, 1e12}, 1.0f);
  AddCell(slide, {2, 5, 9, 9}, 1.0f);
  AddCell(slide, {-9, -9, -1, -1}, 1.0f);
  EXPECT_EQ(MakeHeatmap(slide, TwoClasses()).values,
            (std::vector<uint8_t>{255, 0, 0, 255, 0, 0}));
}

TEST(MakeHeatmapTest, ShowsAbnormalClassesWhereTheCardNamesThem) {
  SlideResult slide = SlideOf(2, 1);
  AddCell(slide, {0, 0, 1, 1}, 1.0f, 1);
  AddCell(slide, {1, 0, 2, 1}, 1.0f, 2);
  ModelCard card = TwoClasses();
  EXPECT_EQ(MakeHeatmap(slide, card).values, (std::vector<uint8_t>{0, 255}));
  card.groups.clear();
  EXPECT_EQ(MakeHeatmap(slide, card).values, (std::vector<uint8_t>{255, 255}));
}

// Pixel by pixel and box by box, without any cleverness.
std::vector<uint8_t> SlowHeatmap(const SlideResult& slide, const Heatmap& map) {
  std::vector<uint8_t> values;
  const auto n = static_cast<double>(map.px_per_px);
  for (int64_t y = 0; y < map.height_px; ++y) {
    for (int64_t x = 0; x < map.width_px; ++x) {
      const Box square = {
          static_cast<double>(x) * n, static_cast<double>(y) * n,
          static_cast<double>(x + 1) * n, static_cast<double>(y + 1) * n};
      int value = 0;
      for (const Detection& cell : slide.cells) {
        if (IntersectionArea(square, cell.box) <= 0) continue;
        value =
            std::max(value, 1 + static_cast<int>(std::floor(
                                    254.0 * static_cast<double>(cell.score))));
      }
      values.push_back(static_cast<uint8_t>(value));
    }
  }
  return values;
}

TEST(MakeHeatmapTest, EqualsTheDefinition) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    SlideResult slide = SlideOf(1500 + 700 * (seed % 3), 40 + seed);
    for (int i = 0; i < 60; ++i) {
      const auto below = [&](uint32_t limit) {
        return static_cast<double>(random() % limit);
      };
      const double x = below(3000) - 50;
      const double y = below(90) - 20;
      AddCell(slide, {x, y, x + below(200) / 4, y + below(99) / 4},
              static_cast<float>(random() % 1000) / 1000);
    }
    std::sort(slide.cells.begin(), slide.cells.end(),
              [](const Detection& a, const Detection& b) {
                return DetectionBefore(a, b);
              });
    const Heatmap map = MakeHeatmap(slide, TwoClasses());
    EXPECT_EQ(map.values, SlowHeatmap(slide, map));
  }
}

// 1e5 boxes over the whole of 1e6 pixels must not cost 1e11 steps.
TEST(MakeHeatmapTest, ManyBoxesOverEverythingStayCheap) {
  SlideResult slide = SlideOf(1024, 64);
  for (int i = 0; i < 100'000; ++i) AddCell(slide, {0, 0, 1024, 64}, 0.5f);
  const Heatmap map = MakeHeatmap(slide, TwoClasses());
  EXPECT_EQ(std::count(map.values.begin(), map.values.end(), 128), 1024 * 64);
}

double Luminance(Rgb colour) {
  return 0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue;
}

TEST(HeatmapPaletteTest, GetsDarkerWithEveryStep) {
  const std::array<Rgb, 256> palette = HeatmapPalette();
  EXPECT_EQ(palette[0], (Rgb{255, 255, 255}));
  for (size_t i = 2; i < palette.size(); ++i) {
    EXPECT_LT(Luminance(palette[i]), Luminance(palette[i - 1])) << i;
  }
  EXPECT_EQ(palette[1], (Rgb{255, 247, 205}));
  EXPECT_EQ(palette[255], (Rgb{55, 0, 60}));
}

TEST(HeatmapPngTest, IsAPictureThatSaysWhatItIs) {
  SlideResult slide = SlideOf(2000, 1000);
  AddCell(slide, {100, 100, 200, 300}, 1.0f);
  const std::string png = HeatmapPng(slide, TwoClasses()).value();
  const Image image =
      DecodePng(std::as_bytes(std::span(png)), Limits()).value();
  EXPECT_EQ(image.width_px(), 1000);
  EXPECT_EQ(image.height_px(), 500);
  EXPECT_EQ(image.view().At(60, 100), HeatmapPalette()[255]);
  EXPECT_EQ(image.view().At(10, 10), (Rgb{255, 255, 255}));
  const auto holds = [&](std::string_view keyword, std::string_view text) {
    const std::string chunk =
        "tEXt" + std::string(keyword) + '\0' + std::string(text);
    return png.find(chunk) != std::string::npos;
  };
  EXPECT_TRUE(holds("Comment", kResearchNotice));
  EXPECT_TRUE(holds("cyto8:level0_px_per_px", "2"));
  EXPECT_TRUE(holds("cyto8:level0_size", "2000 x 1000"));
  EXPECT_TRUE(holds("cyto8:value", "highest score of abnormal classes"));
  EXPECT_NE(png.find("tRNS"), std::string::npos);
  EXPECT_EQ(png, HeatmapPng(slide, TwoClasses()).value());
}

TEST(EncodePngTest, RefusesSizesThatDoNotFit) {
  PalettePicture picture = {
      .width_px = 2, .height_px = 2, .pixels = {0, 1, 1}, .palette = {{}, {}}};
  EXPECT_EQ(EncodePng(picture).status().message(),
            "PNG pixels = 3: must be in [4, 4]");
  picture.pixels.push_back(0);
  EXPECT_TRUE(EncodePng(picture).ok());
  picture.palette.clear();
  EXPECT_EQ(EncodePng(picture).status().message(),
            "PNG colours = 0: must be in [1, 256]");
  picture.width_px = 0;
  EXPECT_EQ(EncodePng(picture).status().message(),
            "PNG width = 0: must be in [1, 65536]");
}

TEST(EncodePngTest, WhatLibpngRefusesIsAnError) {
  const PalettePicture picture = {.width_px = 1,
                                  .height_px = 1,
                                  .pixels = {0},
                                  .palette = {{}},
                                  .texts = {{std::string(80, 'k'), "text"}}};
  const auto png = EncodePng(picture);
  EXPECT_EQ(png.status().code(), StatusCode::kInternal);
  EXPECT_TRUE(png.status().message().starts_with("PNG: "))
      << png.status().message();
}

}  // namespace
}  // namespace cyto8
