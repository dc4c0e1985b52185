// SPDX-License-Identifier: Apache-2.0
// Tests of app/yaml_map.h: what strict reading refuses, with the place.
#include "app/yaml_map.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(YamlMapTest, ReadsEveryKindOfValue) {
  YamlMap map = YamlMap::Parse(
                    "text: word\nint: 3\nnumber: 2.5\nlist: [1, 2]\n"
                    "pairs: [1, [2, 3]]\ninner: {a: 1}\nmaps: [{b: 2}]\n"
                    "words: [x, y]\nchoice: two\n")
                    .value();
  EXPECT_EQ(map.Text("text").value(), "word");
  EXPECT_EQ(map.Int("int", 0, 5).value(), 3);
  EXPECT_EQ(map.Number("number", {0, 5}).value(), 2.5);
  EXPECT_EQ(map.Numbers("list", 2, {0, 5}).value(),
            (std::vector<double>{1, 2}));
  EXPECT_EQ(map.NumberOrNumbers("number", 2, {0, 5}).value(),
            (std::vector<double>{2.5}));
  EXPECT_EQ(map.NumberOrNumbers("list", 2, {0, 5}).value(),
            (std::vector<double>{1, 2}));
  EXPECT_EQ(map.NumberLists("pairs", {0, 5}).value(),
            (std::vector<std::vector<double>>{{1}, {2, 3}}));
  EXPECT_EQ(map.Map("inner")->Int("a", 0, 9).value(), 1);
  EXPECT_EQ(map.Maps("maps").value()[0].Int("b", 0, 9).value(), 2);
  EXPECT_EQ(map.Scalars("words").value()[1].text, "y");
  EXPECT_EQ(map.Scalars("words").value()[1].place, "line 8, column 12: words");
  EXPECT_EQ(map.Choice("choice", {"one", "two"}).value(), 1);
  EXPECT_TRUE(map.CheckNoOtherKeys().ok());
}

TEST(YamlMapTest, UnknownKeysAreNamedWithTheNearestKnownOne) {
  YamlMap map = YamlMap::Parse("tile_px: 1\ntile_xp: 2\n").value();
  EXPECT_TRUE(map.Int("tile_px", 0, 9).ok());
  EXPECT_EQ(map.CheckNoOtherKeys().message(),
            "line 2, column 1: tile_xp: unknown key; did you mean "
            "\"tile_px\"?");
}

TEST(YamlMapTest, DuplicateAndMissingKeysAreErrors) {
  EXPECT_EQ(YamlMap::Parse("a: 1\nb: 2\na: 3\n").status().message(),
            "line 3, column 1: a: key is given twice");
  YamlMap map = YamlMap::Parse("m: {x: 1, x: 2}\n").value();
  EXPECT_EQ(map.Map("m").status().message(),
            "line 1, column 11: x: key is given twice");
  EXPECT_EQ(map.Text("b").status().message(),
            "line 1, column 1: key \"b\" is missing");
  EXPECT_FALSE(map.Has("b"));
}

TEST(YamlMapTest, WrongKindsAndRangesAreErrorsWithThePlace) {
  YamlMap map = YamlMap::Parse("a: [1]\nb: x\nc: 7\nd: {}\ne: .nan\n").value();
  EXPECT_EQ(map.Text("a").status().message(),
            "line 1, column 4: a: must be a text");
  EXPECT_EQ(map.Int("b", 0, 1).status().message(),
            "line 2, column 4: b: \"x\": must be a whole number");
  EXPECT_EQ(map.Int("c", 0, 5).status().message(),
            "line 3, column 4: c = 7: must be in [0, 5]");
  EXPECT_EQ(map.Number("e", {0, 1}).status().message(),
            "line 5, column 4: e: \".nan\": must be a number");
  EXPECT_EQ(map.Number("d", {0, 1}).status().message(),
            "line 4, column 4: d: must be a number");
  EXPECT_EQ(map.Map("c").status().message(),
            "line 3, column 4: c: must be a map");
  EXPECT_EQ(map.Maps("c").status().message(),
            "line 3, column 4: c: must be a list");
  EXPECT_EQ(map.Maps("a").status().message(),
            "line 1, column 5: a: must be a list of maps");
  EXPECT_EQ(map.Numbers("a", 2, {0, 5}).status().message(),
            "line 1, column 4: a has 1 numbers: must be 2");
  EXPECT_EQ(map.Choice("b", {"one", "two"}).status().message(),
            "line 2, column 4: b = \"x\": must be one of one, two");
}

TEST(YamlMapTest, TextThatIsNoMapIsRefused) {
  EXPECT_EQ(YamlMap::Parse("[1, 2]").status().message(),
            "line 1, column 1: the document: must be a map of keys and values");
  EXPECT_EQ(YamlMap::Parse("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(YamlMap::Parse("a: [1").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(YamlMap::Parse("[a]: 1").status().message(),
            "line 1, column 1: a key: must be a word");
}

// yaml-cpp refuses nesting beyond 500; ours never recurses.
TEST(YamlMapTest, DeepNestingAndAliasBombsAreHarmless) {
  EXPECT_FALSE(YamlMap::Parse(std::string(100'000, '[')).ok());
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i > 0 ? ", *" : "*") + before;
    bomb += "]\n";
  }
  YamlMap map = YamlMap::Parse(bomb).value();
  EXPECT_FALSE(map.Scalars("j").ok());
}

}  // namespace
}  // namespace cyto8
