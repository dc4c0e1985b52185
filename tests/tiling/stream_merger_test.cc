// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/stream_merger.h: whatever the sweep, all results together are
// those of MergeDetections, and what is held does not grow with the image.
#include "tiling/stream_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace cyto8 {
namespace {

using Detections = std::vector<Detection>;
using Boxes = std::vector<Box>;

constexpr double kFar = kMaxCoordinate;
constexpr MergeMethod kMethods[] = {MergeMethod::kNms, MergeMethod::kVoting,
                                    MergeMethod::kWbf, MergeMethod::kNmm,
                                    MergeMethod::kGreedyNmm};

Detection Make(Box box, float score = 0.5F, int class_id = 1) {
  return {.box = box, .score = score, .class_id = class_id};
}

// All below y.
Box Below(double y) { return {-kFar, y, kFar, kFar}; }

void Append(const Detections& more, Detections& all) {
  all.insert(all.end(), more.begin(), more.end());
}

Detections Sorted(Detections detections) {
  std::ranges::sort(detections, DetectionBefore);
  return detections;
}

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  int Below(int bound) {
    return static_cast<int>(generator_() % static_cast<unsigned>(bound));
  }
  double Between(double low, double high) {
    return low +
           (high - low) * (static_cast<double>(generator_()) / 4294967296.0);
  }
  template <typename T>
  void Shuffle(std::vector<T>& values) {
    std::ranges::shuffle(values, generator_);
  }

 private:
  std::mt19937 generator_;
};

struct TileResult {
  Box tile;
  Detections detections = {};
};

// Tiles of 60 px with 20 px of overlap; boxes lie inside their tile, many
// across what it shares with others. Few scores and places, for ties.
struct Mosaic {
  int columns = 0;
  int rows = 0;
  std::vector<TileResult> tiles = {};  // row by row.

  TileResult& At(int column, int row) { return tiles[row * columns + column]; }
  Detections All() const {
    Detections all;
    for (const TileResult& result : tiles) Append(result.detections, all);
    return all;
  }
};

constexpr double kStridePx = 40;
constexpr double kTilePx = 60;

Detection MakeInside(const Box& tile, double largest, bool snap,
                     Random& random) {
  const auto number = [&](double low, double high) {
    const double any = random.Between(low, high);
    return snap ? std::round(any / 4) * 4 : any;
  };
  const double x = number(tile.x_min, tile.x_max);
  const double y = number(tile.y_min, tile.y_max);
  const Box box = {x, y, std::min(tile.x_max, x + number(1, largest)),
                   std::min(tile.y_max, y + number(1, largest))};
  return Make(box, static_cast<float>(random.Below(9)) / 8.0F,
              1 + random.Below(4) / 3);
}

Mosaic MakeMosaic(Random& random) {
  Mosaic mosaic = {.columns = 1 + random.Below(4), .rows = 1 + random.Below(4)};
  const int most = 1 + random.Below(12);
  const double largest = random.Below(2) == 0 ? 60 : 15;
  const bool snap = random.Below(2) == 0;
  for (int row = 0; row < mosaic.rows; ++row) {
    for (int column = 0; column < mosaic.columns; ++column) {
      const double x = column * kStridePx;
      const double y = row * kStridePx;
      TileResult result = {.tile = {x, y, x + kTilePx, y + kTilePx}};
      for (int i = random.Below(most); i > 0; --i) {
        result.detections.push_back(
            MakeInside(result.tile, largest, snap, random));
      }
      mosaic.tiles.push_back(result);
    }
  }
  return mosaic;
}

MergeOptions MakeOptions(Random& random) {
  constexpr double kThresholds[] = {0, 0.1, 0.3, 0.5, 0.8};
  MergeOptions options = {
      .method = kMethods[random.Below(5)],
      .metric = random.Below(2) == 0 ? MergeMetric::kIou : MergeMetric::kIos,
      .iou_threshold = kThresholds[random.Below(5)],
      .class_agnostic = random.Below(2) == 0};
  if (random.Below(4) == 0) options.min_scores = {{1, 0.25}};
  return options;
}

std::string Describe(const MergeOptions& options, unsigned seed) {
  return "seed " + std::to_string(seed) + ", method " +
         std::to_string(static_cast<int>(options.method)) + ", metric " +
         std::to_string(static_cast<int>(options.metric)) + ", threshold " +
         std::to_string(options.iou_threshold) +
         (options.class_agnostic ? ", class-agnostic" : "");
}

