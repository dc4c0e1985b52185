// SPDX-License-Identifier: Apache-2.0
// COCO evaluation of boxes, equal to pycocotools 2.0.11 (cocoeval.py,
// maskApi.c). How it gets there in one pass over the thresholds is told in
// coco_matcher.h. Tested by tests/eval/coco_evaluator_test.cc against
// pycocotools' own answers and a transcription of its definition.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"
#include "eval/outcomes.h"

namespace cyto8 {

// Both ends belong to the range.
struct AreaRange {
  std::string name = {};
  double low_px2 = 0;
  double high_px2 = 0;
};

inline constexpr int64_t kMaxAreaRanges = 32;

// np.linspace(0.5, 0.95, 10), bit for bit: [8] is 0.8999999999999999.
std::vector<double> CocoIouThresholds();

// all [0, 1e10], small [0, 32^2], medium [32^2, 96^2], large [96^2, 1e10].
std::vector<AreaRange> CocoAreaRanges();

// Entry of max_detections: no limit. Comes last.
inline constexpr int64_t kAllDetections = 0;

struct CocoOptions {
  // So many of the best detections of each image (and class) count; 1 to 8
  // values, rising. Each gives figures of its own; detections beyond the last
  // are cut before matching.
  std::vector<int64_t> max_detections = {1, 10, 100};
  // 1 to kMaxLevels values in [kMinIouThreshold, 1], rising.
  std::vector<double> iou_thresholds = CocoIouThresholds();
  // 1 to kMaxAreaRanges. The first one is that of CocoResult::outcomes.
  std::vector<AreaRange> area_ranges = CocoAreaRanges();
  // False is useCats = 0: a detection may match truth of any class.
  bool use_classes = true;
  // pycocotools writes matches down as truth ids with 0 for none, so truth
  // with id 0 can be matched but counts as missed, the detection as false.
  bool id_zero_counts_as_missed = true;
  double ignore_border_px = 0;  // see box_groups.h.
};

// Indices of one figure; each into the list of the same name in the options.
struct CocoCell {
  int64_t class_index = 0;  // into CocoResult::outcomes.classes.
  int64_t iou_index = 0;
  int64_t area_index = 0;
  int64_t max_index = 0;
};

struct CocoResult {
  CocoOptions options = {};
  // AP (mean of 101 precisions) and final recall of each cell; kUndefined for a
  // class without truth in the area range. Class-major, max_detections last.
  std::vector<double> average_precisions = {};
  std::vector<double> recalls = {};
  // Of the first area range and the last max_detections: for curves and
  // bootstrap. Ties: image id, then class id (without use_classes), then order
  // in the list. One class, kAllClasses, without use_classes.
  Outcomes outcomes = {};

  int64_t CellIndex(const CocoCell& cell) const;
  double AveragePrecisionAt(const CocoCell& cell) const {
    return average_precisions[CellIndex(cell)];
  }
  double RecallAt(const CocoCell& cell) const {
    return recalls[CellIndex(cell)];
  }
};

// - Truth and detections of classes that truth.classes does not hold are left
//   out and counted, as is truth of unknown images; order of images and classes
//   does not matter.
// - kInvalidArgument for a detection of an unknown image, an image or class
//   listed twice, a number that is not finite or beyond kMaxEvalNumber, a
//   negative side, options outside their range; messages name the index.
StatusOr<CocoResult> EvaluateCoco(const TruthSet& truth,
                                  std::span<const FoundBox> found,
                                  const CocoOptions& options = {});

inline constexpr std::array<std::string_view, 12> kCocoStatNames = {
    "AP",      "AP50",     "AP75",      "AP_small", "AP_medium", "AP_large",
    "AR_max1", "AR_max10", "AR_max100", "AR_small", "AR_medium", "AR_large"};

// The twelve lines of summarize(), over all classes or those of one (index into
// outcomes.classes). They need three max_detections: kInvalidArgument
// otherwise. What does not exist is -1: AP unless one of max_detections is 100
// (summarize() looks for that by value), AP50 unless 0.5 is a threshold,
// AR_small unless an area range has that name. The names are those of the
// defaults: the three AR_max lines follow max_detections.
StatusOr<std::array<double, 12>> CocoStats(
    const CocoResult& result, std::optional<int64_t> class_index = {});

// The mean over classes (or of one class) and thresholds (or of the one that
// equals iou_threshold) for the first area range and the last max_detections:
// what our own tables call AP and AP50. kUndefined if there is nothing to
// average.
double MeanAveragePrecision(const CocoResult& result,
                            std::optional<double> iou_threshold = {},
                            std::optional<int64_t> class_index = {});

// Who met whom in one image and class and area range, at one threshold.
struct FoundMatch {
  int64_t found_index = 0;   // into the list of detections.
  int64_t truth_index = -1;  // into TruthSet::boxes; -1: none.
  bool is_ignored = false;   // neither true nor false positive.
};
struct TruthMatch {
  int64_t truth_index = 0;
  int64_t found_index = -1;  // the last one, for a crowd; -1: missed.
  bool is_ignored = false;
};
struct GroupMatches {
  int64_t image_id = 0;
  int64_t class_id = 0;
  int64_t area_index = 0;
  std::vector<FoundMatch> found = {};  // by falling score, at most the last
                                       // of max_detections.
  std::vector<TruthMatch> truth = {};  // ignored ones last.
};

// All groups that hold anything, by class, image, area range, at the first of
// iou_thresholds. Errors as EvaluateCoco.
StatusOr<std::vector<GroupMatches>> MatchCoco(const TruthSet& truth,
                                              std::span<const FoundBox> found,
                                              const CocoOptions& options);

}  // namespace cyto8
