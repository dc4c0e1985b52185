// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tissue_mask.h on slides painted at 1/32, and on the fields of
// data/fields put on empty glass.
#include "tiling/tissue_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "eval/read_coco.h"
#include "tiling/image_reader.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

constexpr int64_t kReduction = 32;
constexpr Rgb kGlass = {.red = 236, .green = 240, .blue = 233};
constexpr Rgb kWhite = {.red = 255, .green = 255, .blue = 255};

Image Painted(int64_t width_px, int64_t height_px, Rgb colour) {
  Image image = Image::Create(width_px, height_px).value();
  image.Fill(colour);
  return image;
}

void Paint(const Tile& area, Rgb colour, Image& image) {
  for (int64_t y = area.y_px; y < area.y_px + area.height_px; ++y) {
    uint8_t* pixel = image.MutableRow(y) + area.x_px * kRgbChannels;
    for (int64_t x = 0; x < area.width_px; ++x) {
      *pixel++ = colour.red;
      *pixel++ = colour.green;
      *pixel++ = colour.blue;
    }
  }
}

ReducedSides SidesOf(const Image& image, int64_t reduction) {
  return {.full_width_px = image.width_px() * reduction,
          .full_height_px = image.height_px() * reduction,
          .width_px = image.width_px(),
          .height_px = image.height_px()};
}

TissueMask MaskOf(const Image& image, int64_t reduction = kReduction,
                  const TissueMaskOptions& options = {}) {
  TissueMaskBuilder builder =
      TissueMaskBuilder::Create(SidesOf(image, reduction), options).value();
  EXPECT_TRUE(builder.Add(image.view(), 0, 0).ok());
  return builder.Build();
}

// All of the slide, in level-0 pixels.
Tile AllOf(const Image& image, int64_t reduction = kReduction) {
  return {.x_px = 0,
          .y_px = 0,
          .width_px = image.width_px() * reduction,
          .height_px = image.height_px() * reduction};
}

bool SameMask(const TissueMask& a, const TissueMask& b) {
  if (a.columns() != b.columns() || a.rows() != b.rows()) return false;
  for (int64_t row = 0; row < a.rows(); ++row) {
    for (int64_t column = 0; column < a.columns(); ++column) {
      if (a.IsTissue(column, row) != b.IsTissue(column, row)) return false;
    }
  }
  return true;
}

// Glass with noise and a few hundred stains.
Image RandomSlide(std::mt19937& random) {
  Image image = Painted(96, 80, kGlass);
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(bound));
  };
  for (int64_t y = 0; y < image.height_px(); ++y) {
    uint8_t* row = image.MutableRow(y);
    for (int64_t i = 0; i < image.width_px() * kRgbChannels; ++i) {
      row[i] = static_cast<uint8_t>(row[i] + below(5) - 2);
    }
  }
  for (int i = 0; i < 30; ++i) {
    Paint({.x_px = below(94), .y_px = below(78), .width_px = 2, .height_px = 2},
          {.red = 150, .green = 90, .blue = 160}, image);
  }
  return image;
}

TEST(TissueMaskTest, EmptyGlassIsBackgroundWhateverItsTint) {
  for (const Rgb glass : {kGlass, kWhite, Rgb{201, 221, 225},
                          Rgb{250, 240, 210}, Rgb{160, 165, 170}}) {
    const Image slide = Painted(100, 70, glass);
    const TissueMask mask = MaskOf(slide);
    EXPECT_TRUE(mask.IsBackground(AllOf(slide))) << int{glass.red};
    EXPECT_EQ(mask.tissue_share(), 0);
  }
}

TEST(TissueMaskTest, WhatNobodyGaveIsBackground) {
  const TissueMaskBuilder builder =
      TissueMaskBuilder::Create(SidesOf(Painted(64, 64, kGlass), kReduction))
          .value();
  EXPECT_TRUE(builder.Build().IsBackground(
      {.x_px = 0, .y_px = 0, .width_px = 2048, .height_px = 2048}));
}

TEST(TissueMaskTest, WhiteFillDoesNotHideThatTheGlassIsDarker) {
  Image slide = Painted(128, 64, {.red = 214, .green = 220, .blue = 222});
  Paint({.x_px = 32, .y_px = 0, .width_px = 96, .height_px = 64}, kWhite,
        slide);
  EXPECT_TRUE(MaskOf(slide).IsBackground(AllOf(slide)));
}

