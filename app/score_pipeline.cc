// SPDX-License-Identifier: Apache-2.0
// The stages and what travels between them; see score_pipeline.h.
#include "app/score_pipeline.h"

#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/candidate_file.h"
#include "app/cell_collector.h"
#include "app/session_pool.h"
#include "app/stopwatch.h"
#include "app/tbb_parallel_for.h"
#include "base/checked_math.h"
#include "base/parallel_for.h"
#include "tiling/tile_quality.h"

namespace cyto8 {
namespace {

// Relative to the tile. What lies in the padding alone is no cell.
bool IsOnTile(const Box& box, const Tile& tile) {
  return box.x_min < static_cast<double>(tile.width_px) &&
         box.y_min < static_cast<double>(tile.height_px) && box.x_max > 0 &&
         box.y_max > 0;
}

// Inside what the tile may answer for: a bad model's box may be of any size.
Box Cut(const Box& box, const Box& reach) {
  return {.x_min = std::clamp(box.x_min, reach.x_min, reach.x_max),
          .y_min = std::clamp(box.y_min, reach.y_min, reach.y_max),
          .x_max = std::clamp(box.x_max, reach.x_min, reach.x_max),
          .y_max = std::clamp(box.y_max, reach.y_min, reach.y_max)};
}

using Clock = std::chrono::steady_clock;

// For each thread: a network takes some 10 ms a tile, a disk as long a seek.
constexpr int64_t kTilesAhead = 4;

// An image in work. Its tiles are in the hands of several threads.
class ActiveSlide {
 public:
  // `input` outlives it.
  ActiveSlide(size_t input_number, const SlideInput& input)
      : number(input_number), input_(input) {
    result.identity = input.identity;
    result.status = input.status;
  }

  // False once it has failed: its other tiles need no work any more.
  bool IsGood() {
    const std::lock_guard lock(mutex_);
    return result.status.ok();
  }
  // The first failure stays. Its message starts with the path.
  void Fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (result.status.ok()) result.status = Shown(input_, status);
  }
  // The tile has no result; the image goes on.
  void FailTile(int64_t tile, const Status& status) {
    const std::lock_guard lock(mutex_);
    if (first_failed_ < 0 || tile < first_failed_) {
      first_failed_ = tile;
      failure_ =
          Status(status.code(), WithoutPath(Shown(input_, status).message()));
    }
  }
  // Once all tiles are done: what is to be known of those without a result.
  void NoteFailedTiles() {
    const SlideCounts& counts = result.counts;
    const int64_t unseen =
        counts.planned - counts.background - counts.scored - counts.failed;
    if (unseen > 0) {
      AddNote(std::to_string(unseen) + " of " + std::to_string(counts.planned) +
                  " tiles were not reached in time",
              result);
      if (!opened.is_ranked) {
        AddNote("tiles by their place: no level to rank them by", result);
      }
    }
    if (counts.failed == 0) return;
    std::string note = std::to_string(counts.failed) + " of " +
                       std::to_string(counts.planned) + " tiles have no result";
    if (first_failed_ >= 0) {
      note +=
          ", tile " + std::to_string(first_failed_) + ": " + failure_.message();
    }
    AddNote(note, result);
  }
  // The same where no tile has a result: what kept the first one from it says
  // whether to try again.
  Status Outcome() const {
    const SlideCounts& counts = result.counts;
    if (counts.scored > 0 || first_failed_ < 0) return OkStatus();
    return Annotate(failure_, "no tile has a result, tile " +
                                  std::to_string(first_failed_));
  }
  void AddSeconds(double StageSeconds::*stage, double seconds) {
    const std::lock_guard lock(mutex_);
    result.seconds.*stage += seconds;
  }

  Box ReachOfTile(int64_t tile) const {
    return ReachOf(*opened.tiles, opened.plan.tiles[static_cast<size_t>(tile)],
                   tile);
  }

  const size_t number;
  SlideResult result;
  std::function<StatusOr<SlideKey>()> key;
  Sha256Digest fingerprint = {};  // once the key is there.
  OpenedSlide opened;
  std::unique_ptr<CellCollector> collector;
  Clock::time_point begun = Clock::now();
  // Tiles in work, and one for as long as more may come.
  std::atomic<int64_t> holders = 1;

 private:
  // The image that a note belongs to is known.
  std::string WithoutPath(const std::string& message) const {
    const std::string path = result.identity.path + ": ";
    return message.starts_with(path) ? message.substr(path.size()) : message;
  }

