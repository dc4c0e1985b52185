// SPDX-License-Identifier: Apache-2.0
// One image from file to merged cells: read, decode, resample to the model's
// um/px, tile, detect, merge. Writes nothing. Tested by
// tests/app/score_job_test.cc.
#pragma once

#include <optional>

#include "app/load_model.h"
#include "app/score_result.h"
#include "base/file_system.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "detector/efficientdet/detector.h"

namespace cyto8 {

struct ScoreOptions {
  int64_t overlap_px = 192;  // of neighbouring tiles, at the model's um/px.
  Limits limits = {};
};

// What is known of the scale of one image before it is opened.
struct MppHints {
  std::optional<double> flag = std::nullopt;
  std::optional<double> side_file = std::nullopt;
};

// An image scored: the result and the decoded pixels, for the overlay.
struct ScoredSlide {
  SlideResult result;
  Image image;  // empty if result.status is an error.
};

// Not thread-safe: holds one detector session.
class ScoreJob {
 public:
  // kInvalidArgument if the overlap does not fit the model's tile.
  static StatusOr<ScoreJob> Create(FileSystem& files, const LoadedModel& model,
                                   const ScoreOptions& options);

  // Never fails as a whole: what went wrong stands in result.status, and
  // running out of memory is such an error.
  ScoredSlide Score(const SlideIdentity& identity, const MppHints& hints);

 private:
  ScoreJob(FileSystem& files, const ModelCard& card,
           const ScoreOptions& options, DetectorSession session,
           int64_t tile_width_px, int64_t tile_height_px);

  Status ScoreOrFail(const MppHints& hints, ScoredSlide& slide);
  StatusOr<Image> Read(const MppHints& hints, SlideResult& result);
  StatusOr<Image> ToModelScale(const Image& image, SlideResult& result);
  Status DetectTiles(const Image& scaled, SlideResult& result);
  Status Merge(SlideResult& result);

  FileSystem* files_;
  const ModelCard* card_;
  ScoreOptions options_;
  DetectorSession session_;
  int64_t tile_width_px_;
  int64_t tile_height_px_;
};

}  // namespace cyto8
