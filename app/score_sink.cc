// SPDX-License-Identifier: Apache-2.0
// What becomes of the results; see score_sink.h.
#include "app/score_sink.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "app/slide_files.h"
#include "app/stopwatch.h"
#include "tiling/image_opener.h"
#include "tiling/row_source.h"

namespace cyto8 {
namespace {

SlideSummary Unfinished(const SlideInput& input) {
  SlideSummary summary;
  summary.identity = input.identity;
  summary.status = {StatusCode::kUnavailable,
                    input.identity.path + ": interrupted before it was done"};
  return summary;
}

// The rows of an image, read a second time: until its boxes were known there
// was nothing to draw, and holding it would take memory that grows with it.
StatusOr<RowReader> ReadAgain(FileSystem& files, const std::string& path,
                              const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::shared_ptr<RowSource> rows,
                         OpenRows(files, path, limits));
  return RowReader([rows](int64_t count, uint8_t* dst, int64_t stride_bytes) {
    return rows->ReadRows(count, dst, stride_bytes);
  });
}

// What the work comes back with; an exception is a failure, too.
template <typename Work>
Status Guarded(const SlideInput& input, const Work& work) {
  const std::string& path = input.identity.path;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(path + ": out of memory");
  } catch (const std::exception& error) {
    return Internal(path + ": " + error.what());
  }
}

}  // namespace

ScoreSink::ScoreSink(const ScoreSinkContext& context,
                     std::span<const SlideInput> inputs)
    : context_(context), inputs_(inputs) {
  slides_.reserve(inputs.size());
  for (const SlideInput& input : inputs) slides_.push_back(Unfinished(input));
  queue_.set_capacity(2 * context.threads);
}

ScoreSink::~ScoreSink() { Close(); }

void ScoreSink::Close() {
  if (!writer_.joinable()) return;
  queue_.push(nullptr);
  writer_.join();
}

void ScoreSink::EndedElsewhere(size_t input, const IsolatedEnd& child) {
  const SlideInput& slide = inputs_[input];
  SlideSummary& summary = slides_[input];
  if (child.finished) {
    std::optional<SlideSummary> ended = context_.ledger->Ended(slide);
    summary.status = child.status;
    if (ended && HasResult(*ended) == child.status.ok()) {
      summary = *std::move(ended);
    } else if (child.status.ok()) {
      summary.status = DataLoss(slide.identity.path +
                                ": what its process recorded cannot be read");
    }
  } else {
    summary = EndOfCrash(slide, Annotate(child.status, slide.identity.path));
  }
  const SlideOutcome outcome = OutcomeOf(summary);
  if (!HasResult(summary) && outcome != SlideOutcome::kHeld) ++failures_;
  Tell(input);
}

// The process of an image is gone without a word: what an earlier run left must
// not stand for what it found.
SlideSummary ScoreSink::EndOfCrash(const SlideInput& input,
                                   const Status& crash) {
  StatusOr<TakenSlide> taken = context_.ledger->Take(input);
  if (taken.ok() && taken->ended) return *std::move(taken->ended);
  SlideSummary summary;
  summary.identity = input.identity;
  summary.status = crash;
  Record(summary);
  context_.ledger->Release(input.identity);
  return summary;
}

void ScoreSink::LookAgain() {
  for (size_t i = 0; i < slides_.size(); ++i) {
    if (OutcomeOf(slides_[i]) != SlideOutcome::kHeld) continue;
    std::optional<SlideSummary> ended = context_.ledger->Ended(inputs_[i]);
    if (ended) slides_[i] = *std::move(ended);
  }
}

StatusOr<SlideTask> ScoreSink::Take(size_t input) {
  CYTO8_ASSIGN_OR_RETURN(TakenSlide taken,
                         context_.ledger->Take(inputs_[input]));
  if (taken.ended) {
    slides_[input] = *std::move(taken.ended);
    Tell(input);
  }
  return std::move(taken.task);
}

