// SPDX-License-Identifier: Apache-2.0
// What is found does not depend on how an image is cut and shared out: a
// detector made up for the test, which sees discs that lie whole in a tile,
// gives the same bytes after merging for any tile size, overlap above the
// largest disc, grid origin, edge rule, order of tiles, number of threads and
// split into batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/detection.h"
#include "base/image_view.h"
#include "tiling/detection_merger.h"
#include "tiling/tile_grid.h"

namespace cyto8 {
namespace {

constexpr int64_t kWidthPx = 330;
constexpr int64_t kHeightPx = 250;
constexpr int kMaxRadius = 7;  // so that a disc is at most 15 px wide.
constexpr int64_t kSmallestOverlapPx = 2 * kMaxRadius + 1;
constexpr int64_t kSpacingPx = 18;

// A disc's colour says which one it is and how large: number, radius.
struct Disc {
  int64_t x_px = 0;
  int64_t y_px = 0;
  int radius = 0;
};

void Draw(const Disc& disc, int number, Image& image) {
  for (int64_t y = -disc.radius; y <= disc.radius; ++y) {
    uint8_t* row = image.MutableRow(disc.y_px + y);
    for (int64_t x = -disc.radius; x <= disc.radius; ++x) {
      if (x * x + y * y > int64_t{disc.radius} * disc.radius) continue;
      uint8_t* pixel = row + (disc.x_px + x) * kRgbChannels;
      pixel[0] = static_cast<uint8_t>(number & 0xff);
      pixel[1] = static_cast<uint8_t>(number >> 8);
      pixel[2] = static_cast<uint8_t>(disc.radius);
    }
  }
}

// Discs all over the image, up to its edges; background is 0.
Image DiscImage(std::vector<Disc>& discs) {
  Image image = Image::Create(kWidthPx, kHeightPx).value();
  std::mt19937 random(20260104);
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(bound));
  };
  for (int64_t y = kMaxRadius; y + kMaxRadius < kHeightPx; y += kSpacingPx) {
    for (int64_t x = kMaxRadius; x + kMaxRadius < kWidthPx; x += kSpacingPx) {
      if (below(3) == 0) continue;
      const int radius = 2 + static_cast<int>(below(kMaxRadius - 1));
      discs.push_back({.x_px = x + below(2), .y_px = y, .radius = radius});
      if (discs.back().x_px + radius >= kWidthPx) discs.back().x_px = x;
      Draw(discs.back(), static_cast<int>(discs.size()), image);
    }
  }
  return image;
}

// A class and a score that many share, so that ties are decided.
Detection Named(int number, const Box& box) {
  constexpr std::array<float, 5> kScores = {0.25f, 0.5f, 0.75f, 0.125f, 1.0f};
  return {.box = box,
          .score = kScores[static_cast<size_t>(number * 7) % kScores.size()],
          .class_id = 1 + number % 3};
}

struct Extent {
  int radius = 0;
  int64_t x_min = kWidthPx, y_min = kHeightPx, x_max = 0, y_max = 0;
};

// The detector: discs whose whole width and height the tile shows.
void Detect(const ImageView& image, const Tile& tile,
            std::vector<Detection>& found) {
  const ImageView view =
      image.Crop(tile.x_px, tile.y_px, tile.width_px, tile.height_px);
  std::map<int, Extent> extents;
  for (int64_t y = 0; y < view.height_px; ++y) {
    for (int64_t x = 0; x < view.width_px; ++x) {
      const Rgb pixel = view.At(x, y);
      if (pixel.blue == 0) continue;
      Extent& extent = extents[pixel.red + 256 * pixel.green];
      extent.radius = pixel.blue;
      extent.x_min = std::min(extent.x_min, x);
      extent.y_min = std::min(extent.y_min, y);
      extent.x_max = std::max(extent.x_max, x + 1);
      extent.y_max = std::max(extent.y_max, y + 1);
    }
  }
  for (const auto& [number, extent] : extents) {
    const int64_t side = 2 * extent.radius + 1;
    if (extent.x_max - extent.x_min < side ||
        extent.y_max - extent.y_min < side) {
      continue;
    }
    found.push_back(Named(
        number, {.x_min = static_cast<double>(extent.x_min + tile.x_px),
                 .y_min = static_cast<double>(extent.y_min + tile.y_px),
                 .x_max = static_cast<double>(extent.x_max + tile.x_px),
                 .y_max = static_cast<double>(extent.y_max + tile.y_px)}));
  }
}

struct Sharing {
  uint32_t order_seed = 0;  // 0: row by row.
  int64_t threads = 1;
  int64_t batch = 1;  // tiles that one thread takes at a time.
};

std::vector<Tile> TilesInOrder(const TileGrid& grid, uint32_t order_seed) {
  std::vector<Tile> tiles;
  for (int64_t i = 0; i < grid.size(); ++i) tiles.push_back(grid.At(i));
  if (order_seed != 0) {
    std::mt19937 random(order_seed);
    for (size_t i = tiles.size(); i > 1; --i) {
      std::swap(tiles[i - 1], tiles[random() % i]);
    }
  }
  return tiles;
}

