// SPDX-License-Identifier: Apache-2.0
// Tests of base/nearest_word.h.
#include "base/nearest_word.h"

#include <gtest/gtest.h>

#include <array>

namespace cyto8 {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"score", "info", "graph",
                                                    "scope"};

TEST(NearestWordTest, FindsTheWordWithTheFewestEdits) {
  EXPECT_EQ(NearestWord("scoer", kWords), "score");
  EXPECT_EQ(NearestWord("grph", kWords), "graph");
  EXPECT_EQ(NearestWord("graphs", kWords), "graph");
  EXPECT_EQ(NearestWord("info", kWords), "info");
}

TEST(NearestWordTest, TheFirstOfEqualsWins) {
  EXPECT_EQ(NearestWord("scoe", kWords), "score");
}

TEST(NearestWordTest, NothingNearGivesNothing) {
  EXPECT_EQ(NearestWord("xyzzy", kWords), "");
  EXPECT_EQ(NearestWord("", kWords), "");
  EXPECT_EQ(NearestWord(std::string(101, 's'), kWords), "");
  EXPECT_EQ(NearestWord("score", {}), "");
}

TEST(DidYouMeanTest, IsAHalfSentenceOrNothing) {
  EXPECT_EQ(DidYouMean("scor", kWords), "; did you mean \"score\"?");
  EXPECT_EQ(DidYouMean("xyzzy", kWords), "");
}

}  // namespace
}  // namespace cyto8
