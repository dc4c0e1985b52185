// SPDX-License-Identifier: Apache-2.0
// Truth and detections put together by class and image, checked, and without
// what takes no part: the first step of every match rule. By sorting, so that
// it is O(n log n) for any numbers of images and classes. Tested by
// tests/eval/box_groups_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"
#include "eval/outcomes.h"

namespace cyto8 {

// Coordinates, sides, areas and scores beyond this are refused: within it no
// product of two overflows.
inline constexpr double kMaxEvalNumber = 1e100;

// The border of an image is where its labels cannot be trusted, such as the
// outer 20 px of a CRIC field. A box is in the border if its centre
// (x + width / 2, y + height / 2) is less than ignore_border_px from an edge of
// the image, or outside the image. A detection in the border takes no part, as
// if it were not in the list: it is neither counted nor does it take truth from
// others. Truth in the border is ignored: it does not count, and a detection
// that matches it (and no other truth) is neither true nor false positive.
// 0: there is no border, and boxes outside the image count.
struct GroupOptions {
  bool use_classes = true;
  double ignore_border_px = 0;  // in [0, kMaxEvalNumber].
};

// The boxes of one image and class, by index into the lists they came from.
struct BoxGroup {
  int32_t class_index = 0;  // into BoxGroups::class_ids.
  int32_t image = 0;        // into BoxGroups::image_ids.
  // By class id, then order in the list. (The class matters without
  // use_classes only.)
  std::span<const int32_t> truth = {};
  // By falling score, then class id, then order in the list.
  std::span<const int32_t> found = {};
};

// Movable, not copyable: groups point into the index lists.
class BoxGroups {
 public:
  BoxGroups(BoxGroups&&) = default;
  BoxGroups& operator=(BoxGroups&&) = default;

  // See EvaluateCoco (coco_evaluator.h) for what is left out and refused. With
  // a border every image must state its width and height.
  static StatusOr<BoxGroups> Create(const TruthSet& truth,
                                    std::span<const FoundBox> found,
                                    const GroupOptions& options);

  // Those that hold anything, by class, then image.
  const std::vector<BoxGroup>& groups() const { return groups_; }
  const std::vector<int64_t>& image_ids() const { return image_ids_; }
  // All classes, or kAllClasses alone.
  const std::vector<int64_t>& class_ids() const { return class_ids_; }
  const LeftOut& left_out() const { return left_out_; }
  // Crowd or in the border; by index into the truth.
  bool IsIgnored(int64_t truth_index) const {
    return is_ignored_[truth_index] != 0;
  }

 private:
  BoxGroups() = default;

  std::vector<int64_t> image_ids_;
  std::vector<int64_t> class_ids_;
  std::vector<int32_t> truth_order_;
  std::vector<int32_t> found_order_;
  std::vector<uint8_t> is_ignored_;
  std::vector<BoxGroup> groups_;
  LeftOut left_out_;
};

}  // namespace cyto8
