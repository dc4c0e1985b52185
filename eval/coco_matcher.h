// SPDX-License-Identifier: Apache-2.0
// The match rule of pycocotools for the boxes of one image and class, at all
// IoU thresholds and area ranges at once. Tested through
// tests/eval/coco_evaluator_test.cc.
//
// pycocotools goes through the truth for each threshold, area range and
// detection: the bar starts at the threshold and rises to the IoU of each truth
// that passes, truth ignored in this area range comes last and is looked at
// only as long as none that counts has passed. What that comes to:
// - of the free truth that counts, the one of highest IoU is taken, the last
//   one in order where several have it, if it reaches the threshold;
// - if none does, the same among the ignored truth, where a crowd is always
//   free.
// The order of candidates (IoU falling, then order falling) is thus the same
// for every threshold and area range, so it is found once for each detection,
// among the few truth boxes that it overlaps at all. Thresholds are bits of a
// word: which of them a candidate reaches, at which it is free, and which still
// look for truth are masks, so one step decides all thresholds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/box_groups.h"
#include "eval/coco_evaluator.h"
#include "eval/dataset.h"
#include "eval/truth_index.h"

namespace cyto8 {

// The outcome of one group; row-major [area range][position in the group]. The
// detections are the first found_count of the group.
struct CocoGroupOutcome {
  int64_t found_count = 0;
  std::vector<uint64_t> true_positives = {};  // bit: IoU threshold.
  std::vector<uint64_t> ignored = {};
  std::vector<uint8_t> truth_ignored = {};
  // At the first threshold: position of the partner in the group, or -1.
  std::vector<int32_t> partner_of_found = {};
  std::vector<int32_t> partner_of_truth = {};
};

// Holds references to its arguments, which must outlive it; one per thread. The
// options have been checked.
class CocoMatcher {
 public:
  CocoMatcher(const TruthSet& truth, std::span<const FoundBox> found,
              const BoxGroups& groups, const CocoOptions& options);

  // The outcome lives until the next call.
  const CocoGroupOutcome& Match(const BoxGroup& group);

 private:
  struct Side {  // a truth box as compared with detections.
    EvalBox box;
    double area_px2 = 0;  // of the box.
    bool is_crowd = false;
    bool has_id_zero = false;
  };
  struct Candidate {
    double iou = 0;
    uint64_t reached = 0;  // thresholds.
    int32_t position = 0;
  };

  void TakeTruth(const BoxGroup& group);
  void FindCandidates(const EvalBox& box);
  uint64_t Reached(double iou) const;
  void MatchOne(int64_t area, int64_t position, bool is_outside);
  uint64_t TakeAmong(bool ignored, int64_t area, int64_t position,
                     uint64_t wanted, uint64_t* counted);

  const TruthSet& truth_;
  std::span<const FoundBox> found_;
  const BoxGroups& groups_;
  const CocoOptions& options_;
  std::vector<double> bars_;
  uint64_t all_levels_ = 0;

  // Of the group at hand.
  std::vector<Side> sides_;
  TruthIndex index_;
  std::vector<double> left_, right_;
  std::vector<Candidate> candidates_;
  std::vector<uint64_t> taken_;  // [area range][truth], bit: threshold.
  CocoGroupOutcome outcome_;
};

}  // namespace cyto8
