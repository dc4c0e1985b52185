// SPDX-License-Identifier: Apache-2.0
// Tests of app/score_pipeline.h: images from file to cells, with a small
// network of random weights: what it finds is arbitrary, where it finds it is
// not.
#include "app/score_pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

#include "app/load_model.h"
#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tiling/resample.h"
#include "tiling/tile_grid.h"

namespace cyto8 {
namespace {

constexpr int64_t kTilePx = 128;
constexpr int64_t kOverlapPx = 32;
constexpr double kModelMpp = 0.5;  // of CardText().

// What a run of the pipeline told its sink.
struct Results {
  explicit Results(size_t inputs) : results(inputs), finished(inputs) {}
  std::function<StatusOr<SlideKey>()> key;  // that the sink gives.
  std::vector<SlideResult> results;
  std::vector<int> finished;
  int64_t tiles_begun = 0;
  int64_t tiles_done = 0;
  long most_holders = 0;  // of the detector when a tile came to it.
};

class Recorder final : public SlideSink {
 public:
  explicit Recorder(Results& results) : results_(&results) {}
  StatusOr<SlideTask> Take(size_t) override {
    return SlideTask{.key = results_->key};
  }
  void Begin(size_t, const SlidePlan&, int64_t tiles) override {
    const std::lock_guard lock(mutex_);
    results_->tiles_begun += tiles;
  }
  void TileDone(size_t) override {
    const std::lock_guard lock(mutex_);
    ++results_->tiles_done;
  }
  void Finish(size_t input, SlideResult result) override {
    const std::lock_guard lock(mutex_);
    results_->results[input] = std::move(result);
    ++results_->finished[input];
  }

 private:
  Results* results_;
  std::mutex mutex_;
};

struct RunOptions {
  FileSystem* files = &RealFileSystem();
  int64_t threads = 2;
  Schedule schedule = Schedule::kThroughput;
  int64_t overlap_px = kOverlapPx;
  TilingMode mode = TilingMode::kTiles;
  MergeOptions merge = {};
  std::function<StatusOr<SlideKey>()> key = [] {
    return SlideKey{.sha256 = "of x"};
  };
  std::function<bool()> stopped = [] { return false; };
};

class ScorePipelineTest : public testing::Test {
 protected:
  ScorePipelineTest() {
    PutMiniModel(folder_);
    // Keeps boxes of every tile apart only by score.
    model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml"),
                                          .engine = Engine::kNaive,
                                          .min_score = 0.5})
                 .value();
  }

  StatusOr<SlidePlanner> Planner(const RunOptions& setup) const {
    return SlidePlanner::Create(*setup.files,
                                {.mode = setup.mode,
                                 .model_mpp = model_.card.mpp,
                                 .grid = {.tile_width_px = kTilePx,
                                          .tile_height_px = kTilePx,
                                          .overlap_px = setup.overlap_px}});
  }

  SlideInput Input(const std::string& name, std::optional<double> mpp) const {
    return {
        .identity = {.path = folder_.PathOf(name), .id = name, .image_id = 7},
        .hints = {.flag = mpp}};
  }

  Results ScoreAll(const std::vector<SlideInput>& inputs,
                   const RunOptions& setup = {}) const {
    const SlidePlanner planner = Planner(setup).value();
    std::atomic<long> most_holders = 0;
    const DetectorSource detectors = [&](int64_t, int64_t) {
      most_holders = std::max<long>(most_holders, model_.detector.use_count());
      return StatusOr(model_.detector);
    };
    ScorePipeline pipeline(planner, detectors,
                           {.threads = setup.threads,
                            .schedule = setup.schedule,
                            .merge = setup.merge,
                            .classes = std::ssize(model_.card.classes)});
    Results results(inputs.size());
    results.key = setup.key;
    Recorder recorder(results);
    const Status status =
        pipeline.Run(*setup.files, inputs, recorder, setup.stopped);
    EXPECT_TRUE(status.ok()) << status.message();
    results.most_holders = most_holders;
    return results;
  }