// Tiles in the order of a sweep, and which areas are open when the first so
// many are done.
struct Sweep {
  std::vector<const TileResult*> tiles;
  std::vector<Boxes> open;  // one more than tiles.
};

// Rows from top to bottom, the tiles of a row in any order.
Sweep SweepRows(Mosaic& mosaic, Random& random) {
  Sweep sweep;
  for (int row = 0; row < mosaic.rows; ++row) {
    std::vector<const TileResult*> tiles;
    for (int column = 0; column < mosaic.columns; ++column) {
      tiles.push_back(&mosaic.At(column, row));
    }
    random.Shuffle(tiles);
    for (const TileResult* tile : tiles) {
      sweep.tiles.push_back(tile);
      sweep.open.push_back({Below(row * kStridePx)});
    }
  }
  sweep.open.emplace_back();
  return sweep;
}

// Strips of two columns from left to right, each from top to bottom; the open
// areas are the rest of the strip and all right of it.
Sweep SweepStrips(Mosaic& mosaic) {
  Sweep sweep;
  for (int left = 0; left < mosaic.columns; left += 2) {
    const int end = std::min(left + 2, mosaic.columns);
    const Box right = {end * kStridePx, -kFar, kFar, kFar};
    for (int row = 0; row < mosaic.rows; ++row) {
      for (int column = left; column < end; ++column) {
        const Box rest = {left * kStridePx, row * kStridePx,
                          (end - 1) * kStridePx + kTilePx, kFar};
        sweep.tiles.push_back(&mosaic.At(column, row));
        sweep.open.push_back({rest});
        if (end < mosaic.columns) sweep.open.back().push_back(right);
      }
    }
  }
  sweep.open.emplace_back();
  return sweep;
}

Sweep SweepInAnyOrder(Mosaic& mosaic, Random& random) {
  Sweep sweep;
  for (const TileResult& tile : mosaic.tiles) sweep.tiles.push_back(&tile);
  random.Shuffle(sweep.tiles);
  sweep.open.resize(sweep.tiles.size() + 1);
  for (size_t i = 0; i < sweep.tiles.size(); ++i) {
    for (size_t done = 0; done <= i; ++done) {
      sweep.open[done].push_back(sweep.tiles[i]->tile);
    }
  }
  return sweep;
}

Sweep MakeSweep(Mosaic& mosaic, Random& random) {
  switch (random.Below(3)) {
    case 0:
      return SweepRows(mosaic, random);
    case 1:
      return SweepStrips(mosaic);
    default:
      return SweepInAnyOrder(mosaic, random);
  }
}

// Advances now and then. The areas of `others` never close, and what is held in
// the end stays.
Detections RunSweep(const Sweep& sweep, const Boxes& others, Random& random,
                    StreamMerger& merger) {
  Detections results;
  const int every = 1 + random.Below(4);
  for (size_t i = 0; i <= sweep.tiles.size(); ++i) {
    if (i == sweep.tiles.size() || random.Below(every) == 0) {
      Boxes open = sweep.open[i];
      open.insert(open.end(), others.begin(), others.end());
      Append(merger.Advance(open).value(), results);
    }
    if (i == sweep.tiles.size()) break;
    const Status added = merger.Add(sweep.tiles[i]->detections);
    EXPECT_TRUE(added.ok()) << added.message();
  }
  return results;
}

TEST(StreamMergerTest, EverySweepEqualsTheMergeAtOnce) {
  int early = 0;
  for (unsigned seed = 1; seed <= 6000; ++seed) {
    Random random(seed);
    const MergeOptions options = MakeOptions(random);
    SCOPED_TRACE(Describe(options, seed));
    Mosaic mosaic = MakeMosaic(random);
    const Sweep sweep = MakeSweep(mosaic, random);
    StreamMerger merger = StreamMerger::Create(options).value();
    const Detections results = RunSweep(sweep, {}, random, merger);
    ASSERT_EQ(merger.held(), 0);
    ASSERT_EQ(Sorted(results), MergeDetections(mosaic.All(), options).value());
    if (results != Sorted(results)) ++early;
  }
  EXPECT_GT(early, 2000);  // results of several calls.
}

