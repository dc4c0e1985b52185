// SPDX-License-Identifier: Apache-2.0
// Each tile has one turn, strips follow each other, and what is open always
// holds the tiles to come and never grows.
#include "tiling/tile_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace cyto8 {
namespace {

std::vector<Tile> Grid(int64_t columns, int64_t rows) {
  std::vector<Tile> tiles;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      tiles.push_back(
          {.x_px = 10 * x, .y_px = 10 * y, .width_px = 12, .height_px = 12});
    }
  }
  return tiles;
}

std::vector<int64_t> NumbersOf(const std::vector<TileTurn>& turns) {
  std::vector<int64_t> numbers;
  for (const TileTurn& turn : turns) numbers.push_back(turn.tile);
  return numbers;
}

Box ReachOf(const Tile& tile) {
  return {.x_min = static_cast<double>(tile.x_px) - 3,
          .y_min = static_cast<double>(tile.y_px) - 3,
          .x_max = static_cast<double>(tile.x_px + tile.width_px) + 3,
          .y_max = static_cast<double>(tile.y_px + tile.height_px) + 3};
}

bool Holds(const Box& outer, const Box& inner) {
  return outer.x_min <= inner.x_min && outer.y_min <= inner.y_min &&
         outer.x_max >= inner.x_max && outer.y_max >= inner.y_max;
}

bool AnyHolds(const std::vector<Box>& areas, const Box& inner) {
  return std::ranges::any_of(
      areas, [&](const Box& area) { return Holds(area, inner); });
}

TEST(OrderInStripsTest, GoesDownOneStripAfterTheOther) {
  EXPECT_EQ(NumbersOf(OrderInStrips(Grid(4, 2), 20)),
            (std::vector<int64_t>{0, 1, 4, 5, 2, 3, 6, 7}));
  EXPECT_EQ(NumbersOf(OrderInStrips(Grid(3, 2), 100)),
            (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(OrderInStrips({}, 1).empty());
}

TEST(CoveredPixelsTest, CountsEachPixelOnce) {
  std::mt19937 random(11);
  const auto draw = [&](int64_t most) {
    return std::uniform_int_distribution<int64_t>(0, most)(random);
  };
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Tile> tiles;
    std::set<std::pair<int64_t, int64_t>> pixels;
    for (int64_t i = draw(5); i > 0; --i) {
      const Tile tile = {.x_px = draw(11),
                         .y_px = draw(11),
                         .width_px = 1 + draw(8),
                         .height_px = 1 + draw(8)};
      tiles.push_back(tile);
      for (int64_t y = tile.y_px; y < tile.y_px + tile.height_px; ++y) {
        for (int64_t x = tile.x_px; x < tile.x_px + tile.width_px; ++x) {
          pixels.emplace(x, y);
        }
      }
    }
    EXPECT_EQ(CoveredPixels(tiles), std::ssize(pixels)) << trial;
  }
}

TEST(OpenAreasTest, OfAGrid) {
  const std::vector<Tile> tiles = Grid(2, 2);
  const std::vector<TileTurn> turns = OrderInStrips(tiles, 10);
  std::vector<Box> reaches;
  for (const TileTurn& turn : turns)
    reaches.push_back(ReachOf(tiles[turn.tile]));
  const OpenAreas areas(turns, reaches);
  const Box right = {.x_min = 7, .y_min = -3, .x_max = 25, .y_max = 25};
  EXPECT_EQ(areas.After(1),
            (std::vector<Box>{
                {.x_min = -3, .y_min = 7, .x_max = 15, .y_max = 25}, right}));
  EXPECT_EQ(areas.After(2), (std::vector<Box>{right}));
  EXPECT_TRUE(areas.After(4).empty());
}

TEST(OpenAreasTest, HoldWhatIsToComeAndOnlyShrink) {
  std::mt19937 random(7);
  const auto draw = [&](int64_t most) {
    return std::uniform_int_distribution<int64_t>(0, most)(random);
  };
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<Tile> tiles;
    for (int64_t i = draw(12); i > 0; --i) {
      tiles.push_back({.x_px = draw(60),
                       .y_px = draw(60),
                       .width_px = 1 + draw(20),
                       .height_px = 1 + draw(20)});
    }
    const std::vector<TileTurn> turns = OrderInStrips(tiles, 1 + draw(40));
    const std::vector<int64_t> numbers = NumbersOf(turns);
    EXPECT_EQ(std::set<int64_t>(numbers.begin(), numbers.end()).size(),
              tiles.size());
    std::vector<Box> reaches;
    for (const TileTurn& turn : turns) {
      reaches.push_back(ReachOf(tiles[turn.tile]));
    }
    const OpenAreas areas(turns, reaches);
    for (size_t done = 0; done < turns.size(); ++done) {
      const std::vector<Box> open = areas.After(static_cast<int64_t>(done));
      EXPECT_LE(open.size(), 2u);
      for (size_t i = done; i < turns.size(); ++i) {
        EXPECT_TRUE(AnyHolds(open, reaches[i])) << trial;
      }
      for (const Box& area : areas.After(static_cast<int64_t>(done) + 1)) {
        EXPECT_TRUE(AnyHolds(open, area)) << trial;
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