  const SlideInput& input_;
  std::mutex mutex_;
  int64_t first_failed_ = -1;  // tile; none.
  Status failure_;             // its.
};

// In mm2, of the tiles that were scored.
double CoveredArea(const ActiveSlide& slide) {
  constexpr double kUm2PerMm2 = 1e6;
  const SlidePlan& plan = slide.opened.plan;
  std::vector<Tile> tiles;
  for (const int64_t tile : slide.collector->scored()) {
    tiles.push_back(plan.tiles[static_cast<size_t>(tile)]);
  }
  const double um2_per_px =
      plan.mpp.value * plan.mpp.value / (plan.ratio_x() * plan.ratio_y());
  return static_cast<double>(CoveredPixels(tiles)) * um2_per_px / kUm2PerMm2;
}

// What an earlier run made of the tiles of an image.
struct EarlierTiles {
  std::vector<int64_t> background = {};
  std::vector<int64_t> order = {};  // of the others, as they came.
};

// Whatever the file has, tile by tile.
template <typename Use>
Status EachTile(FileSystem& files, const std::string& candidates,
                const Limits& limits, const Use& use) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<CandidateReader> reader,
                         CandidateReader::Open(files, candidates, limits));
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(std::optional<TileCandidates> tile, reader->Next());
    if (!tile) return OkStatus();
    CYTO8_RETURN_IF_ERROR(use(*std::move(tile)));
  }
}

// The turns in this order, which is of their tiles.
Status TakeInOrder(const std::vector<int64_t>& order,
                   std::vector<TileTurn>& turns) {
  std::vector<int64_t> tiles;
  for (const TileTurn& turn : turns) tiles.push_back(turn.tile);
  if (tiles == order) return OkStatus();
  std::vector<int64_t> sorted = order;
  std::ranges::sort(sorted);
  std::ranges::sort(tiles);
  if (sorted != tiles) return DataLoss("candidates of other tiles");
  turns.clear();
  for (const int64_t tile : order) turns.push_back({.tile = tile});
  return OkStatus();
}

// One tile on its way through the stages.
struct TileToken {
  std::shared_ptr<ActiveSlide> slide;
  int64_t turn = 0;
  Image pixels;
  TileCandidates found;

  int64_t tile() const {
    return slide->opened.turns[static_cast<size_t>(turn)].tile;
  }
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

// Others may be asking for it, too.
Status WaitForKey(const ActiveSlide& slide) {
  const auto key = slide.key;
  return key ? key().status() : OkStatus();
}

// The stages. Feed is called by one thread at a time, the others by many.
class Stages {
 public:
  Stages(FileSystem& files, const SlidePlanner& planner,
         const DetectorSource& detectors, const ScorePipelineOptions& options,
         std::span<const SlideInput> inputs, SlideSink& sink,
         const std::function<bool()>& stopped,
         const std::function<bool()>& closed)
      : files_(files),
        planner_(planner),
        detectors_(detectors),
        options_(options),
        inputs_(inputs),
        sink_(sink),
        stopped_(stopped),
        closed_(closed),
        sessions_(options.threads) {}

  // The next tile; null after the last one.
  TokenPtr Feed() {
    while (!stopped_()) {
      if (!current_ && !BeginNextSlide()) return nullptr;
      if (HasNextTile()) {
        auto token = std::make_shared<TileToken>();
        token->slide = current_;
        token->turn = next_turn_++;
        ++current_->holders;
        ReadAhead();
        return token;
      }
      // A failure may be the last that is allowed, so no other image is begun
      // before it is told.
      if (!current_->IsGood()) {
        Guarded(*current_, [&] { return WaitForKey(*current_); });
      }
      Release(*std::exchange(current_, nullptr));
    }
    return nullptr;
  }

  // Read, decode, resample, cut.
  void Fetch(TileToken& token) {
    ActiveSlide& slide = *token.slide;
    if (stopped_() || !slide.IsGood()) return;
    Guarded(slide, [&] { return FetchOrFail(token); });
  }

  void Detect(TileToken& token, ParallelFor& executor) {
    ActiveSlide& slide = *token.slide;
    if (stopped_() || !slide.IsGood() || token.pixels.width_px() == 0) return;
    Guarded(slide, [&] {
      return Annotate(DetectOrFail(token, executor),
                      slide.result.identity.path);
    });
  }

