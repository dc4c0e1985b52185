// SPDX-License-Identifier: Apache-2.0
// Grouping of detections with an index of boxes; see detection_merger.h. Each
// method asks the index one question per detection: which group is it?
#include "tiling/detection_merger.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "base/box.h"
#include "base/checked_math.h"

namespace cyto8 {
namespace {

Box UnionOf(const Box& a, const Box& b) {
  return {.x_min = std::min(a.x_min, b.x_min),
          .y_min = std::min(a.y_min, b.y_min),
          .x_max = std::max(a.x_max, b.x_max),
          .y_max = std::max(a.y_max, b.y_max)};
}

// The detections of one group, the best first.
class Group {
 public:
  explicit Group(const Detection& best) : best_(best), union_(best.box) {
    Add(best);
  }

  void Add(const Detection& member) {
    const Box& box = member.box;
    const double weight = member.score;
    union_ = UnionOf(union_, box);
    weight_ += weight;
    // Seen from the best, so that equal boxes have exactly their own mean.
    shift_.x_min += weight * (box.x_min - best_.box.x_min);
    shift_.y_min += weight * (box.y_min - best_.box.y_min);
    shift_.x_max += weight * (box.x_max - best_.box.x_max);
    shift_.y_max += weight * (box.y_max - best_.box.y_max);
  }

  Detection Union() const { return With(union_); }
  Detection Mean() const { return With(MeanBox()); }

  // Where all scores are 0, the best box.
  Box MeanBox() const {
    if (weight_ == 0) return best_.box;
    const Box& box = best_.box;
    Box mean = {.x_min = box.x_min + shift_.x_min / weight_,
                .y_min = box.y_min + shift_.y_min / weight_,
                .x_max = box.x_max + shift_.x_max / weight_,
                .y_max = box.y_max + shift_.y_max / weight_};
    // What rounding may undo.
    mean.x_min = std::clamp(mean.x_min, union_.x_min, union_.x_max);
    mean.y_min = std::clamp(mean.y_min, union_.y_min, union_.y_max);
    mean.x_max = std::clamp(mean.x_max, mean.x_min, union_.x_max);
    mean.y_max = std::clamp(mean.y_max, mean.y_min, union_.y_max);
    return mean;
  }

 private:
  Detection With(const Box& box) const {
    return {.box = box, .score = best_.score, .class_id = best_.class_id};
  }

