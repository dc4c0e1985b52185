// SPDX-License-Identifier: Apache-2.0
// Tests of app/score_job.h: one image from file to cells, with a small network
// of random weights: what it finds is arbitrary, where it finds it is not.
#include "app/score_job.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/app/app_fixture.h"
#include "tiling/resample.h"
#include "tiling/tile_grid.h"

namespace cyto8 {
namespace {

constexpr int64_t kTilePx = 128;
constexpr int64_t kOverlapPx = 32;
constexpr double kModelMpp = 0.5;  // of CardText().

class ScoreJobTest : public testing::Test {
 protected:
  ScoreJobTest() { PutMiniModel(folder_); }

  // The job of a model that keeps boxes of every tile apart only by score.
  StatusOr<ScoreJob> MakeJob(int64_t overlap_px = kOverlapPx) {
    if (!model_) {
      model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml"),
                                            .min_score = 0.5})
                   .value();
    }
    return ScoreJob::Create(RealFileSystem(), *model_,
                            {.overlap_px = overlap_px});
  }

  ScoredSlide Score(const std::string& name, std::optional<double> mpp) {
    return MakeJob()->Score(
        {.path = folder_.PathOf(name), .id = name, .image_id = 7},
        {.flag = mpp, .side_file = {}});
  }

  ScoredSlide ScoreImage(const ImageView& image, double mpp) {
    PutPng(folder_, "x.png", image);
    return Score("x.png", mpp);
  }

  std::string FailureOf(const std::string& name, std::optional<double> mpp) {
    const ScoredSlide slide = Score(name, mpp);
    EXPECT_FALSE(slide.result.status.ok());
    EXPECT_TRUE(slide.result.cells.empty());
    EXPECT_EQ(slide.image.width_px(), 0);
    return slide.result.status.message();
  }

  TemporaryFolder folder_;
  std::optional<LoadedModel> model_;
};

// The top left part, everything else in the card's fill colour.
Image Padded(const ImageView& image) {
  Image padded = Image::Create(kTilePx, kTilePx).value();
  padded.Fill({235, 235, 235});
  for (int64_t y = 0; y < image.height_px; ++y) {
    std::copy_n(image.Row(y), image.width_px * kRgbChannels,
                padded.MutableRow(y));
  }
  return padded;
}

void ExpectSameCells(const std::vector<FoundCell>& a,
                     const std::vector<FoundCell>& b) {
  ASSERT_EQ(a.size(), b.size());
  ASSERT_FALSE(a.empty());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].detection, b[i].detection);
  }
}

TEST_F(ScoreJobTest, ASmallImageIsPaddedWithTheFillColourOfTheCard) {
  const Image small = MakeTestImage(100, 90);
  const ScoredSlide slide = ScoreImage(small.view(), kModelMpp);
  ASSERT_TRUE(slide.result.status.ok()) << slide.result.status.message();
  EXPECT_EQ(slide.result.tiles, 1);
  EXPECT_EQ(slide.result.width_px, 100);
  EXPECT_EQ(slide.result.height_px, 90);
  const ScoredSlide padded = ScoreImage(Padded(small.view()).view(), kModelMpp);
  ExpectSameCells(slide.result.cells, padded.result.cells);
}

TEST_F(ScoreJobTest, OnePixelIsAnImageToo) {
  const ScoredSlide slide = ScoreImage(MakeTestImage(1, 1).view(), kModelMpp);
  EXPECT_TRUE(slide.result.status.ok()) << slide.result.status.message();
  EXPECT_EQ(slide.result.tiles, 1);
}

TEST_F(ScoreJobTest, ResultNamesTheImageAndItsScale) {
  const Image image = MakeTestImage(64, 32);
  const ScoredSlide slide = ScoreImage(image.view(), 0.25);
  EXPECT_EQ(slide.result.identity.id, "x.png");
  EXPECT_EQ(slide.result.identity.image_id, 7);
  EXPECT_EQ(slide.result.sha256, HexSha256(ReadBytes(folder_.PathOf("x.png"))));
  EXPECT_EQ(slide.result.mpp.value, 0.25);
  EXPECT_EQ(slide.result.mpp.source, "--mpp");
  EXPECT_EQ(slide.image.width_px(), 64);
}

TEST_F(ScoreJobTest, CellsAreInTheTotalOrder) {
  const ScoredSlide slide =
      ScoreImage(MakeTestImage(300, 200).view(), kModelMpp);
  const std::vector<FoundCell>& cells = slide.result.cells;
  ASSERT_FALSE(cells.empty());
  EXPECT_TRUE(std::is_sorted(cells.begin(), cells.end(),
                             [](const FoundCell& a, const FoundCell& b) {
                               return DetectionBefore(a.detection, b.detection);
                             }));
}

// An image of half the um/px is shrunk by two; its boxes are twice as large.
TEST_F(ScoreJobTest, BoxesComeBackInPixelsOfTheFile) {
  const Image large = MakeTestImage(256, 200);
  const Image half = ResampleArea(large.view(), 128, 100, Limits()).value();
  const ScoredSlide full = ScoreImage(large.view(), kModelMpp / 2);
  const ScoredSlide small = ScoreImage(half.view(), kModelMpp);
  ASSERT_FALSE(small.result.cells.empty());
  ASSERT_EQ(full.result.cells.size(), small.result.cells.size());
  for (size_t i = 0; i < full.result.cells.size(); ++i) {
    const Box& a = full.result.cells[i].detection.box;
    const Box& b = small.result.cells[i].detection.box;
    EXPECT_EQ(a, (Box{.x_min = 2 * b.x_min,
                      .y_min = 2 * b.y_min,
                      .x_max = 2 * b.x_max,
                      .y_max = 2 * b.y_max}));
  }
}

