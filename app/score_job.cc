// SPDX-License-Identifier: Apache-2.0
// Scoring one image; see score_job.h.
#include "app/score_job.h"

#include <algorithm>
#include <new>
#include <utility>

#include "app/stopwatch.h"
#include "base/sha256.h"
#include "tiling/detection_merger.h"
#include "tiling/image_reader.h"
#include "tiling/resample.h"
#include "tiling/tile_grid.h"

namespace cyto8 {
namespace {

double Ratio(int64_t scaled, int64_t full) {
  return static_cast<double>(scaled) / static_cast<double>(full);
}

// Cut to what the merger takes: a bad model's box may be of any size.
double Bounded(double coordinate) {
  return std::clamp(coordinate, -kMaxCoordinate, kMaxCoordinate);
}

// From pixels of the resampled image to level 0.
Box ToLevelZero(const Box& box, double ratio_x, double ratio_y) {
  return {.x_min = Bounded(box.x_min / ratio_x),
          .y_min = Bounded(box.y_min / ratio_y),
          .x_max = Bounded(box.x_max / ratio_x),
          .y_max = Bounded(box.y_max / ratio_y)};
}

bool FoundBefore(const FoundCell& a, const FoundCell& b) {
  if (a.detection == b.detection) return a.tile < b.tile;
  return DetectionBefore(a.detection, b.detection);
}

// The kept detections with the first tile that found each of them.
std::vector<FoundCell> WithTiles(const std::vector<Detection>& kept,
                                 std::vector<FoundCell> found) {
  std::sort(found.begin(), found.end(), FoundBefore);
  std::vector<FoundCell> cells;
  for (const Detection& detection : kept) {
    cells.push_back(*std::lower_bound(
        found.begin(), found.end(),
        FoundCell{.detection = detection, .tile = 0}, FoundBefore));
  }
  return cells;
}

}  // namespace

StatusOr<ScoreJob> ScoreJob::Create(FileSystem& files, const LoadedModel& model,
                                    const ScoreOptions& options) {
  const Detector& detector = *model.detector;
  CYTO8_RETURN_IF_ERROR(
      TileGrid::Create(1, 1,
                       {.tile_width_px = detector.tile_width_px(),
                        .tile_height_px = detector.tile_height_px(),
                        .overlap_px = options.overlap_px},
                       options.limits)
          .status());
  CYTO8_ASSIGN_OR_RETURN(DetectorSession session,
                         DetectorSession::Create(model.detector));
  return ScoreJob(files, model.card, options, std::move(session),
                  detector.tile_width_px(), detector.tile_height_px());
}

ScoreJob::ScoreJob(FileSystem& files, const ModelCard& card,
                   const ScoreOptions& options, DetectorSession session,
                   int64_t tile_width_px, int64_t tile_height_px)
    : files_(&files),
      card_(&card),
      options_(options),
      session_(std::move(session)),
      tile_width_px_(tile_width_px),
      tile_height_px_(tile_height_px) {}

ScoredSlide ScoreJob::Score(const SlideIdentity& identity,
                            const MppHints& hints) {
  ScoredSlide slide;
  slide.result.identity = identity;
  try {
    slide.result.status = ScoreOrFail(hints, slide);
  } catch (const std::bad_alloc&) {
    slide.result.status = ResourceExhausted(identity.path + ": out of memory");
  }
  if (!slide.result.status.ok()) {
    slide.result.cells.clear();
    slide.image = Image();
  }
  return slide;
}

Status ScoreJob::ScoreOrFail(const MppHints& hints, ScoredSlide& slide) {
  SlideResult& result = slide.result;
  CYTO8_ASSIGN_OR_RETURN(slide.image, Read(hints, result));
  CYTO8_ASSIGN_OR_RETURN(
      const Image scaled,
      Annotate(ToModelScale(slide.image, result), result.identity.path));
  CYTO8_RETURN_IF_ERROR(
      Annotate(DetectTiles(scaled, result), result.identity.path));
  return Annotate(Merge(result), result.identity.path);
}

StatusOr<Image> ScoreJob::Read(const MppHints& hints, SlideResult& result) {
  const Stopwatch watch(result.seconds.read);
  const std::string& path = result.identity.path;
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(*files_, path, options_.limits.max_image_bytes));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  CYTO8_ASSIGN_OR_RETURN(
      const ImageInfo info,
      Annotate(ParseImageHeader(bytes, options_.limits), path));
  CYTO8_ASSIGN_OR_RETURN(
      result.mpp,
      Annotate(ResolveMpp(hints.flag, hints.side_file, info.um_per_px), path));
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Annotate(DecodeImage(bytes, options_.limits), path));
  result.sha256 = ToHex(digest);
  result.width_px = image.width_px();
  result.height_px = image.height_px();
  return image;
}

StatusOr<Image> ScoreJob::ToModelScale(const Image& image,
                                       SlideResult& result) {
  const Stopwatch watch(result.seconds.resample);
  const double mpp = result.mpp.value;
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t width,
      ResampledSide(image.width_px(), mpp, card_->mpp, options_.limits));
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t height,
      ResampledSide(image.height_px(), mpp, card_->mpp, options_.limits));
  return ResampleArea(image.view(), width, height, options_.limits);
}

Status ScoreJob::DetectTiles(const Image& scaled, SlideResult& result) {
  const Stopwatch watch(result.seconds.infer);
  CYTO8_ASSIGN_OR_RETURN(const TileGrid grid,
                         TileGrid::Create(scaled.width_px(), scaled.height_px(),
                                          {.tile_width_px = tile_width_px_,
                                           .tile_height_px = tile_height_px_,
                                           .overlap_px = options_.overlap_px},
                                          options_.limits));
  const double ratio_x = Ratio(scaled.width_px(), result.width_px);
  const double ratio_y = Ratio(scaled.height_px(), result.height_px);
  SerialFor executor;
  result.tiles = grid.size();
  for (int64_t i = 0; i < grid.size(); ++i) {
    const Tile tile = grid.At(i);
    CYTO8_ASSIGN_OR_RETURN(
        const TileDetections found,
        session_.Detect(scaled.view().Crop(tile.x_px, tile.y_px, tile.width_px,
                                           tile.height_px),
                        {.x_px = tile.x_px, .y_px = tile.y_px}, executor));
    for (const Detection& relative : found.detections) {
      Detection cell = OnImage(relative, found.placement);
      cell.box = ToLevelZero(cell.box, ratio_x, ratio_y);
      result.cells.push_back({.detection = cell, .tile = i});
    }
  }
  return OkStatus();
}

Status ScoreJob::Merge(SlideResult& result) {
  const Stopwatch watch(result.seconds.merge);
  const PostprocessOptions& postprocess = card_->postprocess;
  // Inside a tile the card's suppression has its say, which may be a soft one;
  // no box overlaps another by more than 1.
  const double threshold = result.tiles == 1 ? 1 : postprocess.iou_threshold;
  std::vector<Detection> all;
  for (const FoundCell& cell : result.cells) all.push_back(cell.detection);
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<Detection> kept,
      MergeDetections(
          std::move(all),
          {.iou_threshold = threshold,
           .class_agnostic = postprocess.scope == SuppressionScope::kGlobal}));
  result.cells = WithTiles(kept, std::move(result.cells));
  return OkStatus();
}

}  // namespace cyto8
