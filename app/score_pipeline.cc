// SPDX-License-Identifier: Apache-2.0
// The stages and what travels between them; see score_pipeline.h.
#include "app/score_pipeline.h"

#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "app/session_pool.h"
#include "app/stopwatch.h"
#include "app/tbb_parallel_for.h"
#include "base/checked_math.h"
#include "base/parallel_for.h"
#include "base/sha256.h"

namespace cyto8 {
namespace {

// Cut to what the merger takes: a bad model's box may be of any size.
double Bounded(double coordinate) {
  return std::clamp(coordinate, -kMaxCoordinate, kMaxCoordinate);
}

Box Bounded(const Box& box) {
  return {.x_min = Bounded(box.x_min),
          .y_min = Bounded(box.y_min),
          .x_max = Bounded(box.x_max),
          .y_max = Bounded(box.y_max)};
}

// Relative to the tile. What lies in the padding alone is no cell.
bool IsOnTile(const Box& box, const Tile& tile) {
  return box.x_min < static_cast<double>(tile.width_px) &&
         box.y_min < static_cast<double>(tile.height_px) && box.x_max > 0 &&
         box.y_max > 0;
}

// An image in work. Its tiles are in the hands of several threads.
class ActiveSlide {
 public:
  ActiveSlide(size_t input_number, const SlideInput& input)
      : number(input_number) {
    result.identity = input.identity;
    result.status = input.status;
  }

  // False once a tile has failed: the others need no work any more.
  bool IsGood() {
    const std::lock_guard lock(mutex_);
    return result.status.ok();
  }
  // The first failure stays. Its message starts with the path.
  void Fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (result.status.ok()) result.status = status;
  }
  // The tile has no result; the image goes on.
  void FailTile(int64_t tile, const Status& status) {
    const std::lock_guard lock(mutex_);
    ++result.tiles_failed;
    if (first_failed_ < 0 || tile < first_failed_) {
      first_failed_ = tile;
      failure_ = WithoutPath(status.message());
    }
  }
  // Once all tiles are done: what is to be known of those without a result.
  void NoteFailedTiles() {
    if (first_failed_ < 0) return;
    AddNote(std::to_string(result.tiles_failed) + " of " +
                std::to_string(result.tiles) + " tiles have no result, tile " +
                std::to_string(first_failed_) + ": " + failure_,
            result);
  }
  void AddSeconds(double StageSeconds::*stage, double seconds) {
    const std::lock_guard lock(mutex_);
    result.seconds.*stage += seconds;
  }
  Status AddCells(const std::vector<Detection>& cells, int64_t max_boxes) {
    const std::lock_guard lock(mutex_);
    const int64_t boxes = std::ssize(result.cells) + std::ssize(cells);
    CYTO8_RETURN_IF_ERROR(
        CheckRange("boxes before merging", boxes, 0, max_boxes));
    result.cells.insert(result.cells.end(), cells.begin(), cells.end());
    return OkStatus();
  }

  const size_t number;
  SlideResult result;
  OpenedSlide opened;
  std::once_flag hashed;
  std::atomic<int64_t> tiles_left = 1;  // an image that failed to open has one.

 private:
  // The image that a note belongs to is known.
  std::string WithoutPath(const std::string& message) const {
    const std::string path = result.identity.path + ": ";
    return message.starts_with(path) ? message.substr(path.size()) : message;
  }

  std::mutex mutex_;
  int64_t first_failed_ = -1;  // tile; none.
  std::string failure_;        // its.
};

// One tile on its way through the stages.
struct TileToken {
  std::shared_ptr<ActiveSlide> slide;
  int64_t tile = 0;
  Image pixels;
};
using TokenPtr = std::shared_ptr<TileToken>;

// Runs a piece of work on an image; what goes wrong is the image's failure.
template <typename Work>
void Guarded(ActiveSlide& slide, const Work& work) {
  const std::string& path = slide.result.identity.path;
  try {
    const Status status = work();
    if (!status.ok()) slide.Fail(status);
  } catch (const std::bad_alloc&) {
    slide.Fail(ResourceExhausted(path + ": out of memory"));
  } catch (const std::exception& error) {
    slide.Fail(Internal(path + ": unexpected: " + error.what()));
  }
}

// The stages. Feed is called by one thread at a time, the others by many.
class Stages {
 public:
  Stages(FileSystem& files, const SlidePlanner& planner,
         const DetectorSource& detectors, const ScorePipelineOptions& options,
         std::span<const SlideInput> inputs, SlideSink& sink,
         const std::function<bool()>& stopped)
      : files_(files),
        planner_(planner),
        detectors_(detectors),
        options_(options),
        inputs_(inputs),
        sink_(sink),
        stopped_(stopped),
        sessions_(options.threads) {}

  // The next tile; null after the last one.
  TokenPtr Feed() {
    if (stopped_()) return nullptr;
    if (next_tile_ == tiles_of_current_ && !BeginNextSlide()) return nullptr;
    auto token = std::make_shared<TileToken>();
    token->slide = current_;
    token->tile = next_tile_++;
    if (next_tile_ == tiles_of_current_) current_.reset();
    return token;
  }

