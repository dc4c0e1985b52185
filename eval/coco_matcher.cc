// SPDX-License-Identifier: Apache-2.0
// See coco_matcher.h for the way it works.
#include "eval/coco_matcher.h"

#include <algorithm>

namespace cyto8 {
namespace {

double BoxArea(const EvalBox& box) { return box.width * box.height; }

bool IsOutside(const AreaRange& range, double area_px2) {
  return area_px2 < range.low_px2 || area_px2 > range.high_px2;
}

// bbIou of maskApi.c, operation by operation. It divides by 0 where areas are
// so small that their product is 0; such boxes overlap nothing here.
double Iou(const EvalBox& found, const EvalBox& truth, double truth_area_px2,
           bool is_crowd) {
  const double width = std::min(found.width + found.x, truth.width + truth.x) -
                       std::max(found.x, truth.x);
  const double height =
      std::min(found.height + found.y, truth.height + truth.y) -
      std::max(found.y, truth.y);
  if (width <= 0 || height <= 0) return 0;
  const double intersection = width * height;
  const double found_area_px2 = BoxArea(found);
  const double united = is_crowd
                            ? found_area_px2
                            : found_area_px2 + truth_area_px2 - intersection;
  return united > 0 ? intersection / united : 0;
}

int64_t CutTo(size_t count, int64_t max_detections) {
  const auto all = static_cast<int64_t>(count);
  return max_detections == kAllDetections ? all : std::min(all, max_detections);
}

}  // namespace

CocoMatcher::CocoMatcher(const TruthSet& truth, std::span<const FoundBox> found,
                         const BoxGroups& groups, const CocoOptions& options)
    : truth_(truth), found_(found), groups_(groups), options_(options) {
  for (const double threshold : options.iou_thresholds) {
    bars_.push_back(std::min(threshold, 1 - 1e-10));
  }
  all_levels_ = ~uint64_t{0} >> (kMaxLevels - bars_.size());
}

const CocoGroupOutcome& CocoMatcher::Match(const BoxGroup& group) {
  TakeTruth(group);
  const size_t areas = options_.area_ranges.size();
  outcome_.found_count =
      CutTo(group.found.size(), options_.max_detections.back());
  const size_t cells = areas * outcome_.found_count;
  outcome_.true_positives.assign(cells, 0);
  outcome_.ignored.assign(cells, 0);
  outcome_.partner_of_found.assign(cells, -1);
  for (int64_t i = 0; i < outcome_.found_count; ++i) {
    const EvalBox& box = found_[group.found[i]].box;
    FindCandidates(box);
    for (size_t area = 0; area < areas; ++area) {
      MatchOne(area, i, IsOutside(options_.area_ranges[area], BoxArea(box)));
    }
  }
  return outcome_;
}

void CocoMatcher::TakeTruth(const BoxGroup& group) {
  sides_.clear();
  left_.clear();
  right_.clear();
  for (const int32_t i : group.truth) {
    const TruthBox& truth = truth_.boxes[i];
    sides_.push_back({.box = truth.box,
                      .area_px2 = BoxArea(truth.box),
                      .is_crowd = truth.is_crowd,
                      .has_id_zero = truth.id == 0});
    left_.push_back(truth.box.x);
    right_.push_back(truth.box.width + truth.box.x);
  }
  index_.Reset(left_, right_);
  outcome_.truth_ignored.clear();
  for (const AreaRange& range : options_.area_ranges) {
    for (const int32_t i : group.truth) {
      outcome_.truth_ignored.push_back(
          groups_.IsIgnored(i) || IsOutside(range, truth_.boxes[i].area) ? 1
                                                                         : 0);
    }
  }
  taken_.assign(outcome_.truth_ignored.size(), 0);
  outcome_.partner_of_truth.assign(outcome_.truth_ignored.size(), -1);
}

void CocoMatcher::FindCandidates(const EvalBox& box) {
  candidates_.clear();
  index_.ForEachNear(box.x, box.width + box.x, [&](int32_t position) {
    const Side& side = sides_[position];
    const double iou = Iou(box, side.box, side.area_px2, side.is_crowd);
    const uint64_t reached = Reached(iou);
    if (reached == 0) return;
    candidates_.push_back(
        {.iou = iou, .reached = reached, .position = position});
  });
  std::ranges::sort(candidates_, [](const Candidate& a, const Candidate& b) {
    return a.iou != b.iou ? a.iou > b.iou : a.position > b.position;
  });
}

uint64_t CocoMatcher::Reached(double iou) const {
  if (iou < bars_.front()) return 0;  // the usual case.
  uint64_t reached = 0;
  for (size_t i = 0; i < bars_.size(); ++i) {
    reached |= uint64_t{iou >= bars_[i]} << i;
  }
  return reached;
}

void CocoMatcher::MatchOne(int64_t area, int64_t position, bool is_outside) {
  uint64_t counted = 0;  // thresholds at which pycocotools sees a match.
  const uint64_t true_levels =
      TakeAmong(/*ignored=*/false, area, position, all_levels_, &counted);
  const uint64_t ignored_levels = TakeAmong(
      /*ignored=*/true, area, position, all_levels_ & ~true_levels, &counted);
  const int64_t cell = area * outcome_.found_count + position;
  const uint64_t unmatched = all_levels_ & ~counted;
  outcome_.ignored[cell] = ignored_levels | (is_outside ? unmatched : 0);
  outcome_.true_positives[cell] = counted & ~ignored_levels;
}

// Returns the thresholds, of the wanted ones, at which truth was taken.
uint64_t CocoMatcher::TakeAmong(bool ignored, int64_t area, int64_t position,
                                uint64_t wanted, uint64_t* counted) {
  const auto truth_count = static_cast<int64_t>(sides_.size());
  uint64_t found = 0;
  for (const Candidate& candidate : candidates_) {
    if (wanted == 0) break;
    const int64_t cell = area * truth_count + candidate.position;
    if ((outcome_.truth_ignored[cell] != 0) != ignored) continue;
    const Side& side = sides_[candidate.position];
    const uint64_t occupied = side.is_crowd ? 0 : taken_[cell];
    const uint64_t take = wanted & candidate.reached & ~occupied;
    if (take == 0) continue;
    taken_[cell] |= take;
    wanted &= ~take;
    found |= take;
    if (!side.has_id_zero || !options_.id_zero_counts_as_missed) {
      *counted |= take;
    }
    if ((take & 1) == 0) continue;
    outcome_.partner_of_truth[cell] = static_cast<int32_t>(position);
    outcome_.partner_of_found[area * outcome_.found_count + position] =
        candidate.position;
  }
  return found;
}

}  // namespace cyto8
