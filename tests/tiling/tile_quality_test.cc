// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tile_quality.h: against its definition pixel by pixel, on
// edges of known width, and on the fields of data/fields sharp, blurred and
// stained anew.
#include "tiling/tile_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

Image Painted(int64_t width_px, int64_t height_px, Rgb colour) {
  Image image = Image::Create(width_px, height_px).value();
  image.Fill(colour);
  return image;
}

Image Mapped(const ImageView& src, uint8_t (*map)(uint8_t)) {
  Image image = Image::Create(src.width_px, src.height_px).value();
  for (int64_t y = 0; y < src.height_px; ++y) {
    std::transform(src.Row(y), src.Row(y) + src.width_px * kRgbChannels,
                   image.MutableRow(y), map);
  }
  return image;
}

// Means of 3 x 3 pixels, edges repeated.
Image SmoothedOnce(const ImageView& src) {
  Image image = Image::Create(src.width_px, src.height_px).value();
  for (int64_t y = 0; y < src.height_px; ++y) {
    for (int64_t i = 0; i < src.width_px * kRgbChannels; ++i) {
      int sum = 0;
      for (int64_t dy = -1; dy <= 1; ++dy) {
        const uint8_t* row =
            src.Row(std::clamp<int64_t>(y + dy, 0, src.height_px - 1));
        for (const int64_t dx : {-kRgbChannels, int64_t{0}, kRgbChannels}) {
          const bool inside =
              i + dx >= 0 && i + dx < src.width_px * kRgbChannels;
          sum += row[inside ? i + dx : i];
        }
      }
      image.MutableRow(y)[i] = static_cast<uint8_t>((sum + 4) / 9);
    }
  }
  return image;
}

// Each round adds a variance of 2/3 px: 12 rounds make sigma 2.8 px.
Image Smoothed(const ImageView& src, int rounds) {
  Image image = SmoothedOnce(src);
  for (int i = 1; i < rounds; ++i) image = SmoothedOnce(image.view());
  return image;
}

// The definition, pixel by pixel.
struct Focus {
  double edge_share = 0;
  double edge_width_px = 0;
};

Focus FocusByDefinition(const ImageView& pixels) {
  const int64_t width = pixels.width_px / 2;
  const int64_t height = pixels.height_px / 2;
  if (width < 3 || height < 3) return {};
  const auto half = [&](int64_t x, int64_t y) {
    int64_t sum = 2;
    for (int64_t i = 0; i < 4; ++i) {
      sum += pixels.At(2 * x + i % 2, 2 * y + i / 2).green;
    }
    return sum / 4;
  };
  int64_t edges = 0;
  int64_t gradient = 0;
  int64_t curvature = 0;
  for (int64_t y = 1; y < height - 1; ++y) {
    for (int64_t x = 1; x < width - 1; ++x) {
      const int64_t gx = half(x + 1, y) - half(x - 1, y);
      const int64_t gy = half(x, y + 1) - half(x, y - 1);
      if (gx * gx + gy * gy < 400) continue;
      const int64_t lx = half(x + 1, y) + half(x - 1, y) - 2 * half(x, y);
      const int64_t ly = half(x, y + 1) + half(x, y - 1) - 2 * half(x, y);
      ++edges;
      gradient += gx * gx + gy * gy;
      curvature += lx * lx + ly * ly;
    }
  }
  if (edges == 0) return {};
  return {
      .edge_share = static_cast<double>(edges) /
                    static_cast<double>((width - 2) * (height - 2)),
      .edge_width_px = 2 * std::sqrt(static_cast<double>(gradient) /
                                     static_cast<double>(
                                         8 * std::max<int64_t>(curvature, 1)))};
}

Image RandomImage(int64_t width_px, int64_t height_px, std::mt19937& random) {
  Image image = Image::Create(width_px, height_px).value();
  for (int64_t y = 0; y < height_px; ++y) {
    uint8_t* row = image.MutableRow(y);
    for (int64_t i = 0; i < width_px * kRgbChannels; ++i) {
      row[i] = static_cast<uint8_t>(random() >> 24);
    }
  }
  return image;
}

