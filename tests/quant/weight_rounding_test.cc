// SPDX-License-Identifier: Apache-2.0
// Tests of quant/weight_rounding.h and quant/value_checks.h: codes by hand,
// the search against its definition, and means that come out unchanged.
#include "quant/weight_rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> RandomWeights(size_t count, uint64_t seed) {
  RandomValues random(seed);
  std::vector<float> weights(count);
  for (float& w : weights) w = static_cast<float>(random.Normal());
  return weights;
}

TEST(RoundWeightsTest, EachOutputHasItsScale) {
  // [inputs 3][outputs 2].
  const std::vector<float> weights = {127, 1, -50.4f, -2, 2.5f, 0};
  const RoundedWeights rounded =
      RoundWeights(weights, {.inputs = 3, .outputs = 2}).value();
  EXPECT_EQ(rounded.scales, (std::vector<float>{1, 2.0f / 127}));
  EXPECT_EQ(rounded.codes, (std::vector<int8_t>{127, 64, -50, -127, 2, 0}));
}

TEST(RoundWeightsTest, TiesGoToEven) {
  const std::vector<float> weights = {-127, 0.5f, 1.5f, 2.5f, -0.5f, -3.5f};
  EXPECT_EQ(RoundWeights(weights, {.inputs = 6}).value().codes,
            (std::vector<int8_t>{-127, 0, 2, 2, 0, -4}));
}

TEST(RoundWeightsTest, ZerosGetScaleOne) {
  const std::vector<float> weights = {0, 1, 0, 1};
  for (const bool search : {false, true}) {
    const RoundedWeights rounded =
        RoundWeights(weights, {.inputs = 2, .outputs = 2},
                     {.search_scale = search})
            .value();
    EXPECT_EQ(rounded.scales[0], 1);
    EXPECT_EQ(rounded.codes, (std::vector<int8_t>{0, 127, 0, 127}));
  }
}

TEST(RoundWeightsTest, TheSmallestAndTheLargestWeightsHaveNormalScales) {
  const std::vector<float> weights = {std::numeric_limits<float>::denorm_min(),
                                      std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::min() * 64,
                                      -1};
  const RoundedWeights rounded =
      RoundWeights(weights, {.outputs = 4}, {.search_scale = true}).value();
  for (const float scale : rounded.scales) EXPECT_TRUE(std::isnormal(scale));
  EXPECT_EQ(rounded.codes, (std::vector<int8_t>{0, 127, 64, -127}));
}

double WeightedError(const std::vector<float>& weights, float scale,
                     const std::vector<double>& importance) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double code = std::clamp(
        std::nearbyint(static_cast<double>(weights[i]) / scale), -127.0, 127.0);
    sum += importance[i] * std::pow(weights[i] - scale * code, 2);
  }
  return sum;
}

TEST(RoundWeightsTest, TheSearchKeepsTheLeastWeightedError) {
  const uint64_t seed = 3;
  SCOPED_TRACE(seed);
  const std::vector<float> weights = RandomWeights(40, seed);
  std::vector<double> importance(40, 1.0);
  for (const double of_first : {1.0, 1e-3, 1e4}) {
    importance[0] = of_first;
    const RoundedWeights rounded =
        RoundWeights(weights, {.inputs = 40},
                     {.search_scale = true, .mean_squares = importance})
            .value();
    const float widest =
        RoundWeights(weights, {.inputs = 40}).value().scales[0];
    double least = WeightedError(weights, widest, importance);
    for (int i = 1; i <= 20; ++i) {
      const auto scale = static_cast<float>(widest * (1 - 0.01 * i));
      least = std::min(least, WeightedError(weights, scale, importance));
    }
    EXPECT_NEAR(WeightedError(weights, rounded.scales[0], importance), least,
                1e-5 * least);
  }
}

TEST(RoundWeightsTest, TheSearchClipsAWeightThatMattersLittle) {
  std::vector<float> weights = RandomWeights(200, 4);
  std::vector<double> importance(200, 1.0);
  weights[9] = 5;
  importance[9] = 1e-9;
  const RoundedWeights rounded =
      RoundWeights(weights, {.inputs = 200},
                   {.search_scale = true, .mean_squares = importance})
          .value();
  EXPECT_LT(rounded.scales[0], 0.9f * 5 / 127);
  EXPECT_EQ(rounded.codes[9], 127);
}

TEST(RoundWeightsTest, TheSearchClipsLessWhereThatCountsMore) {
  std::vector<float> weights = RandomWeights(4000, 5);
  weights[9] = 1.5f * *std::ranges::max_element(weights);
  const auto scale_for = [&](double clip_weight) {
    return RoundWeights(weights, {.inputs = 4000},
                        {.search_scale = true, .clip_weight = clip_weight})
        .value()
        .scales[0];
  };
  const float widest = weights[9] / 127;
  EXPECT_LT(scale_for(1), widest);
  EXPECT_EQ(scale_for(1000), widest);
  EXPECT_EQ(RoundWeights(weights, {.inputs = 4000}, {.clip_weight = 0})
                .status()
                .message(),
            "clip_weight = 0: must be in [1, 1000]");
}

