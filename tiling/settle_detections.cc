// SPDX-License-Identifier: Apache-2.0
// Grouping of detections with an index of boxes, and what is certain of the
// groups while detections are still to come; see settle_detections.h.
//
// All methods take the detections once, in the total order, and ask one
// question of each: which group is it? The answer is certain as long as nothing
// that could come, and nothing before it that is not certain itself, could give
// another. Two boxes that do not overlap have nothing to do with each other, so
// what is to come bears at first hand on boxes only that overlap an open area;
// say that these are *touched*. From there doubt spreads from higher to lower
// scores, never back, and not farther than boxes match:
//
//   kNms, kVoting, kGreedyNmm (groups around their best). Let g be the first
//   certain best that d matches, x the first doubtful best. If d is touched, or
//   x comes before g, then d may be a member of g or not: g is held. Without g,
//   d may become a best or not: it is a doubtful best. Otherwise d is certain,
//   a member of g or a best. A group that is not held is complete: a member
//   more would be a detection to come, which would overlap the best or a
//   member, but those are certain and so not touched, or a doubtful one that is
//   here, and it would have made the group held. Nor is the group missed when
//   it goes: a doubtful detection that matches its best has an earlier best g
//   that is held and stays, and all that is not best decides nothing.
//   kNms needs less: what matches a certain best is no result, whichever group
//   it is of, and decides nothing, so it goes and no group is held for it.
//
//   kNmm (chains). The parent of d is the first detection that it matches; only
//   a touched d may get another one. It is held with its whole group, which may
//   lose it, and with that all to which it was, or is, a parent. A group
//   without touched detections is complete: its members' parents are certain,
//   what is to come has no parent in it, and what is here has chosen.
//
//   kWbf (moving means). A group's box may reach where none of its boxes is:
//   the mean of a wide and a high box that cross overlaps boxes in the corners
//   between them. It stays inside the smallest box around its members, but that
//   is not known before the members are, and a detection to come may be as wide
//   as its area. So a line has to part what is certain from all else: one
//   across the whole plane, above (or left of) all open areas, that no box
//   crosses. Groups on its two sides are never made of, nor overlap, boxes of
//   the other side.
//
// So doubt is a local matter but with kWbf, and except where boxes are chained
// to an open area by falling scores (kNmm: where their group is). Then they are
// held, however many they are: results come first.
#include "tiling/settle_detections.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <numeric>

#include "tiling/box_index.h"

namespace cyto8 {
namespace {

Box UnionOf(const Box& a, const Box& b) {
  return {.x_min = std::min(a.x_min, b.x_min),
          .y_min = std::min(a.y_min, b.y_min),
          .x_max = std::max(a.x_max, b.x_max),
          .y_max = std::max(a.y_max, b.y_max)};
}

// The box of a group, its best first.
class FusedBox {
 public:
  explicit FusedBox(const Detection& best) : best_(best.box), union_(best.box) {
    Add(best);
  }

  void Add(const Detection& member) {
    const Box& box = member.box;
    const double weight = member.score;
    union_ = UnionOf(union_, box);
    weight_ += weight;
    // Seen from the best, so that equal boxes have exactly their own mean.
    shift_.x_min += weight * (box.x_min - best_.x_min);
    shift_.y_min += weight * (box.y_min - best_.y_min);
    shift_.x_max += weight * (box.x_max - best_.x_max);
    shift_.y_max += weight * (box.y_max - best_.y_max);
  }

  const Box& Union() const { return union_; }

  // Where all scores are 0, the best box.
  Box Mean() const {
    if (weight_ == 0) return best_;
    Box mean = {.x_min = best_.x_min + shift_.x_min / weight_,
                .y_min = best_.y_min + shift_.y_min / weight_,
                .x_max = best_.x_max + shift_.x_max / weight_,
                .y_max = best_.y_max + shift_.y_max / weight_};
    // What rounding may undo.
    mean.x_min = std::clamp(mean.x_min, union_.x_min, union_.x_max);
    mean.y_min = std::clamp(mean.y_min, union_.y_min, union_.y_max);
    mean.x_max = std::clamp(mean.x_max, mean.x_min, union_.x_max);
    mean.y_max = std::clamp(mean.y_max, mean.y_min, union_.y_max);
    return mean;
  }

