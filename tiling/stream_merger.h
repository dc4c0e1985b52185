// SPDX-License-Identifier: Apache-2.0
// Merging while tiles are still in work: what nothing can change any more is
// handed out and forgotten, so memory does not grow with the slide. All that is
// handed out together is what MergeDetections makes of all detections at once.
// Knows nothing of tiles. Tested by tests/tiling/stream_merger_test.cc.
//
// The caller says where detections may still come: in *open areas*. They are
// boxes; each detection to come lies, with its whole box, inside one of them,
// its edges included, in the coordinates of the detections. Examples:
//
//   rows, from top to bottom     {the image below the top of the first row of
//                                 tiles with a tile in work or to come}
//   strips, from left to right   {the rest of this strip, the strips right of
//                                 it}, overlaps included
//   any order                    {each tile that is in work or to come}
//   a shard of the slide         the same, and {what other shards look at}
//
// Fewer and larger areas are always right too; each call takes time for each
// area. A detector whose boxes may reach out of their tile needs areas that
// are so much larger, or boxes that are cut at a margin around their tile; a
// box outside of all areas is refused, since what it would change may be gone.
//
// What is held at any time: the boxes that overlap an open area, those that
// hang on them by chains of matches (which of them: settle_detections.cc, with
// the proofs), and as much again, since work is done only when as much has come
// as was left. So it depends on the length of the border of the open areas,
// not on the image; two sweeps of a crowded slide, 10 and 100 times as high,
// hold the same. Not so where boxes are chained across the slide to an open
// area, each matching the one before with a lower score (with kNmm: one group),
// and with kWbf, whose boxes are held until a line across the whole slide,
// above all open areas or left of them, crosses no box of their class. Then
// memory grows to that of MergeDetections; the results stay exact. Take kVoting
// rather than kWbf where that matters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/detection.h"
#include "base/status.h"
#include "tiling/detection_merger.h"

namespace cyto8 {

// Not thread-safe; neither the order of calls of Add, nor how detections are
// split over them, shows in what is handed out in all.
class StreamMerger {
 public:
  // At first all is open. kInvalidArgument if the threshold or a minimum score
  // is outside [0, 1].
  static StatusOr<StreamMerger> Create(const MergeOptions& options = {});

  // On an error nothing is added: kInvalidArgument if CheckDetections refuses a
  // detection or one lies in no open area, or if more than 2^31 - 1 are held.
  Status Add(std::vector<Detection> detections);

  // The areas open from now on. Returns results that are final, in the order of
  // DetectionBefore; with no areas all that are left. kInvalidArgument if an
  // area lies in none of those open before: nothing changes then.
  StatusOr<std::vector<Detection>> Advance(std::span<const Box> open);

  // What is not decided, in the order of DetectionBefore; nothing is held after
  // that. Detections that shards took, each of which kept the areas of the
  // others open, are added to another merger, which decides.
  std::vector<Detection> TakeHeld();

  int64_t held() const { return std::ssize(held_); }

 private:
  explicit StreamMerger(const MergeOptions& options);

  MergeOptions options_;
  std::vector<Box> open_;
  std::vector<Detection> held_;
  int64_t left_ = 0;  // of held_, by the last time that results were taken out.
};

}  // namespace cyto8
