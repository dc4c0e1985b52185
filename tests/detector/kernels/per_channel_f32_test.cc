// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/per_channel_f32.h.
#include "detector/kernels/per_channel_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

TEST(BiasAddTest, EverySmallShapeEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t rows = 0; rows <= 4; ++rows) {
    for (int64_t channels = 0; channels <= 9; ++channels) {
      auto x = random.Floats(CountOf({rows, channels}));
      const auto bias = random.Floats(CountOf({channels}));
      std::vector<float> expected;
      for (size_t i = 0; i < x.size(); ++i) {
        expected.push_back(x[i] + bias[i % bias.size()]);
      }
      ASSERT_TRUE(
          BiasAddF32({.rows = rows, .channels = channels}, x, bias, x).ok());
      EXPECT_EQ(x, expected);
    }
  }
}

TEST(BiasAddTest, SizesThatDoNotFitAreRefusedByName) {
  const PerChannelShape shape = {.rows = 2, .channels = 3};
  const std::vector<float> src(6), bias(3);
  EXPECT_EQ(BiasAddF32(shape, bias, bias, {}).message(),
            "src elements = 3: must be 6");
  EXPECT_EQ(BiasAddF32(shape, src, src, {}).message(),
            "bias elements = 6: must be 3");
  EXPECT_EQ(BiasAddF32(shape, src, bias, {}).message(),
            "dst elements = 0: must be 6");
}

// tf.raw_ops.FusedBatchNormV3(x=np.linspace(-3, 3, 12).reshape(1, 2, 2, 3),
// scale=[1, 2, .5], offset=[0, 1, -1], mean=[.1, -.2, .3], variance=[1, .5, 2],
// epsilon=1e-3, is_training=False) in float32.
TEST(BatchNormTest, EqualsTensorFlow) {
  std::vector<float> x;
  for (int i = 0; i < 12; ++i) {
    x.push_back(static_cast<float>(-3.0 + 6.0 * i / 11));
  }
  const std::vector<float> gamma = {1, 2, 0.5f}, beta = {0, 1, -1},
                           mean = {0.1f, -0.2f, 0.3f}, variance = {1, 0.5f, 2};
  std::vector<float> dst(12);
  ASSERT_TRUE(BatchNormF32({.rows = 4, .channels = 3}, x,
                           {.gamma = gamma,
                            .beta = beta,
                            .mean = mean,
                            .variance = variance,
                            .epsilon = 1e-3f},
                           dst)
                  .ok());
  ExpectClose(dst,
              {-3.0984511375427246f, -5.370450496673584f, -1.7808364629745483f,
               -1.4629051685333252f, -0.7467364072799683f, -1.2024390697479248f,
               0.17264099419116974f, 3.8769774436950684f, -0.624041736125946f,
               1.8081870079040527f, 8.500692367553711f, -0.04564434289932251f},
              /*relative=*/4e-7, /*absolute=*/2e-7);
}

TEST(BatchNormTest, ChannelCountsAroundTheBlockSizeEqualTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t channels : {0, 1, 63, 64, 65, 130}) {
    const size_t count = CountOf({channels});
    const auto gamma = random.Floats(count), beta = random.Floats(count),
               mean = random.Floats(count),
               variance = random.Floats(count, 0, 4);
    const auto src = random.Floats(3 * count);
    std::vector<float> dst = src;
    const BatchNormParameters parameters = {.gamma = gamma,
                                            .beta = beta,
                                            .mean = mean,
                                            .variance = variance,
                                            .epsilon = 0.5f};
    ASSERT_TRUE(
        BatchNormF32({.rows = 3, .channels = channels}, dst, parameters, dst)
            .ok());
    for (size_t i = 0; i < src.size(); ++i) {
      const size_t c = i % count;
      const float factor = gamma[c] / std::sqrt(variance[c] + 0.5f);
      EXPECT_EQ(dst[i], (src[i] - mean[c]) * factor + beta[c]);
    }
  }
}

TEST(BatchNormTest, EveryParameterMustHaveOneNumberPerChannel) {
  const PerChannelShape shape = {.rows = 1, .channels = 2};
  const std::vector<float> two(2), three(3);
  std::vector<float> dst(2);
  const auto message = [&](const BatchNormParameters& parameters) {
    return BatchNormF32(shape, two, parameters, dst).message();
  };
  BatchNormParameters p = {
      .gamma = two, .beta = two, .mean = two, .variance = two};
  EXPECT_EQ(message(p), "");
  p.variance = three;
  EXPECT_EQ(message(p), "variance elements = 3: must be 2");
  p.mean = three;
  EXPECT_EQ(message(p), "mean elements = 3: must be 2");
  p.beta = three;
  EXPECT_EQ(message(p), "beta elements = 3: must be 2");
  p.gamma = three;
  EXPECT_EQ(message(p), "gamma elements = 3: must be 2");
}

}  // namespace
}  // namespace cyto8