  Detection best_;
  Box union_;
  Box shift_;  // sums of weight * (box - best box).
  double weight_ = 0;
};

// In the order of DetectionBefore, any two comparable.
using Candidates = std::span<const Detection>;

BoxIndex MakeIndex(Candidates candidates, const MergeOptions& options) {
  return BoxIndex(options.metric, options.iou_threshold,
                  static_cast<int64_t>(candidates.size()));
}

std::vector<Group> GroupAroundBest(Candidates candidates,
                                   const MergeOptions& options) {
  std::vector<Group> groups;
  BoxIndex best = MakeIndex(candidates, options);
  for (const Detection& detection : candidates) {
    const int32_t match = best.FirstMatch(detection.box);
    if (match == BoxIndex::kNone) {
      best.Insert(detection.box);
      groups.emplace_back(detection);
    } else {
      groups[match].Add(detection);
    }
  }
  return groups;
}

std::vector<Group> GroupAroundMean(Candidates candidates,
                                   const MergeOptions& options) {
  std::vector<Group> groups;
  BoxIndex means = MakeIndex(candidates, options);
  for (const Detection& detection : candidates) {
    const int32_t match = means.BestMatch(detection.box);
    if (match == BoxIndex::kNone) {
      means.Insert(detection.box);
      groups.emplace_back(detection);
    } else {
      groups[match].Add(detection);
      means.Move(match, groups[match].MeanBox());
    }
  }
  return groups;
}

std::vector<Group> GroupInChains(Candidates candidates,
                                 const MergeOptions& options) {
  std::vector<Group> groups;
  std::vector<int32_t> group_of;
  BoxIndex all = MakeIndex(candidates, options);
  for (const Detection& detection : candidates) {
    const int32_t match = all.FirstMatch(detection.box);
    all.Insert(detection.box);
    if (match == BoxIndex::kNone) {
      group_of.push_back(static_cast<int32_t>(groups.size()));
      groups.emplace_back(detection);
    } else {
      group_of.push_back(group_of[match]);
      groups[group_of.back()].Add(detection);
    }
  }
  return groups;
}

std::vector<Group> MakeGroups(Candidates candidates,
                              const MergeOptions& options) {
  switch (options.method) {
    case MergeMethod::kWbf:
      return GroupAroundMean(candidates, options);
    case MergeMethod::kNmm:
      return GroupInChains(candidates, options);
    default:
      return GroupAroundBest(candidates, options);
  }
}

// These replace the first of the candidates and return how many they are; a
// result never lies behind the candidates that it came from.
size_t KeepBest(std::span<Detection> candidates, const MergeOptions& options) {
  BoxIndex best = MakeIndex(candidates, options);
  size_t kept = 0;
  for (const Detection& detection : candidates) {
    if (best.FirstMatch(detection.box) != BoxIndex::kNone) continue;
    best.Insert(detection.box);
    candidates[kept++] = detection;
  }
  return kept;
}

size_t Fuse(std::span<Detection> candidates, const MergeOptions& options) {
  const bool to_mean = options.method == MergeMethod::kVoting ||
                       options.method == MergeMethod::kWbf;
  size_t kept = 0;
  for (const Group& group : MakeGroups(candidates, options)) {
    candidates[kept++] = to_mean ? group.Mean() : group.Union();
  }
  return kept;
}

Status CheckCoordinate(std::string_view name, double value) {
  return CheckRange(name, value, -kMaxCoordinate, kMaxCoordinate);
}

Status CheckDetection(const Detection& detection) {
  const Box& box = detection.box;
  CYTO8_RETURN_IF_ERROR(CheckRange("score", detection.score, 0, 1));
  CYTO8_RETURN_IF_ERROR(CheckCoordinate("x_min", box.x_min));
  CYTO8_RETURN_IF_ERROR(CheckCoordinate("y_min", box.y_min));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("x_max", box.x_max, box.x_min, kMaxCoordinate));
  return CheckRange("y_max", box.y_max, box.y_min, kMaxCoordinate);
}

Status CheckOptions(const MergeOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("iou_threshold", options.iou_threshold, 0.0, 1.0));
  for (const auto& [class_id, score] : options.min_scores) {
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "min_scores[" + std::to_string(class_id) + "]", score, 0.0, 1.0));
  }
  return OkStatus();
}

// Equal detections are then equal bytes: -0 becomes +0.
void UnsignZeros(Detection& detection) {
  detection.score += 0.0F;
  for (double* value : {&detection.box.x_min, &detection.box.y_min,
                        &detection.box.x_max, &detection.box.y_max}) {
    *value += 0.0;
  }
}

void DropLowScores(const std::map<int, double>& min_scores,
                   std::vector<Detection>& detections) {
  std::erase_if(detections, [&](const Detection& detection) {
    const auto least = min_scores.find(detection.class_id);
    return least != min_scores.end() &&
           detection.score <= static_cast<float>(least->second);
  });
}

}  // namespace

Status CheckDetections(std::span<const Detection> detections) {
  for (const Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckDetection(detection), "detection to be merged"));
  }
  return OkStatus();
}

StatusOr<std::vector<Detection>> MergeDetections(
    std::vector<Detection> detections, const MergeOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  CYTO8_RETURN_IF_ERROR(CheckRange("detections",
                                   static_cast<int64_t>(detections.size()), 0,
                                   std::numeric_limits<int32_t>::max()));
  CYTO8_RETURN_IF_ERROR(CheckDetections(detections));
  std::ranges::for_each(detections, UnsignZeros);
  DropLowScores(options.min_scores, detections);
  const auto kind = [&](const Detection& detection) {
    return options.class_agnostic ? 0 : detection.class_id;
  };
  std::ranges::sort(detections, [&](const Detection& a, const Detection& b) {
    return kind(a) != kind(b) ? kind(a) < kind(b) : DetectionBefore(a, b);
  });
  auto end_of_results = detections.begin();
  for (auto from = detections.begin(); from != detections.end();) {
    const auto to = std::find_if(
        from, detections.end(),
        [&](const Detection& d) { return kind(d) != kind(*from); });
    const size_t count = options.method == MergeMethod::kNms
                             ? KeepBest({from, to}, options)
                             : Fuse({from, to}, options);
    end_of_results =
        std::copy_n(from, static_cast<int64_t>(count), end_of_results);
    from = to;
  }
  detections.erase(end_of_results, detections.end());
  std::ranges::sort(detections, DetectionBefore);
  return detections;
}

}  // namespace cyto8
