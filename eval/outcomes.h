// SPDX-License-Identifier: Apache-2.0
// What became of every detection: the common ground of the match rules (COCO,
// VOC, centres) and of what is computed from them (curves, average precision,
// bootstrap). Plain data. Tested through tests/eval.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cyto8 {

// The class id of figures that do not tell classes apart.
inline constexpr int64_t kAllClasses = -1;

// Levels (IoU thresholds or distances) evaluated at once: one bit each.
inline constexpr int64_t kMaxLevels = 64;

// A figure that does not exist, as in pycocotools: a class without truth has
// no average precision, and means leave it out.
inline constexpr double kUndefined = -1;

// The truth of one class in one image that counts (is not ignored).
struct ImageTruths {
  int32_t image = 0;  // rank of the image by rising id.
  int32_t count = 0;
};

// The detections of one class by falling score; the four vectors run in
// parallel. Ties are in the order that the match rule states. At level i a
// detection is a true positive (bit i of true_positives), ignored (bit i of
// ignored) or, if neither bit is set, a false positive; never both.
struct ClassOutcomes {
  int64_t class_id = 0;
  int64_t truth_count = 0;               // the sum of truths.
  std::vector<ImageTruths> truths = {};  // by rising image; counts above 0.
  std::vector<double> scores = {};
  std::vector<int32_t> images = {};  // rank of the image by rising id.
  std::vector<uint64_t> true_positives = {};
  std::vector<uint64_t> ignored = {};
};

// The least IoU that can be asked for: boxes that do not overlap never match.
inline constexpr double kMinIouThreshold = 1e-9;

// kInvalidArgument unless there are 1 to kMaxLevels values in [low, high], each
// above the one before.
Status CheckLevels(std::string_view name, std::span<const double> values,
                   double low, double high);

// What took no part, to be told to the user.
struct LeftOut {
  int64_t truth_of_unknown_class = 0;  // or of an unknown image.
  int64_t found_of_unknown_class = 0;
  int64_t truth_in_border = 0;  // ignored, but still matched.
  int64_t found_in_border = 0;
};

struct Outcomes {
  std::vector<double> levels = {};          // IoU thresholds or distances.
  std::vector<int64_t> image_ids = {};      // rising; an image is its index.
  std::vector<ClassOutcomes> classes = {};  // by rising class id.
  LeftOut left_out = {};
};

}  // namespace cyto8
