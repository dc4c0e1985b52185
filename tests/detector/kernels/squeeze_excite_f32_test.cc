// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/squeeze_excite_f32.h.
#include "detector/kernels/squeeze_excite_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

using Doubles = std::vector<double>;

struct Weights {
  std::vector<float> reduce_wei, reduce_bias, expand_wei, expand_bias;

  SqueezeExciteWeights view() const {
    return {.reduce_wei = reduce_wei,
            .reduce_bias = reduce_bias,
            .expand_wei = expand_wei,
            .expand_bias = expand_bias};
  }
};

Weights RandomWeights(const SqueezeExciteShape& s, RandomNumbers& random) {
  return {.reduce_wei = random.Floats(CountOf({s.channels, s.reduced})),
          .reduce_bias = random.Floats(CountOf({s.reduced})),
          .expand_wei = random.Floats(CountOf({s.reduced, s.channels})),
          .expand_bias = random.Floats(CountOf({s.channels}))};
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Doubles Layer(const Doubles& x, const std::vector<float>& wei,
              const std::vector<float>& bias) {
  Doubles y;
  for (size_t o = 0; o < bias.size(); ++o) {
    auto sum = static_cast<double>(bias[o]);
    for (size_t i = 0; i < x.size(); ++i) {
      sum += x[i] * static_cast<double>(wei[i * bias.size() + o]);
    }
    y.push_back(sum);
  }
  return y;
}

// One image, with a swish or a ReLU between the layers.
std::vector<float> Literal(const SqueezeExciteShape& s,
                           std::span<const float> src, const Weights& w) {
  const auto channels = static_cast<size_t>(s.channels);
  Doubles means(channels);
  for (size_t i = 0; i < src.size(); ++i) {
    means[i % channels] +=
        static_cast<double>(src[i]) / static_cast<double>(s.pixels);
  }
  Doubles reduced = Layer(means, w.reduce_wei, w.reduce_bias);
  for (double& x : reduced) {
    x = s.activation == Activation::kSwish ? x * Sigmoid(x) : std::max(x, 0.0);
  }
  const Doubles gate = Layer(reduced, w.expand_wei, w.expand_bias);
  std::vector<float> dst;
  for (size_t i = 0; i < src.size(); ++i) {
    dst.push_back(static_cast<float>(static_cast<double>(src[i]) *
                                     Sigmoid(gate[i % channels])));
  }
  return dst;
}

TEST(SqueezeExciteTest, EverySmallShapeEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t pixels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 63, 64, 65, 130}) {
    for (const int64_t channels : {1, 2, 5, 17, 64, 65}) {
      const SqueezeExciteShape shape = {.batch = 2,
                                        .pixels = pixels,
                                        .channels = channels,
                                        .reduced = 1 + channels / 4,
                                        .activation = pixels % 2 == 0
                                                          ? Activation::kRelu
                                                          : Activation::kSwish};
      const Weights weights = RandomWeights(shape, random);
      const size_t image = CountOf({pixels, channels});
      const std::vector<float> source = random.Floats(2 * image);
      std::vector<float> expected;
      for (const size_t start : {size_t{0}, image}) {
        const auto part =
            Literal(shape, std::span(source).subspan(start, image), weights);
        expected.insert(expected.end(), part.begin(), part.end());
      }
      for (const Isa isa : UsableIsas()) {
        SCOPED_TRACE(IsaName(isa));
        std::vector<float> x = source;
        std::vector<float> scratch(
            static_cast<size_t>(SqueezeExciteScratch(shape)));
        ASSERT_TRUE(
            SqueezeExciteF32(isa, shape, x, weights.view(), scratch, x).ok());
        ExpectClose(x, expected, /*relative=*/2e-5, /*absolute=*/1e-6);
      }
    }
  }
}

TEST(SqueezeExciteTest, RunsAreScaledByTheirFactorAndNothingElseIs) {
  const std::vector<ScaledRun> runs = {{0, 1, 2}, {1, 18, 0}, {20, 53, 1}};
  const std::vector<float> src = Iota<float>(60, 1), factors = {2, 3, 5};
  for (const Isa isa : UsableIsas()) {
    if (isa == Isa::kPlain) continue;
    std::vector<float> dst(60, -99);
    SqueezeExciteParts(isa).scale_runs(runs.data(), std::ssize(runs),
                                       src.data(), factors.data(), dst.data());
    std::vector<float> expected(60, -99);
    for (const ScaledRun& run : runs) {
      for (auto i = static_cast<size_t>(run.begin);
           i < static_cast<size_t>(run.end); ++i) {
        expected[i] = src[i] * factors[static_cast<size_t>(run.factor)];
      }
    }
    EXPECT_EQ(dst, expected) << IsaName(isa);
  }
}

TEST(SqueezeExciteTest, SizesThatDoNotFitAreRefusedByName) {
  RandomNumbers random;
  const SqueezeExciteShape shape = {.pixels = 1, .channels = 4, .reduced = 2};
  const Weights weights = RandomWeights(shape, random);
  std::vector<float> x(4), scratch(14);
  const auto message = [&](const Weights& w) {
    return SqueezeExciteF32(Isa::kPlain, shape, x, w.view(), scratch, x)
        .message();
  };
  EXPECT_EQ(message(weights), "");
  Weights wrong = weights;
  wrong.expand_bias.pop_back();
  EXPECT_EQ(message(wrong), "expand_bias elements = 3: must be 4");
  wrong.expand_wei.pop_back();
  EXPECT_EQ(message(wrong), "expand_wei elements = 7: must be 8");
  wrong.reduce_bias.pop_back();
  EXPECT_EQ(message(wrong), "reduce_bias elements = 1: must be 2");
  wrong.reduce_wei.pop_back();
  EXPECT_EQ(message(wrong), "reduce_wei elements = 7: must be 8");
  scratch.pop_back();
  EXPECT_EQ(message(weights),
            "scratch elements = 13: must be in [14, 9223372036854775807]");
  EXPECT_EQ(
      SqueezeExciteF32(Isa::kPlain, {.pixels = 0}, {}, {}, {}, {}).message(),
      "pixels = 0: must be in [1, 1152921504606846976]");
}

}  // namespace
}  // namespace cyto8
