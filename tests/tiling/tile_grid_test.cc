// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tile_grid.h: every small image, tile and overlap is covered
// without a gap, and what is out of range is refused by name.
#include "tiling/tile_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

TileGridOptions Square(int64_t tile_px, int64_t overlap_px) {
  return {.tile_width_px = tile_px,
          .tile_height_px = tile_px,
          .overlap_px = overlap_px};
}

TileGrid MakeGrid(int64_t width_px, int64_t height_px,
                  const TileGridOptions& options) {
  return TileGrid::Create(width_px, height_px, options).value();
}

std::vector<Tile> TilesOf(const TileGrid& grid) {
  std::vector<Tile> tiles;
  for (int64_t i = 0; i < grid.size(); ++i) tiles.push_back(grid.At(i));
  return tiles;
}

std::string CreateMessage(int64_t width_px, int64_t height_px,
                          const TileGridOptions& options,
                          const Limits& limits = {}) {
  const Status status =
      TileGrid::Create(width_px, height_px, options, limits).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

TEST(TileGridTest, ImageSmallerThanATileIsOnePaddedTile) {
  const TileGrid grid = MakeGrid(602, 480, {});
  EXPECT_EQ(TilesOf(grid),
            (std::vector<Tile>{
                {.x_px = 0, .y_px = 0, .width_px = 602, .height_px = 480}}));
}

TEST(TileGridTest, ImageAsLargeAsATileIsOneTile) {
  EXPECT_EQ(MakeGrid(768, 768, {}).size(), 1);
  EXPECT_EQ(MakeGrid(769, 768, {}).size(), 2);
  EXPECT_EQ(MakeGrid(768, 769, {}).size(), 2);
}

TEST(TileGridTest, TheLastTileIsShiftedBackInside) {
  const TileGrid grid = MakeGrid(25, 10, Square(10, 2));
  EXPECT_EQ(grid.columns(), 3);
  EXPECT_EQ(grid.rows(), 1);
  EXPECT_EQ(grid.At(0).x_px, 0);
  EXPECT_EQ(grid.At(1).x_px, 8);
  EXPECT_EQ(grid.At(2).x_px, 15);
  EXPECT_EQ(grid.At(2).width_px, 10);
}

TEST(TileGridTest, TilesComeRowByRow) {
  const TileGrid grid = MakeGrid(20, 30, Square(10, 0));
  EXPECT_EQ(grid.columns(), 2);
  EXPECT_EQ(grid.rows(), 3);
  EXPECT_EQ(grid.At(1),
            (Tile{.x_px = 10, .y_px = 0, .width_px = 10, .height_px = 10}));
  EXPECT_EQ(grid.At(2),
            (Tile{.x_px = 0, .y_px = 10, .width_px = 10, .height_px = 10}));
}

TEST(TileGridTest, TilesNeedNotBeSquare) {
  const TileGrid grid = MakeGrid(
      100, 100, {.tile_width_px = 64, .tile_height_px = 50, .overlap_px = 16});
  EXPECT_EQ(grid.columns(), 2);
  EXPECT_EQ(grid.rows(), 3);
  EXPECT_EQ(grid.At(5),
            (Tile{.x_px = 36, .y_px = 50, .width_px = 64, .height_px = 50}));
}

TEST(TileGridTest, KeepsItsOptions) {
  EXPECT_EQ(MakeGrid(100, 100, Square(64, 16)).options().overlap_px, 16);
}

// One axis of a grid is checked on its own: the axes do not depend on each
// other, which TilesAreTheProductOfTheirAxes shows.
TEST(TileGridTest, EverySmallAxisIsCoveredWithEnoughOverlap) {
  for (int64_t side = 1; side <= 60; ++side) {
    for (int64_t tile_px = 1; tile_px <= 20; ++tile_px) {
      for (int64_t overlap = 0; overlap < tile_px; ++overlap) {
        const std::vector<Tile> tiles =
            TilesOf(MakeGrid(side, 1,
                             {.tile_width_px = tile_px,
                              .tile_height_px = tile_px,
                              .overlap_px = overlap}));
        ASSERT_EQ(tiles.front().x_px, 0);
        ASSERT_EQ(tiles.back().x_px + tiles.back().width_px, side);
        for (size_t i = 0; i < tiles.size(); ++i) {
          const int64_t expected = side < tile_px ? side : tile_px;
          ASSERT_EQ(tiles[i].width_px, expected);
          if (i == 0) continue;
          const int64_t end_before = tiles[i - 1].x_px + tiles[i - 1].width_px;
          ASSERT_GT(tiles[i].x_px, tiles[i - 1].x_px);
          ASSERT_GE(end_before - tiles[i].x_px, overlap);
        }
      }
    }
  }
}

TEST(TileGridTest, NoAxisHasATileTooMany) {
  for (int64_t side = 1; side <= 60; ++side) {
    for (int64_t tile_px = 1; tile_px <= 20; ++tile_px) {
      for (int64_t overlap = 0; overlap < tile_px; ++overlap) {
        const int64_t count =
            MakeGrid(side, 1, Square(tile_px, overlap)).size();
        const int64_t stride = tile_px - overlap;
        // One tile less, at this stride, would leave pixels uncovered.
        ASSERT_TRUE(count == 1 || (count - 2) * stride + tile_px < side);
      }
    }
  }
}

TEST(TileGridTest, TilesAreTheProductOfTheirAxes) {
  for (int64_t width = 1; width <= 17; ++width) {
    for (int64_t height = 1; height <= 17; ++height) {
      const TileGridOptions options = {
          .tile_width_px = 5, .tile_height_px = 7, .overlap_px = 2};
      const TileGrid grid = MakeGrid(width, height, options);
      const TileGrid top = MakeGrid(width, 1, options);
      const TileGrid left = MakeGrid(1, height, options);
      ASSERT_EQ(grid.size(), top.size() * left.size());
      for (int64_t i = 0; i < grid.size(); ++i) {
        const Tile x = top.At(i % grid.columns());
        const Tile y = left.At(i / grid.columns());
        ASSERT_EQ(grid.At(i), (Tile{.x_px = x.x_px,
                                    .y_px = y.y_px,
                                    .width_px = x.width_px,
                                    .height_px = y.height_px}));
      }
    }
  }
}

TEST(TileGridTest, EveryPixelOfSmallImagesIsInATile) {
  for (int64_t width = 1; width <= 12; ++width) {
    for (int64_t height = 1; height <= 12; ++height) {
      std::set<std::pair<int64_t, int64_t>> seen;
      for (const Tile& tile : TilesOf(MakeGrid(width, height, Square(5, 2)))) {
        for (int64_t y = 0; y < tile.height_px; ++y) {
          for (int64_t x = 0; x < tile.width_px; ++x) {
            seen.insert({tile.x_px + x, tile.y_px + y});
          }
        }
      }
      ASSERT_EQ(static_cast<int64_t>(seen.size()), width * height);
      ASSERT_EQ(*seen.rbegin(), std::pair(width - 1, height - 1));
    }
  }
}

// What sahi.slicing.get_slice_bboxes of SAHI 0.12.8 (MIT) gives along one axis;
// its tiles are the product of both, row by row, as ours are.
TEST(TileGridTest, AlignsAsSahiDoes) {
  struct Layout {
    int64_t side_px, tile_px, overlap_px;
    std::vector<int64_t> starts;
  };
  const Layout kLayouts[] = {
      {1180, 768, 192, {0, 412}},
      {1882, 768, 192, {0, 576, 1114}},
      {2360, 768, 192, {0, 576, 1152, 1592}},
      {768, 768, 192, {0}},
      {769, 768, 192, {0, 1}},
      {500, 768, 192, {0}},
      {3000, 512, 102, {0, 410, 820, 1230, 1640, 2050, 2460, 2488}},
      {3000, 640, 192, {0, 448, 896, 1344, 1792, 2240, 2360}},
      {2000, 512, 51, {0, 461, 922, 1383, 1488}},
      {1345, 768, 192, {0, 576, 577}},
      {100, 256, 128, {0}},
      {1000, 333, 33, {0, 300, 600, 667}}};
  for (const Layout& layout : kLayouts) {
    std::vector<int64_t> starts;
    for (const Tile& tile : TilesOf(MakeGrid(
             layout.side_px, 1, Square(layout.tile_px, layout.overlap_px)))) {
      starts.push_back(tile.x_px);
      EXPECT_EQ(tile.width_px, std::min(layout.tile_px, layout.side_px));
    }
    EXPECT_EQ(starts, layout.starts) << layout.side_px;
  }
}

TileGridOptions WithEdge(TileGridOptions options, EdgeRule edge) {
  options.edge = edge;
  return options;
}

std::vector<Tile> Row(int64_t side_px, const TileGridOptions& options) {
  return TilesOf(MakeGrid(side_px, 1, options));
}

TEST(TileGridTest, PadLeavesTheLastTileWhereItIs) {
  const std::vector<Tile> tiles =
      Row(25, WithEdge(Square(10, 2), {.mode = EdgeMode::kPad}));
  ASSERT_EQ(tiles.size(), 3);
  EXPECT_EQ(tiles[2],
            (Tile{.x_px = 16, .y_px = 0, .width_px = 9, .height_px = 1}));
}

TEST(TileGridTest, DropLeavesOutWhatShowsTooLittle) {
  const auto count = [](int64_t side_px, int64_t drop_below_px) {
    return Row(side_px,
               WithEdge(Square(10, 2), {.mode = EdgeMode::kDrop,
                                        .drop_below_px = drop_below_px}))
        .size();
  };
  EXPECT_EQ(count(21, 5), 3);  // the last tile shows [16, 21).
  EXPECT_EQ(count(21, 6), 2);
  EXPECT_EQ(count(19, 3), 3);  // more than the overlap is shown always.
  EXPECT_EQ(count(26, 10), 3);
  EXPECT_EQ(count(3, 10), 1);  // the first tile stays.
}

TEST(TileGridTest, AnOriginInFrontOfTheImageCutsTheFirstTile) {
  TileGridOptions options = Square(10, 2);
  options.origin_x_px = -3;
  const std::vector<Tile> tiles = Row(20, options);
  ASSERT_EQ(tiles.size(), 3);
  EXPECT_EQ(tiles[0],
            (Tile{.x_px = 0, .y_px = 0, .width_px = 7, .height_px = 1}));
  EXPECT_EQ(tiles[1].x_px, 5);
  EXPECT_EQ(tiles[2].x_px, 10);
  EXPECT_EQ(tiles[2].width_px, 10);
}

// One axis under every rule and origin.
void ExpectGoodAxis(const std::vector<Tile>& tiles, int64_t side,
                    const TileGridOptions& options) {
  const int64_t end = tiles.back().x_px + tiles.back().width_px;
  if (options.edge.mode == EdgeMode::kDrop) {
    ASSERT_GT(end,
              side - std::max<int64_t>(
                         options.edge.drop_below_px - options.overlap_px, 1));
  } else {
    ASSERT_EQ(end, side);
  }
  ASSERT_EQ(tiles.front().x_px, 0);
  for (size_t i = 0; i < tiles.size(); ++i) {
    ASSERT_GT(tiles[i].width_px, 0);
    ASSERT_LE(tiles[i].width_px, options.tile_width_px);
    ASSERT_LE(tiles[i].x_px + tiles[i].width_px, side);
    if (i == 0) continue;
    ASSERT_NE(tiles[i], tiles[i - 1]);
    ASSERT_GE(tiles[i].x_px, tiles[i - 1].x_px);
    ASSERT_GE(tiles[i - 1].x_px + tiles[i - 1].width_px - tiles[i].x_px,
              options.overlap_px);
  }
}

TEST(TileGridTest, EveryRuleAndOriginCoversEverySmallAxis) {
  for (int64_t side = 1; side <= 30; ++side) {
    for (int64_t tile_px = 1; tile_px <= 9; ++tile_px) {
      for (int64_t overlap = 0; overlap < tile_px; ++overlap) {
        for (int64_t origin = overlap - tile_px + 1; origin <= 0; ++origin) {
          TileGridOptions options = Square(tile_px, overlap);
          options.origin_x_px = origin;
          ExpectGoodAxis(Row(side, options), side, options);
          options.edge = {.mode = EdgeMode::kPad};
          ExpectGoodAxis(Row(side, options), side, options);
          for (int64_t bound = 1; bound <= tile_px; ++bound) {
            options.edge = {.mode = EdgeMode::kDrop, .drop_below_px = bound};
            ExpectGoodAxis(Row(side, options), side, options);
          }
        }
      }
    }
  }
}

TEST(TileGridTest, PadAndAlignHaveTheSameTilesButTheLast) {
  for (int64_t side = 1; side <= 40; ++side) {
    for (int64_t tile_px = 1; tile_px <= 10; ++tile_px) {
      const TileGridOptions align = Square(tile_px, tile_px / 3);
      const std::vector<Tile> aligned = Row(side, align);
      const std::vector<Tile> padded =
          Row(side, WithEdge(align, {.mode = EdgeMode::kPad}));
      ASSERT_EQ(aligned.size(), padded.size());
      for (size_t i = 0; i + 1 < aligned.size(); ++i) {
        ASSERT_EQ(aligned[i], padded[i]);
      }
    }
  }
}

TEST(TileGridTest, RejectsEdgesAndOriginsOutOfRange) {
  const auto refusal = [](EdgeRule edge) {
    return CreateMessage(100, 100, WithEdge(Square(64, 16), edge));
  };
  EXPECT_EQ(refusal({.mode = EdgeMode::kDrop}),
            "drop_below_px = 0: must be in [1, 64]");
  EXPECT_EQ(refusal({.mode = EdgeMode::kDrop, .drop_below_px = 65}),
            "drop_below_px = 65: must be in [1, 64]");
  EXPECT_EQ(refusal({.mode = EdgeMode::kPad, .drop_below_px = 1}),
            "drop_below_px = 1: must be in [0, 0]");
  TileGridOptions options = Square(64, 16);
  options.origin_x_px = 1;
  EXPECT_EQ(CreateMessage(100, 100, options),
            "origin_x_px = 1: must be in [-47, 0]");
  options.origin_x_px = 0;
  options.origin_y_px = -48;
  EXPECT_EQ(CreateMessage(100, 100, options),
            "origin_y_px = -48: must be in [-47, 0]");
}

TEST(TileGridTest, RejectsOverlapOutsideTheTile) {
  EXPECT_EQ(CreateMessage(1000, 1000, Square(64, 64)),
            "overlap_px = 64: must be in [0, 63]");
  EXPECT_EQ(CreateMessage(1000, 1000, Square(64, -1)),
            "overlap_px = -1: must be in [0, 63]");
  EXPECT_EQ(CreateMessage(
                1000, 1000,
                {.tile_width_px = 64, .tile_height_px = 32, .overlap_px = 32}),
            "overlap_px = 32: must be in [0, 31]");
}

TEST(TileGridTest, RejectsTilesOutOfRange) {
  EXPECT_EQ(CreateMessage(10, 10, Square(0, 0)),
            "tile_width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(
      CreateMessage(
          10, 10,
          {.tile_width_px = 5, .tile_height_px = 1'000'001, .overlap_px = 0}),
      "tile_height_px = 1000001: must be in [1, 1000000]");
}

TEST(TileGridTest, RejectsImagesOutOfRange) {
  EXPECT_EQ(CreateMessage(0, 10, {}), "width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(CreateMessage(10, -1, {}),
            "height_px = -1: must be in [1, 1000000]");
  EXPECT_EQ(CreateMessage(1'000'001, 10, {}),
            "width_px = 1000001: must be in [1, 1000000]");
}

TEST(TileGridTest, RejectsMoreTilesThanTheLimit) {
  EXPECT_EQ(CreateMessage(200'000, 200'000, Square(2, 1)),
            "tiles = 39999600001: must be in [1, 4000000]");
  EXPECT_EQ(CreateMessage(20, 20, Square(10, 0), {.max_tiles = 3}),
            "tiles = 4: must be in [1, 3]");
}

}  // namespace
}  // namespace cyto8
