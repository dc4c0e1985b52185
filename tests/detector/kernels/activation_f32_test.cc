// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/activation_f32.h.
#include "detector/kernels/activation_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

const std::vector<float> kInputs = {-90, -4, -3, -0.5f, 0, 0.5f, 3, 6, 7, 90};

std::vector<float> Activated(Activation activation, std::vector<float> x) {
  ActivateF32Naive(activation, x.data(), static_cast<int64_t>(x.size()));
  return x;
}

// The formula, in double.
template <typename Formula>
std::vector<float> ByFormula(Formula formula) {
  std::vector<float> results;
  for (const float x : kInputs) {
    results.push_back(static_cast<float>(formula(static_cast<double>(x))));
  }
  return results;
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(ActivationTest, NoneChangesNothing) {
  EXPECT_EQ(Activated(Activation::kNone, kInputs), kInputs);
}

TEST(ActivationTest, ReluCutsBelowZero) {
  EXPECT_EQ(Activated(Activation::kRelu, kInputs),
            (std::vector<float>{0, 0, 0, 0, 0, 0.5f, 3, 6, 7, 90}));
}

TEST(ActivationTest, Relu6CutsBelowZeroAndAboveSix) {
  EXPECT_EQ(Activated(Activation::kRelu6, kInputs),
            (std::vector<float>{0, 0, 0, 0, 0, 0.5f, 3, 6, 6, 6}));
}

TEST(ActivationTest, SwishIsXTimesSigmoid) {
  ExpectClose(Activated(Activation::kSwish, kInputs),
              ByFormula([](double x) { return x * Sigmoid(x); }));
}

TEST(ActivationTest, SigmoidDoesNotOverflow) {
  ExpectClose(Activated(Activation::kSigmoid, kInputs), ByFormula(Sigmoid));
}

TEST(ActivationTest, HardSwishIsXTimesRelu6OfXPlus3Over6) {
  ExpectClose(Activated(Activation::kHardSwish, kInputs),
              ByFormula([](double x) {
                return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
              }));
}

TEST(ActivationTest, NanStaysNan) {
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kRelu6,
        Activation::kSwish, Activation::kHardSwish, Activation::kSigmoid}) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(Activated(activation, {nan})[0]))
        << ActivationName(activation);
  }
}

}  // namespace
}  // namespace cyto8
