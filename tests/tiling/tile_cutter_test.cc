// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tile_cutter.h on images made in code: every tile has the
// pixels of its place, in any order and from any thread, and no more rows are
// held than promised.
#include "tiling/tile_cutter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#include "tests/support/image_encoding.h"

namespace cyto8 {
namespace {

// The rows of an image in memory; counts what was read, and can fail.
class MemoryRows final : public RowSource {
 public:
  MemoryRows(const Image& image, int64_t& rows_read, int64_t bad_row = -1)
      : image_(&image), rows_read_(&rows_read), bad_row_(bad_row) {
    info_.width_px = image.width_px();
    info_.height_px = image.height_px();
  }
  const ImageInfo& info() const override { return info_; }
  int64_t memory_bytes() const override { return 0; }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override {
    for (int64_t i = 0; i < count; ++i) {
      if (*rows_read_ == bad_row_) return DataLoss("damaged");
      std::memcpy(dst + i * dst_stride_bytes,
                  image_->view().Row((*rows_read_)++),
                  static_cast<size_t>(info_.width_px * kRgbChannels));
    }
    return OkStatus();
  }

 private:
  const Image* image_;
  int64_t* rows_read_;
  int64_t bad_row_;
  ImageInfo info_;
};

std::vector<Tile> GridTiles(int64_t width_px, int64_t height_px,
                            int64_t tile_px, int64_t overlap_px) {
  const TileGrid grid = TileGrid::Create(width_px, height_px,
                                         {.tile_width_px = tile_px,
                                          .tile_height_px = tile_px,
                                          .overlap_px = overlap_px})
                            .value();
  std::vector<Tile> tiles;
  for (int64_t i = 0; i < grid.size(); ++i) tiles.push_back(grid.At(i));
  return tiles;
}

bool ShowsTile(const Image& tile, const Image& image, const Tile& place) {
  const ImageView expected = image.view().Crop(place.x_px, place.y_px,
                                               place.width_px, place.height_px);
  if (tile.width_px() != place.width_px) return false;
  if (tile.height_px() != place.height_px) return false;
  for (int64_t y = 0; y < place.height_px; ++y) {
    if (!std::equal(expected.Row(y), expected.Row(y) + 3 * place.width_px,
                    tile.view().Row(y))) {
      return false;
    }
  }
  return true;
}

class TileCutterTest : public testing::Test {
 protected:
  std::unique_ptr<TileCutter> Cutter(const std::vector<Tile>& tiles,
                                     int64_t bad_row = -1) {
    rows_read_ = 0;
    return TileCutter::Create(
               std::make_unique<MemoryRows>(image_, rows_read_, bad_row), tiles)
        .value();
  }
  std::string Refusal(const std::vector<Tile>& tiles) {
    return TileCutter::Create(std::make_unique<MemoryRows>(image_, rows_read_),
                              tiles)
        .status()
        .message();
  }

