// SPDX-License-Identifier: Apache-2.0
// Tests of quant/range_choice.h: the noise against values that are really
// coded, each method against a slow search by its definition.
#include "quant/range_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

using Values = std::vector<float>;

Histogram HistogramOf(const Values& values) {
  RangeObserver observer = RangeObserver::Create(1).value();
  EXPECT_TRUE(observer.Observe(values).ok());
  return observer.Finish().value().histogram;
}

enum class Kind { kNormal, kSwish, kRelu, kNegative, kShifted, kOutlier };
constexpr std::array kKinds = {Kind::kNormal,   Kind::kSwish,   Kind::kRelu,
                               Kind::kNegative, Kind::kShifted, Kind::kOutlier};

float Draw(Kind kind, RandomValues& random) {
  switch (kind) {
    case Kind::kSwish:
      return static_cast<float>(random.Swish());
    case Kind::kRelu:
      return std::max(0.0f, static_cast<float>(random.Normal()));
    case Kind::kNegative:
      return -std::abs(static_cast<float>(random.Normal()));
    case Kind::kShifted:
      return static_cast<float>(5 + random.Normal());
    case Kind::kNormal:
    case Kind::kOutlier:
      break;
  }
  return static_cast<float>(random.Normal());
}

Values Sample(Kind kind, int count = 20'000) {
  RandomValues random(100 + static_cast<uint64_t>(kind));
  Values values;
  for (int i = 0; i < count; ++i) values.push_back(Draw(kind, random));
  if (kind == Kind::kOutlier) values[7] = 60;
  return values;
}

double MeasuredNoise(const Values& values, const ValueRange& range) {
  const AffineU8 params = QuantParamsOf(range).value();
  double sum = 0;
  for (const double x : values) {
    const double code = std::clamp(
        std::nearbyint(x / params.scale) + params.zero_point, 0.0, 255.0);
    const double error = x - params.scale * (code - params.zero_point);
    sum += error * error;
  }
  return sum / static_cast<double>(values.size());
}

ValueRange Choose(const Histogram& histogram,
                  const RangeChoiceOptions& options) {
  return ChooseRange(histogram, options).value();
}

TEST(RangeMethodTest, NamesReadBack) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kKl,
        RangeMethod::kMse, RangeMethod::kSearch}) {
    EXPECT_EQ(ParseRangeMethod(RangeMethodName(method)).value(), method);
  }
  EXPECT_EQ(ParseRangeMethod("entropy").status().message(),
            "range method = \"entropy\": must be one of min_max, percentile, "
            "kl, mse, search");
}

TEST(QuantParamsOfTest, ZeroIsExact) {
  AffineU8 params = QuantParamsOf({0, 255}).value();
  EXPECT_EQ(params.scale, 1);
  EXPECT_EQ(params.zero_point, 0);
  params = QuantParamsOf({-255, 0}).value();
  EXPECT_EQ(params.zero_point, 255);
  params = QuantParamsOf({-50.4, 204.6}).value();
  EXPECT_EQ(params.scale, 1);
  EXPECT_EQ(params.zero_point, 50);
  // Ties to even, both ways.
  EXPECT_EQ(QuantParamsOf({-50.5, 204.5}).value().zero_point, 50);
  EXPECT_EQ(QuantParamsOf({-51.5, 203.5}).value().zero_point, 52);
}