TEST(TissueMaskTest, DarkOrColouredFlatAreasAreNotGlass) {
  for (const Rgb colour :
       {Rgb{0, 0, 0}, Rgb{120, 120, 120}, Rgb{230, 160, 170}}) {
    const Image slide = Painted(64, 64, colour);
    EXPECT_EQ(MaskOf(slide).tissue_share(), 1) << int{colour.green};
  }
}

TEST(TissueMaskTest, ASinglePaleBlockAnywhereIsSeen) {
  Image slide = Painted(24, 20, kGlass);
  // 11 levels in one channel: one more than the contrast.
  const Rgb pale = {.red = 236, .green = 229, .blue = 233};
  for (int64_t y = 0; y < slide.height_px(); ++y) {
    for (int64_t x = 0; x < slide.width_px(); ++x) {
      const Tile one = {.x_px = x, .y_px = y, .width_px = 1, .height_px = 1};
      Paint(one, pale, slide);
      const TissueMask mask = MaskOf(slide, kReduction, {.margin_px = 0});
      EXPECT_FALSE(mask.IsBackground({.x_px = x * kReduction + 31,
                                      .y_px = y * kReduction,
                                      .width_px = 1,
                                      .height_px = 1}))
          << x << " " << y;
      EXPECT_EQ(mask.tissue_share(), 1.0 / 30);
      Paint(one, kGlass, slide);
    }
  }
}

TEST(TissueMaskTest, AContrastOfTenIsStillBackground) {
  Image slide = Painted(24, 20, kGlass);
  Paint({.x_px = 9, .y_px = 9, .width_px = 2, .height_px = 1},
        {.red = 226, .green = 230, .blue = 223}, slide);
  EXPECT_EQ(MaskOf(slide).tissue_share(), 0);
  EXPECT_GT(MaskOf(slide, kReduction, {.contrast = 9}).tissue_share(), 0);
}

TEST(TissueMaskTest, AFlatPaleCellLargerThanAMaskCellIsSeen) {
  Image slide = Painted(128, 128, kGlass);
  Paint({.x_px = 40, .y_px = 40, .width_px = 12, .height_px = 12},
        {.red = 224, .green = 232, .blue = 228}, slide);
  const TissueMask mask = MaskOf(slide);
  for (int64_t row = 10; row < 13; ++row) {
    for (int64_t column = 10; column < 13; ++column) {
      EXPECT_TRUE(mask.IsTissue(column, row));
    }
  }
  EXPECT_EQ(mask.tissue_share(), 9.0 / (32 * 32));
}

TEST(TissueMaskTest, TheMarginReachesIntoTheNeighbour) {
  Image slide = Painted(64, 64, kGlass);
  Paint({.x_px = 16, .y_px = 16, .width_px = 1, .height_px = 1}, {}, slide);
  // The stained cell is [512, 640) along both axes.
  const TissueMask mask = MaskOf(slide, kReduction, {.margin_px = 64});
  const auto tile = [](int64_t x, int64_t y) {
    return Tile{.x_px = x, .y_px = y, .width_px = 100, .height_px = 100};
  };
  EXPECT_TRUE(mask.IsBackground(tile(348, 512)));
  EXPECT_FALSE(mask.IsBackground(tile(349, 512)));
  EXPECT_FALSE(mask.IsBackground(tile(703, 512)));
  EXPECT_TRUE(mask.IsBackground(tile(704, 512)));
  EXPECT_FALSE(mask.IsBackground(tile(512, 349)));
  EXPECT_TRUE(mask.IsBackground(tile(512, 704)));
}

TEST(TissueMaskTest, OutsideOfTheSlideIsBackground) {
  const Image slide = Painted(8, 8, {});
  const TissueMask mask = MaskOf(slide);
  EXPECT_TRUE(mask.IsBackground(
      {.x_px = 321, .y_px = 0, .width_px = 5, .height_px = 5}));
  EXPECT_TRUE(mask.IsBackground(
      {.x_px = -900, .y_px = -900, .width_px = 5, .height_px = 5}));
  EXPECT_FALSE(mask.IsBackground(
      {.x_px = -900, .y_px = -900, .width_px = 9000, .height_px = 9000}));
}

TEST(TissueMaskTest, LightMayFadeAcrossTheSlide) {
  Image slide = Painted(640, 64, kGlass);
  for (int64_t x = 0; x < 640; ++x) {
    const auto less = static_cast<uint8_t>(x / 32);  // 20 levels in all.
    Paint({.x_px = x, .y_px = 0, .width_px = 1, .height_px = 64},
          {.red = static_cast<uint8_t>(kGlass.red - less),
           .green = static_cast<uint8_t>(kGlass.green - less),
           .blue = static_cast<uint8_t>(kGlass.blue - less)},
          slide);
  }
  EXPECT_EQ(MaskOf(slide).tissue_share(), 0);
}

