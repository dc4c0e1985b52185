// SPDX-License-Identifier: Apache-2.0
// What the values of one tensor look like over many images: a histogram of all
// of them, and minimum, maximum and sums of each channel. Pure arithmetic: no
// graph, no files. Tested by tests/quant/range_observer_test.cc.
//
// The result does not depend on the order of the images nor on which thread saw
// which of them. Histogram: bin i of width 2^k holds the values in
// [i * 2^k, (i + 1) * 2^k), and k is the least for which all bins from the
// lowest value (or 0) to the highest (or 0) are at most kHistogramBins. So k
// and every count are functions of the multiset of values, and a growing range
// only merges bins i and i + 1 (i even), exactly. Sums: one call of Observe
// adds up its own values in double, in their order; the results of the calls
// are then added without rounding (ExactSum), so in any order. Hence the one
// condition: an image must reach an observer in one call, not in pieces that
// differ from run to run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "quant/exact_sum.h"

namespace cyto8 {

inline constexpr int kHistogramBins = 2048;
inline constexpr int64_t kMaxObservedChannels = 65536;

// Bin i of counts covers [(first_bin + i) * 2^exponent,
// (first_bin + i + 1) * 2^exponent); there are at most kHistogramBins. One of
// them is the bin that begins at 0.
struct Histogram {
  int exponent = 0;
  int64_t first_bin = 0;             // in [-kHistogramBins, 0].
  std::vector<int64_t> counts = {};  // add up to total.
  int64_t total = 0;
  int64_t zeros = 0;  // values that are exactly 0; also counted in their bin.
  float min = 0;      // the least value; may be above 0.
  float max = 0;      // the largest; may be below 0.
};

struct ChannelStatistics {
  float min = 0;
  float max = 0;
  double mean = 0;
  double mean_square = 0;  // of the value, not of its distance to the mean.
};

struct ObservedValues {
  Histogram histogram = {};
  std::vector<ChannelStatistics> channels = {};
  int64_t rows = 0;  // values of each channel.
};

// One tensor. Not thread-safe: an observer per thread, merged at the end.
// Memory: 16 KiB + 280 bytes a channel.
class RangeObserver {
 public:
  // kInvalidArgument unless channels is in [1, kMaxObservedChannels].
  static StatusOr<RangeObserver> Create(int64_t channels);

  // Values with the channel as the last axis: rows * channels of them, one or
  // more whole images. kInvalidArgument if they are no whole number of rows.
  // NaN and infinity are only counted: Finish reports them.
  // Cost: one pass over the memory, about 1 ns a value on one core.
  Status Observe(std::span<const float> values);

  // As if this observer had made the other's calls too. kInvalidArgument if the
  // channels differ.
  Status Merge(const RangeObserver& other);

  // kInvalidArgument if nothing was observed, or if a value was not finite (the
  // message says how many of how many).
  StatusOr<ObservedValues> Finish() const;

 private:
  struct Extent;
  struct Grid;
  class LaneSums;
  class PartialCounts;
  struct Channel {
    float min = 0;
    float max = 0;
    ExactSum sum = {};
    ExactSum sum_of_squares = {};
  };

  explicit RangeObserver(int64_t channels);
  void ObserveBlock(std::span<const float> block, LaneSums& sums,
                    PartialCounts& partial_counts);
  Grid GridOfBins() const;
  void Grow(float min, float max);
  void MergeChannel(const Channel& from, Channel& to) const;

  std::vector<Channel> channels_;
  std::vector<int64_t> counts_;  // kHistogramBins, of the bins first_bin_ + i.
  int exponent_;
  int64_t first_bin_ = 0;
  float min_ = 0;  // of what was seen, and 0.
  float max_ = 0;
  int64_t rows_ = 0;
  int64_t zeros_ = 0;
  int64_t non_finite_ = 0;
};

}  // namespace cyto8
