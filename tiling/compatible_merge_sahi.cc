// SPDX-License-Identifier: Apache-2.0
// SAHI 0.12.8's merging; see compatible_merge.h. Groups are found in float32,
// on the boxes as they came; then each group is merged in double, with SAHI's
// second test.
#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "base/checked_math.h"
#include "tiling/compatible_merge.h"

namespace cyto8 {
namespace {

struct FloatBox {
  float x_min = 0;
  float y_min = 0;
  float x_max = 0;
  float y_max = 0;
  float score = 0;

  float Area() const { return (x_max - x_min) * (y_max - y_min); }
  auto Corners() const { return std::tuple(x_min, y_min, x_max, y_max); }
};

FloatBox ToFloat(const Detection& detection) {
  return {.x_min = static_cast<float>(detection.box.x_min),
          .y_min = static_cast<float>(detection.box.y_min),
          .x_max = static_cast<float>(detection.box.x_max),
          .y_max = static_cast<float>(detection.box.y_max),
          .score = detection.score};
}

using Indices = std::vector<int64_t>;

// The boxes that may match one another: those of a class, or all.
class Grouper {
 public:
  Grouper(std::span<const Detection> detections, Indices indices,
          const SahiOptions& options)
      : indices_(std::move(indices)), options_(options) {
    for (const int64_t index : indices_) {
      boxes_.push_back(ToFloat(detections[index]));
    }
    order_.resize(boxes_.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::stable_sort(order_, [&](int64_t a, int64_t b) {
      const FloatBox& left = boxes_[a];
      const FloatBox& right = boxes_[b];
      return std::tuple(-left.score, left.Corners()) <
             std::tuple(-right.score, right.Corners());
    });
  }

  std::vector<SahiGroup> Groups() const {
    std::vector<SahiGroup> groups =
        options_.method == MergeMethod::kNmm ? Chains() : Stars();
    for (SahiGroup& group : groups) {
      group.kept = indices_[group.kept];
      for (int64_t& member : group.members) member = indices_[member];
    }
    return groups;
  }

 private:
  bool Matches(int64_t a, int64_t b) const {
    const FloatBox& p = boxes_[a];
    const FloatBox& q = boxes_[b];
    const float width =
        std::max(0.0F, std::min(p.x_max, q.x_max) - std::max(p.x_min, q.x_min));
    const float height =
        std::max(0.0F, std::min(p.y_max, q.y_max) - std::max(p.y_min, q.y_min));
    const float common = width * height;
    const float whole = options_.metric == MergeMetric::kIou
                            ? p.Area() + q.Area() - common
                            : std::min(p.Area(), q.Area());
    return (whole > 0 ? common / whole : 0) >=
           static_cast<float>(options_.threshold);
  }

  // NMS and GREEDYNMM: all that match a kept one.
  std::vector<SahiGroup> Stars() const {
    std::vector<SahiGroup> groups;
    std::vector<bool> taken(boxes_.size());
    for (const int64_t kept : order_) {
      if (taken[kept]) continue;
      taken[kept] = true;
      groups.push_back({.kept = kept});
      for (const int64_t other : order_) {
        if (taken[other] || !Matches(kept, other)) continue;
        taken[other] = true;
        groups.back().members.push_back(other);
      }
      if (options_.method == MergeMethod::kNms) groups.back().members.clear();
    }
    return groups;
  }

  // True unless `other` comes first, by score or by a greater corner.
  bool MayTake(int64_t taker, int64_t other) const {
    const FloatBox& a = boxes_[taker];
    const FloatBox& b = boxes_[other];
    return a.score > b.score ||
           (a.score == b.score && a.Corners() >= b.Corners());
  }

  // NMM: all that match a kept one, or one that was taken.
  std::vector<SahiGroup> Chains() const {
    std::vector<SahiGroup> groups;
    std::vector<int64_t> group_of(boxes_.size(), -1);
    for (const int64_t taker : order_) {
      if (group_of[taker] < 0) {
        group_of[taker] = static_cast<int64_t>(groups.size());
        groups.push_back({.kept = taker});
      }
      for (size_t i = 0; i < boxes_.size(); ++i) {
        const auto other = static_cast<int64_t>(i);
        if (group_of[i] >= 0 || !MayTake(taker, other)) continue;
        if (!Matches(taker, other)) continue;
        group_of[i] = group_of[taker];
        groups[group_of[taker]].members.push_back(other);
      }
    }
    return groups;
  }

  Indices indices_;
  const SahiOptions& options_;
  std::vector<FloatBox> boxes_;
  Indices order_;
};

std::vector<SahiGroup> FindGroups(const std::vector<Detection>& detections,
                                  const SahiOptions& options) {
  std::set<int> classes;
  for (const Detection& detection : detections) {
    classes.insert(options.class_agnostic ? 0 : detection.class_id);
  }
  std::vector<SahiGroup> groups;
  for (const int class_id : classes) {
    Indices indices;
    for (size_t i = 0; i < detections.size(); ++i) {
      if (options.class_agnostic || detections[i].class_id == class_id) {
        indices.push_back(static_cast<int64_t>(i));
      }
    }
    const std::vector<SahiGroup> more =
        Grouper(detections, std::move(indices), options).Groups();
    groups.insert(groups.end(), more.begin(), more.end());
  }
  if (options.method == MergeMethod::kNms && !options.class_agnostic) {
    std::ranges::stable_sort(
        groups, std::greater<>(),
        [&](const SahiGroup& group) { return detections[group.kept].score; });
  }
  return groups;
}

// In double; 0 / 0 matches nothing.
bool PassesSecondTest(const Box& grown, const Box& member,
                      const SahiOptions& options) {
  const double common = IntersectionArea(grown, member);
  const double whole = options.metric == MergeMetric::kIou
                           ? Area(grown) + Area(member) - common
                           : std::min(Area(grown), Area(member));
  return whole > 0 && common / whole >= options.threshold;
}

Detection Absorb(const Detection& kept, const Detection& member) {
  return {
      .box = {.x_min = std::min(kept.box.x_min, member.box.x_min),
              .y_min = std::min(kept.box.y_min, member.box.y_min),
              .x_max = std::max(kept.box.x_max, member.box.x_max),
              .y_max = std::max(kept.box.y_max, member.box.y_max)},
      .score = std::max(kept.score, member.score),
      .class_id = kept.score > member.score ? kept.class_id : member.class_id};
}

Status ClampAsSahi(Detection& detection) {
  Box& box = detection.box;
  CYTO8_RETURN_IF_ERROR(CheckRange("x_max", box.x_max, 0, kMaxCoordinate));
  CYTO8_RETURN_IF_ERROR(CheckRange("y_max", box.y_max, 0, kMaxCoordinate));
  box.x_min = std::max(box.x_min, 0.0);
  box.y_min = std::max(box.y_min, 0.0);
  return OkStatus();
}

}  // namespace

StatusOr<SahiMerge> MergeAsSahi(std::vector<Detection> detections,
                                const SahiOptions& options) {
  if (options.method == MergeMethod::kVoting ||
      options.method == MergeMethod::kWbf) {
    return InvalidArgument("SAHI has NMS, NMM and GREEDYNMM only");
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("threshold", options.threshold, -1, 2));
  CYTO8_RETURN_IF_ERROR(CheckDetections(detections));
  for (Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(Annotate(ClampAsSahi(detection), "SAHI's box"));
  }
  SahiMerge merge;
  merge.groups = FindGroups(detections, options);
  for (const SahiGroup& group : merge.groups) {
    Detection kept = detections[group.kept];
    for (const int64_t member : group.members) {
      if (PassesSecondTest(kept.box, detections[member].box, options)) {
        kept = Absorb(kept, detections[member]);
      } else {
        merge.lost.push_back(member);
      }
    }
    merge.detections.push_back(kept);
  }
  return merge;
}

}  // namespace cyto8