TEST(QuantParamsOfTest, RefusesWhatHasNoScale) {
  const auto message = [](double min, double max) {
    const Status status = QuantParamsOf({min, max}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message(0, 0), "range = [0, 0]: range of width zero");
  EXPECT_EQ(message(1, 2), "range = [1, 2]: must contain 0");
  EXPECT_EQ(message(-2, -1), "range = [-2, -1]: must contain 0");
  EXPECT_EQ(message(0, std::numeric_limits<double>::infinity()),
            "range = [0, inf]: must be finite");
  EXPECT_EQ(message(std::nan(""), 1), "range = [nan, 1]: must be finite");
  EXPECT_EQ(message(0, 1e-40),
            "range = [0, 1e-40]: its 255th part is no normal float");
  EXPECT_EQ(message(0, 1e300),
            "range = [0, 1e+300]: its 255th part is no normal float");
}

TEST(QuantParamsOfTest, TakesTheWidestRangeOfFloats) {
  const double max = std::numeric_limits<float>::max();
  EXPECT_EQ(QuantParamsOf({-max, max}).value().zero_point, 128);
}

TEST(QuantizationNoiseTest, EqualsThatOfCodedValues) {
  for (const Kind kind : kKinds) {
    const Values values = Sample(kind);
    const Histogram histogram = HistogramOf(values);
    const ValueRange all = Choose(histogram, {});
    for (const double factor : {1.3, 1.0, 0.8, 0.5, 0.1}) {
      const ValueRange range = {all.min * factor, all.max * factor};
      const double measured = MeasuredNoise(values, range);
      EXPECT_NEAR(QuantizationNoise(histogram, range), measured,
                  0.03 * measured)
          << static_cast<int>(kind) << " " << factor;
    }
  }
}

TEST(QuantizationNoiseTest, WhatHasACodeOfItsOwnCostsNothing) {
  EXPECT_EQ(QuantizationNoise(HistogramOf({0, 0, 0}), {-0.3, 1}), 0);
  EXPECT_NEAR(QuantizationNoise(HistogramOf({0, 255, 0}), {0, 255}), 0, 1e-9);
}

TEST(QuantizationNoiseTest, ARangeOfWidthZeroLeavesOnlyZero) {
  // Bins of width 2: 3000 is the last value of its bin, -600 the first.
  EXPECT_NEAR(QuantizationNoise(HistogramOf({3000, 0, -600, 0}), {0, 0}),
              (3000.0 * 3000 + 600 * 600) / 4, 2000);
  EXPECT_EQ(QuantizationNoise(Histogram{}, {0, 1}), 0);
}

TEST(ChooseRangeTest, MinMaxIsExactAndHoldsZero) {
  ValueRange range = Choose(HistogramOf({-0.3f, 7.1f}), {});
  EXPECT_EQ(range.min, -0.3f);
  EXPECT_EQ(range.max, 7.1f);
  range = Choose(HistogramOf({3, 7.1f}), {});
  EXPECT_EQ(range.min, 0);
  range = Choose(HistogramOf({-3, -7.1f}), {});
  EXPECT_EQ(range.max, 0);
}

TEST(ChooseRangeTest, PercentileCutsTheSameShareAtEachEnd) {
  Values values = Sample(Kind::kNormal);
  const Histogram histogram = HistogramOf(values);
  std::ranges::sort(values);
  const double width = std::ldexp(1.0, histogram.exponent);
  const double size = static_cast<double>(values.size());
  for (const double percentile : {50.0, 90.0, 99.0, 99.9}) {
    const ValueRange range =
        Choose(histogram,
               {.method = RangeMethod::kPercentile, .percentile = percentile});
    const auto cut = static_cast<size_t>((1 - percentile / 100) * size);
    EXPECT_NEAR(range.min, std::min(0.0f, values[cut]), width);
    EXPECT_NEAR(range.max, std::max(0.0f, values[values.size() - 1 - cut]),
                width);
  }
  const ValueRange all = Choose(
      histogram, {.method = RangeMethod::kPercentile, .percentile = 100});
  EXPECT_EQ(all.min, values.front());
  EXPECT_EQ(all.max, values.back());
}

// The definition: every pair of steps. The search visits some of them only.
TEST(ChooseRangeTest, MseFindsTheLeastNoiseOfAllSteps) {
  constexpr int64_t kSteps = 20;
  for (const Kind kind : kKinds) {
    const Histogram histogram = HistogramOf(Sample(kind));
    const ValueRange all = Choose(histogram, {});
    double least = std::numeric_limits<double>::infinity();
    for (int64_t i = 1; i <= kSteps; ++i) {
      for (int64_t j = 1; j <= kSteps; ++j) {
        least = std::min(
            least, QuantizationNoise(
                       histogram, {all.min * static_cast<double>(i) / kSteps,
                                   all.max * static_cast<double>(j) / kSteps}));
      }
    }
    const ValueRange range =
        Choose(histogram, {.method = RangeMethod::kMse, .steps = kSteps});
    EXPECT_LE(QuantizationNoise(histogram, range), least * 1.001)
        << static_cast<int>(kind);
  }
}

double WeightedNoise(const Values& values, const ValueRange& range,
                     double clip_weight) {
  const AffineU8 params = QuantParamsOf(range).value();
  double sum = 0;
  for (const double x : values) {
    const double u = x / params.scale + params.zero_point;
    const double error = u - std::clamp(std::nearbyint(u), 0.0, 255.0);
    sum += error * error * (u < 0 || u > 255 ? clip_weight : 1);
  }
  return sum * params.scale * params.scale / static_cast<double>(values.size());
}

// The definition again, from the values themselves; their histogram knows them
// by their bins.
TEST(ChooseRangeTest, ClippedValuesCountAsAsked) {
  constexpr int64_t kSteps = 20;
  int wider = 0;
  for (const Kind kind : kKinds) {
    const Values values = Sample(kind);
    const Histogram histogram = HistogramOf(values);
    const ValueRange all = Choose(histogram, {});
    double first_width = 0;
    double last_width = 0;
    for (const double clip_weight : {1.0, 8.0, 300.0}) {
      const ValueRange range = Choose(histogram, {.method = RangeMethod::kMse,
                                                  .steps = kSteps,
                                                  .clip_weight = clip_weight});
      double least = std::numeric_limits<double>::infinity();
      for (int64_t i = 1; i <= kSteps; ++i) {
        const double factor = static_cast<double>(i) / kSteps;
        least = std::min(
            least, WeightedNoise(values, {all.min * factor, all.max * factor},
                                 clip_weight));
      }
      EXPECT_LE(WeightedNoise(values, range, clip_weight), least * 1.02)
          << static_cast<int>(kind) << ", " << clip_weight;
      EXPECT_GE(range.max - range.min, last_width) << static_cast<int>(kind);
      last_width = range.max - range.min;
      if (clip_weight == 1) first_width = last_width;
    }
    if (last_width > first_width) ++wider;
  }
  EXPECT_GE(wider, 2);
}

// As if the rest had been seen ten thousand times as often.
TEST(ChooseRangeTest, MseCutsARareOutlier) {
  Histogram histogram = HistogramOf(Sample(Kind::kOutlier));
  for (int64_t& count : histogram.counts) count *= 10'000;
  histogram.counts.back() = 1;
  histogram.total = 10'000 * (histogram.total - 1) + 1;
  const ValueRange range = Choose(histogram, {.method = RangeMethod::kMse});
  EXPECT_LT(range.max, 10);
  EXPECT_GT(range.max, 3);
}

TEST(ChooseRangeTest, MseKeepsAShortSide) {
  const ValueRange range =
      Choose(HistogramOf(Sample(Kind::kSwish)), {.method = RangeMethod::kMse});
  EXPECT_LT(range.min, -0.24);
  EXPECT_LT(range.max, 9.5);
}

// By the words of the header, bin by bin.
double NaiveKl(const Histogram& histogram, const ValueRange& range) {
  const AffineU8 params = QuantParamsOf(range).value();
  const double width = std::ldexp(1.0, histogram.exponent);
  std::vector<double> p, inside;
  std::vector<int> codes;
  double below = 0, above = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double bin =
        static_cast<double>(histogram.first_bin + static_cast<int64_t>(i));
    const double count = static_cast<double>(histogram.counts[i] -
                                             (bin == 0 ? histogram.zeros : 0));
    if ((bin + 1) * width <= range.min) {
      below += count;
    } else if (bin * width >= range.max) {
      above += count;
    } else {
      inside.push_back(count);
      codes.push_back(static_cast<int>(
          std::clamp(std::floor((bin + 0.5) * width / params.scale +
                                params.zero_point + 0.5),
                     0.0, 255.0)));
    }
  }
  if (inside.size() < 256) return std::numeric_limits<double>::infinity();
  p = inside;
  p.front() += below;
  p.back() += above;
  std::map<int, double> values_of, filled_of;
  double p_sum = 0, q_sum = 0, divergence = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    values_of[codes[i]] += inside[i];
    filled_of[codes[i]] += p[i] > 0;
    p_sum += p[i];
  }
  for (const auto& [code, values] : values_of) {
    if (filled_of[code] > 0) q_sum += std::max(values, 0.5);
  }
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    const double q = std::max(values_of[codes[i]], 0.5) / filled_of[codes[i]];
    divergence += p[i] / p_sum * std::log(p[i] / p_sum / (q / q_sum));
  }
  return divergence;
}

