// SPDX-License-Identifier: Apache-2.0
// The envelope of a precision-recall curve at given recalls, in one pass over
// the true positives and in the floating-point operations of pycocotools.
// Tested through tests/eval/precision_recall_test.cc and bootstrap_test.cc.
//
// The envelope at recall r is the highest precision at r or a higher recall.
// Between two true positives precision only falls, so only true positives
// count. Each one falls into the bin of the highest recall it reaches; each bin
// keeps its highest precision; the envelope is the maximum over the bins from
// the right.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace cyto8 {

class RecallSampler {
 public:
  // recalls rise from 0 to at most 1. epsilon is added to the denominator of
  // the precision.
  RecallSampler(std::span<const double> recalls, double epsilon)
      : recalls_(recalls), epsilon_(epsilon), best_(recalls.size()) {}

  // Begins a curve over so much truth, at least 1.
  void Reset(int64_t truth_count);

  // Counts including this true positive and all before it.
  void Add(int64_t true_positives, int64_t false_positives) {
    while (true_positives >= next_needed_) Advance();
    const auto true_count = static_cast<double>(true_positives);
    const auto false_count = static_cast<double>(false_positives);
    const double precision = true_count / (false_count + true_count + epsilon_);
    best_[bin_] = std::max(best_[bin_], precision);
  }

  // Recalls reached so far: the first of so many have a place on the curve.
  size_t Reached() const { return bin_ + 1; }

  // Ends the curve: its envelope at each recall, 0 where it is not reached.
  std::span<const double> Envelope();
  double MeanEnvelope();

 private:
  void Advance();
  // The least count of true positives whose recall reaches recalls_[bin].
  int64_t Needed(size_t bin) const;

  std::span<const double> recalls_;
  double epsilon_;
  int64_t truth_count_ = 1;
  size_t bin_ = 0;
  int64_t next_needed_ = 0;
  std::vector<double> best_;
};

}  // namespace cyto8