TEST(RoundWeightsTest, RefusesWhatIsNotFinite) {
  std::vector<float> weights = {1, 2, kNan, 4};
  const auto message = [&] {
    const Status status =
        RoundWeights(weights, {.inputs = 2, .outputs = 2}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message(), "weights[2] = nan: must be finite");
  weights[1] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(message(), "weights[1] = -inf: must be finite");
}

TEST(RoundWeightsTest, RefusesSizesThatDoNotFit) {
  const std::vector<float> weights(12);
  const auto message = [&](const WeightShape& shape,
                           std::vector<double> mean_squares = {}) {
    const Status status =
        RoundWeights(weights, shape, {.mean_squares = mean_squares}).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message({.inputs = 3, .outputs = 5}),
            "weights = 12 values: must be 15");
  EXPECT_EQ(message({.outputs = 0}),
            "outputs = 0: must be in [1, 1099511627776]");
  EXPECT_EQ(message({.taps = int64_t{1} << 40, .inputs = int64_t{1} << 40}),
            "1099511627776 * 1099511627776 overflows 64 bits");
  EXPECT_EQ(message({.inputs = 3, .outputs = 4, .groups = 3}),
            "groups = 3: must divide outputs = 4");
  EXPECT_EQ(message({.inputs = 3, .outputs = 4}, {1, 2}),
            "mean_squares = 2 values: must be 3");
  EXPECT_EQ(message({.inputs = 3, .outputs = 4}, {1, -2, 3}),
            "mean_squares[1] = -2: must be finite and not negative");
  EXPECT_EQ(message({.inputs = 3, .outputs = 4}, {1, 2, kNan}),
            "mean_squares[2] = nan: must be finite and not negative");
}

// y[o] = sum over taps and inputs, by loops that know nothing of groups but
// this: channels are dealt out in order.
std::vector<double> Outputs(const std::vector<double>& weights,
                            const WeightShape& s,
                            const std::vector<double>& channels) {
  std::vector<double> y(s.outputs);
  const int64_t outputs_of_group = s.outputs / s.groups;
  for (int64_t g = 0; g < s.groups; ++g) {
    for (int64_t o = 0; o < outputs_of_group; ++o) {
      for (int64_t t = 0; t < s.taps; ++t) {
        for (int64_t c = 0; c < s.inputs; ++c) {
          const int64_t output = g * outputs_of_group + o;
          y[output] += weights[(t * s.inputs + c) * s.outputs + output] *
                       channels[g * s.inputs + c];
        }
      }
    }
  }
  return y;
}

TEST(BiasFromWeightErrorTest, TheMeanOutputStaysAsItWas) {
  const uint64_t seed = 6;
  SCOPED_TRACE(seed);
  for (const WeightShape& shape :
       {WeightShape{.taps = 9, .inputs = 4, .outputs = 6},
        WeightShape{.taps = 9, .inputs = 1, .outputs = 8, .groups = 8},
        WeightShape{.taps = 9, .inputs = 1, .outputs = 8, .groups = 4},
        WeightShape{.taps = 1, .inputs = 3, .outputs = 4, .groups = 2}}) {
    const std::vector<float> weights =
        RandomWeights(shape.taps * shape.inputs * shape.outputs, seed);
    RandomValues random(seed + 1);
    std::vector<double> means(shape.inputs * shape.groups);
    for (double& mean : means) mean = random.Normal();
    const RoundedWeights rounded = RoundWeights(weights, shape).value();
    std::vector<double> coded(weights.size());
    for (size_t i = 0; i < coded.size(); ++i) {
      coded[i] = static_cast<double>(rounded.scales[i % shape.outputs]) *
                 rounded.codes[i];
    }
    const auto exact = Outputs({weights.begin(), weights.end()}, shape, means);
    const auto approximate = Outputs(coded, shape, means);
    const auto shifts =
        BiasFromWeightError(weights, shape, rounded, means).value();
    for (int64_t o = 0; o < shape.outputs; ++o) {
      EXPECT_NEAR(approximate[o] + shifts[o], exact[o], 1e-12);
      EXPECT_NE(shifts[o], 0);
    }
  }
}

TEST(BiasFromWeightErrorTest, RefusesSizesThatDoNotFit) {
  const std::vector<float> weights(6, 1.0f);
  const WeightShape shape = {.inputs = 3, .outputs = 2};
  const RoundedWeights good = RoundWeights(weights, shape).value();
  const auto message = [&](const RoundedWeights& rounded,
                           std::vector<double> means) {
    const Status status =
        BiasFromWeightError(weights, shape, rounded, means).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message({.codes = {1}, .scales = {1, 1}}, {1, 2, 3}),
            "codes = 1 values: must be 6");
  EXPECT_EQ(message({.codes = good.codes, .scales = {1}}, {1, 2, 3}),
            "scales = 1 values: must be 2");
  EXPECT_EQ(message(good, {1, 2}), "channel_means = 2 values: must be 3");
  EXPECT_EQ(message(good, {1, kNan, 2}),
            "channel_means[1] = nan: must be finite");
}

}  // namespace
}  // namespace cyto8