  SlideResult Score(const std::string& name, std::optional<double> mpp,
                    const RunOptions& setup = {}) const {
    return ScoreAll({Input(name, mpp)}, setup).results[0];
  }

  SlideResult ScoreImage(const ImageView& image, double mpp,
                         const RunOptions& setup = {}) const {
    PutPng(folder_, "x.png", image);
    return Score("x.png", mpp, setup);
  }

  std::string FailureOf(const std::string& name, std::optional<double> mpp) {
    const SlideResult slide = Score(name, mpp);
    EXPECT_FALSE(slide.status.ok());
    EXPECT_TRUE(slide.cells.empty());
    return slide.status.message();
  }

  TemporaryFolder folder_;
  LoadedModel model_;
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

void ExpectSameCells(const std::vector<Detection>& a,
                     const std::vector<Detection>& b) {
  ASSERT_EQ(a.size(), b.size());
  ASSERT_FALSE(a.empty());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i], b[i]);
  }
}

// What lies in the padding alone is no cell of the image.
std::vector<Detection> OnSides(std::vector<Detection> cells, double width_px,
                               double height_px) {
  std::erase_if(cells, [&](const Detection& cell) {
    const Box& box = cell.box;
    return box.x_min >= width_px || box.y_min >= height_px || box.x_max <= 0 ||
           box.y_max <= 0;
  });
  return cells;
}

TEST_F(ScorePipelineTest, ASmallImageIsPaddedWithTheFillColourOfTheCard) {
  const Image small = MakeTestImage(100, 90);
  const SlideResult slide = ScoreImage(small.view(), kModelMpp);
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.counts.planned, 1);
  EXPECT_EQ(slide.width_px, 100);
  EXPECT_EQ(slide.height_px, 90);
  const SlideResult padded = ScoreImage(Padded(small.view()).view(), kModelMpp);
  const std::vector<Detection> expected = OnSides(padded.cells, 100, 90);
  EXPECT_LT(expected.size(), padded.cells.size());
  ExpectSameCells(slide.cells, expected);
}

TEST_F(ScorePipelineTest, OnePixelIsAnImageToo) {
  const SlideResult slide = ScoreImage(MakeTestImage(1, 1).view(), kModelMpp);
  EXPECT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.counts.planned, 1);
}

// The hash may come last of all.
TEST_F(ScorePipelineTest, AnImageThatCannotBeHashedFails) {
  const SlideResult slide = ScoreImage(
      MakeTestImage(64, 32).view(), kModelMpp,
      {.key = [] { return Status(StatusCode::kIoError, "x.png: lost"); }});
  EXPECT_EQ(slide.status.message(), "x.png: lost");
  EXPECT_TRUE(slide.cells.empty());
}

TEST_F(ScorePipelineTest, AHashMayComeFromAnotherThread) {
  const auto hash = std::async(std::launch::async, [] {
                      return StatusOr(SlideKey{.sha256 = "later"});
                    }).share();
  const SlideResult slide =
      ScoreImage(MakeTestImage(300, 200).view(), kModelMpp,
                 {.key = [hash] { return hash.get(); }});
  EXPECT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.sha256, "later");
}

TEST_F(ScorePipelineTest, AnImageThatFailedIsHashedToo) {
  folder_.Put("x.png", "no image");
  const SlideResult slide = Score("x.png", kModelMpp);
  EXPECT_FALSE(slide.status.ok());
  EXPECT_EQ(slide.sha256, "of x");
}

TEST_F(ScorePipelineTest, ResultNamesTheImageAndItsScale) {
  const Image image = MakeTestImage(64, 32);
  const SlideResult slide = ScoreImage(image.view(), 0.25);
  EXPECT_EQ(slide.identity.id, "x.png");
  EXPECT_EQ(slide.identity.image_id, 7);
  EXPECT_EQ(slide.sha256, "of x");
  EXPECT_EQ(slide.mpp.value, 0.25);
  EXPECT_EQ(slide.mpp.source, "--mpp");
  EXPECT_EQ(slide.width_px, 64);
}

