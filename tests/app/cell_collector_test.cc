// SPDX-License-Identifier: Apache-2.0
// Whatever the order in which tiles come, the cells are those of one merge of
// all, and the candidates are those of each tile.
#include "app/cell_collector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tiling/detection_merger.h"
#include "tiling/tile_quality.h"

namespace cyto8 {
namespace {

constexpr Sha256Digest kFingerprint = {1, 2, 3};

constexpr int64_t kTilePx = 100;

struct Made {
  std::vector<TileTurn> turns = {};
  std::vector<Box> reaches = {};
  std::vector<TileCandidates> tiles = {};  // by turn.
};

// A grid of overlapping tiles with crowded boxes.
Made MakeTiles(uint32_t seed, int64_t columns, int64_t rows) {
  std::mt19937 random(seed);
  std::vector<Tile> tiles;
  for (int64_t i = 0; i < columns * rows; ++i) {
    tiles.push_back({.x_px = 75 * (i % columns),
                     .y_px = 75 * (i / columns),
                     .width_px = kTilePx,
                     .height_px = kTilePx});
  }
  Made made = {.turns = OrderInStrips(tiles, 150)};
  std::uniform_real_distribution<double> at(-10, 90);
  for (const TileTurn& turn : made.turns) {
    const Tile& tile = tiles[turn.tile];
    const auto x = static_cast<double>(tile.x_px);
    const auto y = static_cast<double>(tile.y_px);
    made.reaches.push_back(
        {.x_min = x - 50, .y_min = y - 50, .x_max = x + 150, .y_max = y + 150});
    TileCandidates found = {.tile = turn.tile};
    for (int i = 0; i < 30; ++i) {
      const double left = x + std::round(at(random));
      const double top = y + std::round(at(random));
      found.detections.push_back(
          {.box = {.x_min = left,
                   .y_min = top,
                   .x_max = left + 20,
                   .y_max = top + 20},
           .score = static_cast<float>(random() % 50) / 50,
           .class_id = 1 + static_cast<int>(random() % 2),
           .tile = turn.tile});
    }
    made.tiles.push_back(std::move(found));
  }
  return made;
}

std::vector<Detection> MergedAtOnce(const Made& made) {
  std::vector<Detection> all;
  for (const TileCandidates& tile : made.tiles) {
    all.insert(all.end(), tile.detections.begin(), tile.detections.end());
  }
  return MergeDetections(all, {.iou_threshold = 0.3}).value();
}

std::unique_ptr<CellCollector> CollectorOf(
    const Made& made, std::optional<CandidateWriter> writer = std::nullopt,
    const Limits& limits = {}) {
  return CellCollector::Create({.turns = made.turns,
                                .reaches = made.reaches,
                                .merge = {.iou_threshold = 0.3},
                                .limits = limits},
                               std::move(writer))
      .value();
}

TEST(CellCollectorTest, AnyOrderGivesTheMergeOfAll) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Made made = MakeTiles(seed, 5, 4);
    const std::vector<Detection> expected = MergedAtOnce(made);
    std::vector<int64_t> order(made.turns.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    const auto collector = CollectorOf(made);
    for (const int64_t turn : order) {
      ASSERT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
    }
    EXPECT_EQ(collector->counts().scored, 20);
    EXPECT_EQ(collector->Finish(kFingerprint).value(), expected) << seed;
  }
}

TEST(CellCollectorTest, ThreadsMayAddAtTheSameTime) {
  const Made made = MakeTiles(3, 6, 6);
  const auto collector = CollectorOf(made);
  std::vector<std::thread> threads;
  for (int64_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (int64_t turn = first; turn < std::ssize(made.tiles); turn += 4) {
        EXPECT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(collector->Finish(kFingerprint).value(), MergedAtOnce(made));
}

TEST(CellCollectorTest, TurnsThatNeverComeHaveFoundNothing) {
  Made made = MakeTiles(1, 3, 3);
  const auto collector = CollectorOf(made);
  for (int64_t turn = 0; turn < 4; ++turn) {
    ASSERT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
  }
  made.tiles.resize(4);
  EXPECT_EQ(collector->Finish(std::nullopt).value(), MergedAtOnce(made));
  EXPECT_EQ(collector->counts().scored, 4);
}

TEST(CellCollectorTest, CountsOutcomesAndQualities) {
  Made made = MakeTiles(1, 2, 2);
  made.tiles[0].flags = kInFocus | kPale;
  made.tiles[1].flags = kBlurred | kTooDark;
  made.tiles[2].flags = kTooDark | kArtefact;
  made.tiles[3] = {.tile = made.tiles[3].tile, .outcome = TileOutcome::kFailed};
  const auto collector = CollectorOf(made);
  for (int64_t turn = 0; turn < 4; ++turn) {
    ASSERT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
  }
  const SlideCounts counts = collector->counts();
  EXPECT_EQ(counts.scored, 3);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.blurred, 1);
  EXPECT_EQ(counts.too_dark, 2);
  EXPECT_EQ(counts.blurred_or_dark, 2);
  EXPECT_EQ(counts.pale, 1);
  EXPECT_EQ(counts.artefact, 1);
}

TEST(CellCollectorTest, WritesTheCandidatesInTurn) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("candidates.bin");
  const Made made = MakeTiles(5, 3, 2);
  for (const bool complete : {false, true}) {
    const auto collector = CollectorOf(
        made,
        CandidateWriter::Create(RealFileSystem(), path,
                                {.tiles = 6, .width_px = 250, .height_px = 175})
            .value());
    for (int64_t turn = 5; turn >= 0; --turn) {
      ASSERT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
    }
    const auto fingerprint =
        complete ? std::optional(kFingerprint) : std::nullopt;
    ASSERT_TRUE(collector->Finish(fingerprint).ok());
    EXPECT_EQ(folder.Names().size(), complete ? 1u : 0u);
  }
  const auto reader = CandidateReader::Open(RealFileSystem(), path, {}).value();
  for (const TileCandidates& tile : made.tiles) {
    EXPECT_EQ(reader->Next().value(), tile);
  }
  EXPECT_EQ(reader->fingerprint(), kFingerprint);
}

TEST(CellCollectorTest, ABoxBeyondItsTilesReachIsRefused) {
  Made made = MakeTiles(1, 4, 1);
  made.tiles[3].detections[0].box = {.x_min = 0, .x_max = 5, .y_max = 5};
  const auto collector = CollectorOf(made);
  for (int64_t turn = 0; turn < 3; ++turn) {
    ASSERT_TRUE(collector->Add(turn, made.tiles[turn]).ok());
  }
  EXPECT_EQ(collector->Add(3, made.tiles[3]).code(),
            StatusCode::kInvalidArgument);
}

TEST(CellCollectorTest, TheNumberOfBoxesIsLimited) {
  const Made made = MakeTiles(1, 2, 2);
  const auto collector = CollectorOf(made, std::nullopt, {.max_boxes = 25});
  EXPECT_EQ(collector->Add(0, made.tiles[0]).message(),
            "boxes = 30: must be in [0, 25]");
}

}  // namespace
}  // namespace cyto8