void ScoreSink::Begin(size_t input, const SlidePlan& plan, int64_t tiles) {
  most_pixel_bytes_ =
      std::max(most_pixel_bytes_, plan.PixelBytes(context_.threads));
  context_.log->SlideStart(inputs_[input].identity);
  context_.progress->SlideOpened(static_cast<int64_t>(input), tiles);
}

void ScoreSink::TileDone(size_t input) {
  context_.progress->TilesDone(static_cast<int64_t>(input), 1);
}

std::string ScoreSink::FolderOf(const SlideFacts& slide) const {
  return context_.settings->output + "/slides/" + slide.identity.id;
}

// The pyramid of a slide for its thumbnail, which is no result: without one the
// slide is as good.
std::unique_ptr<SlideReader> ScoreSink::OpenAgain(const SlideInput& input,
                                                  SlideFacts& slide) const {
  StatusOr<OpenedImage> image =
      OpenImage(*context_.files, input.file(), *context_.limits);
  if (image.ok() && image->slide) return std::move(image->slide);
  AddNote("no thumbnail.jpg: the slide could not be opened again", slide);
  return nullptr;
}

Status ScoreSink::Write(const SlideInput& input, SlideResult& result) {
  const Stopwatch watch(result.seconds.write);
  const OutputSettings& settings = *context_.settings;
  SlideFilesOptions options = {.folder = FolderOf(result),
                               .card = context_.card,
                               .heatmap = settings.heatmaps};
  // The full resolution of a slide is no picture.
  if (settings.overlays && result.is_slide) {
    AddNote("a slide has no overlay", result);
  } else if (settings.overlays) {
    CYTO8_ASSIGN_OR_RETURN(
        options.overlay_rows,
        ReadAgain(*context_.files, input.file(), *context_.limits));
  }
  std::unique_ptr<SlideReader> pyramid;
  if (settings.thumbnails && result.is_slide) {
    pyramid = OpenAgain(input, result);
    options.thumbnail_of = pyramid.get();
  }
  return WriteSlideFiles(*context_.files, options, result);
}

void ScoreSink::Finish(size_t input, SlideResult result) {
  if (!HasResult(result)) ++failures_;
  std::call_once(started_,
                 [this] { writer_ = std::thread([this] { WriteAll(); }); });
  queue_.push(std::make_shared<Finished>(
      Finished{.input = input, .result = std::move(result)}));
}

void ScoreSink::WriteAll() {
  std::shared_ptr<Finished> finished;
  for (queue_.pop(finished); finished; queue_.pop(finished)) {
    WriteOne(std::move(*finished));
  }
}

// In a thread of its own, which no exception may leave.
void ScoreSink::WriteOne(Finished finished) {
  const SlideInput& input = inputs_[finished.input];
  SlideResult& result = finished.result;
  SlideSummary& slide = slides_[finished.input];
  const bool had_result = HasResult(result);
  const Status written = Guarded(input, [&] {
    if (had_result) {
      result.status = Guarded(input, [&] { return Write(input, result); });
    }
    result.status = Shown(input, result.status);
    slide = Summarize(result, context_.card->classes.size());
    Record(slide);
    return OkStatus();
  });
  if (!written.ok()) slide.status = written;
  context_.ledger->Release(input.identity);
  if (had_result && !HasResult(slide)) ++failures_;
  Tell(finished.input);
}

// Without its state an image is not done.
void ScoreSink::Record(SlideSummary& slide) {
  if (!context_.ledger->Holds(slide.identity)) return;
  const bool had_result = HasResult(slide);
  if (!had_result) RemoveSlideFiles(*context_.files, FolderOf(slide));
  const Status recorded = context_.ledger->Record(slide, RecordedSlideFiles());
  if (recorded.ok() || !had_result) return;
  slide.status = recorded;
  RemoveSlideFiles(*context_.files, FolderOf(slide));
}

void ScoreSink::Tell(size_t input) {
  const SlideSummary& slide = slides_[input];
  context_.progress->SlideDone(static_cast<int64_t>(input),
                               {.name = slide.identity.path,
                                .has_result = HasResult(slide),
                                .cells = slide.boxes,
                                .seconds = slide.seconds.total()});
  context_.log->SlideEnd(slide);
}

}  // namespace cyto8
