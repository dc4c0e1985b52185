// SPDX-License-Identifier: Apache-2.0
// The detections of all tiles of an image to one list: a cell that two
// overlapping tiles saw is reported once. Global and exact; knows nothing of
// tiles. Tested by tests/tiling/detection_merger_test.cc.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/detection.h"
#include "base/status.h"
#include "tiling/box_index.h"

namespace cyto8 {

// What becomes of boxes that match. All go through the detections once, in the
// order of DetectionBefore, so the result depends on no other order. A
// detection that matches none before it (see each method) starts a group; the
// group has the score and the class of that first one, its best.
enum class MergeMethod {
  // A detection that matches the best of a group goes; the best stays as it is.
  kNms,
  // A detection joins the first group whose best it matches, as boxes go with
  // kNms; the box of a group is the mean of its boxes, weighted by their
  // scores.
  kVoting,
  // A detection joins the group whose box, as it is by then, it matches with
  // the highest metric, the first of these if several have it; the box of a
  // group is the mean of its boxes, weighted by their scores. Weighted boxes
  // fusion (Solovyev et al. 2021) with one list; but the score is the highest,
  // not the mean, since a cell cut by a tile's edge shall not be the less sure.
  kWbf,
  // A detection joins the group of the first detection that it matches, best or
  // not, so groups are chains; the box of a group is the union of its boxes.
  // SAHI's NMM, see below.
  kNmm,
  // A detection joins the first group whose best it matches; the box of a group
  // is the union of its boxes. SAHI's GREEDYNMM, see below.
  kGreedyNmm,
};

struct MergeOptions {
  MergeMethod method = MergeMethod::kNms;
  MergeMetric metric = MergeMetric::kIou;
  double iou_threshold = 0.5;   // of either metric, in [0, 1].
  bool class_agnostic = false;  // boxes of different classes match too.
  // By class id, in [0, 1]: a detection of that class takes part only if its
  // score is above, both as float.
  std::map<int, double> min_scores = {};
};

// Coordinates beyond this are a defect of whoever made them.
inline constexpr double kMaxCoordinate = 1e9;

// kInvalidArgument if a score is outside [0, 1], a coordinate is not finite or
// outside [-kMaxCoordinate, kMaxCoordinate], or a box ends before it starts.
Status CheckDetections(std::span<const Detection> detections);

// Two detections match if they are of one class (or class_agnostic) and the
// metric of their boxes is strictly above the threshold, as in TensorFlow's
// NonMaxSuppression. A box without extent matches nothing. The result is in the
// order of DetectionBefore and equals the quadratic algorithm exactly.
//
// No detection is lost: with all methods but kNms it lies in a group, and with
// the two unions inside the box of that group. SAHI tests each box a second
// time, against the union as grown so far, and drops what fails; here boxes are
// tested as they came, once. SAHI as it is: tiling/compatible_merge.h.
//
// kInvalidArgument if the threshold or a minimum is outside [0, 1], or if
// CheckDetections refuses a detection.
StatusOr<std::vector<Detection>> MergeDetections(
    std::vector<Detection> detections, const MergeOptions& options = {});

}  // namespace cyto8