TEST(TileQualityTest, FocusIsItsDefinitionForEverySmallSize) {
  const uint32_t seed = 20261122;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto check = [&](int64_t width, int64_t height) {
    const Image image = RandomImage(width, height, random);
    const TileQuality quality = MeasureTileQuality(image.view());
    const Focus expected = FocusByDefinition(image.view());
    EXPECT_EQ(quality.edge_share, expected.edge_share) << width << height;
    EXPECT_EQ(quality.edge_width_px, expected.edge_width_px) << width << height;
  };
  for (int64_t height = 1; height <= 14; ++height) {
    for (int64_t width = 1; width <= 14; ++width) check(width, height);
  }
  check(97, 61);
  check(4219, 6);  // more than two chunks of sums.
  check(2052, 7);
}

TEST(TileQualityTest, AnEmptyViewHasNoFlags) {
  EXPECT_EQ(MeasureTileQuality({}).flags, 0);
}

// A vertical edge blurred by a Gaussian.
Image StepOf(double sigma_px, int low, int high) {
  Image image = Image::Create(128, 64).value();
  for (int64_t x = 0; x < 128; ++x) {
    const double place = (static_cast<double>(x) - 63.5) / sigma_px;
    const double level =
        low + (high - low) * 0.5 * (1 + std::erf(place / std::sqrt(2.0)));
    for (int64_t y = 0; y < 64; ++y) {
      std::fill_n(image.MutableRow(y) + x * kRgbChannels, kRgbChannels,
                  static_cast<uint8_t>(std::lround(level)));
    }
  }
  return image;
}

TEST(TileQualityTest, TheWidthOfAnEdgeIsItsSigmaWhateverItsHeight) {
  for (const double sigma_px : {2.0, 3.0, 4.0}) {
    for (const int low : {20, 120}) {
      const double width =
          MeasureTileQuality(StepOf(sigma_px, low, 240).view()).edge_width_px;
      EXPECT_NEAR(width, sigma_px * 1.13, sigma_px * 0.13)
          << sigma_px << " " << low;
    }
  }
}

TEST(TileQualityTest, EmptyGlassIsNeitherSharpNorBlurredNorPale) {
  std::mt19937 random(7);
  Image glass = Painted(768, 768, {.red = 238, .green = 240, .blue = 244});
  EXPECT_EQ(MeasureTileQuality(glass.view()).flags, 0);
  for (int64_t y = 0; y < 768; ++y) {
    uint8_t* row = glass.MutableRow(y);
    for (int64_t i = 0; i < 768 * kRgbChannels; ++i) {
      row[i] = static_cast<uint8_t>(row[i] + random() % 11 - 5);
    }
  }
  const TileQuality quality = MeasureTileQuality(glass.view());
  EXPECT_EQ(quality.flags, 0);
  EXPECT_EQ(quality.saturation, 0);
}

TEST(TileQualityTest, LittleLightIsTooDark) {
  const auto dark = [](uint8_t level) {
    return MeasureTileQuality(
               Painted(64, 64, {.red = level, .green = level, .blue = level})
                   .view())
        .Has(kTooDark);
  };
  EXPECT_TRUE(dark(0));
  EXPECT_TRUE(dark(159));
  EXPECT_FALSE(dark(160));
}

TEST(TileQualityTest, LevelsAreThoseOfTheSampledGreen) {
  Image image = Painted(400, 400, {.red = 1, .green = 200, .blue = 1});
  // 10,000 pixels are sampled; 10 of them are 1 in 1000.
  for (int64_t i = 0; i < 10; ++i) image.MutableRow(0)[4 * i * 3 + 1] = 30;
  EXPECT_EQ(MeasureTileQuality(image.view()).dark_level, 30);
  image.MutableRow(0)[1] = 200;
  EXPECT_EQ(MeasureTileQuality(image.view()).dark_level, 200);
  EXPECT_EQ(MeasureTileQuality(image.view()).median_level, 200);
  EXPECT_EQ(MeasureTileQuality(image.view()).bright_level, 200);
}