// The ratio is that of the rounded sides: 101 px at half the um/px are 51 (or
// 50) px, not 50.5.
TEST_F(ScoreJobTest, BoxesAreDividedByTheRealRatio) {
  const Image odd = MakeTestImage(101, 101);
  const int64_t side =
      ResampledSide(101, kModelMpp / 2, kModelMpp, Limits()).value();
  const Image half = ResampleArea(odd.view(), side, side, Limits()).value();
  const ScoredSlide full = ScoreImage(odd.view(), kModelMpp / 2);
  const ScoredSlide small = ScoreImage(half.view(), kModelMpp);
  ASSERT_FALSE(small.result.cells.empty());
  ASSERT_EQ(full.result.cells.size(), small.result.cells.size());
  const double ratio = static_cast<double>(side) / 101;
  for (size_t i = 0; i < full.result.cells.size(); ++i) {
    EXPECT_EQ(full.result.cells[i].detection.box.x_max,
              small.result.cells[i].detection.box.x_max / ratio);
  }
}

// Every cell is one that its tile alone shows, moved by the tile's origin.
TEST_F(ScoreJobTest, EveryCellIsFoundByTheTileThatItNames) {
  const Image image = MakeTestImage(300, 180);
  const TileGrid grid = TileGrid::Create(300, 180,
                                         {.tile_width_px = kTilePx,
                                          .tile_height_px = kTilePx,
                                          .overlap_px = kOverlapPx})
                            .value();
  const ScoredSlide slide = ScoreImage(image.view(), kModelMpp);
  ASSERT_EQ(slide.result.tiles, grid.size());
  ASSERT_EQ(grid.size(), 6);
  std::vector<std::vector<FoundCell>> alone;
  for (int64_t i = 0; i < grid.size(); ++i) {
    const Tile tile = grid.At(i);
    alone.push_back(ScoreImage(image.view().Crop(tile.x_px, tile.y_px,
                                                 tile.width_px, tile.height_px),
                               kModelMpp)
                        .result.cells);
  }
  for (const FoundCell& cell : slide.result.cells) {
    const Tile tile = grid.At(cell.tile);
    Detection moved = cell.detection;
    moved.box.x_min -= static_cast<double>(tile.x_px);
    moved.box.x_max -= static_cast<double>(tile.x_px);
    moved.box.y_min -= static_cast<double>(tile.y_px);
    moved.box.y_max -= static_cast<double>(tile.y_px);
    const auto& found = alone[static_cast<size_t>(cell.tile)];
    EXPECT_TRUE(
        std::any_of(found.begin(), found.end(),
                    [&](const FoundCell& candidate) {
                      return candidate.detection.class_id == moved.class_id &&
                             candidate.detection.score == moved.score &&
                             Iou(candidate.detection.box, moved.box) > 0.999;
                    }))
        << "score " << cell.detection.score << " tile " << cell.tile;
  }
}

TEST_F(ScoreJobTest, WithoutScaleAnImageIsRefusedBeforeItIsDecoded) {
  PutPng(folder_, "x.png", MakeTestImage(20, 20).view());
  EXPECT_EQ(FailureOf("x.png", {}),
            folder_.PathOf("x.png") +
                ": um/px is unknown: give --mpp X, or --mpp-from FILE that "
                "lists the image (a dpi value in the file is not um/px)");
}

TEST_F(ScoreJobTest, DamageIsAnErrorOfTheImage) {
  folder_.Put("empty.png", "");
  EXPECT_EQ(FailureOf("empty.png", 0.5),
            folder_.PathOf("empty.png") + ": the image is empty (0 bytes)");
  const Bytes png = EncodePng(MakeTestImage(60, 50).view());
  folder_.Put("cut.png", TextOf(std::span(png).first(png.size() - 40)));
  EXPECT_EQ(FailureOf("cut.png", 0.5),
            folder_.PathOf("cut.png") + ": damaged PNG: premature end of file");
  EXPECT_EQ(FailureOf("none.png", 0.5),
            folder_.PathOf("none.png") + ": No such file or directory");
}

TEST_F(ScoreJobTest, AScaleThatMakesAnImageTooLargeIsAnError) {
  PutPng(folder_, "x.png", MakeTestImage(20, 20).view());
  EXPECT_EQ(FailureOf("x.png", 1000),
            folder_.PathOf("x.png") +
                ": image pixels = 1600000000: must be in [1, 268435456]");
}

// 20 px at 0.001 um/px are less than a pixel of the model: one is left.
TEST_F(ScoreJobTest, AnImageNeverShrinksToNothing) {
  const ScoredSlide slide = ScoreImage(MakeTestImage(20, 20).view(), 0.001);
  EXPECT_TRUE(slide.result.status.ok()) << slide.result.status.message();
  EXPECT_EQ(slide.result.tiles, 1);
}

TEST_F(ScoreJobTest, AnOverlapOfATileOrMoreIsRefused) {
  EXPECT_EQ(MakeJob(128).status().message(),
            "overlap_px = 128: must be in [0, 127]");
  EXPECT_EQ(MakeJob(-1).status().message(),
            "overlap_px = -1: must be in [0, 127]");
  EXPECT_TRUE(MakeJob(127).ok());
}

}  // namespace
}  // namespace cyto8
