// SPDX-License-Identifier: Apache-2.0
// Tests of quant/channel_equalization.h; the model of the noise is checked by
// coding random values and weights.
#include "quant/channel_equalization.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/weight_rounding.h"
#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

constexpr int64_t kChannels = 32;
constexpr int64_t kOutputs = 16;

// A tensor whose channels' widths spread over `decades` powers of ten, and a
// reader whose weights for channel c fall as width^-compensation: 1 is what
// training often ends at, since then all channels matter alike.
struct Case {
  std::vector<ValueRange> ranges;
  std::vector<float> weights;
  std::vector<double> variances = {};

  Case(double decades, double compensation, uint64_t seed) {
    RandomValues random(seed);
    for (int64_t c = 0; c < kChannels; ++c) {
      const double width = std::pow(10, random.Uniform(-decades, 0));
      const double below = random.Uniform(0, 1) * width;
      ranges.push_back({-below, width - below});
      for (int64_t o = 0; o < kOutputs; ++o) {
        weights.push_back(static_cast<float>(random.Normal() *
                                             std::pow(width, -compensation)));
      }
    }
  }

  PointwiseReader Reader() const {
    return {.weights = weights, .outputs = kOutputs};
  }
  // The bias is corrected, so means do not count; values are uniform.
  PointwiseReader ReaderWithVariances() {
    variances.clear();
    for (const ValueRange& r : ranges) {
      variances.push_back(std::pow(r.max - r.min, 2) / 12);
    }
    return {.weights = weights, .outputs = kOutputs, .mean_squares = variances};
  }
};

double Coded(double value, const AffineU8& params) {
  const double code = std::clamp(
      std::nearbyint(value / params.scale) + params.zero_point, 0.0, 255.0);
  return code - params.zero_point;
}

std::vector<AffineU8> ParamsFor(const std::vector<ValueRange>& ranges,
                                double alpha) {
  double widest = 0;
  for (const auto& r : ranges) widest = std::max(widest, r.max - r.min);
  std::vector<AffineU8> params;
  for (const auto& r : ranges) {
    const double scale =
        std::pow(r.max - r.min, alpha) * std::pow(widest, 1 - alpha) / 255;
    params.push_back(
        {.scale = static_cast<float>(scale),
         .zero_point = static_cast<int32_t>(std::nearbyint(-r.min / scale))});
  }
  return params;
}

// The squared error of an output, summed over the outputs, when values that are
// uniform over the ranges and the weights are really coded and the bias is
// corrected.
double SimulatedNoise(const Case& test, double alpha, uint64_t seed) {
  const std::vector<AffineU8> params = ParamsFor(test.ranges, alpha);
  std::vector<float> products = test.weights;
  for (size_t i = 0; i < products.size(); ++i) {
    products[i] *= params[i / kOutputs].scale;
  }
  const RoundedWeights rounded =
      RoundWeights(products, {.inputs = kChannels, .outputs = kOutputs})
          .value();
  std::vector<double> means;  // of the codes.
  for (int64_t c = 0; c < kChannels; ++c) {
    const ValueRange& r = test.ranges[c];
    means.push_back((r.min + r.max) / 2 / params[c].scale);
  }
  const std::vector<double> shifts =
      BiasFromWeightError(products, {.inputs = kChannels, .outputs = kOutputs},
                          rounded, means)
          .value();
  RandomValues random(seed);
  constexpr int kSamples = 1000;
  double sum = 0;
  for (int sample = 0; sample < kSamples; ++sample) {
    std::vector<double> errors(kOutputs);
    for (int64_t o = 0; o < kOutputs; ++o) errors[o] = -shifts[o];
    for (int64_t c = 0; c < kChannels; ++c) {
      const double t = random.Uniform(test.ranges[c].min, test.ranges[c].max);
      const double code = Coded(t, params[c]);
      for (int64_t o = 0; o < kOutputs; ++o) {
        const int64_t i = c * kOutputs + o;
        errors[o] +=
            test.weights[i] * t -
            static_cast<double>(rounded.scales[o]) * rounded.codes[i] * code;
      }
    }
    for (const double error : errors) sum += error * error / kSamples;
  }
  return sum;
}

TEST(EqualizeChannelsTest, ThePredictionHoldsAndTheChoiceIsNearTheBest) {
  const uint64_t seed = 21;
  SCOPED_TRACE(seed);
  std::vector<double> chosen;
  for (const double decades : {0.3, 1.0, 2.0}) {
    for (const double compensation : {0.0, 0.5, 1.0}) {
      SCOPED_TRACE(testing::Message() << decades << " " << compensation);
      Case test(decades, compensation, seed);
      const EqualizedChannels equalized =
          EqualizeChannels(test.ranges, test.ReaderWithVariances()).value();
      double best = std::numeric_limits<double>::infinity();
      double of_chosen = 0;
      for (size_t i = 0; i < kEqualizationAlphas.size(); ++i) {
        const double alpha = kEqualizationAlphas[i];
        const double simulated = SimulatedNoise(test, alpha, seed + 1);
        EXPECT_NEAR(equalized.predicted[i] / simulated, 1, 0.05) << alpha;
        best = std::min(best, simulated);
        if (alpha == equalized.alpha) of_chosen = simulated;
      }
      EXPECT_LE(of_chosen, 1.03 * best);
      chosen.push_back(equalized.alpha);
    }
  }
  std::ranges::sort(chosen);  // the cases are no trivial ones.
  EXPECT_LT(chosen.front(), 0.8);
  EXPECT_EQ(chosen.back(), 1);
}