TEST(ChooseRangeTest, KlFindsTheLeastDivergenceAlongEachEnd) {
  constexpr int64_t kSteps = 20;
  constexpr double kRounding = 1e-12;
  for (const Kind kind : kKinds) {
    const Histogram histogram = HistogramOf(Sample(kind));
    const ValueRange all = Choose(histogram, {});
    const ValueRange range =
        Choose(histogram, {.method = RangeMethod::kKl, .steps = kSteps});
    const double found = NaiveKl(histogram, range);
    EXPECT_GT(found, 0);
    EXPECT_LE(found, NaiveKl(histogram, all));
    for (int64_t i = 1; i <= kSteps; ++i) {
      const double share = static_cast<double>(i) / kSteps;
      if (all.min < 0) {
        EXPECT_LE(found - kRounding,
                  NaiveKl(histogram, {all.min * share, range.max}))
            << static_cast<int>(kind) << " " << share;
      }
      if (all.max > 0) {
        EXPECT_LE(found - kRounding,
                  NaiveKl(histogram, {range.min, all.max * share}))
            << static_cast<int>(kind) << " " << share;
      }
    }
  }
}

TEST(ChooseRangeTest, KlCutsAnOutlier) {
  const ValueRange range =
      Choose(HistogramOf(Sample(Kind::kOutlier)), {.method = RangeMethod::kKl});
  EXPECT_LT(range.max, 30);
}