TEST(TissueMaskTest, PiecesInAnyOrderGiveTheSameMask) {
  const uint32_t seed = 20261122;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    const Image slide = RandomSlide(random);
    // At 1/32 a block is a pixel, so any cut will do.
    TissueMaskBuilder builder =
        TissueMaskBuilder::Create(SidesOf(slide, kReduction)).value();
    std::vector<int64_t> rows(static_cast<size_t>(slide.height_px()));
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = std::ssize(rows) - 1 - y;
    std::shuffle(rows.begin(), rows.end(), random);
    for (const int64_t y : rows) {
      const int64_t cut = 1 + static_cast<int64_t>(random() % 95);
      ASSERT_TRUE(
          builder.Add(slide.view().Crop(cut, y, 96 - cut, 1), cut, y).ok());
      ASSERT_TRUE(builder.Add(slide.view().Crop(0, y, cut, 1), 0, y).ok());
    }
    const TissueMask whole = MaskOf(slide);
    EXPECT_TRUE(SameMask(builder.Build(), whole));
    EXPECT_GT(whole.tissue_share(), 0);
    EXPECT_LT(whole.tissue_share(), 0.5);
  }
}

TEST(TissueMaskTest, OddReductionsCoverTheSlideToItsEdge) {
  for (const int64_t full_px : {999, 1000, 1001, 3203}) {
    for (const int64_t reduced_px : {(full_px + 31) / 32, full_px / 20 + 1}) {
      Image slide = Painted(reduced_px, reduced_px, kGlass);
      Paint({.x_px = reduced_px - 1,
             .y_px = reduced_px - 1,
             .width_px = 1,
             .height_px = 1},
            {}, slide);
      TissueMaskBuilder builder =
          TissueMaskBuilder::Create({.full_width_px = full_px,
                                     .full_height_px = full_px,
                                     .width_px = reduced_px,
                                     .height_px = reduced_px})
              .value();
      ASSERT_TRUE(builder.Add(slide.view(), 0, 0).ok());
      EXPECT_FALSE(builder.Build().IsBackground({.x_px = full_px - 1,
                                                 .y_px = full_px - 1,
                                                 .width_px = 1,
                                                 .height_px = 1}))
          << full_px << " " << reduced_px;
    }
  }
}

TEST(PromiseP7, TenGigapixelsNeedFourMegabytesOfMask) {
  const TissueMaskBuilder builder =
      TissueMaskBuilder::Create({.full_width_px = 100'000,
                                 .full_height_px = 100'000,
                                 .width_px = 3125,
                                 .height_px = 3125})
          .value();
  EXPECT_EQ(builder.held_bytes(), 782 * 782 * 6);
}

