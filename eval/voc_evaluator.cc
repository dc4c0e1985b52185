// SPDX-License-Identifier: Apache-2.0
// See voc_evaluator.h.
#include "eval/voc_evaluator.h"

#include <algorithm>
#include <cstdint>

#include "eval/box_groups.h"
#include "eval/outcome_list.h"
#include "eval/truth_index.h"

namespace cyto8 {
namespace {

// extra_px is 1 where a box holds the pixels of its right and lower edge.
double Iou(const EvalBox& a, const EvalBox& b, double extra_px) {
  const double width =
      std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x) + extra_px;
  const double height =
      std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y) + extra_px;
  if (width <= 0 || height <= 0) return 0;
  const double intersection = width * height;
  const auto area = [extra_px](const EvalBox& box) {
    return (box.width + extra_px) * (box.height + extra_px);
  };
  const double united = area(a) + area(b) - intersection;
  return united > 0 ? intersection / united : 0;
}

// Keeps its memory from one group to the next.
class VocMatcher {
 public:
  VocMatcher(const TruthSet& truth, std::span<const FoundBox> found,
             const BoxGroups& groups, const VocOptions& options)
      : truth_(truth), found_(found), groups_(groups), options_(options) {}

  void Match(const BoxGroup& group, OutcomeList& list) {
    TakeTruth(group);
    for (const int32_t i : group.found) {
      const FoundBox& box = found_[i];
      OutcomeList::Entry entry = {
          .score = box.score, .tie = {box.class_id, i}, .image = group.image};
      const Best best = FindBest(box.box, group);
      const uint64_t passed = Passed(best.iou);
      if (passed != 0 && groups_.IsIgnored(group.truth[best.position])) {
        entry.ignored = passed;
      } else if (passed != 0) {
        entry.true_positives = passed & ~taken_[best.position];
        taken_[best.position] |= passed;
      }
      list.Add(entry);
    }
  }

 private:
  struct Best {
    double iou = 0;
    int32_t position = -1;  // in the group.
  };

  double extra_px() const { return options_.plus_one ? 1 : 0; }

  void TakeTruth(const BoxGroup& group) {
    left_.clear();
    right_.clear();
    for (const int32_t i : group.truth) {
      const EvalBox& box = truth_.boxes[i].box;
      left_.push_back(box.x - extra_px());
      right_.push_back(box.x + box.width + extra_px());
    }
    index_.Reset(left_, right_);
    taken_.assign(group.truth.size(), 0);
  }

  Best FindBest(const EvalBox& box, const BoxGroup& group) const {
    Best best;
    index_.ForEachNear(box.x, box.x + box.width, [&](int32_t i) {
      const EvalBox& truth = truth_.boxes[group.truth[i]].box;
      const double iou = Iou(truth, box, extra_px());
      const bool is_first = iou == best.iou && iou > 0 &&
                            group.truth[i] < group.truth[best.position];
      if (iou > best.iou || is_first) best = {.iou = iou, .position = i};
    });
    return best;
  }

  uint64_t Passed(double iou) const {
    uint64_t passed = 0;
    for (size_t i = 0; i < options_.iou_thresholds.size(); ++i) {
      const double threshold = options_.iou_thresholds[i];
      const bool passes = options_.strict ? iou > threshold : iou >= threshold;
      passed |= uint64_t{passes} << i;
    }
    return passed;
  }

  const TruthSet& truth_;
  std::span<const FoundBox> found_;
  const BoxGroups& groups_;
  const VocOptions& options_;

  // Of the group at hand.
  TruthIndex index_;
  std::vector<double> left_, right_;
  std::vector<uint64_t> taken_;  // bit: threshold.
};

}  // namespace

StatusOr<Outcomes> EvaluateVoc(const TruthSet& truth,
                               std::span<const FoundBox> found,
                               const VocOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckLevels("iou_thresholds", options.iou_thresholds,
                                    kMinIouThreshold, 1));
  CYTO8_ASSIGN_OR_RETURN(
      const BoxGroups groups,
      BoxGroups::Create(truth, found,
                        {.use_classes = options.use_classes,
                         .ignore_border_px = options.ignore_border_px}));
  VocMatcher matcher(truth, found, groups, options);
  Outcomes outcomes =
      MatchAllGroups(groups, [&](const BoxGroup& group, OutcomeList& list) {
        matcher.Match(group, list);
      });
  outcomes.levels = options.iou_thresholds;
  return outcomes;
}

}  // namespace cyto8
