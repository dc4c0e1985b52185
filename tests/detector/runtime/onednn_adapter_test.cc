// SPDX-License-Identifier: Apache-2.0
// The oneDNN adapter alone: which kernels it takes, whose threads it uses, and
// that nothing but a Status comes out.
#include "detector/kernels/onednn_adapter.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "detector/kernels/depthwise_conv2d_f32.h"

extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int count);
}

namespace cyto8 {
namespace {

constexpr Conv2dShape kSame3x3 = {.batch = 1,
                                  .in_height = 6,
                                  .in_width = 6,
                                  .in_channels = 16,
                                  .out_height = 6,
                                  .out_width = 6,
                                  .out_channels = 16,
                                  .kernel_height = 3,
                                  .kernel_width = 3,
                                  .pad_top = 1,
                                  .pad_left = 1};

std::vector<float> Numbers(int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(static_cast<int>(i * 7 % 31) - 15) / 16;
  }
  return numbers;
}

OneDnnPrimitive::Result Dense(Activation activation) {
  Conv2dShape shape = kSame3x3;
  shape.activation = activation;
  return OneDnnPrimitive::Conv2d(shape, Numbers(9 * 16 * 16), Numbers(16));
}

// Runs the primitive in memory of its own.
std::vector<float> RunPrimitive(const OneDnnPrimitive& primitive,
                                const std::vector<float>& src,
                                size_t dst_count) {
  std::vector<float> dst(dst_count);
  std::vector<std::byte> scratch(
      static_cast<size_t>(primitive.scratch_bytes()));
  auto call =
      OneDnnCall::Create(primitive, src.data(), dst.data(), scratch.data());
  EXPECT_TRUE(call.ok()) << call.status().ToString();
  const Status status = call->Run();
  EXPECT_TRUE(status.ok()) << status.ToString();
  return dst;
}

TEST(OneDnnAdapterTest, EveryActivationIsFusedByAFastKernel) {
  for (int i = 0; i <= static_cast<int>(Activation::kSigmoid); ++i) {
    const auto primitive = Dense(static_cast<Activation>(i));
    ASSERT_TRUE(primitive.ok()) << ActivationName(static_cast<Activation>(i))
                                << ": " << primitive.status().ToString();
    EXPECT_FALSE((*primitive)->implementation().starts_with("ref"));
  }
}

TEST(OneDnnAdapterTest, PointwiseDepthwiseAndStemHaveFastKernels) {
  Conv2dShape point = kSame3x3;
  point.kernel_height = point.kernel_width = 1;
  point.pad_top = point.pad_left = 0;
  EXPECT_TRUE(OneDnnPrimitive::Conv2d(point, Numbers(256), {}).ok());
  EXPECT_TRUE(
      OneDnnPrimitive::DepthwiseConv2d(kSame3x3, Numbers(9 * 16), {}).ok());
  Conv2dShape stem = kSame3x3;
  stem.in_channels = 3;
  EXPECT_TRUE(OneDnnPrimitive::Conv2d(stem, Numbers(9 * 3 * 16), {}).ok());
}

TEST(OneDnnAdapterTest, WeightsAreCopiedWhenThePrimitiveIsMade) {
  std::vector<float> wei = Numbers(9 * 16);
  const auto primitive = OneDnnPrimitive::DepthwiseConv2d(kSame3x3, wei, {});
  ASSERT_TRUE(primitive.ok());
  const std::vector<float> src = Numbers(36 * 16);
  std::vector<float> expected(36 * 16);
  DepthwiseConv2dF32Naive(kSame3x3, src.data(), wei.data(), nullptr,
                          expected.data());
  wei.assign(wei.size(), std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> actual = RunPrimitive(**primitive, src, 36 * 16);
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-5f) << i;
  }
}

TEST(OneDnnAdapterTest, TheCallersThreadSettingIsRestored) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(3);
  const auto primitive = Dense(Activation::kSwish);
  ASSERT_TRUE(primitive.ok());
  EXPECT_EQ(omp_get_max_threads(), 3);
  RunPrimitive(**primitive, Numbers(36 * 16), 36 * 16);
  EXPECT_EQ(omp_get_max_threads(), 3);
  omp_set_num_threads(before);
}

TEST(OneDnnAdapterTest, TheCallersThreadSettingDoesNotShowInTheResult) {
  const int before = omp_get_max_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 4}) {
    omp_set_num_threads(threads);
    const auto primitive = Dense(Activation::kSigmoid);
    ASSERT_TRUE(primitive.ok());
    results.push_back(RunPrimitive(**primitive, Numbers(36 * 16), 36 * 16));
  }
  omp_set_num_threads(before);
  EXPECT_EQ(results[0], results[1]);
}

TEST(OneDnnAdapterTest, SwishKeepsItsBeta) {
  const auto primitive =
      OneDnnPrimitive::Eltwise(Activation::kSwish, /*swish_beta=*/2, 2);
  ASSERT_TRUE(primitive.ok()) << primitive.status().ToString();
  const std::vector<float> y = RunPrimitive(**primitive, {.5f, -1}, 2);
  EXPECT_NEAR(y[0], 0.36552929f, 1e-6f);
  EXPECT_NEAR(y[1], -0.11920292f, 1e-6f);
}

TEST(OneDnnAdapterTest, NoActivationIsRefused) {
  const auto none = OneDnnPrimitive::Eltwise(Activation::kNone, 1, 4);
  EXPECT_EQ(none.status().ToString(),
            "INVALID_ARGUMENT: activation = none: must be a function");
}

TEST(OneDnnAdapterTest, WrongWeightCountsAreRefused) {
  const auto dense = OneDnnPrimitive::Conv2d(kSame3x3, Numbers(5), {});
  EXPECT_EQ(dense.status().ToString(),
            "INVALID_ARGUMENT: wei elements = 5: must be 2304");
  const auto depthwise =
      OneDnnPrimitive::DepthwiseConv2d(kSame3x3, Numbers(5), {});
  EXPECT_EQ(depthwise.status().ToString(),
            "INVALID_ARGUMENT: wei elements = 5: must be 144");
  const auto bias =
      OneDnnPrimitive::Conv2d(kSame3x3, Numbers(2304), Numbers(2));
  EXPECT_EQ(bias.status().ToString(),
            "INVALID_ARGUMENT: bias elements = 2: must be 16");
}

TEST(OneDnnAdapterTest, WhatOneDnnRefusesIsAStatus) {
  const auto result = OneDnnPrimitive::Pool(PoolKind::kMax, {.in_height = 4,
                                                             .in_width = 4,
                                                             .channels = 1,
                                                             .out_height = 1,
                                                             .out_width = 1,
                                                             .kernel_height = 2,
                                                             .kernel_width = 2,
                                                             .pad_top = 7});
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(result.status().message().starts_with("oneDNN: "))
      << result.status().ToString();
}

}  // namespace
}  // namespace cyto8