  void Finish(TileToken& token) {
    ActiveSlide& slide = *token.slide;
    token.pixels = Image();
    if (stopped_()) return;
    if (slide.IsGood()) {
      Guarded(slide, [&] { return Collect(slide, token); });
    }
    sink_.TileDone(slide.number);
    Release(slide);
  }

 private:
  bool BeginNextSlide();
  Status MergeAgain(ActiveSlide& slide, const SlideInput& input,
                    const SlideTask& task);
  Status OpenOrFail(ActiveSlide& slide, const SlideInput& input,
                    const EarlierTiles* earlier);
  StatusOr<EarlierTiles> TilesOf(const std::string& candidates) const;
  static void NotePlan(ActiveSlide& slide);
  Status MakeCollector(ActiveSlide& slide, const SlideTask& task,
                       std::optional<CandidateWriter> writer);
  StatusOr<std::optional<CandidateWriter>> MakeWriter(const ActiveSlide& slide,
                                                      const SlideTask& task);
  bool HasNextTile();
  void ReadAhead();
  Status FetchOrFail(TileToken& token);
  Status DetectOrFail(TileToken& token, ParallelFor& executor);
  StatusOr<TileDetections> DetectOn(const Tile& tile, TileToken& token,
                                    ParallelFor& executor);
  Status Collect(ActiveSlide& slide, TileToken& token);
  void Release(ActiveSlide& slide);
  static Status AwaitKey(ActiveSlide& slide);
  Status CompleteOrFail(ActiveSlide& slide);