  Image image_ = MakeTestImage(50, 37);
  int64_t rows_read_ = 0;
};

TEST_F(TileCutterTest, EveryTileOfEveryGridShowsItsPlace) {
  for (int64_t tile_px = 1; tile_px <= 50; tile_px += 7) {
    for (int64_t overlap = 0; overlap < std::min<int64_t>(tile_px, 9);
         overlap += 3) {
      const std::vector<Tile> tiles = GridTiles(50, 37, tile_px, overlap);
      const auto cutter = Cutter(tiles);
      for (size_t i = 0; i < tiles.size(); ++i) {
        const Image tile = cutter->Take(static_cast<int64_t>(i)).value();
        ASSERT_TRUE(ShowsTile(tile, image_, tiles[i]))
            << tile_px << " " << overlap << " " << i;
      }
      EXPECT_EQ(rows_read_, 37);
    }
  }
}

TEST_F(TileCutterTest, AnyOrderGivesTheSamePixels) {
  const std::vector<Tile> tiles = GridTiles(50, 37, 16, 4);
  std::vector<int64_t> order(tiles.size());
  std::iota(order.begin(), order.end(), 0);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    const auto cutter = Cutter(tiles);
    for (const int64_t i : order) {
      const Image tile = cutter->Take(i).value();
      ASSERT_TRUE(ShowsTile(tile, image_, tiles[static_cast<size_t>(i)]))
          << "seed " << seed;
    }
  }
}

TEST_F(TileCutterTest, ThreadsMayTakeAtTheSameTime) {
  const std::vector<Tile> tiles = GridTiles(50, 37, 8, 2);
  const auto cutter = Cutter(tiles);
  std::atomic<int64_t> next = 0;
  std::atomic<int64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int64_t i = next++; i < std::ssize(tiles); i = next++) {
        const StatusOr<Image> tile = cutter->Take(i);
        if (!tile.ok() ||
            !ShowsTile(*tile, image_, tiles[static_cast<size_t>(i)])) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(rows_read_, 37);
}

// Reading is spread over the tiles of a row: after the first of four a quarter
// of the next row of tiles is there.
TEST_F(TileCutterTest, TheNextRowOfTilesIsReadAheadEvenly) {
  image_ = MakeTestImage(40, 30);
  const std::vector<Tile> tiles = GridTiles(40, 30, 10, 0);
  const auto cutter = Cutter(tiles);
  const int64_t expected[] = {12, 15, 17, 20, 22, 25, 27, 30, 30, 30, 30, 30};
  for (size_t i = 0; i < tiles.size(); ++i) {
    ASSERT_TRUE(cutter->Take(static_cast<int64_t>(i)).ok());
    EXPECT_EQ(rows_read_, expected[i]) << i;
  }
}

TEST_F(TileCutterTest, HeldBytesDoNotGrowWithTheHeight) {
  const int64_t low =
      TileCutter::HeldBytes(GridTiles(400, 3000, 100, 20), 400, 4);
  const int64_t high =
      TileCutter::HeldBytes(GridTiles(400, 30000, 100, 20), 400, 4);
  EXPECT_EQ(low, high);
  EXPECT_LE(low, 3 * 100 * 400 * kRgbChannels);
}

TEST_F(TileCutterTest, ATileAsWideAsTheImageShowsItsPlace) {
  for (int64_t height_px = 1; height_px <= 37; ++height_px) {
    for (int64_t y_px = 0; y_px + height_px <= 37; ++y_px) {
      const Tile tile = {
          .x_px = 0, .y_px = y_px, .width_px = 50, .height_px = height_px};
      ASSERT_TRUE(ShowsTile(Cutter({tile})->Take(0).value(), image_, tile))
          << y_px << " " << height_px;
      EXPECT_EQ(rows_read_, 37);
    }
  }
}

TEST_F(TileCutterTest, DamageInATileAsWideAsTheImageStays) {
  const auto cutter = Cutter(
      {{.x_px = 0, .y_px = 3, .width_px = 50, .height_px = 30}}, /*bad_row=*/9);
  EXPECT_EQ(cutter->Take(0).status().message(), "damaged");
  EXPECT_EQ(cutter->Take(0).status().message(), "damaged");
}

TEST_F(TileCutterTest, DamageBelowTheLastTileIsSeen) {
  const std::vector<Tile> tiles = {
      {.x_px = 0, .y_px = 0, .width_px = 5, .height_px = 5}};
  const auto cutter = Cutter(tiles, /*bad_row=*/36);
  EXPECT_EQ(cutter->Take(0).status().message(), "damaged");
}

TEST_F(TileCutterTest, AnErrorStays) {
  const std::vector<Tile> tiles = GridTiles(50, 37, 10, 0);
  const auto cutter = Cutter(tiles, /*bad_row=*/15);
  EXPECT_TRUE(cutter->Take(0).ok());
  EXPECT_TRUE(cutter->Take(1).ok());
  EXPECT_EQ(cutter->Take(5).status().message(), "damaged");
  EXPECT_EQ(cutter->Take(2).status().message(), "damaged");
}

TEST_F(TileCutterTest, ATileIsTakenOnce) {
  const auto cutter = Cutter(GridTiles(50, 37, 10, 0));
  EXPECT_TRUE(cutter->Take(3).ok());
  EXPECT_EQ(cutter->Take(3).status().message(), "tile = 3: was taken before");
  EXPECT_EQ(cutter->Take(20).status().message(),
            "tile = 20: must be in [0, 19]");
  EXPECT_EQ(cutter->Take(-1).status().message(),
            "tile = -1: must be in [0, 19]");
}

TEST_F(TileCutterTest, TilesOutsideOrOutOfOrderAreRefused) {
  EXPECT_EQ(Refusal({}), "tiles = 0: must be in [1, 4000000]");
  EXPECT_EQ(Refusal({{.x_px = 45, .y_px = 0, .width_px = 6, .height_px = 1}}),
            "tile x_px = 45: must be in [0, 44]");
  EXPECT_EQ(Refusal({{.x_px = 0, .y_px = 0, .width_px = 0, .height_px = 1}}),
            "tile width_px = 0: must be in [1, 50]");
  EXPECT_EQ(Refusal({{.x_px = 0, .y_px = 30, .width_px = 5, .height_px = 8}}),
            "tile y_px = 30: must be in [0, 29]");
  EXPECT_EQ(Refusal({{.x_px = 0, .y_px = 9, .width_px = 5, .height_px = 5},
                     {.x_px = 0, .y_px = 8, .width_px = 5, .height_px = 5}}),
            "tile y_px = 8: must be in [9, 32]");
}

}  // namespace
}  // namespace cyto8