std::string CreateMessage(const ReducedSides& sides,
                          const TissueMaskOptions& options = {}) {
  const Status status = TissueMaskBuilder::Create(sides, options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

ReducedSides Sides(int64_t full_width, int64_t full_height, int64_t width,
                   int64_t height) {
  return {.full_width_px = full_width,
          .full_height_px = full_height,
          .width_px = width,
          .height_px = height};
}

TEST(TissueMaskTest, RefusesSidesThatDoNotFit) {
  EXPECT_EQ(CreateMessage(Sides(0, 100, 1, 10)),
            "full_width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(CreateMessage(Sides(100, 1'000'001, 1, 10)),
            "full_height_px = 1000001: must be in [1, 1000000]");
  EXPECT_EQ(CreateMessage(Sides(3600, 3600, 99, 100)),
            "width_px = 99: must be in [100, 3600]");
  EXPECT_EQ(CreateMessage(Sides(3600, 3600, 100, 3601)),
            "height_px = 3601: must be in [100, 3600]");
  EXPECT_EQ(CreateMessage(Sides(100, 100, 0, 10)),
            "width_px = 0: must be in [2, 100]");
}

TEST(TissueMaskTest, RefusesOptionsOutOfRange) {
  const ReducedSides sides = Sides(3200, 3200, 100, 100);
  EXPECT_EQ(CreateMessage(sides, {.block_px = 0}),
            "block_px = 0: must be in [1, 1024]");
  EXPECT_EQ(CreateMessage(sides, {.contrast = 65}),
            "contrast = 65: must be in [1, 64]");
  EXPECT_EQ(CreateMessage(sides, {.margin_px = -1}),
            "margin_px = -1: must be in [0, 1000000]");
}

TEST(TissueMaskTest, RefusesPixelsThatLieOutside) {
  const Image image = Painted(10, 10, kGlass);
  TissueMaskBuilder builder =
      TissueMaskBuilder::Create(Sides(320, 320, 10, 10)).value();
  EXPECT_EQ(builder.Add(image.view(), -1, 0).message(),
            "x_px = -1: must be in [0, 10]");
  EXPECT_EQ(builder.Add(image.view(), 0, 11).message(),
            "y_px = 11: must be in [0, 10]");
  EXPECT_EQ(builder.Add(image.view(), 1, 0).message(),
            "width_px = 10: must be in [0, 9]");
  EXPECT_EQ(builder.Add(image.view(), 0, 1).message(),
            "height_px = 10: must be in [0, 9]");
}

// A field of data/fields in the middle of glass of its own colour.
struct FieldOnGlass {
  Image slide;
  std::vector<Tile> nuclei;  // the 16 px around the middle of each box.
};

constexpr int64_t kAroundPx = 1536;

FieldOnGlass PlaceField(const TruthSet& truth, const EvalImage& image) {
  const std::string folder = std::string(CYTO8_SOURCE_DIR) + "/data/fields/";
  const Image field =
      ReadImage(RealFileSystem(), folder + image.file_name, {}).value();
  // Its brightest pixel for the glass: the hardest case of uneven light.
  const Image small = ResampleArea(field.view(), 37, 29).value();
  Rgb glass;
  for (int64_t i = 0; i < 37 * 29; ++i) {
    const Rgb colour = small.view().At(i % 37, i / 37);
    if (colour.green > glass.green) glass = colour;
  }
  FieldOnGlass placed = {
      .slide = Painted(field.width_px() + 2 * kAroundPx,
                       field.height_px() + 2 * kAroundPx, glass),
      .nuclei = {}};
  for (int64_t y = 0; y < field.height_px(); ++y) {
    std::copy_n(
        field.view().Row(y), field.width_px() * kRgbChannels,
        placed.slide.MutableRow(kAroundPx + y) + kAroundPx * kRgbChannels);
  }
  for (const TruthBox& truth_box : truth.boxes) {
    if (truth_box.image_id != image.id) continue;
    const EvalBox& box = truth_box.box;
    placed.nuclei.push_back(
        {.x_px = kAroundPx + static_cast<int64_t>(box.x + box.width / 2) - 8,
         .y_px = kAroundPx + static_cast<int64_t>(box.y + box.height / 2) - 8,
         .width_px = 16,
         .height_px = 16});
  }
  return placed;
}

TEST(TissueMaskTest, EveryLabelledCellIsKeptAndGlassIsNot) {
  std::ifstream in(std::string(CYTO8_SOURCE_DIR) + "/data/fields/fields.json",
                   std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const TruthSet truth =
      ParseCocoTruth(std::as_bytes(std::span(text)), {}, TruthRules::kStrict)
          .value()
          .truth;
  ASSERT_EQ(truth.images.size(), 4);
  for (const EvalImage& image : truth.images) {
    const FieldOnGlass field = PlaceField(truth, image);
    ASSERT_FALSE(field.nuclei.empty());
    for (const int64_t reduction : {8, 32}) {
      const int64_t width =
          (field.slide.width_px() + reduction / 2) / reduction;
      const int64_t height =
          (field.slide.height_px() + reduction / 2) / reduction;
      const Image small =
          ResampleArea(field.slide.view(), width, height).value();
      TissueMaskBuilder builder =
          TissueMaskBuilder::Create(Sides(field.slide.width_px(),
                                          field.slide.height_px(), width,
                                          height))
              .value();
      ASSERT_TRUE(builder.Add(small.view(), 0, 0).ok());
      const TissueMask mask = builder.Build();
      EXPECT_FALSE(std::ranges::any_of(field.nuclei, [&](const Tile& nucleus) {
        return mask.IsBackground(nucleus);
      })) << image.file_name;
      EXPECT_TRUE(mask.IsBackground({.x_px = 0,
                                     .y_px = 0,
                                     .width_px = field.slide.width_px(),
                                     .height_px = kAroundPx - 192}))
          << image.file_name;
    }
  }
}

}  // namespace
}  // namespace cyto8
