// SPDX-License-Identifier: Apache-2.0
// Suppression of overlapping boxes inside one tile, hard and soft, as
// TensorFlow's operator NonMaxSuppressionV5 does it. Knows no classes and no
// tiles; DetectionMerger works across tile seams. Tested by
// tests/detector/efficientdet/non_max_suppression_test.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/box.h"
#include "base/status.h"

namespace cyto8 {

struct NonMaxSuppressionOptions {
  // Hard: a box overlapping a kept one by more than this is dropped. Soft
  // suppression ignores it, as the operator does.
  float iou_threshold = 0.5f;
  // Only scores above this count, also after decay.
  float score_threshold = -std::numeric_limits<float>::infinity();
  // 0: hard. Otherwise every kept box multiplies the scores of the others by
  // exp(-iou * iou / (2 * sigma)). This is the operator's sigma; the number in
  // automl's configuration is twice as large.
  float sigma = 0;
  int64_t max_output = 0;  // 0: no limit.
};

struct KeptBox {
  int64_t index = 0;  // into the given boxes.
  float score = 0;    // after decay.
  friend bool operator==(const KeptBox&, const KeptBox&) = default;
};

// The kept boxes in the order in which they were chosen: score falling, ties by
// index. kInvalidArgument if an option is out of range, a score is not a number
// or the lists differ in length. Time: candidates above the threshold times
// kept boxes; with hard suppression only those near them.
StatusOr<std::vector<KeptBox>> NonMaxSuppression(
    std::span<const Box> boxes, std::span<const float> scores,
    const NonMaxSuppressionOptions& options);

}  // namespace cyto8
