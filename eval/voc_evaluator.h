// SPDX-License-Identifier: Apache-2.0
// The match rule of PASCAL VOC: each detection is compared with the truth that
// it overlaps most, whether or not that is taken already. Average precision:
// precision_recall.h. Tested by tests/eval/voc_evaluator_test.cc against four
// packages.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"
#include "eval/outcomes.h"

namespace cyto8 {

struct VocOptions {
  // 1 to kMaxLevels values in [kMinIouThreshold, 1], rising.
  std::vector<double> iou_thresholds = {0.5};
  // Boxes are one pixel wider and higher than x + width says, as where corners
  // are pixels that belong to the box.
  bool plus_one = false;
  // IoU > threshold matches rather than IoU >= threshold.
  bool strict = false;
  bool use_classes = true;
  double ignore_border_px = 0;  // see box_groups.h.
};

// Detections of all images by falling score, ties in the order of the list (by
// class id first, without use_classes).
// Each takes the truth of the highest IoU in its image (the first in the list,
// where several have it): true positive if the IoU passes and the truth is
// free, ignored if the truth is a crowd or in the border (VOC: difficult),
// false positive otherwise. Boxes that do not overlap never match.
// Left out and refused as in EvaluateCoco.
StatusOr<Outcomes> EvaluateVoc(const TruthSet& truth,
                               std::span<const FoundBox> found,
                               const VocOptions& options = {});

}  // namespace cyto8
