// SPDX-License-Identifier: Apache-2.0
// ensemble-boxes 1.0.9's fusion and suppression; see compatible_merge.h.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "tiling/compatible_merge.h"

namespace cyto8 {
namespace {

Box Scaled(const Box& box, double side_px) {
  const auto scaled = [&](double value) {
    return std::clamp(value / side_px, 0.0, 1.0);
  };
  return {.x_min = scaled(box.x_min),
          .y_min = scaled(box.y_min),
          .x_max = scaled(box.x_max),
          .y_max = scaled(box.y_max)};
}

Status CheckInput(std::span<const Detection> detections, double side_px,
                  double iou_threshold) {
  CYTO8_RETURN_IF_ERROR(CheckRange("side_px", side_px, 1e-9, kMaxCoordinate));
  CYTO8_RETURN_IF_ERROR(CheckRange("iou_threshold", iou_threshold, -1, 2));
  return CheckDetections(detections);
}

// --- Weighted boxes fusion ---

// A box of one of the lists.
struct Member {
  ScoredBox box = {};
  size_t list = 0;
};

struct Cluster {
  std::vector<Member> members = {};
  ScoredBox fused = {};

  void Add(const Member& member, WbfScore score) {
    members.push_back(member);
    fused = members.size() == 1 ? member.box : Fuse(score);
  }

  // The sums are rounded to float32 after each addition, as is the mean.
  ScoredBox Fuse(WbfScore score) const {
    const ScoredBox& first = members[0].box;
    const auto mean = [&](double Box::*side) {
      float sum = 0;
      for (const auto& [box, list] : members) {
        sum = static_cast<float>(sum + box.score * box.box.*side);
      }
      return static_cast<double>(static_cast<float>(sum / TotalScore()));
    };
    const double confidence =
        score == WbfScore::kMaximum
            ? first.score
            : TotalScore() / static_cast<double>(members.size());
    return {.box = {.x_min = mean(&Box::x_min),
                    .y_min = mean(&Box::y_min),
                    .x_max = mean(&Box::x_max),
                    .y_max = mean(&Box::y_max)},
            .score = static_cast<float>(confidence),
            .class_id = first.class_id};
  }

  double TotalScore() const {
    double total = 0;
    for (const auto& [box, list] : members) total += box.score;
    return total;
  }