// Results come in the order in which threads happen to end.
std::vector<Detection> DetectAll(const ImageView& image,
                                 const std::vector<Tile>& tiles,
                                 const Sharing& sharing) {
  std::vector<Detection> all;
  std::mutex mutex;
  std::atomic<size_t> next = 0;
  const auto batch = static_cast<size_t>(sharing.batch);
  const auto work = [&] {
    for (size_t i = next.fetch_add(batch); i < tiles.size();
         i = next.fetch_add(batch)) {
      std::vector<Detection> found;
      for (size_t j = i; j < std::min(i + batch, tiles.size()); ++j) {
        Detect(image, tiles[j], found);
      }
      const std::lock_guard lock(mutex);
      all.insert(all.end(), found.begin(), found.end());
    }
  };
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < sharing.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return all;
}

// The bytes of a list, number by number.
std::string BytesOf(const std::vector<Detection>& detections) {
  std::string bytes;
  const auto append = [&](const auto& number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  for (const Detection& detection : detections) {
    append(detection.box.x_min);
    append(detection.box.y_min);
    append(detection.box.x_max);
    append(detection.box.y_max);
    append(detection.score);
    append(detection.class_id);
  }
  return bytes;
}

class InvarianceTest : public testing::Test {
 protected:
  InvarianceTest() : image_(DiscImage(discs_)) {}

  // Every disc once, in the total order.
  std::string Expected() const {
    std::vector<Detection> all;
    for (size_t i = 0; i < discs_.size(); ++i) {
      const auto x = static_cast<double>(discs_[i].x_px);
      const auto y = static_cast<double>(discs_[i].y_px);
      const double radius = discs_[i].radius;
      all.push_back(Named(static_cast<int>(i + 1), {.x_min = x - radius,
                                                    .y_min = y - radius,
                                                    .x_max = x + radius + 1,
                                                    .y_max = y + radius + 1}));
    }
    std::sort(all.begin(), all.end(), DetectionBefore);
    return BytesOf(all);
  }

  std::string Found(const TileGridOptions& options,
                    const Sharing& sharing = {}) const {
    const TileGrid grid =
        TileGrid::Create(kWidthPx, kHeightPx, options).value();
    return BytesOf(
        MergeDetections(DetectAll(image_.view(),
                                  TilesInOrder(grid, sharing.order_seed),
                                  sharing))
            .value());
  }

  std::vector<Disc> discs_;
  const Image image_;
};

constexpr TileGridOptions kGrid = {
    .tile_width_px = 64, .tile_height_px = 48, .overlap_px = 16};

TEST_F(InvarianceTest, TheDiscsAreManyAndReachTheEdges) {
  EXPECT_GT(discs_.size(), 100);
  EXPECT_EQ(Found(kGrid), Expected());
}

TEST_F(InvarianceTest, TileSizeAndOverlap) {
  const std::string expected = Expected();
  for (const int64_t tile_px : {16, 17, 31, 64, 200, 400}) {
    for (const int64_t overlap_px : {kSmallestOverlapPx, int64_t{24}}) {
      if (overlap_px >= tile_px) continue;
      EXPECT_TRUE(Found({.tile_width_px = tile_px + 8,
                         .tile_height_px = tile_px,
                         .overlap_px = overlap_px}) == expected)
          << tile_px << " " << overlap_px;
    }
  }
}

TEST_F(InvarianceTest, OriginAndEdgeRule) {
  const std::string expected = Expected();
  for (const EdgeMode mode : {EdgeMode::kAlign, EdgeMode::kPad}) {
    for (int64_t shift = 0; shift < 32; shift += 5) {
      TileGridOptions options = kGrid;
      options.edge.mode = mode;
      options.origin_x_px = -shift;
      options.origin_y_px = -(31 - shift);
      EXPECT_TRUE(Found(options) == expected) << shift;
    }
  }
}

TEST_F(InvarianceTest, DropLosesNothingThatTheOverlapShows) {
  TileGridOptions options = kGrid;
  options.edge = {.mode = EdgeMode::kDrop,
                  .drop_below_px = options.overlap_px + 1};
  EXPECT_TRUE(Found(options) == Expected());
}

TEST_F(InvarianceTest, OrderThreadsAndBatches) {
  const std::string expected = Expected();
  for (uint32_t seed = 0; seed < 6; ++seed) {
    for (const int64_t threads : {1, 2, 5}) {
      for (const int64_t batch : {1, 3, 1000}) {
        EXPECT_TRUE(Found(kGrid, {.order_seed = seed,
                                  .threads = threads,
                                  .batch = batch}) == expected)
            << seed << " " << threads << " " << batch;
      }
    }
  }
}

// The test can fail: an overlap narrower than the largest disc loses some.
TEST_F(InvarianceTest, TooLittleOverlapIsSeen) {
  TileGridOptions options = kGrid;
  options.overlap_px = 6;
  EXPECT_LT(Found(options).size(), Expected().size());
}

}  // namespace
}  // namespace cyto8
