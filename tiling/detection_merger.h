// SPDX-License-Identifier: Apache-2.0
// The detections of all tiles of an image to one list: a cell that two
// overlapping tiles saw is kept once. Global greedy hard non-maximum
// suppression; knows nothing of tiles. Tested by
// tests/tiling/detection_merger_test.cc.
#pragma once

#include <vector>

#include "base/detection.h"
#include "base/status.h"

namespace cyto8 {

// What becomes of boxes that match.
enum class MergeMethod {
  kNms,        // the best is kept, the others go.
  kVoting,     // as kNms, the kept box moves to the score-weighted mean.
  kWbf,        // weighted boxes fusion (Solovyev et al. 2021).
  kNmm,        // union of all that match transitively (SAHI's NMM).
  kGreedyNmm,  // union of all that match the best (SAHI's GREEDYNMM).
};

// What "match" measures.
enum class MergeMetric {
  kIou,  // intersection over union.
  kIos,  // intersection over the smaller box.
};

struct MergeOptions {
  double iou_threshold = 0.5;   // in [0, 1].
  bool class_agnostic = false;  // boxes of different classes suppress too.
};

// Coordinates beyond this are a defect of whoever made them.
inline constexpr double kMaxCoordinate = 1e9;

// In the order of DetectionBefore, keeps a detection unless a kept one (of the
// same class, or of any when class_agnostic) overlaps it with an IoU strictly
// above the threshold, as TensorFlow's NonMaxSuppression does. A box without
// extent overlaps nothing. The result is in that order too, so it does not
// depend on the order of the input; it equals the quadratic algorithm exactly.
// kInvalidArgument if the threshold or a score is outside [0, 1], a coordinate
// is not finite or outside [-kMaxCoordinate, kMaxCoordinate], or a box ends
// before it starts.
StatusOr<std::vector<Detection>> MergeDetections(
    std::vector<Detection> detections, const MergeOptions& options = {});

}  // namespace cyto8