  FileSystem& files_;
  const SlidePlanner& planner_;
  const DetectorSource& detectors_;
  const ScorePipelineOptions& options_;
  std::span<const SlideInput> inputs_;
  SlideSink& sink_;
  const std::function<bool()>& stopped_;
  const std::function<bool()>& closed_;
  SessionPool sessions_;
  // Of Feed alone:
  size_t next_input_ = 0;
  int64_t next_turn_ = 0;
  int64_t hinted_turn_ = 0;  // up to here tiles are being fetched.
  std::shared_ptr<ActiveSlide> current_;
};

// The next image that needs work; false if there is none. One that cannot be
// opened has no tiles.
bool Stages::BeginNextSlide() {
  while (next_input_ < inputs_.size() && !closed_() && !stopped_()) {
    const SlideInput& input = inputs_[next_input_];
    auto slide = std::make_shared<ActiveSlide>(next_input_++, input);
    bool has_work = true;
    Guarded(*slide, [&]() -> Status {
      CYTO8_ASSIGN_OR_RETURN(const SlideTask task, sink_.Take(slide->number));
      has_work = task.work != SlideWork::kNone;
      CYTO8_ENSURE(task.key || task.candidates.empty());
      if (!has_work || !slide->IsGood()) return OkStatus();
      slide->key = task.key;
      if (task.work == SlideWork::kMerge &&
          MergeAgain(*slide, input, task).ok()) {
        return OkStatus();
      }
      CYTO8_RETURN_IF_ERROR(OpenOrFail(*slide, input, nullptr));
      CYTO8_ASSIGN_OR_RETURN(std::optional<CandidateWriter> writer,
                             MakeWriter(*slide, task));
      return MakeCollector(*slide, task, std::move(writer));
    });
    if (!has_work) continue;
    next_turn_ = hinted_turn_ = 0;
    if (!slide->IsGood()) slide->opened.turns.clear();
    sink_.Begin(slide->number, slide->opened.plan,
                std::ssize(slide->opened.turns));
    current_ = std::move(slide);
    return true;
  }
  return false;
}

Status Stages::OpenOrFail(ActiveSlide& slide, const SlideInput& input,
                          const EarlierTiles* earlier) {
  const Stopwatch watch(slide.result.seconds.read);
  slide.result.notes.clear();
  CYTO8_ASSIGN_OR_RETURN(
      slide.opened,
      planner_.Open(input, earlier ? &earlier->background : nullptr));
  if (earlier) {
    CYTO8_RETURN_IF_ERROR(TakeInOrder(earlier->order, slide.opened.turns));
  }
  const SlidePlan& plan = slide.opened.plan;
  slide.result.width_px = plan.width_px;
  slide.result.height_px = plan.height_px;
  slide.result.mpp = plan.mpp;
  slide.result.counts = {.planned = std::ssize(plan.tiles),
                         .background = std::ssize(slide.opened.background)};
  slide.result.is_slide = plan.is_slide;
  NotePlan(slide);
  return OkStatus();
}

// What of the file is not looked at.
void Stages::NotePlan(ActiveSlide& slide) {
  const SlidePlan& plan = slide.opened.plan;
  const auto first_of = [&](int64_t count, const std::string& of) {
    if (count <= 1) return;
    AddNote("the first of " + std::to_string(count) + " " + of, slide.result);
  };
  first_of(plan.pages, "pages");
  first_of(plan.focal_planes, "focal planes");
}

StatusOr<std::optional<CandidateWriter>> Stages::MakeWriter(
    const ActiveSlide& slide, const SlideTask& task) {
  if (task.candidates.empty()) return std::optional<CandidateWriter>();
  CYTO8_ASSIGN_OR_RETURN(
      CandidateWriter writer,
      CandidateWriter::Create(files_, task.candidates,
                              {.tiles = slide.result.counts.planned,
                               .width_px = slide.result.width_px,
                               .height_px = slide.result.height_px}));
  for (const int64_t tile : slide.opened.background) {
    CYTO8_RETURN_IF_ERROR(
        writer.Append({.tile = tile, .outcome = TileOutcome::kBackground}));
  }
  return std::optional(std::move(writer));
}

Status Stages::MakeCollector(ActiveSlide& slide, const SlideTask& task,
                             std::optional<CandidateWriter> writer) {
  MergeOptions merge = options_.merge;
  // Inside a tile the card's suppression has its say, which may be a soft one;
  // no box overlaps another by more than 1.
  if (slide.result.counts.planned == 1 && !options_.merge_single_tiles) {
    merge.iou_threshold = 1;
  }
  std::vector<Box> reaches;
  for (const TileTurn& turn : slide.opened.turns) {
    reaches.push_back(slide.ReachOfTile(turn.tile));
  }
  CellSpoolOptions spool = {.files = &files_};
  // A name that the next run removes.
  if (!task.candidates.empty()) spool.path = task.candidates + ".tmp-cells";
  CYTO8_ASSIGN_OR_RETURN(slide.collector,
                         CellCollector::Create({.turns = slide.opened.turns,
                                                .reaches = reaches,
                                                .merge = merge,
                                                .spool = std::move(spool),
                                                .limits = options_.limits},
                                               std::move(writer)));
  return OkStatus();
}

// What an earlier run found goes through the merge once more. Candidates that
// do not fit after all are no failure: the image is scored.
Status Stages::MergeAgain(ActiveSlide& slide, const SlideInput& input,
                          const SlideTask& task) {
  CYTO8_ASSIGN_OR_RETURN(const EarlierTiles earlier, TilesOf(task.candidates));
  CYTO8_RETURN_IF_ERROR(OpenOrFail(slide, input, &earlier));
  CYTO8_RETURN_IF_ERROR(MakeCollector(slide, task, std::nullopt));
  int64_t turn = 0;
  const auto take = [&](TileCandidates tile) -> Status {
    if (tile.outcome == TileOutcome::kBackground) return OkStatus();
    for (const Detection& cell : tile.detections) {
      CYTO8_RETURN_IF_ERROR(CheckRange("class", int64_t{cell.class_id},
                                       int64_t{1}, options_.classes));
    }
    return slide.collector->Add(turn++, std::move(tile));
  };
  CYTO8_RETURN_IF_ERROR(
      EachTile(files_, task.candidates, options_.limits, take));
  slide.opened.turns.clear();  // none is left to do.
  return OkStatus();
}

StatusOr<EarlierTiles> Stages::TilesOf(const std::string& candidates) const {
  EarlierTiles earlier;
  CYTO8_RETURN_IF_ERROR(EachTile(
      files_, candidates, options_.limits, [&](const TileCandidates& tile) {
        const bool is_empty = tile.outcome == TileOutcome::kBackground;
        (is_empty ? earlier.background : earlier.order).push_back(tile.tile);
        return OkStatus();
      }));
  std::ranges::sort(earlier.background);
  return earlier;
}

// While tiles are in the network, the system fetches the bytes of those that
// come next from the disk.
void Stages::ReadAhead() {
  const auto end = std::min(next_turn_ + kTilesAhead * options_.threads,
                            std::ssize(current_->opened.turns));
  for (; hinted_turn_ < end; ++hinted_turn_) {
    current_->opened.tiles->WillNeed(
        current_->opened.turns[static_cast<size_t>(hinted_turn_)].tile);
  }
}

bool Stages::HasNextTile() {
  if (next_turn_ == std::ssize(current_->opened.turns)) return false;
  const std::chrono::duration<double> passed = Clock::now() - current_->begun;
  return next_turn_ == 0 || passed.count() < options_.budget_s;
}

Status Stages::FetchOrFail(TileToken& token) {
  ActiveSlide& slide = *token.slide;
  token.found.tile = token.tile();
  double seconds = 0;
  StatusOr<Image> pixels = Status();
  {
    const Stopwatch watch(seconds);
    pixels = slide.opened.tiles->Take(token.found.tile);
    if (pixels.ok()) {
      token.found.flags =
          static_cast<uint16_t>(MeasureTileQuality(pixels->view()).flags);
    }
  }
  slide.AddSeconds(&StageSeconds::resample, seconds);
  if (pixels.ok()) {
    token.pixels = std::move(*pixels);
    return OkStatus();
  }
  if (!slide.opened.tiles->tiles_fail_alone()) return pixels.status();
  slide.FailTile(token.found.tile, pixels.status());
  token.found.outcome = TileOutcome::kFailed;
  return OkStatus();
}

Status Stages::DetectOrFail(TileToken& token, ParallelFor& executor) {
  ActiveSlide& slide = *token.slide;
  const int64_t number = token.found.tile;
  const Tile& tile = slide.opened.plan.tiles[static_cast<size_t>(number)];
  CYTO8_ASSIGN_OR_RETURN(const TileDetections found,
                         DetectOn(tile, token, executor));
  const Box reach = slide.ReachOfTile(number);
  std::vector<Detection>& cells = token.found.detections;
  cells.reserve(found.detections.size());
  for (const Detection& relative : found.detections) {
    if (!IsOnTile(relative.box, tile)) continue;
    Detection cell = OnImage(relative, found.placement);
    cell.box = Cut(slide.opened.tiles->ToLevelZero(number, cell.box), reach);
    cell.tile = number;
    cells.push_back(cell);
  }
  return OkStatus();
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

Status Stages::Collect(ActiveSlide& slide, TileToken& token) {
  double seconds = 0;
  Status status;
  {
    const Stopwatch watch(seconds);
    status = slide.collector->Add(token.turn, std::move(token.found));
  }
  slide.AddSeconds(&StageSeconds::merge, seconds);
  return Annotate(status, slide.result.identity.path);
}

// Whoever lets go last finishes the image.
void Stages::Release(ActiveSlide& slide) {
  if (--slide.holders > 0 || stopped_()) return;
  Guarded(slide, [&] { return AwaitKey(slide); });
  if (slide.result.status.ok()) {
    Guarded(slide, [&] {
      return Annotate(CompleteOrFail(slide), slide.result.identity.path);
    });
  }
  if (!slide.result.status.ok()) slide.result.cells.clear();
  sink_.Finish(slide.number, std::move(slide.result));
}

// Of an image that has failed, too: the next run looks whether it is the same.
Status Stages::AwaitKey(ActiveSlide& slide) {
  if (!slide.key) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const SlideKey key, slide.key());
  slide.result.sha256 = key.sha256;
  slide.result.seconds.read += key.seconds;
  slide.fingerprint = key.fingerprint;
  return OkStatus();
}

// The time of Take is that of decoding, resampling and cutting together.
Status Stages::CompleteOrFail(ActiveSlide& slide) {
  SlideResult& result = slide.result;
  const double decode = slide.opened.tiles->decode_seconds();
  result.seconds.decode = decode;
  result.seconds.resample -= decode;
  slide.opened.tiles.reset();
  const Stopwatch watch(result.seconds.merge);
  const SlideCounts found = slide.collector->counts();
  const int64_t planned = result.counts.planned;
  const int64_t background = result.counts.background;
  result.counts = found;
  result.counts.planned = planned;
  result.counts.background = background;
  if (slide.opened.plan.mpp.is_known()) {
    result.counts.covered_mm2 = CoveredArea(slide);
  }
  // Candidates of a slide with failed tiles would keep them from being tried
  // again.
  const bool complete = planned == background + found.scored;
  CYTO8_ASSIGN_OR_RETURN(
      result.cells,
      slide.collector->Finish(complete ? std::optional(slide.fingerprint)
                                       : std::nullopt));
  slide.NoteFailedTiles();
  CYTO8_ASSIGN_OR_RETURN(result.verdict,
                         JudgeSlide(result.counts, options_.verdict));
  return slide.Outcome();
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
                          SlideSink& sink, const std::function<bool()>& stopped,
                          const std::function<bool()>& closed) {
  Stages stages(files, *planner_, detectors_, options_, inputs, sink, stopped,
                closed);
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