TEST(ChooseRangeTest, SearchFindsTheLeastNoiseOfItsFactors) {
  for (const Kind kind : kKinds) {
    const Histogram histogram = HistogramOf(Sample(kind));
    const ValueRange base =
        Choose(histogram, {.method = RangeMethod::kPercentile});
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i <= 60; ++i) {
      const double factor = 0.7 + 0.01 * i;
      least = std::min(
          least,
          QuantizationNoise(histogram, {base.min * factor, base.max * factor}));
    }
    const ValueRange range =
        Choose(histogram, {.method = RangeMethod::kSearch});
    EXPECT_NEAR(QuantizationNoise(histogram, range), least, 1e-9 * least);
    EXPECT_GE(range.max, base.max * 0.7 * (1 - 1e-12));
    EXPECT_LE(range.max, base.max * 1.3 * (1 + 1e-12));
  }
}

TEST(ChooseRangeTest, TheLastFactorOfTheSearchIsTried) {
  // Nearly all values are 1: only the factor 1.3 or none reaches the 1.3.
  Values values(1000, 1.0f);
  for (int i = 0; i < 20; ++i) values[i] = 1.3f;
  const ValueRange range =
      Choose(HistogramOf(values), {.method = RangeMethod::kSearch,
                                   .percentile = 95,
                                   .search_low = 1.0,
                                   .search_high = 1.3,
                                   .search_step = 0.1});
  EXPECT_NEAR(range.max, 1.3, 0.002);
}

TEST(ChooseRangeTest, NothingButZeroIsAnError) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kKl,
        RangeMethod::kMse, RangeMethod::kSearch}) {
    const Status status =
        ChooseRange(HistogramOf({0, 0, 0}), {.method = method}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "range = [0, 0]: range of width zero");
  }
}

TEST(ChooseRangeTest, OnlyZeroLeftByThePercentileIsAnError) {
  Values values(10'000);
  values[3] = 5;
  const Histogram histogram = HistogramOf(values);
  EXPECT_EQ(ChooseRange(histogram, {.method = RangeMethod::kPercentile,
                                    .percentile = 99.9})
                .status()
                .message(),
            "range = [0, 0]: range of width zero");
  EXPECT_TRUE(ChooseRange(histogram, {.method = RangeMethod::kMse}).ok());
}

TEST(ChooseRangeTest, OneValueManyTimesGivesARange) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kKl,
        RangeMethod::kMse, RangeMethod::kSearch}) {
    for (const float value : {1.0f, -0.37f, 1e30f}) {
      const Histogram histogram = HistogramOf(Values(50, value));
      const ValueRange range = Choose(histogram, {.method = method});
      EXPECT_LE(QuantizationNoise(histogram, range),
                1e-4 * std::pow(static_cast<double>(value), 2));
    }
  }
}

TEST(ChooseRangeTest, RefusesOptionsOutsideTheirRange) {
  const Histogram histogram = HistogramOf({1, 2});
  const auto message = [&](const RangeChoiceOptions& options) {
    const Status status = ChooseRange(histogram, options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message({.percentile = 49}),
            "percentile = 49: must be in [50, 100]");
  EXPECT_EQ(message({.percentile = std::nan("")}),
            "percentile = nan: must be in [50, 100]");
  EXPECT_EQ(message({.steps = 0}), "steps = 0: must be in [1, 1000]");
  EXPECT_EQ(message({.clip_weight = 0.5}),
            "clip_weight = 0.5: must be in [1, 1000]");
  EXPECT_EQ(message({.clip_weight = std::nan("")}),
            "clip_weight = nan: must be in [1, 1000]");
  EXPECT_EQ(message({.search_high = 11}),
            "search_high = 11: must be in [0.01, 10]");
  EXPECT_EQ(message({.search_low = 1.5}),
            "search_low = 1.5: must be in [0.01, 1.3]");
  EXPECT_EQ(message({.search_step = 0}),
            "search_step = 0: must be in [0.001, 1]");
  EXPECT_EQ(ChooseRange(Histogram{}, {}).status().message(),
            "histogram: holds no values");
}

}  // namespace
}  // namespace cyto8