  // Read, decode, resample, cut.
  void Fetch(TileToken& token) {
    ActiveSlide& slide = *token.slide;
    if (stopped_() || !slide.IsGood()) return;
    Guarded(slide, [&]() -> Status {
      CYTO8_RETURN_IF_ERROR(HashOnce(slide));
      double seconds = 0;
      StatusOr<Image> pixels = Status();
      {
        const Stopwatch watch(seconds);
        pixels = slide.opened.tiles->Take(token.tile);
      }
      slide.AddSeconds(&StageSeconds::resample, seconds);
      if (pixels.ok()) token.pixels = std::move(*pixels);
      if (pixels.ok() || !slide.opened.tiles->tiles_fail_alone()) {
        return pixels.status();
      }
      slide.FailTile(token.tile, pixels.status());
      return OkStatus();
    });
  }

  void Detect(TileToken& token, ParallelFor& executor) {
    ActiveSlide& slide = *token.slide;
    if (stopped_() || !slide.IsGood() || token.pixels.width_px() == 0) return;
    Guarded(slide, [&] {
      return Annotate(DetectOrFail(token, executor),
                      slide.result.identity.path);
    });
  }

  // The image's last tile finishes it.
  void Finish(TileToken& token) {
    ActiveSlide& slide = *token.slide;
    token.pixels = Image();
    if (stopped_()) return;
    sink_.TileDone(slide.number);
    if (--slide.tiles_left > 0) return;
    if (slide.result.status.ok()) {
      Guarded(slide, [&] {
        return Annotate(CompleteOrFail(slide), slide.result.identity.path);
      });
    }
    if (!slide.result.status.ok()) slide.result.cells.clear();
    sink_.Finish(slide.number, std::move(slide.result));
  }

 private:
  bool BeginNextSlide();
  Status OpenOrFail(ActiveSlide& slide, const SlideInput& input);
  Status HashOnce(ActiveSlide& slide);
  Status DetectOrFail(TileToken& token, ParallelFor& executor);
  StatusOr<TileDetections> DetectOn(const Tile& tile, TileToken& token,
                                    ParallelFor& executor);
  Status CompleteOrFail(ActiveSlide& slide);
  Status Merge(SlideResult& result);

  FileSystem& files_;
  const SlidePlanner& planner_;
  const DetectorSource& detectors_;
  const ScorePipelineOptions& options_;
  std::span<const SlideInput> inputs_;
  SlideSink& sink_;
  const std::function<bool()>& stopped_;
  SessionPool sessions_;
  // Of Feed alone:
  size_t next_input_ = 0;
  int64_t next_tile_ = 0;
  int64_t tiles_of_current_ = 0;
  std::shared_ptr<ActiveSlide> current_;
};

// False if there is none. An image that cannot be opened has one tile, on which
// nothing is done.
bool Stages::BeginNextSlide() {
  if (next_input_ == inputs_.size()) return false;
  const SlideInput& input = inputs_[next_input_];
  current_ = std::make_shared<ActiveSlide>(next_input_++, input);
  ActiveSlide& slide = *current_;
  if (slide.IsGood()) {
    Guarded(slide, [&] { return OpenOrFail(slide, input); });
  }
  next_tile_ = 0;
  tiles_of_current_ = std::max<int64_t>(1, std::ssize(slide.opened.plan.tiles));
  slide.tiles_left = tiles_of_current_;
  sink_.Begin(slide.number, slide.opened.plan);
  return true;
}

Status Stages::OpenOrFail(ActiveSlide& slide, const SlideInput& input) {
  const Stopwatch watch(slide.result.seconds.read);
  CYTO8_ASSIGN_OR_RETURN(slide.opened, planner_.Open(input));
  const SlidePlan& plan = slide.opened.plan;
  slide.result.width_px = plan.width_px;
  slide.result.height_px = plan.height_px;
  slide.result.mpp = plan.mpp;
  slide.result.tiles = std::ssize(plan.tiles);
  slide.result.is_slide = plan.is_slide;
  if (plan.pages > 1) {
    AddNote("the first of " + std::to_string(plan.pages) + " pages",
            slide.result);
  }
  return OkStatus();
}

Status Stages::HashOnce(ActiveSlide& slide) {
  Status status;
  std::call_once(slide.hashed, [&] {
    double seconds = 0;
    {
      const Stopwatch watch(seconds);
      const StatusOr<Sha256Digest> digest =
          Sha256OfFile(files_, slide.result.identity.path);
      status = digest.status();
      if (digest.ok()) slide.result.sha256 = ToHex(*digest);
    }
    slide.AddSeconds(&StageSeconds::read, seconds);
  });
  return status;
}

Status Stages::DetectOrFail(TileToken& token, ParallelFor& executor) {
  ActiveSlide& slide = *token.slide;
  const SlidePlan& plan = slide.opened.plan;
  const Tile& tile = plan.tiles[static_cast<size_t>(token.tile)];
  CYTO8_ASSIGN_OR_RETURN(const TileDetections found,
                         DetectOn(tile, token, executor));
  std::vector<Detection> cells;
  cells.reserve(found.detections.size());
  for (const Detection& relative : found.detections) {
    if (!IsOnTile(relative.box, tile)) continue;
    Detection cell = OnImage(relative, found.placement);
    cell.box = Bounded(slide.opened.tiles->ToLevelZero(token.tile, cell.box));
    cell.tile = token.tile;
    cells.push_back(cell);
  }
  return slide.AddCells(cells, options_.limits.max_boxes);
}

StatusOr<TileDetections> Stages::DetectOn(const Tile& tile, TileToken& token,
                                          ParallelFor& executor) {
  CYTO8_ASSIGN_OR_RETURN(const std::shared_ptr<const Detector> detector,
                         detectors_(tile.width_px, tile.height_px));
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<DetectorSession> session,
                         sessions_.Take(detector));
  double infer = 0;
  double boxes = 0;
  Status status;
  {
    const Stopwatch watch(infer);
    status = session->Infer(token.pixels.view(), executor);
  }
  StatusOr<TileDetections> found = status;
  if (status.ok()) {
    const Stopwatch watch(boxes);
    found = session->FindBoxes({.x_px = tile.x_px, .y_px = tile.y_px});
  }
  sessions_.Return(detector, std::move(session));
  token.slide->AddSeconds(&StageSeconds::infer, infer);
  token.slide->AddSeconds(&StageSeconds::boxes, boxes);
  return found;
}

