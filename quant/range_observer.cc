// SPDX-License-Identifier: Apache-2.0
// See range_observer.h. Values pass in blocks that stay in the first cache:
// one loop finds the ends of a block, one adds it to the channels, one to the
// histogram. The inner loops are written so that compilers vectorise them for
// the oldest CPU we support (no reduction of floats, no call of floor).
#include "quant/range_observer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kBlockValues = 4096;
constexpr int64_t kMinLanes = 64;
constexpr int64_t kRowsAtOnce = 4;
constexpr int kParts = 4;
// 2^k and 2^-k are normal floats for every exponent k of a bin.
constexpr int kLowestExponent = -120;

int64_t BinOf(float value, int exponent) {
  return static_cast<int64_t>(
      std::floor(std::ldexp(static_cast<double>(value), -exponent)));
}

// The least exponent with which [min, max] fits into the bins.
int ExponentFor(float min, float max) {
  int exponent = kLowestExponent;
  const double width = static_cast<double>(max) - min;
  if (width > 0) exponent = std::max(exponent, std::ilogb(width) - 11);
  while (BinOf(max, exponent) - BinOf(min, exponent) >= kHistogramBins) {
    ++exponent;
  }
  return exponent;
}

// An integer that orders finite floats as they are; -0 comes before 0.
int32_t Ordered(float value) {
  const auto bits = std::bit_cast<int32_t>(value);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
float FromOrdered(int32_t ordered) {
  return std::bit_cast<float>(ordered ^ ((ordered >> 31) & 0x7fffffff));
}

constexpr int32_t kOrderedInfinity = 0x7f800000;

int64_t CountNonFinite(std::span<const float> values) {
  return std::ranges::count_if(values,
                               [](float x) { return !std::isfinite(x); });
}

}  // namespace

// The least and the largest value of a block. A NaN counts as beyond infinity,
// on the side of its sign.
struct RangeObserver::Extent {
  int32_t low = kOrderedInfinity;
  int32_t high = -kOrderedInfinity;

  explicit Extent(std::span<const float> block) {
    const float* values = block.data();
    const auto size = static_cast<int64_t>(block.size());
    for (int64_t i = 0; i < size; ++i) {
      const int32_t ordered = Ordered(values[i]);
      low = ordered < low ? ordered : low;
      high = ordered > high ? ordered : high;
    }
  }

  bool IsFinite() const {
    return high < kOrderedInfinity && low > ~kOrderedInfinity;
  }
};

// Where the bins lie, as the inner loop of the histogram wants it.
struct RangeObserver::Grid {
  float width = 1;  // of a bin.
  float inverse_width = 1;
  int32_t first_bin = 0;
};

// Statistics of one call. A lane is a channel, or one of several that take
// turns if there are few channels: lane i belongs to channel i % channels.
class RangeObserver::LaneSums {
 public:
  explicit LaneSums(int64_t lanes)
      : lanes_(lanes),
        min_(lanes, std::numeric_limits<float>::max()),
        max_(lanes, std::numeric_limits<float>::lowest()),
        sum_(lanes),
        sum_of_squares_(lanes) {}

  // Any number of values that start at lane 0.
  void Add(std::span<const float> block) {
    const float* values = block.data();
    auto left = static_cast<int64_t>(block.size());
    for (; left >= kRowsAtOnce * lanes_; left -= kRowsAtOnce * lanes_) {
      AddFourRows(values, min_.data(), max_.data(), sum_.data(),
                  sum_of_squares_.data());
      values += kRowsAtOnce * lanes_;
    }
    for (; left > 0; left -= lanes_) {
      AddRow(values, std::min(left, lanes_));
      values += lanes_;
    }
  }

  // Lanes in rising order, so the sums are the same in every run.
  void FoldInto(std::vector<Channel>& channels, bool first_call) const {
    const auto count = static_cast<int64_t>(channels.size());
    for (int64_t c = 0; c < count; ++c) {
      float min = min_[c];
      float max = max_[c];
      double sum = 0;
      double sum_of_squares = 0;
      for (int64_t lane = c; lane < lanes_; lane += count) {
        min = std::min(min, min_[lane]);
        max = std::max(max, max_[lane]);
        sum += sum_[lane];
        sum_of_squares += sum_of_squares_[lane];
      }
      Channel& channel = channels[c];
      channel.min = first_call ? min : std::min(channel.min, min);
      channel.max = first_call ? max : std::max(channel.max, max);
      channel.sum.Add(sum);
      channel.sum_of_squares.Add(sum_of_squares);
    }
  }