 private:
  Box best_;
  Box union_;
  Box shift_;  // sums of weight * (box - best box).
  double weight_ = 0;
};

// The boxes of those groups that have two members or more.
class FusedBoxes {
 public:
  explicit FusedBoxes(size_t groups) : place_(groups, kNone) {}

  FusedBox& Add(int32_t group, const Detection& best, const Detection& member) {
    if (place_[group] == kNone) {
      place_[group] = static_cast<int32_t>(boxes_.size());
      boxes_.emplace_back(best);
    }
    FusedBox& box = boxes_[place_[group]];
    box.Add(member);
    return box;
  }

  // nullptr if the group has its best alone.
  const FusedBox* Find(int32_t group) const {
    return place_[group] == kNone ? nullptr : &boxes_[place_[group]];
  }

 private:
  static constexpr int32_t kNone = -1;
  std::vector<int32_t> place_;  // by group, in boxes_.
  std::deque<FusedBox> boxes_;  // grows without a copy.
};

// In the order of DetectionBefore, any two comparable.
using Candidates = std::span<Detection>;

// Groups of candidates; each goes by the place of its best.
struct Groups {
  explicit Groups(size_t candidates)
      : of(candidates, BoxIndex::kNone), held(candidates, 0) {}

  std::vector<int32_t> of;    // by candidate.
  std::vector<uint8_t> held;  // by group: not all of it is certain.
};

struct Situation {
  const MergeOptions& options;
  std::span<const Box> open;

