// SPDX-License-Identifier: Apache-2.0
// Matching by the distance of centres, for cells whose boxes are a convention
// around a labelled point. Precision, recall, F1, AP and FROC of the outcomes:
// precision_recall.h. Tested by tests/eval/centre_evaluator_test.cc.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"
#include "eval/outcomes.h"

namespace cyto8 {

struct CentreOptions {
  // 1 to kMaxLevels values in [0, kMaxEvalNumber], rising: each one a level.
  std::vector<double> distances_px = {20};
  bool use_classes = true;
  double ignore_border_px = 0;  // see box_groups.h.
};

// Per image and class, at each distance, detections by falling score (ties in
// the order of the list) take the nearest free truth whose centre is at most so
// far from theirs; where several are equally far, the first in the list. That
// is a true positive. What finds none may then take ignored truth (crowds; in
// the border) by the same rule and is ignored too. A crowd is a region and can
// be taken often: its distance is that of the centre from the box, 0 inside.
// All others are false positives. Over all images, ties of the score are by
// image id. Left out and refused as in EvaluateCoco.
StatusOr<Outcomes> EvaluateCentres(const TruthSet& truth,
                                   std::span<const FoundBox> found,
                                   const CentreOptions& options = {});

}  // namespace cyto8