 private:
  void AddFourRows(const float* __restrict values, float* __restrict min,
                   float* __restrict max, double* __restrict sum,
                   double* __restrict sum_of_squares) const {
    const float* __restrict row1 = values + lanes_;
    const float* __restrict row2 = values + 2 * lanes_;
    const float* __restrict row3 = values + 3 * lanes_;
    for (int64_t i = 0; i < lanes_; ++i) {
      const float x0 = values[i], x1 = row1[i], x2 = row2[i], x3 = row3[i];
      const float low01 = x0 < x1 ? x0 : x1, low23 = x2 < x3 ? x2 : x3;
      const float high01 = x0 > x1 ? x0 : x1, high23 = x2 > x3 ? x2 : x3;
      const float low = low01 < low23 ? low01 : low23;
      const float high = high01 > high23 ? high01 : high23;
      min[i] = low < min[i] ? low : min[i];
      max[i] = high > max[i] ? high : max[i];
      const double d0 = x0, d1 = x1, d2 = x2, d3 = x3;
      sum[i] += (d0 + d1) + (d2 + d3);
      sum_of_squares[i] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
    }
  }

  void AddRow(const float* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const double x = values[i];
      min_[i] = std::min(min_[i], values[i]);
      max_[i] = std::max(max_[i], values[i]);
      sum_[i] += x;
      sum_of_squares_[i] += x * x;
    }
  }

  int64_t lanes_;
  std::vector<float> min_;
  std::vector<float> max_;
  std::vector<double> sum_;
  std::vector<double> sum_of_squares_;
};

// Several small histograms that take turns, so that equal values in a row do
// not wait for each other's increment.
class RangeObserver::PartialCounts {
 public:
  PartialCounts() : parts_(kParts * kHistogramBins) {}

  void Add(std::span<const float> block, const Grid& grid) {
    std::array<int32_t, 512> bins;
    for (size_t start = 0; start < block.size(); start += bins.size()) {
      const auto count =
          static_cast<int32_t>(std::min(bins.size(), block.size() - start));
      zeros_ += FindBins(block.data() + start, count, grid, bins.data());
      Count(bins.data(), count);
    }
    added_ += static_cast<int64_t>(block.size());
  }

  // True if one more block could overflow a count.
  bool IsFull() const { return added_ > int64_t{1} << 30; }

  // Moves everything into the observer, whose grid must be that of Add.
  void FlushInto(RangeObserver& observer) {
    for (int part = 0; part < kParts; ++part) {
      const uint32_t* counts = parts_.data() + part * kHistogramBins;
      for (int i = 0; i < kHistogramBins; ++i) {
        observer.counts_[i] += counts[i];
      }
    }
    observer.zeros_ += zeros_;
    std::ranges::fill(parts_, 0);
    zeros_ = 0;
    added_ = 0;
  }

 private:
  // Returns the number of zeros. Rounding down without a call: rounding
  // towards 0, and one less where that went up. Exact, since widths are powers
  // of two.
  static int32_t FindBins(const float* __restrict values, int32_t count,
                          const Grid& grid, int32_t* __restrict bins) {
    const Grid g = grid;
    int32_t zeros = 0;
    for (int32_t i = 0; i < count; ++i) {
      const float x = values[i];
      const auto bin = static_cast<int32_t>(x * g.inverse_width);
      const int32_t below = static_cast<float>(bin) * g.width > x ? 1 : 0;
      bins[i] = bin - below - g.first_bin;
      zeros += x == 0 ? 1 : 0;
    }
    return zeros;
  }

  void Count(const int32_t* bins, int32_t count) {
    uint32_t* part0 = parts_.data();
    uint32_t* part1 = part0 + kHistogramBins;
    uint32_t* part2 = part1 + kHistogramBins;
    uint32_t* part3 = part2 + kHistogramBins;
    int32_t i = 0;
    for (; i + kParts <= count; i += kParts) {
      ++part0[bins[i]];
      ++part1[bins[i + 1]];
      ++part2[bins[i + 2]];
      ++part3[bins[i + 3]];
    }
    for (; i < count; ++i) ++part0[bins[i]];
  }

  std::vector<uint32_t> parts_;
  int64_t zeros_ = 0;
  int64_t added_ = 0;
};

StatusOr<RangeObserver> RangeObserver::Create(int64_t channels) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("channels", channels, 1, kMaxObservedChannels));
  return RangeObserver(channels);
}

RangeObserver::RangeObserver(int64_t channels)
    : channels_(channels),
      counts_(kHistogramBins),
      exponent_(kLowestExponent) {}

Status RangeObserver::Observe(std::span<const float> values) {
  const auto channels = static_cast<int64_t>(channels_.size());
  const auto size = static_cast<int64_t>(values.size());
  if (size % channels != 0) {
    return InvalidArgument(
        "values = " + std::to_string(size) +
        ": must be a multiple of channels = " + std::to_string(channels));
  }
  if (size == 0) return OkStatus();
  const int64_t lanes = channels * std::max<int64_t>(1, kMinLanes / channels);
  const int64_t block_size =
      lanes * std::max(kRowsAtOnce, kBlockValues / lanes);
  LaneSums sums(lanes);
  PartialCounts partial_counts;
  for (int64_t start = 0; start < size; start += block_size) {
    ObserveBlock(values.subspan(start, std::min(block_size, size - start)),
                 sums, partial_counts);
  }
  partial_counts.FlushInto(*this);
  sums.FoldInto(channels_, rows_ == 0);
  rows_ += size / channels;
  return OkStatus();
}

