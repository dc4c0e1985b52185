// SPDX-License-Identifier: Apache-2.0
// Tests of base/numbers.h: one text for one number, in every locale.
#include "base/numbers.h"

#include <gtest/gtest.h>

#include <bit>
#include <clocale>
#include <limits>
#include <string>

namespace cyto8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(NumbersTest, FixedHasExactlyTheDecimals) {
  EXPECT_EQ(FormatFixed(1.5, 0), "2");
  EXPECT_EQ(FormatFixed(1, 2), "1.00");
  EXPECT_EQ(FormatFixed(-12.3456, 2), "-12.35");
  EXPECT_EQ(FormatFixed(0.1234567, 6), "0.123457");
  EXPECT_EQ(FormatFixed(1e15, 2), "1000000000000000.00");
}

// 0.125 and 0.375 are exact in binary; 0.135 is a little above.
TEST(NumbersTest, FixedRoundsTiesToEven) {
  EXPECT_EQ(FormatFixed(0.125, 2), "0.12");
  EXPECT_EQ(FormatFixed(0.375, 2), "0.38");
  EXPECT_EQ(FormatFixed(0.135, 2), "0.14");
  EXPECT_EQ(FormatFixed(0.5, 0), "0");
  EXPECT_EQ(FormatFixed(2.5, 0), "2");
}

TEST(NumbersTest, FixedNeverWritesMinusZero) {
  EXPECT_EQ(FormatFixed(-0.0, 2), "0.00");
  EXPECT_EQ(FormatFixed(-0.004, 2), "0.00");
  EXPECT_EQ(FormatFixed(-0.4, 0), "0");
  EXPECT_EQ(FormatFixed(-0.006, 2), "-0.01");
  EXPECT_EQ(FormatFixed(-10, 2), "-10.00");
}

TEST(NumbersTest, FixedTakesTheLargestAndTheOddest) {
  EXPECT_EQ(FormatFixed(std::numeric_limits<double>::max(), 6).size(), 316u);
  EXPECT_EQ(FormatFixed(kNan, 2), "nan");
  EXPECT_EQ(FormatFixed(kInfinity, 2), "inf");
  EXPECT_EQ(FormatFixed(-kInfinity, 2), "-inf");
}

TEST(NumbersTest, ShortestReadsBackAsTheSameBits) {
  uint64_t seed = 88172645463325252;
  for (int i = 0; i < 20000; ++i) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    const double value = std::bit_cast<double>(seed);
    if (!(value - value == 0)) continue;  // not finite.
    const StatusOr<double> again = ParseDouble(FormatShortest(value));
    ASSERT_TRUE(again.ok()) << FormatShortest(value);
    ASSERT_EQ(std::bit_cast<uint64_t>(*again), seed);
  }
}

TEST(NumbersTest, ShortestIsShort) {
  EXPECT_EQ(FormatShortest(0.1), "0.1");
  EXPECT_EQ(FormatShortest(1e300), "1e+300");
  EXPECT_EQ(FormatShortest(64), "64");
  EXPECT_EQ(FormatShortest(-0.0), "-0");
}

TEST(NumbersTest, TheLocaleChangesNothing) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    std::setlocale(LC_ALL, locale);  // stays as it was if not installed.
    EXPECT_EQ(FormatFixed(1234.5, 2), "1234.50");
    EXPECT_EQ(FormatShortest(1234.5), "1234.5");
    EXPECT_EQ(ParseDouble("1234.5").value(), 1234.5);
    EXPECT_FALSE(ParseDouble("1234,5").ok());
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(NumbersTest, ParsesWholeTextsOnly) {
  EXPECT_EQ(ParseDouble("-1.25e2").value(), -125);
  EXPECT_EQ(ParseDouble("7").value(), 7);
  EXPECT_EQ(ParseDouble("0.5").value(), 0.5);
  for (const char* text :
       {"", " 1", "1 ", "+1", "1x", "--1", "0x10", "1e", ".", "1,5"}) {
    EXPECT_EQ(
        ParseDouble(text).status().ToString(),
        "INVALID_ARGUMENT: \"" + std::string(text) + "\": must be a number");
  }
}

TEST(NumbersTest, RefusesNumbersThatAreNotFinite) {
  for (const char* text : {"nan", "inf", "-inf", "infinity"}) {
    EXPECT_EQ(ParseDouble(text).status().message(),
              "\"" + std::string(text) + "\": must be a finite number");
  }
  EXPECT_EQ(ParseDouble("1e400").status().message(),
            "\"1e400\": must be a number");
}

TEST(NumbersTest, ParsesWholeNumbers) {
  EXPECT_EQ(ParseInt64("0").value(), 0);
  EXPECT_EQ(ParseInt64("-9223372036854775808").value(),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseInt64("9223372036854775807").value(),
            std::numeric_limits<int64_t>::max());
  for (const char* text : {"", "1.0", "+1", " 1", "1 ", "1e3", "0x1",
                           "9223372036854775808", "one"}) {
    EXPECT_EQ(ParseInt64(text).status().ToString(),
              "INVALID_ARGUMENT: \"" + std::string(text) +
                  "\": must be a whole number");
  }
}

}  // namespace
}  // namespace cyto8
