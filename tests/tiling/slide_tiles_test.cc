// SPDX-License-Identifier: Apache-2.0
// Tiles of made-up slides: their pixels and where they lie.
#include "tiling/slide_tiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/tiling/made_up_slide.h"

namespace cyto8 {
namespace {

// Brightness grows with the place on level 0: 2 a pixel to the right in red, 2
// a pixel down in green.
Rgb Slope(const BlockId& block, int64_t x, int64_t y) {
  const int64_t step = block.reduction << block.level;
  const auto at = [&](int64_t place) {
    return static_cast<uint8_t>(place * step * 2 + step - 1);
  };
  return {at(x), at(y), 0};
}

std::unique_ptr<SlideTiles> Tiles(SlideReader& slide, double um_per_px,
                                  double target) {
  auto tiles = SlideTiles::Create(
      slide, {.um_per_px = um_per_px, .target_um_per_px = target});
  EXPECT_TRUE(tiles.ok()) << tiles.status().message();
  return std::move(*tiles);
}

// What Slope says of the pixels equals where PlacementOf says that they are.
void ExpectPlaced(SlideTiles& tiles, const Tile& tile, double tolerance) {
  const StatusOr<Image> image = tiles.Read(tile);
  ASSERT_TRUE(image.ok()) << image.status().message();
  ASSERT_EQ(image->width_px(), tile.width_px);
  ASSERT_EQ(image->height_px(), tile.height_px);
  const SlidePlacement at = tiles.PlacementOf(tile);
  for (int64_t y = 0; y < tile.height_px; ++y) {
    for (int64_t x = 0; x < tile.width_px; ++x) {
      const Rgb pixel = image->view().At(x, y);
      const double middle_x =
          at.x_px + (static_cast<double>(x) + 0.5) * at.scale_x;
      const double middle_y =
          at.y_px + (static_cast<double>(y) + 0.5) * at.scale_y;
      ASSERT_NEAR(pixel.red, 2 * middle_x - 1, tolerance) << x << ", " << y;
      ASSERT_NEAR(pixel.green, 2 * middle_y - 1, tolerance) << x << ", " << y;
    }
  }
}

TEST(SlideTilesTest, PixelsAsTheyAreLieWhereTheyAreSaidTo) {
  MadeUpSlide slide(100, 60, Slope);
  struct Case {
    double target;
    int64_t width_px, height_px;
  };
  // The file's level 0, its level 1, and that halved while it is decoded.
  for (const Case& c :
       {Case{0.25, 100, 60}, Case{0.5, 50, 30}, Case{1, 25, 15}}) {
    const auto tiles = Tiles(slide, 0.25, c.target);
    EXPECT_FALSE(tiles->choice().resample);
    EXPECT_EQ(tiles->width_px(), c.width_px);
    EXPECT_EQ(tiles->height_px(), c.height_px);
    ExpectPlaced(*tiles, {0, 0, c.width_px, c.height_px}, 0);
    ExpectPlaced(*tiles, {7, 3, 11, 9}, 0);
  }
}

TEST(SlideTilesTest, ResampledTilesLieWhereTheyAreSaidTo) {
  MadeUpSlide slide(100, 60, Slope);
  for (const double um_per_px : {0.3, 0.35, 0.41, 0.45}) {
    const auto tiles = Tiles(slide, um_per_px, 0.5);
    EXPECT_TRUE(tiles->choice().resample);
    EXPECT_EQ(tiles->width_px(), std::llround(100 * um_per_px / 0.5));
    EXPECT_EQ(tiles->height_px(), std::llround(60 * um_per_px / 0.5));
    for (int64_t x = 0; x + 13 <= tiles->width_px(); x += 5) {
      for (int64_t y = 0; y + 8 <= tiles->height_px(); y += 7) {
        ExpectPlaced(*tiles, {x, y, 13, 8}, 1);  // rounding of the bytes.
      }
    }
    ExpectPlaced(*tiles, {0, 0, tiles->width_px(), tiles->height_px()}, 1);
    const Tile corner = {tiles->width_px() - 1, tiles->height_px() - 1, 1, 1};
    ExpectPlaced(*tiles, corner, 1);
  }
}

TEST(SlideTilesTest, ASlideCoarserThanTheTargetIsEnlarged) {
  MadeUpSlide slide(40, 24, Slope);
  const auto tiles = Tiles(slide, 1, 0.5);
  EXPECT_TRUE(tiles->choice().resample);
  EXPECT_EQ(tiles->width_px(), 80);
  const SlidePlacement at = tiles->PlacementOf({20, 10, 16, 16});
  EXPECT_EQ(at.x_px, 10);
  EXPECT_EQ(at.y_px, 5);
  EXPECT_EQ(at.scale_x, 0.5);
  EXPECT_EQ(at.scale_y, 0.5);
  EXPECT_TRUE(tiles->Read({20, 10, 16, 16}).ok());
}

TEST(SlideTilesTest, DamageAndHolesConcernTheirTilesOnly) {
  MadeUpSlide slide(64, 8, Slope);
  slide.damaged = {{1, 0}};
  slide.missing = {{3, 0}};
  const auto tiles = Tiles(slide, 0.25, 0.25);
  EXPECT_TRUE(tiles->Read({0, 0, 16, 8}).ok());
  EXPECT_EQ(tiles->Read({8, 0, 16, 8}).status().message(),
            "block 1, 0: damaged");
  EXPECT_TRUE(tiles->Read({32, 0, 32, 8}).ok());
  EXPECT_TRUE(tiles->HasPixels({40, 0, 16, 8}));
  EXPECT_FALSE(tiles->HasPixels({48, 0, 16, 8}));
}

TEST(SlideTilesTest, RefusesAScaleThatIsNone) {
  MadeUpSlide slide(64, 8, Slope);
  EXPECT_EQ(
      SlideTiles::Create(slide, {.target_um_per_px = 0.5}).status().message(),
      "um/px = 0: must be in [0.001, 1000]");
}

}  // namespace
}  // namespace cyto8
