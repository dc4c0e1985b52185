// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/activation_f32.h.
#include "detector/kernels/activation_f32.h"

#include <gtest/gtest.h>

#include <algorithm>
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

constexpr Activation kAll[] = {Activation::kNone,      Activation::kRelu,
                               Activation::kRelu6,     Activation::kSwish,
                               Activation::kHardSwish, Activation::kSigmoid};

TEST(ActivationTest, NanStaysNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Activation activation : kAll) {
    EXPECT_TRUE(std::isnan(Activated(activation, {nan})[0]))
        << ActivationName(activation);
    for (const Isa isa : UsableIsas()) {
      for (const size_t count : {1, 64}) {
        std::vector<float> x(count, nan);
        ASSERT_TRUE(ActivateF32(isa, activation, x, x).ok());
        for (const float y : x) EXPECT_TRUE(std::isnan(y)) << IsaName(isa);
      }
    }
  }
}

// The stated tolerance, for every isa, activation and length.
TEST(ActivationTest, EveryIsaAgreesWithTheNaiveLoop) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Isa isa : UsableIsas()) {
    for (const Activation activation : kAll) {
      SCOPED_TRACE(std::string(IsaName(isa)) + " " +
                   std::string(ActivationName(activation)));
      for (size_t count = 0; count <= 140; ++count) {
        std::vector<float> x = random.Floats(count, -100, 100);
        const std::vector<float> expected = Activated(activation, x);
        std::vector<float> y(count + 1, -99);
        ASSERT_TRUE(
            ActivateF32(isa, activation, x, std::span(y).first(count)).ok());
        EXPECT_EQ(y.back(), -99);
        y.pop_back();
        ExpectClose(y, expected, /*relative=*/2e-6, /*absolute=*/1e-34);
        ASSERT_TRUE(ActivateF32(isa, activation, x, x).ok());
        EXPECT_EQ(x, y);
      }
    }
  }
}

// Where the argument is reduced and where it is cut.
TEST(ActivationTest, SwishIsAccurateFromEndToEnd) {
  for (const Isa isa : UsableIsas()) {
    std::vector<float> x;
    for (int i = -40'000; i <= 40'000; ++i) {
      x.push_back(static_cast<float>(i) / 256);
    }
    std::vector<float> y(x.size());
    ASSERT_TRUE(ActivateF32(isa, Activation::kSwish, x, y).ok());
    for (size_t i = 0; i < x.size(); ++i) {
      const auto wide = static_cast<double>(x[i]);
      const double want = wide * Sigmoid(wide);
      ASSERT_NEAR(static_cast<double>(y[i]), want,
                  std::abs(want) * (6e-7 - std::min(wide, 0.0) * 2e-8) + 2e-35)
          << IsaName(isa) << " " << x[i];
    }
  }
}

TEST(ActivationTest, SizesThatDoNotFitAreRefused) {
  std::vector<float> x(2), y(3);
  EXPECT_EQ(ActivateF32(Isa::kPlain, Activation::kRelu, x, y).message(),
            "dst elements = 3: must be 2");
}

}  // namespace
}  // namespace cyto8
