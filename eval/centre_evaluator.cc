// SPDX-License-Identifier: Apache-2.0
// All distances at once, as bits of a word: the way of coco_matcher.h with
// distances instead of IoU. See centre_evaluator.h.
#include "eval/centre_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "eval/box_groups.h"
#include "eval/outcome_list.h"
#include "eval/truth_index.h"

namespace cyto8 {
namespace {

struct Point {
  double x = 0;
  double y = 0;
};

Point Centre(const EvalBox& box) {
  return {.x = box.x + box.width / 2, .y = box.y + box.height / 2};
}

// Where a truth box may be met: its centre, or all of a crowd.
EvalBox Region(const TruthBox& truth) {
  if (truth.is_crowd) return truth.box;
  const Point centre = Centre(truth.box);
  return {.x = centre.x, .y = centre.y};
}

double Distance(const Point& point, const EvalBox& region) {
  const auto gap = [](double at, double low, double length) {
    return std::max({low - at, 0.0, at - (low + length)});
  };
  return std::hypot(gap(point.x, region.x, region.width),
                    gap(point.y, region.y, region.height));
}

// Keeps its memory from one group to the next.
class CentreMatcher {
 public:
  CentreMatcher(const TruthSet& truth, std::span<const FoundBox> found,
                const BoxGroups& groups, const CentreOptions& options)
      : truth_(truth),
        found_(found),
        groups_(groups),
        distances_px_(options.distances_px) {}

  void Match(const BoxGroup& group, OutcomeList& list) {
    TakeTruth(group);
    int64_t position = 0;
    for (const int32_t i : group.found) {
      OutcomeList::Entry entry = {.score = found_[i].score,
                                  .tie = {group.image, position++},
                                  .image = group.image};
      FindCandidates(Centre(found_[i].box));
      entry.true_positives = TakeAmong(/*ignored=*/false, /*refused=*/0);
      entry.ignored = TakeAmong(/*ignored=*/true, entry.true_positives);
      list.Add(entry);
    }
  }

 private:
  struct Side {
    EvalBox region;
    int32_t list_index = 0;
    bool is_ignored = false;
    bool is_crowd = false;
    uint64_t taken = 0;  // bit: distance.
  };
  struct Candidate {
    double distance_px = 0;
    uint64_t reached = 0;  // bit: distance.
    int32_t position = 0;
  };

  void TakeTruth(const BoxGroup& group) {
    sides_.clear();
    left_.clear();
    right_.clear();
    for (const int32_t i : group.truth) {
      const TruthBox& truth = truth_.boxes[i];
      const EvalBox region = Region(truth);
      sides_.push_back({.region = region,
                        .list_index = i,
                        .is_ignored = groups_.IsIgnored(i),
                        .is_crowd = truth.is_crowd});
      left_.push_back(region.x);
      right_.push_back(region.x + region.width);
    }
    index_.Reset(left_, right_);
  }

  void FindCandidates(const Point& centre) {
    candidates_.clear();
    // One pixel more than needed, for what rounding takes away.
    const double reach_px = distances_px_.back() + 1;
    index_.ForEachNear(
        centre.x - reach_px, centre.x + reach_px, [&](int32_t position) {
          const double distance_px = Distance(centre, sides_[position].region);
          const uint64_t reached = Reached(distance_px);
          if (reached == 0) return;
          candidates_.push_back({.distance_px = distance_px,
                                 .reached = reached,
                                 .position = position});
        });
    std::ranges::sort(candidates_, [&](const Candidate& a, const Candidate& b) {
      if (a.distance_px != b.distance_px) return a.distance_px < b.distance_px;
      return sides_[a.position].list_index < sides_[b.position].list_index;
    });
  }

  uint64_t Reached(double distance_px) const {
    uint64_t reached = 0;
    for (size_t i = 0; i < distances_px_.size(); ++i) {
      reached |= uint64_t{distance_px <= distances_px_[i]} << i;
    }
    return reached;
  }

  // Returns the distances, other than those refused, at which truth was taken.
  uint64_t TakeAmong(bool ignored, uint64_t refused) {
    uint64_t found = 0;
    for (const Candidate& candidate : candidates_) {
      Side& side = sides_[candidate.position];
      if (side.is_ignored != ignored) continue;
      const uint64_t occupied = side.is_crowd ? 0 : side.taken;
      const uint64_t take = candidate.reached & ~(occupied | refused | found);
      side.taken |= take;
      found |= take;
    }
    return found;
  }

  const TruthSet& truth_;
  std::span<const FoundBox> found_;
  const BoxGroups& groups_;
  const std::vector<double>& distances_px_;

  // Of the group at hand.
  std::vector<Side> sides_;
  TruthIndex index_;
  std::vector<double> left_, right_;
  std::vector<Candidate> candidates_;
};

}  // namespace

StatusOr<Outcomes> EvaluateCentres(const TruthSet& truth,
                                   std::span<const FoundBox> found,
                                   const CentreOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckLevels("distances_px", options.distances_px, 0, kMaxEvalNumber));
  CYTO8_ASSIGN_OR_RETURN(
      const BoxGroups groups,
      BoxGroups::Create(truth, found,
                        {.use_classes = options.use_classes,
                         .ignore_border_px = options.ignore_border_px}));
  CentreMatcher matcher(truth, found, groups, options);
  Outcomes outcomes =
      MatchAllGroups(groups, [&](const BoxGroup& group, OutcomeList& list) {
        matcher.Match(group, list);
      });
  outcomes.levels = options.distances_px;
  return outcomes;
}

}  // namespace cyto8