void RangeObserver::ObserveBlock(std::span<const float> block, LaneSums& sums,
                                 PartialCounts& partial_counts) {
  const Extent extent(block);
  if (!extent.IsFinite()) {
    non_finite_ += CountNonFinite(block);
    return;
  }
  const float min = std::min(min_, FromOrdered(extent.low));
  const float max = std::max(max_, FromOrdered(extent.high));
  if (min < min_ || max > max_ || partial_counts.IsFull()) {
    partial_counts.FlushInto(*this);
    Grow(min, max);
  }
  sums.Add(block);
  partial_counts.Add(block, GridOfBins());
}

RangeObserver::Grid RangeObserver::GridOfBins() const {
  return {.width = std::ldexp(1.0f, exponent_),
          .inverse_width = std::ldexp(1.0f, -exponent_),
          .first_bin = static_cast<int32_t>(first_bin_)};
}

// Merges bins until [min, max], which holds the range so far, fits.
void RangeObserver::Grow(float min, float max) {
  min_ = min;
  max_ = max;
  const int exponent = ExponentFor(min, max);
  const int64_t first_bin = BinOf(min, exponent);
  if (exponent == exponent_ && first_bin == first_bin_) return;
  std::vector<int64_t> counts(kHistogramBins);
  const int shift = std::min(exponent - exponent_, 62);
  for (int64_t i = 0; i < kHistogramBins; ++i) {
    if (counts_[i] == 0) continue;
    counts[((first_bin_ + i) >> shift) - first_bin] += counts_[i];
  }
  counts_ = std::move(counts);
  exponent_ = exponent;
  first_bin_ = first_bin;
}

Status RangeObserver::Merge(const RangeObserver& other) {
  if (other.channels_.size() != channels_.size()) {
    return InvalidArgument(
        "channels = " + std::to_string(other.channels_.size()) + ": must be " +
        std::to_string(channels_.size()));
  }
  if (other.rows_ == 0) return OkStatus();
  RangeObserver grown = other;
  grown.Grow(std::min(min_, other.min_), std::max(max_, other.max_));
  Grow(grown.min_, grown.max_);
  for (int i = 0; i < kHistogramBins; ++i) counts_[i] += grown.counts_[i];
  for (size_t c = 0; c < channels_.size(); ++c) {
    MergeChannel(other.channels_[c], channels_[c]);
  }
  rows_ += other.rows_;
  zeros_ += other.zeros_;
  non_finite_ += other.non_finite_;
  return OkStatus();
}

void RangeObserver::MergeChannel(const Channel& from, Channel& to) const {
  to.min = rows_ == 0 ? from.min : std::min(to.min, from.min);
  to.max = rows_ == 0 ? from.max : std::max(to.max, from.max);
  to.sum.Add(from.sum);
  to.sum_of_squares.Add(from.sum_of_squares);
}

StatusOr<ObservedValues> RangeObserver::Finish() const {
  if (rows_ == 0) return InvalidArgument("values: none were observed");
  const int64_t total = rows_ * static_cast<int64_t>(channels_.size());
  if (non_finite_ > 0) {
    return InvalidArgument("values: " + std::to_string(non_finite_) + " of " +
                           std::to_string(total) + " are not finite");
  }
  ObservedValues observed = {.rows = rows_};
  for (const Channel& channel : channels_) {
    // Adding 0 turns -0 into 0, which of them came first does not matter then.
    observed.channels.push_back(
        {.min = channel.min + 0.0f,
         .max = channel.max + 0.0f,
         .mean = channel.sum.Value() / static_cast<double>(rows_),
         .mean_square =
             channel.sum_of_squares.Value() / static_cast<double>(rows_)});
  }
  Histogram& histogram = observed.histogram;
  const int64_t bins = BinOf(max_, exponent_) - first_bin_ + 1;
  histogram.exponent = exponent_;
  histogram.first_bin = first_bin_;
  histogram.counts.assign(counts_.begin(), counts_.begin() + bins);
  histogram.total = total;
  histogram.zeros = zeros_;
  const auto& channels = observed.channels;
  histogram.min =
      std::ranges::min_element(channels, {}, &ChannelStatistics::min)->min;
  histogram.max =
      std::ranges::max_element(channels, {}, &ChannelStatistics::max)->max;
  return observed;
}

}  // namespace cyto8