TEST_F(ScorePipelineTest, CellsAreInTheTotalOrder) {
  const SlideResult slide =
      ScoreImage(MakeTestImage(300, 200).view(), kModelMpp);
  const std::vector<Detection>& cells = slide.cells;
  ASSERT_FALSE(cells.empty());
  EXPECT_TRUE(std::is_sorted(cells.begin(), cells.end(),
                             [](const Detection& a, const Detection& b) {
                               return DetectionBefore(a, b);
                             }));
}

// An image of half the um/px is shrunk by two; its boxes are twice as large.
TEST_F(ScorePipelineTest, BoxesComeBackInPixelsOfTheFile) {
  const Image large = MakeTestImage(256, 200);
  const Image half = ResampleArea(large.view(), 128, 100, Limits()).value();
  const SlideResult full = ScoreImage(large.view(), kModelMpp / 2);
  const SlideResult small = ScoreImage(half.view(), kModelMpp);
  ASSERT_FALSE(small.cells.empty());
  ASSERT_EQ(full.cells.size(), small.cells.size());
  for (size_t i = 0; i < full.cells.size(); ++i) {
    const Box& a = full.cells[i].box;
    const Box& b = small.cells[i].box;
    EXPECT_EQ(a, (Box{.x_min = 2 * b.x_min,
                      .y_min = 2 * b.y_min,
                      .x_max = 2 * b.x_max,
                      .y_max = 2 * b.y_max}));
  }
}

// The ratio is that of the rounded sides: 101 px at half the um/px are 51 (or
// 50) px, not 50.5.
TEST_F(ScorePipelineTest, BoxesAreDividedByTheRealRatio) {
  const Image odd = MakeTestImage(101, 101);
  const int64_t side =
      ResampledSide(101, kModelMpp / 2, kModelMpp, Limits()).value();
  const Image half = ResampleArea(odd.view(), side, side, Limits()).value();
  const SlideResult full = ScoreImage(odd.view(), kModelMpp / 2);
  const SlideResult small = ScoreImage(half.view(), kModelMpp);
  ASSERT_FALSE(small.cells.empty());
  ASSERT_EQ(full.cells.size(), small.cells.size());
  const double ratio = static_cast<double>(side) / 101;
  for (size_t i = 0; i < full.cells.size(); ++i) {
    EXPECT_EQ(full.cells[i].box.x_max, small.cells[i].box.x_max / ratio);
  }
}

// Every cell is one that its tile alone shows, moved by the tile's origin.
TEST_F(ScorePipelineTest, EveryCellIsFoundByTheTileThatItNames) {
  const Image image = MakeTestImage(300, 180);
  const TileGrid grid = TileGrid::Create(300, 180,
                                         {.tile_width_px = kTilePx,
                                          .tile_height_px = kTilePx,
                                          .overlap_px = kOverlapPx})
                            .value();
  const SlideResult slide = ScoreImage(image.view(), kModelMpp);
  ASSERT_EQ(slide.counts.planned, grid.size());
  ASSERT_EQ(grid.size(), 6);
  std::vector<std::vector<Detection>> alone;
  for (int64_t i = 0; i < grid.size(); ++i) {
    const Tile tile = grid.At(i);
    alone.push_back(ScoreImage(image.view().Crop(tile.x_px, tile.y_px,
                                                 tile.width_px, tile.height_px),
                               kModelMpp)
                        .cells);
  }
  for (const Detection& cell : slide.cells) {
    const Tile tile = grid.At(cell.tile);
    Detection moved = cell;
    moved.box.x_min -= static_cast<double>(tile.x_px);
    moved.box.x_max -= static_cast<double>(tile.x_px);
    moved.box.y_min -= static_cast<double>(tile.y_px);
    moved.box.y_max -= static_cast<double>(tile.y_px);
    const auto& found = alone[static_cast<size_t>(cell.tile)];
    EXPECT_TRUE(std::any_of(found.begin(), found.end(),
                            [&](const Detection& candidate) {
                              return candidate.class_id == moved.class_id &&
                                     candidate.score == moved.score &&
                                     Iou(candidate.box, moved.box) > 0.999;
                            }))
        << "score " << cell.score << " tile " << cell.tile;
  }
}

