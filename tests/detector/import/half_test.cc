// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/half.h: every half, and floats between halves.
#include "detector/import/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace cyto8 {
namespace {

// By the definition of binary16; finite ones only.
double ValueOf(uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double fraction = half & 1023;
  const double magnitude = exponent == 0
                               ? std::ldexp(fraction, -24)
                               : std::ldexp(1024 + fraction, exponent - 25);
  return half < 0x8000 ? magnitude : -magnitude;
}

TEST(HalfTest, EveryHalfIsItsValueAndComesBack) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = HalfToFloat(static_cast<uint16_t>(half));
    ASSERT_EQ(ExactHalf(value), half) << half;
    ASSERT_EQ(std::signbit(value), half >= 0x8000) << half;
    if ((half & 0x7C00) != 0x7C00) {
      ASSERT_EQ(double{value}, ValueOf(half)) << half;
    } else if ((half & 0x3FF) == 0) {
      ASSERT_TRUE(std::isinf(value)) << half;
    } else {
      ASSERT_TRUE(std::isnan(value)) << half;
    }
  }
}

TEST(HalfTest, NothingBesideAHalfIsOne) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const auto bits =
        std::bit_cast<uint32_t>(HalfToFloat(static_cast<uint16_t>(half)));
    for (const uint32_t change : {1u, 1u << 12, 0xFFFFFFFFu}) {
      const auto beside = std::bit_cast<float>(bits + change);
      ASSERT_EQ(ExactHalf(beside), std::nullopt) << half << " " << change;
    }
  }
  for (const float value : {65536.0f, 65520.0f, -1e30f, 0x1p-25f, -0x1.8p-24f,
                            std::numeric_limits<float>::denorm_min(), 0.1f}) {
    EXPECT_EQ(ExactHalf(value), std::nullopt) << value;
  }
}

TEST(HalfTest, AnyBitsAreExactlyAHalfOrNone) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int exact = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    // Every second one with the low bits of a normal half.
    const auto bits =
        static_cast<uint32_t>(random()) & (i % 2 == 0 ? ~0u : ~0x1FFFu);
    const auto half = ExactHalf(std::bit_cast<float>(bits));
    if (!half) continue;
    ++exact;
    ASSERT_EQ(std::bit_cast<uint32_t>(HalfToFloat(*half)), bits) << bits;
  }
  EXPECT_GT(exact, 10'000);
}

}  // namespace
}  // namespace cyto8