// Glass of which the upper part has a colour.
TileQuality WithColour(Rgb colour, int64_t rows) {
  Image image = Painted(100, 100, {.red = 240, .green = 240, .blue = 240});
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < 100; ++x) {
      uint8_t* pixel = image.MutableRow(y) + x * kRgbChannels;
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
  return MeasureTileQuality(image.view());
}

TEST(TileQualityTest, PensAreArtefacts) {
  for (const Rgb pen : {Rgb{20, 140, 60}, Rgb{30, 40, 160}, Rgb{220, 40, 50},
                        Rgb{200, 60, 190}}) {
    EXPECT_FALSE(WithColour(pen, 4).Has(kArtefact)) << int{pen.red};
    EXPECT_TRUE(WithColour(pen, 8).Has(kArtefact)) << int{pen.red};
    EXPECT_EQ(WithColour(pen, 100).pen_share, 1) << int{pen.red};
  }
}

TEST(TileQualityTest, CellsAreNoPens) {
  // Cyanophil, eosinophil and orange cytoplasm, nucleus.
  for (const Rgb stain : {Rgb{90, 160, 170}, Rgb{230, 130, 120},
                          Rgb{215, 140, 50}, Rgb{60, 40, 90}}) {
    EXPECT_EQ(WithColour(stain, 100).pen_share, 0) << int{stain.red};
    EXPECT_FALSE(WithColour(stain, 60).Has(kArtefact)) << int{stain.red};
  }
}

TEST(TileQualityTest, MuchDarkGreyIsAnArtefactUnlessThereIsNoLight) {
  const Rgb grey = {.red = 60, .green = 62, .blue = 66};
  EXPECT_FALSE(WithColour(grey, 24).Has(kArtefact));
  EXPECT_TRUE(WithColour(grey, 28).Has(kArtefact));
  EXPECT_EQ(WithColour(grey, 100).flags, kTooDark);
}

TEST(TileQualityTest, SaturationIsThatOfStainedPixels) {
  EXPECT_EQ(WithColour({.red = 190, .green = 100, .blue = 130}, 52).saturation,
            90);
}

// 256 px of the middle of each field.
std::vector<Image> Fields() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::string(CYTO8_SOURCE_DIR) + "/data/fields")) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<Image> fields;
  for (const std::string& path : paths) {
    const Image field = ReadImage(RealFileSystem(), path, {}).value();
    fields.push_back(Mapped(field.view().Crop(460, 320, 256, 256),
                            [](uint8_t level) { return level; }));
  }
  return fields;
}

TEST(TileQualityTest, FieldsAreInFocusAndBlurredOnesAreNot) {
  const std::vector<Image> fields = Fields();
  ASSERT_EQ(fields.size(), 4);
  for (const Image& field : fields) {
    const TileQuality sharp = MeasureTileQuality(field.view());
    EXPECT_EQ(sharp.flags, kInFocus) << sharp.edge_width_px;
    const TileQuality blurred =
        MeasureTileQuality(Smoothed(field.view(), 12).view());
    EXPECT_EQ(blurred.flags, kBlurred) << blurred.edge_width_px;
  }
}

TEST(TileQualityTest, WeakStainIsPaleAndWeakLightDarkButBothInFocus) {
  int pale = 0;
  for (const Image& field : Fields()) {
    const TileQuality weak =
        MeasureTileQuality(Mapped(field.view(), [](uint8_t level) {
                             return static_cast<uint8_t>(std::lround(
                                 255 * std::sqrt(std::sqrt(level / 255.0))));
                           }).view());
    EXPECT_TRUE(weak.Has(kInFocus));
    pale += weak.Has(kPale) ? 1 : 0;
    const TileQuality dim =
        MeasureTileQuality(Mapped(field.view(), [](uint8_t level) {
                             return static_cast<uint8_t>(level / 2);
                           }).view());
    EXPECT_TRUE(dim.Has(kTooDark));
    EXPECT_TRUE(dim.Has(kInFocus));
  }
  EXPECT_EQ(pale, 4);
}

}  // namespace
}  // namespace cyto8