// The time of Take is that of decoding, resampling and cutting together.
Status Stages::CompleteOrFail(ActiveSlide& slide) {
  const double decode = slide.opened.tiles->decode_seconds();
  slide.result.seconds.decode = decode;
  slide.result.seconds.resample -= decode;
  slide.opened.tiles.reset();
  slide.NoteFailedTiles();
  const Stopwatch watch(slide.result.seconds.merge);
  return Merge(slide.result);
}

Status Stages::Merge(SlideResult& result) {
  MergeOptions merge = options_.merge;
  // Inside a tile the card's suppression has its say, which may be a soft one;
  // no box overlaps another by more than 1.
  if (result.tiles == 1 && !options_.merge_single_tiles) {
    merge.iou_threshold = 1;
  }
  CYTO8_ASSIGN_OR_RETURN(result.cells,
                         MergeDetections(std::move(result.cells), merge));
  return OkStatus();
}

// Called in the arena of the threads. A serial stage takes the tile that is
// ready first: results do not depend on the order.
void RunStages(Stages& stages, const ScorePipelineOptions& options) {
  const bool shares_tiles = options.schedule == Schedule::kLatency;
  TbbParallelFor executor(shares_tiles ? options.threads : 1);
  const auto feed = [&](tbb::flow_control& control) {
    TokenPtr token = stages.Feed();
    if (!token) control.stop();
    return token;
  };
  const auto fetch = [&](const TokenPtr& token) {
    stages.Fetch(*token);
    return token;
  };
  const auto detect = [&](const TokenPtr& token) {
    SerialFor serial;
    stages.Detect(*token,
                  shares_tiles ? static_cast<ParallelFor&>(executor) : serial);
    return token;
  };
  const auto finish = [&](const TokenPtr& token) { stages.Finish(*token); };
  using tbb::filter_mode;
  const filter_mode detect_mode =
      shares_tiles ? filter_mode::serial_out_of_order : filter_mode::parallel;
  tbb::parallel_pipeline(
      static_cast<size_t>(options.threads),
      tbb::make_filter<void, TokenPtr>(filter_mode::serial_in_order, feed) &
          tbb::make_filter<TokenPtr, TokenPtr>(filter_mode::parallel, fetch) &
          tbb::make_filter<TokenPtr, TokenPtr>(detect_mode, detect) &
          tbb::make_filter<TokenPtr, void>(filter_mode::parallel, finish));
}

}  // namespace

ScorePipeline::ScorePipeline(const SlidePlanner& planner,
                             DetectorSource detectors,
                             const ScorePipelineOptions& options)
    : planner_(&planner), detectors_(std::move(detectors)), options_(options) {}
ScorePipeline::~ScorePipeline() = default;

Status ScorePipeline::Run(FileSystem& files, std::span<const SlideInput> inputs,
                          SlideSink& sink,
                          const std::function<bool()>& stopped) {
  Stages stages(files, *planner_, detectors_, options_, inputs, sink, stopped);
  try {
    const tbb::global_control limit(
        tbb::global_control::max_allowed_parallelism,
        static_cast<size_t>(options_.threads));
    tbb::task_arena arena(static_cast<int>(options_.threads));
    arena.execute([&] { RunStages(stages, options_); });
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory");
  } catch (const std::exception& error) {
    return Internal(std::string("pipeline: ") + error.what());
  }
  return OkStatus();
}

}  // namespace cyto8