TEST_F(ScorePipelineTest, WithoutScaleAnImageIsRefusedBeforeItIsDecoded) {
  PutPng(folder_, "x.png", MakeTestImage(20, 20).view());
  EXPECT_EQ(FailureOf("x.png", {}),
            folder_.PathOf("x.png") +
                ": um/px is unknown: give --mpp X, or --mpp-from FILE that "
                "lists the image (a dpi value in the file is not um/px)");
}

TEST_F(ScorePipelineTest, DamageIsAnErrorOfTheImage) {
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

TEST_F(ScorePipelineTest, AScaleThatIsAMistakeIsAnError) {
  PutPng(folder_, "x.png", MakeTestImage(20, 20).view());
  EXPECT_EQ(FailureOf("x.png", 8.5),
            folder_.PathOf("x.png") + ": um/px = 8.5: must be in [0.001, 8]");
  EXPECT_TRUE(Score("x.png", 8).status.ok());
}

// 20 px at 0.001 um/px are less than a pixel of the model: one is left.
TEST_F(ScorePipelineTest, AnImageNeverShrinksToNothing) {
  const SlideResult slide = ScoreImage(MakeTestImage(20, 20).view(), 0.001);
  EXPECT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.counts.planned, 1);
}

// A slide of two levels, the second half as large, in tiles of 64 px.
Bytes PyramidOf(const Image& full) {
  const auto level = [](const Image& image) {
    return TiffSource{.width_px = image.width_px(),
                      .height_px = image.height_px(),
                      .compression = 8,
                      .tile_px = 64,
                      .values = ValuesOf(image.view())};
  };
  const Image half =
      ResampleArea(full.view(), full.width_px() / 2, full.height_px() / 2)
          .value();
  return EncodeTiff({level(full), level(half)});
}

void ExpectSameCells(const SlideResult& a, const SlideResult& b, double by) {
  ASSERT_EQ(a.cells.size(), b.cells.size());
  EXPECT_FALSE(a.cells.empty());
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const Detection& left = a.cells[i];
    const Detection& right = b.cells[i];
    EXPECT_EQ(left.score, right.score);
    EXPECT_EQ(left.class_id, right.class_id);
    EXPECT_NEAR(left.box.x_min, by * right.box.x_min, 1e-9);
    EXPECT_NEAR(left.box.y_max, by * right.box.y_max, 1e-9);
  }
}

TEST_F(ScorePipelineTest, ASlideGivesTheCellsOfItsPixelsInOnePiece) {
  const Image full = MakeTestImage(300, 200);
  folder_.Put("slide.tif", TextOf(PyramidOf(full)));
  const SlideResult slide = Score("slide.tif", kModelMpp);
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.counts.planned, 6);
  ExpectSameCells(slide, ScoreImage(full.view(), kModelMpp), 1);
}

TEST_F(ScorePipelineTest, ASlideIsReadAtTheLevelOfTheModelsScale) {
  const Image full = MakeTestImage(300, 200);
  folder_.Put("slide.tif", TextOf(PyramidOf(full)));
  const SlideResult slide = Score("slide.tif", kModelMpp / 2);
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.width_px, 300);
  const Image half = ResampleArea(full.view(), 150, 100).value();
  ExpectSameCells(slide, ScoreImage(half.view(), kModelMpp), 2);
}

TEST_F(ScorePipelineTest, TheBytesOfASlideAreAskedForAhead) {
  const Image full = MakeTestImage(900, 700);
  folder_.Put("slide.tif", TextOf(PyramidOf(full)));
  FaultyFileSystem files(RealFileSystem());
  const SlideResult slide = Score("slide.tif", kModelMpp, {.files = &files});
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(files.hints(), 15 * 11);  // blocks.
  EXPECT_EQ(files.unannounced_reads(), 0);
}