// Each shard takes some tiles, knows where the others look, and hands on what
// it cannot decide.
TEST(StreamMergerTest, ShardsEqualTheMergeAtOnce) {
  int decided = 0;
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    const MergeOptions options = MakeOptions(random);
    SCOPED_TRACE(Describe(options, seed));
    Mosaic mosaic = MakeMosaic(random);
    const int shards = 1 + random.Below(3);
    const bool halves = random.Below(2) == 0;
    std::vector<Mosaic> parts(shards);
    for (size_t i = 0; i < mosaic.tiles.size(); ++i) {
      const size_t part = halves ? i * shards / mosaic.tiles.size()
                                 : static_cast<size_t>(random.Below(shards));
      parts[part].tiles.push_back(mosaic.tiles[i]);
    }
    StreamMerger last = StreamMerger::Create(options).value();
    Detections results;
    for (int part = 0; part < shards; ++part) {
      Boxes others;
      for (int other = 0; other < shards; ++other) {
        if (other == part) continue;
        for (const TileResult& t : parts[other].tiles) others.push_back(t.tile);
      }
      StreamMerger merger = StreamMerger::Create(options).value();
      Append(RunSweep(SweepInAnyOrder(parts[part], random), others, random,
                      merger),
             results);
      ASSERT_TRUE(last.Add(merger.TakeHeld()).ok());
      ASSERT_EQ(merger.held(), 0);
    }
    decided += static_cast<int>(results.size());
    Append(last.Advance({}).value(), results);
    ASSERT_EQ(Sorted(results), MergeDetections(mosaic.All(), options).value());
  }
  EXPECT_GT(decided, 3000);
}

