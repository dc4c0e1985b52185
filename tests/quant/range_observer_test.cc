// SPDX-License-Identifier: Apache-2.0
// Tests of quant/range_observer.h against its definition, computed value by
// value, and of the promise that order and threads do not matter.
#include "quant/range_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

RangeObserver ObserverOf(int64_t channels,
                         const std::vector<std::vector<float>>& calls) {
  RangeObserver observer = RangeObserver::Create(channels).value();
  for (const auto& values : calls) EXPECT_TRUE(observer.Observe(values).ok());
  return observer;
}

ObservedValues Observed(int64_t channels,
                        const std::vector<std::vector<float>>& calls) {
  return ObserverOf(channels, calls).Finish().value();
}

double NaiveBin(double value, int exponent) {
  return std::floor(std::ldexp(value, -exponent));
}

// By the definition in the header, from below.
Histogram NaiveHistogram(const std::vector<float>& values) {
  Histogram h;
  h.min = *std::ranges::min_element(values);
  h.max = *std::ranges::max_element(values);
  h.total = static_cast<int64_t>(values.size());
  h.zeros = std::ranges::count(values, 0.0f);
  const double low = std::min(0.0f, h.min);
  const double high = std::max(0.0f, h.max);
  h.exponent = -120;
  while (NaiveBin(high, h.exponent) - NaiveBin(low, h.exponent) + 1 > 2048) {
    ++h.exponent;
  }
  const double first = NaiveBin(low, h.exponent);
  h.first_bin = static_cast<int64_t>(first);
  h.counts.resize(static_cast<size_t>(NaiveBin(high, h.exponent) - first + 1));
  for (const float x : values) {
    ++h.counts[static_cast<size_t>(NaiveBin(x, h.exponent) - first)];
  }
  return h;
}

void ExpectSameHistogram(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.exponent, b.exponent);
  EXPECT_EQ(a.first_bin, b.first_bin);
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_EQ(a.total, b.total);
  EXPECT_EQ(a.zeros, b.zeros);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
}

void ExpectSame(const ObservedValues& a, const ObservedValues& b) {
  ExpectSameHistogram(a.histogram, b.histogram);
  EXPECT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.channels.size(), b.channels.size());
  for (size_t c = 0; c < a.channels.size(); ++c) {
    EXPECT_EQ(a.channels[c].min, b.channels[c].min);
    EXPECT_EQ(a.channels[c].max, b.channels[c].max);
    EXPECT_EQ(a.channels[c].mean, b.channels[c].mean);
    EXPECT_EQ(a.channels[c].mean_square, b.channels[c].mean_square);
  }
}

TEST(RangeObserverTest, ChannelsHaveLimits) {
  EXPECT_EQ(RangeObserver::Create(0).status().message(),
            "channels = 0: must be in [1, 65536]");
  EXPECT_FALSE(RangeObserver::Create(65537).ok());
  EXPECT_TRUE(RangeObserver::Create(65536).ok());
}

TEST(RangeObserverTest, RefusesAPartOfARow) {
  RangeObserver observer = RangeObserver::Create(3).value();
  const std::vector<float> values(7);
  const Status status = observer.Observe(values);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "values = 7: must be a multiple of channels = 3");
}

TEST(RangeObserverTest, NothingObservedIsAnError) {
  RangeObserver observer = ObserverOf(2, {{}});
  const Status status = observer.Finish().status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "values: none were observed");
}

