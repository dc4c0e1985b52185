// SPDX-License-Identifier: Apache-2.0
// See recall_sampler.h.
#include "eval/recall_sampler.h"

#include <limits>
#include <numeric>

namespace cyto8 {

void RecallSampler::Reset(int64_t truth_count) {
  truth_count_ = truth_count;
  bin_ = 0;
  next_needed_ = Needed(1);
  std::ranges::fill(best_, 0.0);
}

void RecallSampler::Advance() { next_needed_ = Needed(++bin_ + 1); }

int64_t RecallSampler::Needed(size_t bin) const {
  if (bin >= recalls_.size()) return std::numeric_limits<int64_t>::max();
  const auto truth = static_cast<double>(truth_count_);
  const double recall = recalls_[bin];
  auto count = static_cast<int64_t>(recall * truth);
  // The product is rounded; what counts is the quotient, as rounded.
  while (static_cast<double>(count) / truth < recall) ++count;
  return count;
}

std::span<const double> RecallSampler::Envelope() {
  for (size_t i = best_.size() - 1; i > 0; --i) {
    best_[i - 1] = std::max(best_[i - 1], best_[i]);
  }
  return best_;
}

double RecallSampler::MeanEnvelope() {
  const std::span<const double> envelope = Envelope();
  return std::accumulate(envelope.begin(), envelope.end(), 0.0) /
         static_cast<double>(envelope.size());
}

}  // namespace cyto8