// promises.md P4: what cannot be read is never scored as if it were empty.
TEST_F(ScorePipelineTest, ADamagedBlockOfASlideCostsItsTilesOnly) {
  const Image full = MakeTestImage(300, 200);
  std::string bytes(TextOf(PyramidOf(full)));
  // The deflate stream of the first block begins behind the header.
  for (size_t i = 20; i < 200; ++i) bytes[i] = static_cast<char>(i * 7);
  folder_.Put("slide.tif", bytes);
  const SlideResult slide = Score("slide.tif", kModelMpp);
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(OutcomeOf(slide), SlideOutcome::kPartial);
  EXPECT_EQ(slide.counts.failed, 1);
  EXPECT_TRUE(slide.notes.starts_with(
      "1 of 6 tiles have no result, tile 0: level 0, column 0, row 0: "))
      << slide.notes;
  EXPECT_FALSE(slide.cells.empty());
  for (const Detection& cell : slide.cells) EXPECT_NE(cell.tile, 0);
}

TEST_F(ScorePipelineTest, ASlideOfWhichNothingCanBeReadHasFailed) {
  const Image full = MakeTestImage(60, 60);
  std::string bytes(TextOf(PyramidOf(full)));
  for (size_t i = 20; i < 200; ++i) bytes[i] = static_cast<char>(i * 7);
  folder_.Put("slide.tif", bytes);
  const SlideResult slide = Score("slide.tif", kModelMpp);
  EXPECT_EQ(OutcomeOf(slide), SlideOutcome::kFailed);
  EXPECT_EQ(slide.status.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(ErrorOf(slide).starts_with(
      folder_.PathOf("slide.tif") +
      ": no tile has a result, tile 0: level 0, column 0, row 0: "))
      << ErrorOf(slide);
}

TEST_F(ScorePipelineTest, ASlideIsNotResizedToTheNetwork) {
  folder_.Put("slide.tif", TextOf(PyramidOf(MakeTestImage(300, 200))));
  EXPECT_EQ(Score("slide.tif", kModelMpp, {.mode = TilingMode::kResize})
                .status.message(),
            folder_.PathOf("slide.tif") +
                ": tiling.mode = resize: a slide needs tiles");
}

TEST_F(ScorePipelineTest, AnOverlapOfATileOrMoreIsRefused) {
  EXPECT_EQ(Planner({.overlap_px = 128}).status().message(),
            "overlap_px = 128: must be in [0, 127]");
  EXPECT_EQ(Planner({.overlap_px = -1}).status().message(),
            "overlap_px = -1: must be in [0, 127]");
  EXPECT_TRUE(Planner({.overlap_px = 127}).ok());
}

// Large and small images, a damaged and a missing one between them.
class ManyImagesTest : public ScorePipelineTest {
 protected:
  ManyImagesTest() {
    const int64_t sides[][2] = {{300, 180}, {20, 30}, {128, 128}, {129, 260}};
    for (const auto& [width, height] : sides) {
      const std::string name = std::to_string(inputs_.size()) + ".png";
      PutPng(folder_, name, MakeTestImage(width, height).view());
      inputs_.push_back(Input(name, kModelMpp));
    }
    folder_.Put("bad.png", "damaged");
    inputs_.insert(inputs_.begin() + 1, Input("bad.png", kModelMpp));
    inputs_.push_back(Input("none.png", kModelMpp));
  }

  std::vector<SlideInput> inputs_;
};

void ExpectSameResults(const Results& a, const Results& b) {
  ASSERT_EQ(a.results.size(), b.results.size());
  for (size_t i = 0; i < a.results.size(); ++i) {
    const SlideResult& one = a.results[i];
    const SlideResult& other = b.results[i];
    EXPECT_EQ(one.status.message(), other.status.message());
    EXPECT_EQ(one.sha256, other.sha256);
    EXPECT_EQ(one.identity.id, other.identity.id);
    ASSERT_EQ(one.cells.size(), other.cells.size());
    for (size_t j = 0; j < one.cells.size(); ++j) {
      EXPECT_EQ(one.cells[j], other.cells[j]);
      EXPECT_EQ(one.cells[j].tile, other.cells[j].tile);
    }
  }
}

// P14.
TEST_F(ManyImagesTest, ThreadsAndScheduleDoNotShowInTheResults) {
  const Results one = ScoreAll(inputs_, {.threads = 1});
  EXPECT_FALSE(one.results[0].cells.empty());
  for (const int64_t threads : {2, 3, 4, 7}) {
    SCOPED_TRACE(threads);
    ExpectSameResults(one, ScoreAll(inputs_, {.threads = threads}));
  }
  for (const int64_t threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    ExpectSameResults(one, ScoreAll(inputs_, {.threads = threads,
                                              .schedule = Schedule::kLatency}));
  }
}

// Every session of a detector holds it, in use or idle: one session is made.
TEST_F(ManyImagesTest, OneTileAtATimeIsInTheNetworkForLatency) {
  const Results one = ScoreAll(inputs_, {.threads = 1});
  const Results many =
      ScoreAll(inputs_, {.threads = 4, .schedule = Schedule::kLatency});
  EXPECT_EQ(many.most_holders, one.most_holders);
}

class EveryScheduleTest : public ManyImagesTest,
                          public testing::WithParamInterface<Schedule> {};

INSTANTIATE_TEST_SUITE_P(Schedules, EveryScheduleTest,
                         testing::Values(Schedule::kThroughput,
                                         Schedule::kLatency));

TEST_P(EveryScheduleTest, EveryInputEndsOnceAndEveryTileIsCounted) {
  const Results results =
      ScoreAll(inputs_, {.threads = 3, .schedule = GetParam()});
  EXPECT_EQ(results.finished, std::vector<int>(inputs_.size(), 1));
  EXPECT_EQ(results.tiles_begun, 6 + 1 + 1 + 6);
  // One for each image that could not be opened.
  EXPECT_EQ(results.tiles_done, results.tiles_begun);
}

TEST_P(EveryScheduleTest, AnInputThatFailedBeforeKeepsItsStatus) {
  inputs_[0].status = InvalidArgument("ambiguous");
  const Results results = ScoreAll(inputs_, {.schedule = GetParam()});
  EXPECT_EQ(results.results[0].status.message(), "ambiguous");
  EXPECT_TRUE(results.results[2].status.ok());
}

TEST_P(EveryScheduleTest, AStopLeavesOutWhatIsNotComplete) {
  std::atomic<int> questions = 0;
  const Results results =
      ScoreAll(inputs_, {.threads = 2, .schedule = GetParam(), .stopped = [&] {
                           return ++questions > 12;
                         }});
  EXPECT_EQ(results.finished.back(), 0);
  const Results none = ScoreAll(
      inputs_, {.schedule = GetParam(), .stopped = [] { return true; }});
  EXPECT_EQ(none.finished, std::vector<int>(inputs_.size(), 0));
}

TEST_F(ScorePipelineTest, TheWholeImageFitsTheNetworkInResizeMode) {
  PutPng(folder_, "x.png", MakeTestImage(400, 200).view());
  const SlideResult slide = Score("x.png", {}, {.mode = TilingMode::kResize});
  ASSERT_TRUE(slide.status.ok()) << slide.status.message();
  EXPECT_EQ(slide.counts.planned, 1);
  EXPECT_EQ(slide.mpp.value, 0);  // not needed, so not asked for.
  const Image small =
      ResampleArea(MakeTestImage(400, 200).view(), 128, 64).value();
  const SlideResult direct = ScoreImage(small.view(), kModelMpp);
  ASSERT_EQ(slide.cells.size(), direct.cells.size());
  for (size_t i = 0; i < slide.cells.size(); ++i) {
    EXPECT_EQ(slide.cells[i].box.x_min,
              direct.cells[i].box.x_min / (128.0 / 400));
  }
}

}  // namespace
}  // namespace cyto8
