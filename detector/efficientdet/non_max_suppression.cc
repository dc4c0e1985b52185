// SPDX-License-Identifier: Apache-2.0
// Lazy soft suppression. The candidate with the best score is taken from a
// queue. Kept boxes that it has not met yet decay its score (or drop it). If
// the score did not change, nothing in the queue can beat it: it is kept. If it
// did, the candidate goes back to the queue with its new score and remembers
// how many kept boxes it has met, so no pair is looked at twice. Example:
// scores 0.9, 0.8, 0.5, boxes 0 and 1 alike, box 2 apart. 0 is kept; 1 meets 0,
// falls to 0.8 * e^-2 = 0.11 and is queued; 2 is kept unchanged; 1 meets 2, is
// unchanged now and is kept last, with 0.11. Hard suppression is the same loop
// with no decay: a candidate is kept or dropped at its first look. The
// alternative, decaying all scores after every choice, costs all pairs. With
// hard suppression the order of looking does not matter, so a candidate looks
// only at kept boxes that share a cell of a coarse grid with it.
// Tested by tests/detector/efficientdet/non_max_suppression_test.cc.
#include "detector/efficientdet/non_max_suppression.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

struct Candidate {
  int64_t index = 0;
  float score = 0;
  size_t met = 0;  // the kept boxes before this one have been looked at.
};

struct ComesLater {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score || (a.score == b.score && a.index > b.index);
  }
};

using Queue =
    std::priority_queue<Candidate, std::vector<Candidate>, ComesLater>;

Status CheckArguments(std::span<const Box> boxes, std::span<const float> scores,
                      const NonMaxSuppressionOptions& options) {
  const int64_t count = std::ssize(boxes);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of scores", std::ssize(scores), count, count));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "iou_threshold", static_cast<double>(options.iou_threshold), 0.0, 1.0));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("sigma", static_cast<double>(options.sigma), 0.0, 1e6));
  if (std::isnan(options.score_threshold)) {
    return InvalidArgument("score_threshold = nan: must be a number");
  }
  return CheckRange("max_output", options.max_output, 0,
                    std::numeric_limits<int64_t>::max());
}

StatusOr<Queue> MakeQueue(std::span<const float> scores, float threshold) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      return InvalidArgument("score " + std::to_string(i) +
                             " = nan: must be a number");
    }
    if (scores[i] > threshold) {
      candidates.push_back(
          {.index = static_cast<int64_t>(i), .score = scores[i]});
    }
  }
  return Queue(ComesLater(), std::move(candidates));
}

// Lets the kept boxes that the candidate has not met decay its score, the
// latest first. False if it is dropped.
bool Decay(std::span<const Box> boxes, std::span<const KeptBox> kept,
           const NonMaxSuppressionOptions& options, Candidate& candidate) {
  const Box& box = boxes[static_cast<size_t>(candidate.index)];
  for (size_t k = kept.size(); k > candidate.met; --k) {
    const auto iou = static_cast<float>(
        Iou(box, boxes[static_cast<size_t>(kept[k - 1].index)]));
    candidate.score *= std::exp(-0.5f / options.sigma * iou * iou);
    if (candidate.score <= options.score_threshold) return false;
  }
  candidate.met = kept.size();
  return true;
}

// Kept boxes by the cells of a grid that they touch. Cells at the border reach
// to infinity, so two boxes that overlap share a cell, wherever they lie.
class KeptGrid {
 public:
  KeptGrid() : cells_(kSide * kSide) {}

  bool Suppresses(const Box& box, float iou_threshold) const {
    return Any(box, [&](size_t cell) {
      return std::ranges::any_of(cells_[cell], [&](const Box& kept) {
        return static_cast<float>(Iou(box, kept)) > iou_threshold;
      });
    });
  }
  void Add(const Box& box) {
    Any(box, [&](size_t cell) {
      cells_[cell].push_back(box);
      return false;
    });
  }

 private:
  static constexpr size_t kSide = 32;
  static constexpr double kCellPx = 32;

  static size_t CellOf(double coordinate) {
    if (!(coordinate > 0)) return 0;
    return static_cast<size_t>(
        std::min(coordinate / kCellPx, static_cast<double>(kSide - 1)));
  }
  // True as soon as visit(number) is for a cell that the box touches.
  template <typename Visit>
  static bool Any(const Box& box, const Visit& visit) {
    for (size_t y = CellOf(box.y_min); y <= CellOf(box.y_max); ++y) {
      for (size_t x = CellOf(box.x_min); x <= CellOf(box.x_max); ++x) {
        if (visit(y * kSide + x)) return true;
      }
    }
    return false;
  }

  std::vector<std::vector<Box>> cells_;
};

std::vector<KeptBox> SuppressHard(std::span<const Box> boxes, Queue queue,
                                  const NonMaxSuppressionOptions& options) {
  const auto max_output = static_cast<size_t>(options.max_output);
  KeptGrid grid;
  std::vector<KeptBox> kept;
  for (; !queue.empty(); queue.pop()) {
    if (max_output > 0 && kept.size() == max_output) break;
    const Candidate& candidate = queue.top();
    const Box& box = boxes[static_cast<size_t>(candidate.index)];
    if (grid.Suppresses(box, options.iou_threshold)) continue;
    grid.Add(box);
    kept.push_back({.index = candidate.index, .score = candidate.score});
  }
  return kept;
}

std::vector<KeptBox> SuppressSoft(std::span<const Box> boxes, Queue queue,
                                  const NonMaxSuppressionOptions& options) {
  const auto max_output = static_cast<size_t>(options.max_output);
  std::vector<KeptBox> kept;
  while (!queue.empty() && (max_output == 0 || kept.size() < max_output)) {
    Candidate candidate = queue.top();
    queue.pop();
    const float before = candidate.score;
    if (!Decay(boxes, kept, options, candidate)) continue;
    if (candidate.score == before) {
      kept.push_back({.index = candidate.index, .score = candidate.score});
    } else {
      queue.push(candidate);
    }
  }
  return kept;
}

}  // namespace

StatusOr<std::vector<KeptBox>> NonMaxSuppression(
    std::span<const Box> boxes, std::span<const float> scores,
    const NonMaxSuppressionOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckArguments(boxes, scores, options));
  CYTO8_ASSIGN_OR_RETURN(Queue queue,
                         MakeQueue(scores, options.score_threshold));
  return options.sigma > 0 ? SuppressSoft(boxes, std::move(queue), options)
                           : SuppressHard(boxes, std::move(queue), options);
}

}  // namespace cyto8