// Threads hand in their tiles as they come, each under a lock.
TEST(StreamMergerTest, ThreadsDoNotShow) {
  Random random(7);
  Mosaic mosaic = MakeMosaic(random);
  while (mosaic.tiles.size() < 12) mosaic = MakeMosaic(random);
  for (const MergeMethod method : kMethods) {
    StreamMerger merger =
        StreamMerger::Create({.method = method, .iou_threshold = 0.2}).value();
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (size_t first = 0; first < 4; ++first) {
      threads.emplace_back([&, first] {
        for (size_t i = first; i < mosaic.tiles.size(); i += 4) {
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(merger.Add(mosaic.tiles[i].detections).ok());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(
        merger.Advance({}).value(),
        MergeDetections(mosaic.All(), {.method = method, .iou_threshold = 0.2})
            .value());
  }
}

// The most that is held while a slide of crowded boxes goes by, row by row, and
// how many `results` there were.
int64_t MostHeld(int rows, MergeMethod method, int64_t& results) {
  constexpr double kRowPx = 100;
  Random random(3);
  StreamMerger merger = StreamMerger::Create({.method = method}).value();
  int64_t most = 0;
  results = 0;
  for (int row = 0; row < rows; ++row) {
    Detections found;
    for (int i = 0; i < 150; ++i) {
      const double x = random.Between(0, 400);
      const double y = row * kRowPx + random.Between(0, kRowPx);
      const double width = random.Between(20, 80);
      const double height = random.Between(20, 80);
      found.push_back(Make({x, y, x + width, y + height},
                           static_cast<float>(random.Between(0, 1))));
    }
    EXPECT_TRUE(merger.Add(found).ok());
    most = std::max(most, merger.held());
    results +=
        std::ssize(merger.Advance(Boxes{Below((row + 1) * kRowPx)}).value());
  }
  results += std::ssize(merger.Advance({}).value());
  return most;
}

TEST(StreamMergerTest, WhatIsHeldDoesNotGrowWithTheSlide) {
  for (const MergeMethod method :
       {MergeMethod::kNms, MergeMethod::kVoting, MergeMethod::kGreedyNmm,
        MergeMethod::kNmm}) {
    SCOPED_TRACE(static_cast<int>(method));
    int64_t few = 0;
    int64_t many = 0;
    const int64_t low = MostHeld(20, method, few);
    const int64_t high = MostHeld(200, method, many);
    EXPECT_GT(many, 9 * few);
    EXPECT_LT(high, 1200);
    EXPECT_LT(high, 2 * low);
  }
}

TEST(StreamMergerTest, HandsOutWhatNothingCanChange) {
  StreamMerger merger = StreamMerger::Create().value();
  const Detection kept = Make({0, 0, 10, 10}, 0.9F);
  const Detection gone = Make({0, 1, 10, 11}, 0.8F);
  const Detection open = Make({0, 20, 10, 30.5}, 0.7F);
  ASSERT_TRUE(merger.Add({open, gone, kept}).ok());
  EXPECT_EQ(merger.Advance(Boxes{Below(30)}).value(), Detections({kept}));
  EXPECT_EQ(merger.held(), 1);
  EXPECT_EQ(merger.Advance({}).value(), Detections({open}));
  EXPECT_EQ(merger.held(), 0);
}

// Only an edge is shared, so nothing to come matches.
TEST(StreamMergerTest, ABoxThatEndsWhereAnAreaBeginsIsFinal) {
  for (const MergeMethod method : kMethods) {
    StreamMerger merger =
        StreamMerger::Create({.method = method, .iou_threshold = 0}).value();
    ASSERT_TRUE(merger.Add({Make({0, 0, 10, 30})}).ok());
    EXPECT_EQ(merger.Advance(Boxes{Below(30)}).value().size(), 1u);
  }
}

// A detection that is not final makes those below it wait, however far above
// the open area they lie; here each waits for the next one.
TEST(StreamMergerTest, AChainOfFallingScoresWaitsForItsLastLink) {
  Detections chain;
  for (int i = 0; i < 300; ++i) {
    chain.push_back(
        Make({0, i * 3.0, 10, i * 3.0 + 10}, static_cast<float>(i) / 300.0F));
  }
  for (const MergeMethod method : kMethods) {
    const MergeOptions options = {.method = method};
    StreamMerger merger = StreamMerger::Create(options).value();
    ASSERT_TRUE(merger.Add(chain).ok());
    EXPECT_EQ(merger.Advance(Boxes{Below(905)}).value(), Detections());
    EXPECT_EQ(merger.held(), 300);
    const Detection top = Make({0, 905, 10, 910}, 1);
    ASSERT_TRUE(merger.Add({top}).ok());
    Detections all = chain;
    all.push_back(top);
    EXPECT_EQ(merger.Advance({}).value(),
              MergeDetections(all, options).value());
  }
}

TEST(StreamMergerTest, AChainOfRisingScoresIsFinalButForItsEnd) {
  Detections chain;
  for (int i = 0; i < 300; ++i) {
    chain.push_back(Make({0, i * 3.0, 10, i * 3.0 + 10},
                         1 - static_cast<float>(i) / 300.0F));
  }
  StreamMerger merger = StreamMerger::Create().value();
  ASSERT_TRUE(merger.Add(chain).ok());
  EXPECT_EQ(merger.Advance(Boxes{Below(905)}).value().size(), 150u);
  EXPECT_LE(merger.held(), 2);
}

// The mean of a wide and a high box that cross reaches a third that overlaps
// neither, so it may not go before the wide one has come.
TEST(StreamMergerTest, WbfWaitsForWhatMovingBoxesMayReach) {
  const Detection high = Make({45, 0, 55, 100}, 1);
  const Detection corner = Make({25, 25, 40, 40}, 0.25F);
  const Detection wide = Make({0, 45, 100, 55}, 1);
  const MergeOptions options = {.method = MergeMethod::kWbf,
                                .iou_threshold = 0};
  const Detections all = {high, corner, wide};
  ASSERT_EQ(MergeDetections(all, options).value().size(), 1u);
  StreamMerger merger = StreamMerger::Create(options).value();
  ASSERT_TRUE(merger.Add({high, corner}).ok());
  EXPECT_EQ(merger.Advance(Boxes{Below(45)}).value(), Detections());
  ASSERT_TRUE(merger.Add({wide}).ok());
  EXPECT_EQ(merger.Advance({}).value(), MergeDetections(all, options).value());
}

// Between two rows, or two columns, that no box bridges.
TEST(StreamMergerTest, WbfIsFinalBeyondALineThatNoBoxCrosses) {
  for (const bool columns : {false, true}) {
    StreamMerger merger =
        StreamMerger::Create({.method = MergeMethod::kWbf}).value();
    Detections boxes;
    for (const double start : {0.0, 5.0, 20.0, 25.0}) {
      const Box row = {start * 7, start, start * 7 + 10, start + 10};
      const Box column = {row.y_min, row.x_min, row.y_max, row.x_max};
      boxes.push_back(Make(columns ? column : row));
    }
    ASSERT_TRUE(merger.Add(boxes).ok());
    const Box rest = columns ? Box{30, -kFar, kFar, kFar} : Below(30);
    EXPECT_EQ(merger.Advance(Boxes{rest}).value(),
              Detections({boxes[0], boxes[1]}));
    EXPECT_EQ(merger.held(), 2);
  }
}

// Or a slide of many rows with a long chain would take rows times boxes.
TEST(StreamMergerTest, WhatIsHeldLongIsLookedAtSeldom) {
  constexpr int kRows = 30'000;
  StreamMerger merger = StreamMerger::Create().value();
  for (int row = 0; row < kRows; ++row) {
    const double y = row * 3.0;
    ASSERT_TRUE(
        merger.Add({Make({0, y, 10, y + 10}, static_cast<float>(row) / kRows)})
            .ok());
    EXPECT_EQ(merger.Advance(Boxes{Below(y + 3)}).value(), Detections());
  }
  EXPECT_EQ(merger.Advance({}).value().size(), kRows / 2u);
}

std::string RefusalOf(const Status& status) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

TEST(StreamMergerTest, RefusesDetectionsOutsideOfTheOpenAreas) {
  StreamMerger merger = StreamMerger::Create().value();
  const Detection good = Make({0, 30, 10, 40});
  ASSERT_TRUE(merger.Advance(Boxes{{0, 30, 50, 90}, {50, 0, 90, 90}}).ok());
  EXPECT_EQ(RefusalOf(merger.Add({good, Make({0, 29.5, 10, 40})})),
            "detection to be merged: box = [0, 10) x [29.5, 40): must lie in "
            "an area that is open");
  // In both areas together, but in none.
  EXPECT_FALSE(merger.Add({Make({40, 30, 60, 40})}).ok());
  EXPECT_FALSE(merger.Add({Make({-1, 30, 10, 40})}).ok());
  EXPECT_FALSE(merger.Add({Make({0, 30, 10, 91})}).ok());
  EXPECT_EQ(merger.held(), 0);  // good was not added either.
  EXPECT_TRUE(merger.Add({good, Make({60, 0, 90, 90})}).ok());
}

TEST(StreamMergerTest, RefusesDetectionsAfterTheEnd) {
  StreamMerger merger = StreamMerger::Create().value();
  ASSERT_TRUE(merger.Advance({}).ok());
  EXPECT_EQ(RefusalOf(merger.Add({Make({0, 0, 1, 1})})),
            "detection to be merged: box = [0, 1) x [0, 1): must lie in an "
            "area that is open");
  EXPECT_TRUE(merger.Add({}).ok());
}

TEST(StreamMergerTest, RefusesAreasThatOpenAgain) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  StreamMerger merger = StreamMerger::Create().value();
  ASSERT_TRUE(merger.Advance(Boxes{{0, 10, 100, 100}}).ok());
  ASSERT_TRUE(merger.Add({Make({0, 10, 10, 20})}).ok());
  EXPECT_EQ(RefusalOf(merger.Advance(Boxes{{0, 9, 100, 100}}).status()),
            "open area = [0, 100) x [9, 100): must lie in an area that is "
            "open");
  EXPECT_EQ(RefusalOf(merger.Advance(Boxes{{50, 20, 40, 30}}).status()),
            "open area = [50, 40) x [20, 30): must lie in an area that is "
            "open");
  for (int side = 0; side < 4; ++side) {
    Box area = {0, 10, 100, 100};
    double* const sides[] = {&area.x_min, &area.y_min, &area.x_max,
                             &area.y_max};
    *sides[side] = kNan;
    EXPECT_FALSE(merger.Advance(Boxes{area}).ok()) << side;
  }
  EXPECT_EQ(merger.held(), 1);
  EXPECT_TRUE(merger.Advance(Boxes{{0, 10, 100, 100}}).ok());
}

TEST(StreamMergerTest, RefusesWhatMergeDetectionsRefuses) {
  EXPECT_EQ(RefusalOf(StreamMerger::Create({.iou_threshold = 1.5}).status()),
            "iou_threshold = 1.5: must be in [0, 1]");
  StreamMerger merger = StreamMerger::Create().value();
  EXPECT_EQ(RefusalOf(merger.Add({Make({0, 0, 1, 1}, 2)})),
            "detection to be merged: score = 2: must be in [0, 1]");
}

}  // namespace
}  // namespace cyto8