TEST(RangeObserverTest, CountsWhatIsNotFinite) {
  std::vector<float> many(20'000, 1.0f);
  many[0] = -kNan;
  many[9'999] = kInfinity;
  many[19'999] = -kInfinity;
  const Status status =
      ObserverOf(2, {{1, 2, kNan, 4}, many, {5, 6}}).Finish().status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "values: 4 of 20006 are not finite");
}

TEST(RangeObserverTest, TheLargestFloatsAreFinite) {
  const float max = std::numeric_limits<float>::max();
  const std::vector<float> values = {max, -max, 0, -1e-30f,
                                     std::numeric_limits<float>::denorm_min()};
  const ObservedValues observed = Observed(1, {values});
  ExpectSameHistogram(observed.histogram, NaiveHistogram(values));
  EXPECT_EQ(observed.channels[0].mean_square,
            2 * static_cast<double>(max) * max / 5);
}

TEST(RangeObserverTest, AllZerosAreOneBin) {
  const Histogram h = Observed(2, {{0, -0.0f, 0, 0}}).histogram;
  EXPECT_EQ(h.counts, std::vector<int64_t>{4});
  EXPECT_EQ(h.zeros, 4);
  EXPECT_EQ(h.first_bin, 0);
  EXPECT_FALSE(std::signbit(h.min));
}

TEST(RangeObserverTest, BinsAreAsFineAsFits) {
  // 2048 bins of width 1 hold [0, 2048), so 2048 itself needs width 2.
  EXPECT_EQ(Observed(1, {{2047.9f}}).histogram.exponent, 0);
  EXPECT_EQ(Observed(1, {{2048}}).histogram.exponent, 1);
  EXPECT_EQ(Observed(1, {{-2048}}).histogram.exponent, 1);
  EXPECT_EQ(Observed(1, {{-2047}}).histogram.exponent, 0);
  EXPECT_EQ(Observed(1, {{-1, 2046}}).histogram.exponent, 0);
  EXPECT_EQ(Observed(1, {{-1, 2047}}).histogram.exponent, 1);
}

TEST(RangeObserverTest, AnEdgeBelongsToTheBinAboveIt) {
  const Histogram h =
      Observed(1, {{2000, 1, 1.5f, -1, -1.5f, -2, 0, -1e-30f}}).histogram;
  ASSERT_EQ(h.exponent, 0);
  ASSERT_EQ(h.first_bin, -2);
  EXPECT_EQ(h.counts[0], 2);  // -1.5 and -2.
  EXPECT_EQ(h.counts[1], 2);  // -1 and -1e-30.
  EXPECT_EQ(h.counts[2], 1);  // 0.
  EXPECT_EQ(h.counts[3], 2);  // 1 and 1.5.
  EXPECT_EQ(h.counts.back(), 1);
}

// The second call grows the range of the first, by both sides and far.
TEST(RangeObserverTest, GrowthEqualsTheDefinition) {
  const uint64_t seed = 11;
  SCOPED_TRACE(seed);
  RandomValues random(seed);
  for (const double growth : {1.0, 1.001, 2.0, 77.0, 1e20, 1e38, 1e-9}) {
    for (const double shift : {-1.0, -0.3, 0.0, 1.0}) {
      SCOPED_TRACE(testing::Message() << growth << " " << shift);
      std::vector<float> first, second;
      for (int i = 0; i < 500; ++i) {
        first.push_back(static_cast<float>(random.Normal() + shift));
        second.push_back(static_cast<float>(
            growth * std::clamp(random.Normal() + shift, -3.0, 3.0)));
      }
      std::vector<float> all = first;
      all.insert(all.end(), second.begin(), second.end());
      ExpectSameHistogram(Observed(1, {first, second}).histogram,
                          NaiveHistogram(all));
    }
  }
}

TEST(RangeObserverTest, RisingAndFallingValuesGrowInsideOneCall) {
  std::vector<float> rising(20'000);
  std::iota(rising.begin(), rising.end(), -4'000.0f);
  std::vector<float> falling(rising.rbegin(), rising.rend());
  const Histogram expected = NaiveHistogram(rising);
  ExpectSameHistogram(Observed(1, {rising}).histogram, expected);
  ExpectSameHistogram(Observed(1, {falling}).histogram, expected);
}

TEST(RangeObserverTest, ChannelsEqualTheDefinition) {
  const uint64_t seed = 12;
  SCOPED_TRACE(seed);
  RandomValues random(seed);
  for (const int64_t channels : {1, 2, 3, 31, 63, 64, 65, 200, 4500}) {
    for (const int64_t rows : {1, 2, 4, 5, 131}) {
      if (channels * rows > 30'000) continue;
      SCOPED_TRACE(testing::Message() << channels << " " << rows);
      std::vector<float> values(channels * rows);
      for (float& x : values) x = static_cast<float>(random.Normal() - 1);
      const ObservedValues observed = Observed(channels, {values});
      ExpectSameHistogram(observed.histogram, NaiveHistogram(values));
      EXPECT_EQ(observed.rows, rows);
      for (int64_t c = 0; c < channels; ++c) {
        ChannelStatistics naive = {.min = values[c], .max = values[c]};
        for (int64_t r = 0; r < rows; ++r) {
          const float x = values[r * channels + c];
          naive.min = std::min(naive.min, x);
          naive.max = std::max(naive.max, x);
          naive.mean += static_cast<double>(x) / static_cast<double>(rows);
          naive.mean_square +=
              static_cast<double>(x) * x / static_cast<double>(rows);
        }
        const ChannelStatistics& channel = observed.channels[c];
        ASSERT_EQ(channel.min, naive.min);
        ASSERT_EQ(channel.max, naive.max);
        ASSERT_NEAR(channel.mean, naive.mean, 1e-12);
        ASSERT_NEAR(channel.mean_square, naive.mean_square, 1e-12);
      }
    }
  }
}

TEST(RangeObserverTest, OrderOfImagesAndThreadsDoesNotMatter) {
  const uint64_t seed = 13;
  SCOPED_TRACE(seed);
  RandomValues random(seed);
  std::vector<std::vector<float>> images;
  for (int i = 0; i < 12; ++i) {
    const double scale = std::exp2(random.Uniform(-20, 20));
    std::vector<float>& image = images.emplace_back(3 * 200);
    for (float& x : image) x = static_cast<float>(scale * random.Normal());
  }
  const ObservedValues expected = Observed(3, images);
  for (int round = 0; round < 20; ++round) {
    std::rotate(images.begin(), images.begin() + 5, images.end());
    std::swap(images[round % 12], images[round % 7]);
    const size_t cut = round % 13;
    RangeObserver first = ObserverOf(3, {images.begin(), images.begin() + cut});
    const RangeObserver second =
        ObserverOf(3, {images.begin() + cut, images.end()});
    ASSERT_TRUE(first.Merge(second).ok());
    ExpectSame(first.Finish().value(), expected);
  }
}

TEST(RangeObserverTest, MergingWithNothingChangesNothing) {
  const std::vector<std::vector<float>> calls = {{-3, 2, -1, 5}};
  RangeObserver some = ObserverOf(2, calls);
  RangeObserver none = ObserverOf(2, {});
  ASSERT_TRUE(some.Merge(none).ok());
  ExpectSame(some.Finish().value(), Observed(2, calls));
  ASSERT_TRUE(none.Merge(some).ok());
  ExpectSame(none.Finish().value(), Observed(2, calls));
  ASSERT_TRUE(some.Merge(some).ok());
  ExpectSame(some.Finish().value(), Observed(2, {calls[0], calls[0]}));
}

TEST(RangeObserverTest, MergeAddsWhatIsNotFinite) {
  RangeObserver first = ObserverOf(1, {{1, kNan}});
  ASSERT_TRUE(first.Merge(ObserverOf(1, {{kInfinity, kNan, 2}})).ok());
  EXPECT_EQ(first.Finish().status().message(), "values: 3 of 5 are not finite");
}

TEST(RangeObserverTest, RefusesToMergeOtherChannels) {
  RangeObserver observer = RangeObserver::Create(3).value();
  const Status status = observer.Merge(RangeObserver::Create(4).value());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "channels = 4: must be 3");
}

}  // namespace
}  // namespace cyto8