  // What the score becomes when all boxes are in; `lists` of them.
  double FinalScore(double lists, WbfScore score) const {
    const auto size = static_cast<double>(members.size());
    std::set<size_t> seen;
    for (const Member& member : members) seen.insert(member.list);
    const auto agreeing = static_cast<double>(seen.size());
    switch (score) {
      case WbfScore::kAverage:
        return fused.score * std::min(lists, size) / lists;
      case WbfScore::kModels:
        return fused.score * agreeing / lists;
      case WbfScore::kAbsentModels:
        return fused.score * size / (size + lists - agreeing);
      case WbfScore::kMaximum:
        break;
    }
    return fused.score;
  }
};

// The first of the clusters with the highest IoU, if above the threshold.
Cluster* FindCluster(std::vector<Cluster>& clusters, const Box& box,
                     double iou_threshold) {
  Cluster* best = nullptr;
  double highest = iou_threshold;
  for (Cluster& cluster : clusters) {
    const double iou = Iou(cluster.fused.box, box);
    if (iou <= highest) continue;
    highest = iou;
    best = &cluster;
  }
  return best;
}

std::vector<Cluster> FindClusters(std::vector<Member> members,
                                  const EnsembleWbfOptions& options) {
  std::ranges::stable_sort(members, std::less<>(),
                           [](const Member& m) { return m.box.score; });
  std::ranges::reverse(members);
  std::vector<Cluster> clusters;
  for (const Member& member : members) {
    Cluster* cluster =
        FindCluster(clusters, member.box.box, options.iou_threshold);
    if (cluster == nullptr) cluster = &clusters.emplace_back();
    cluster->Add(member, options.score);
  }
  return clusters;
}

// --- Suppression ---

struct Candidate {
  int64_t index = 0;
  Box box = {};
  double score = 0;
};

std::vector<DecayedScore> SuppressHard(std::vector<Candidate> candidates,
                                       double iou_threshold) {
  std::ranges::stable_sort(candidates, std::less<>(), &Candidate::score);
  std::ranges::reverse(candidates);
  std::vector<DecayedScore> result;
  std::vector<Candidate> kept;
  for (const Candidate& candidate : candidates) {
    if (std::ranges::any_of(kept, [&](const Candidate& k) {
          return Iou(k.box, candidate.box) > iou_threshold;
        })) {
      continue;
    }
    kept.push_back(candidate);
    result.push_back({.index = candidate.index, .score = candidate.score});
  }
  return result;
}

double DecayOf(double iou, const SoftNmsOptions& options) {
  if (options.decay == SoftDecay::kGaussian) {
    return std::exp(-(iou * iou) / options.sigma);
  }
  return iou > options.iou_threshold ? 1 - iou : 1;
}

// By swapping, so the order of the input matters beyond ties.
std::vector<DecayedScore> SuppressSoftly(std::vector<Candidate> candidates,
                                         const SoftNmsOptions& options) {
  for (auto here = candidates.begin(); here != candidates.end(); ++here) {
    const auto best = std::ranges::max_element(
        here, candidates.end(), std::less<>(), &Candidate::score);
    std::swap(*here, *best);
    for (auto later = here + 1; later != candidates.end(); ++later) {
      later->score *= DecayOf(Iou(here->box, later->box), options);
    }
  }
  std::vector<DecayedScore> result;
  for (const Candidate& candidate : candidates) {
    if (candidate.score > options.score_threshold) {
      result.push_back({.index = candidate.index, .score = candidate.score});
    }
  }
  return result;
}

}  // namespace

StatusOr<std::vector<ScoredBox>> FuseAsEnsembleBoxes(
    std::span<const std::vector<Detection>> lists,
    const EnsembleWbfOptions& options) {
  std::map<int, std::vector<Member>> of_class;
  for (size_t list = 0; list < lists.size(); ++list) {
    CYTO8_RETURN_IF_ERROR(
        CheckInput(lists[list], options.side_px, options.iou_threshold));
    for (const Detection& detection : lists[list]) {
      const Box box = Scaled(detection.box, options.side_px);
      if (Area(box) == 0) continue;
      of_class[detection.class_id].push_back(
          {.box = {.box = box,
                   .score = detection.score,
                   .class_id = detection.class_id},
           .list = list});
    }
  }
  const auto count = static_cast<double>(lists.size());
  std::vector<ScoredBox> fused;
  for (auto& [class_id, members] : of_class) {
    for (const Cluster& cluster : FindClusters(std::move(members), options)) {
      fused.push_back(cluster.fused);
      fused.back().score = cluster.FinalScore(count, options.score);
    }
  }
  std::ranges::stable_sort(fused, std::less<>(), &ScoredBox::score);
  std::ranges::reverse(fused);
  for (ScoredBox& box : fused) {
    for (double* side :
         {&box.box.x_min, &box.box.y_min, &box.box.x_max, &box.box.y_max}) {
      *side *= options.side_px;
    }
  }
  return fused;
}

StatusOr<std::vector<DecayedScore>> SuppressAsEnsembleBoxes(
    std::span<const Detection> detections, double side_px,
    const SoftNmsOptions& options) {
  if (detections.empty()) {
    return InvalidArgument("ensemble-boxes needs at least one box");
  }
  CYTO8_RETURN_IF_ERROR(CheckInput(detections, side_px, options.iou_threshold));
  CYTO8_RETURN_IF_ERROR(CheckRange("sigma", options.sigma, 1e-9, 1e9));
  std::map<int, std::vector<Candidate>> of_class;
  for (size_t i = 0; i < detections.size(); ++i) {
    const Box box = Scaled(detections[i].box, side_px);
    if (Area(box) == 0) continue;
    of_class[detections[i].class_id].push_back(
        {.index = static_cast<int64_t>(i),
         .box = box,
         .score = detections[i].score});
  }
  std::vector<DecayedScore> result;
  for (auto& [class_id, candidates] : of_class) {
    const std::vector<DecayedScore> kept =
        options.decay == SoftDecay::kNone
            ? SuppressHard(std::move(candidates), options.iou_threshold)
            : SuppressSoftly(std::move(candidates), options);
    result.insert(result.end(), kept.begin(), kept.end());
  }
  return result;
}

}  // namespace cyto8