TEST(EqualizeChannelsTest, EqualRangesNeedNoScalesOfTheirOwn) {
  const std::vector<ValueRange> ranges(3, {-1, 1.55});
  const std::vector<float> weights = {1, -2, 3, 4, 5, 6};
  const EqualizedChannels equalized =
      EqualizeChannels(ranges, {.weights = weights, .outputs = 2}).value();
  EXPECT_EQ(equalized.alpha, 0);
  ASSERT_EQ(equalized.params.size(), 3u);
  for (const AffineU8& params : equalized.params) {
    EXPECT_EQ(params.scale, 0.01f);
    EXPECT_EQ(params.zero_point, 100);
  }
}

TEST(EqualizeChannelsTest, ScalesFollowTheFormulaAndCoverTheRanges) {
  for (const double compensation : {0.0, 0.5, 1.0}) {
    const Case test(2, compensation, 22);
    const EqualizedChannels equalized =
        EqualizeChannels(test.ranges, test.Reader()).value();
    const auto expected = ParamsFor(test.ranges, equalized.alpha);
    for (int64_t c = 0; c < kChannels; ++c) {
      const AffineU8& params = equalized.params[c];
      const double scale = params.scale;
      EXPECT_NEAR(scale / expected[c].scale, 1, 1e-6);
      EXPECT_EQ(params.zero_point, expected[c].zero_point);
      // At most half a step is cut off, where zero was made exact.
      const double slack = 0.501 * scale;
      EXPECT_GE(test.ranges[c].min, -params.zero_point * scale - slack);
      EXPECT_LE(test.ranges[c].max, (255 - params.zero_point) * scale + slack);
    }
  }
}

TEST(EqualizeChannelsTest, AChannelWithoutValuesGetsTheNarrowestShare) {
  const std::vector<ValueRange> ranges = {{0, 255}, {0, 0}, {0, 2.55}};
  // What the narrow channels lose in range they have in weight: alpha 1.
  const std::vector<float> weights = {1, 1, 100};
  const EqualizedChannels equalized =
      EqualizeChannels(ranges, {.weights = weights, .outputs = 1}).value();
  EXPECT_EQ(equalized.alpha, 1);
  EXPECT_EQ(equalized.params[0].scale, 1);
  EXPECT_EQ(equalized.params[1].scale, 1.0f / 1024);
  EXPECT_EQ(equalized.params[1].zero_point, 0);
  EXPECT_EQ(equalized.params[2].scale, 0.01f);
}

TEST(EqualizeChannelsTest, MeanSquaresReplaceTheUniformModel) {
  const Case test(2, 0, 23);
  PointwiseReader reader = test.Reader();
  std::vector<double> mean_squares;
  for (const ValueRange& r : test.ranges) {
    mean_squares.push_back((r.min * r.min + r.min * r.max + r.max * r.max) / 3);
  }
  reader.mean_squares = mean_squares;
  const auto uniform = EqualizeChannels(test.ranges, test.Reader()).value();
  EXPECT_EQ(EqualizeChannels(test.ranges, reader).value().predicted,
            uniform.predicted);
  for (double& square : mean_squares) square = 0;
  const auto rare = EqualizeChannels(test.ranges, reader).value();
  EXPECT_LT(rare.predicted[0], uniform.predicted[0]);
  EXPECT_EQ(rare.alpha, 1);  // only the coding of the values is left.
}

TEST(EqualizeChannelsTest, RefusesBadInput) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> good(4, 1.0f);
  const std::vector<ValueRange> ranges = {{0, 1}, {-1, 0}};
  const auto message = [](const std::vector<ValueRange>& channel_ranges,
                          const PointwiseReader& reader) {
    const Status status = EqualizeChannels(channel_ranges, reader).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  const PointwiseReader reader = {.weights = good, .outputs = 2};
  EXPECT_EQ(message({{0, 0}, {0, 0}}, reader),
            "channel_ranges: range of width zero in all 2 channels");
  EXPECT_EQ(message({{0, 1}, {1, 2}}, reader),
            "channel_ranges[1] = [1, 2]: must be finite and contain 0");
  EXPECT_EQ(message({{kNan, 1}, {0, 2}}, reader),
            "channel_ranges[0] = [nan, 1]: must be finite and contain 0");
  EXPECT_EQ(message({{0, 1e-40}, {0, 1e-41}}, reader),
            "channel_ranges[0]: its scale is no normal float");
  EXPECT_EQ(message(ranges, {.weights = good, .outputs = 3}),
            "weights = 4 values: must be 6");
  EXPECT_EQ(message(ranges, {.weights = good, .outputs = 0}),
            "outputs = 0: must be in [1, 1073741824]");
  const std::vector<float> bad = {1, 2, 3, kNan};
  EXPECT_EQ(message(ranges, {.weights = bad, .outputs = 2}),
            "weights[3] = nan: must be finite");
  const std::vector<double> squares = {1, -1};
  EXPECT_EQ(
      message(ranges, {.weights = good, .outputs = 2, .mean_squares = squares}),
      "mean_squares[1] = -1: must be finite and not negative");
}

}  // namespace
}  // namespace cyto8