  bool Touches(const Box& box) const {
    return std::ranges::any_of(
        open, [&](const Box& area) { return Overlap(area, box); });
  }
  BoxIndex MakeIndex(Candidates candidates) const {
    return BoxIndex(options.metric, options.iou_threshold, candidates);
  }
};

Groups GroupAroundBest(Candidates candidates, const Situation& situation) {
  const bool fuses = situation.options.method != MergeMethod::kNms;
  Groups groups(candidates.size());
  BoxIndex certain = situation.MakeIndex(candidates);
  BoxIndex doubtful = situation.MakeIndex(candidates);
  for (int32_t i = 0; i < std::ssize(candidates); ++i) {
    const Box& box = candidates[i].box;
    const int32_t best = certain.FirstMatch(box);
    const int32_t rival = doubtful.FirstMatch(box);
    groups.of[i] = best == BoxIndex::kNone ? i : best;
    const bool in_doubt = (rival != BoxIndex::kNone && rival < groups.of[i]) ||
                          situation.Touches(box);
    if (best == BoxIndex::kNone) (in_doubt ? doubtful : certain).Insert(i);
    if (in_doubt && (fuses || best == BoxIndex::kNone)) {
      groups.held[groups.of[i]] = 1;
    }
  }
  return groups;
}

Groups GroupInChains(Candidates candidates, const Situation& situation) {
  Groups groups(candidates.size());
  BoxIndex all = situation.MakeIndex(candidates);
  for (int32_t i = 0; i < std::ssize(candidates); ++i) {
    const int32_t match = all.FirstMatch(candidates[i].box);
    all.Insert(i);
    groups.of[i] = match == BoxIndex::kNone ? i : groups.of[match];
    if (situation.Touches(candidates[i].box)) groups.held[groups.of[i]] = 1;
  }
  return groups;
}

// The boxes of the bests become those of their groups, while they grow.
void FuseMoving(Candidates candidates, const Situation& situation,
                Groups& groups) {
  BoxIndex means = situation.MakeIndex(candidates);
  FusedBoxes fused(candidates.size());
  for (int32_t i = 0; i < std::ssize(candidates); ++i) {
    if (groups.of[i] != BoxIndex::kNone) continue;
    const int32_t match = means.BestMatch(candidates[i].box);
    groups.of[i] = match == BoxIndex::kNone ? i : match;
    if (match == BoxIndex::kNone) {
      means.Insert(i);
    } else {
      means.Move(match,
                 fused.Add(match, candidates[match], candidates[i]).Mean());
    }
  }
}

// Marks as held, each a group of its own, what no line parts from the open
// areas: boxes whose far side, of `low` and `high`, lies beyond that line.
void HoldBeyondLine(Candidates candidates, double Box::*low, double Box::*high,
                    const Situation& situation, std::vector<uint8_t>& beyond) {
  double line = std::numeric_limits<double>::infinity();
  for (const Box& area : situation.open) line = std::min(line, area.*low);
  std::vector<int32_t> farthest(candidates.size());
  std::iota(farthest.begin(), farthest.end(), 0);
  std::ranges::sort(farthest, [&](int32_t a, int32_t b) {
    return candidates[a].box.*high > candidates[b].box.*high;
  });
  for (const int32_t i : farthest) {
    if (candidates[i].box.*high <= line) break;
    line = std::min(line, candidates[i].box.*low);
    ++beyond[i];
  }
}

Groups GroupAroundMean(Candidates candidates, const Situation& situation) {
  Groups groups(candidates.size());
  if (!situation.open.empty()) {
    std::vector<uint8_t> lines(candidates.size(), 0);
    HoldBeyondLine(candidates, &Box::y_min, &Box::y_max, situation, lines);
    HoldBeyondLine(candidates, &Box::x_min, &Box::x_max, situation, lines);
    for (int32_t i = 0; i < std::ssize(candidates); ++i) {
      if (lines[i] < 2) continue;
      groups.of[i] = i;
      groups.held[i] = 1;
    }
  }
  FuseMoving(candidates, situation, groups);
  return groups;
}

// The same when it is known which groups there are.
void FuseGroups(Candidates candidates, const Groups& groups, bool to_mean) {
  FusedBoxes fused(candidates.size());
  for (int32_t i = 0; i < std::ssize(candidates); ++i) {
    const int32_t group = groups.of[i];
    if (group == i || groups.held[group] != 0) continue;
    fused.Add(group, candidates[group], candidates[i]);
  }
  for (int32_t i = 0; i < std::ssize(candidates); ++i) {
    const FusedBox* const box = fused.Find(i);
    if (box == nullptr) continue;
    candidates[i].box = to_mean ? box->Mean() : box->Union();
  }
}

// Each result takes the place of its best.
Groups FuseSettled(Candidates candidates, const Situation& situation) {
  switch (situation.options.method) {
    case MergeMethod::kNms:
      return GroupAroundBest(candidates, situation);
    case MergeMethod::kWbf:
      return GroupAroundMean(candidates, situation);
    case MergeMethod::kVoting:
    case MergeMethod::kGreedyNmm:
    case MergeMethod::kNmm:
      break;
  }
  const MergeMethod method = situation.options.method;
  const Groups groups = method == MergeMethod::kNmm
                            ? GroupInChains(candidates, situation)
                            : GroupAroundBest(candidates, situation);
  FuseGroups(candidates, groups, method == MergeMethod::kVoting);
  return groups;
}

}  // namespace

std::vector<Detection> SettleDetections(const MergeOptions& options,
                                        std::span<const Box> open,
                                        std::vector<Detection>& held) {
  const Situation situation = {.options = options, .open = open};
  const auto kind = [&](const Detection& detection) {
    return options.class_agnostic ? 0 : detection.class_id;
  };
  std::ranges::sort(held, [&](const Detection& a, const Detection& b) {
    return kind(a) != kind(b) ? kind(a) < kind(b) : DetectionBefore(a, b);
  });
  std::vector<Detection> still_held;
  auto end_of_results = held.begin();
  for (auto from = held.begin(); from != held.end();) {
    const auto to = std::find_if(from, held.end(), [&](const Detection& d) {
      return kind(d) != kind(*from);
    });
    const Candidates candidates(from, to);
    const Groups groups = FuseSettled(candidates, situation);
    for (int32_t i = 0; i < std::ssize(candidates); ++i) {
      if (groups.held[groups.of[i]] != 0) {
        still_held.push_back(candidates[i]);
      } else if (groups.of[i] == i) {
        *end_of_results++ = candidates[i];
      }
    }
    from = to;
  }
  held.erase(end_of_results, held.end());
  if (!std::ranges::is_sorted(held, DetectionBefore)) {
    std::ranges::sort(held, DetectionBefore);
  }
  held.swap(still_held);
  return still_held;
}

}  // namespace cyto8
