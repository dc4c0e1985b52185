// SPDX-License-Identifier: Apache-2.0
// Tests of app/class_groups.h: names to groups, and boxes of a group as one
// class.
#include "app/class_groups.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cyto8 {
namespace {

using Ids = std::vector<int64_t>;

const std::vector<EvalClass> kClasses = {{.id = 5, .name = "HSIL"},
                                         {.id = 2, .name = "ASC-US"},
                                         {.id = 7, .name = "a,b"},
                                         {.id = 9, .name = "2"}};

std::string Refusal(std::string_view text) {
  return ParseClassGroup(text, kClasses).status().message();
}

TEST(ParseClassGroupTest, TakesClassesByNameElseById) {
  const ClassGroup group =
      ParseClassGroup("abnormal=HSIL,ASC-US,HSIL", kClasses).value();
  EXPECT_EQ(group.name, "abnormal");
  EXPECT_EQ(group.class_ids, Ids({2, 5}));
  EXPECT_EQ(ParseClassGroup("x=7", kClasses)->class_ids, Ids({7}));
  EXPECT_EQ(ParseClassGroup("x=2", kClasses)->class_ids, Ids({9}));
}

TEST(ParseClassGroupTest, BadGroupsAreRefused) {
  EXPECT_EQ(Refusal("HSIL"), "\"HSIL\": must be NAME=CLASS,CLASS,...");
  EXPECT_EQ(Refusal("=HSIL"), "\"=HSIL\": must be NAME=CLASS,CLASS,...");
  EXPECT_EQ(Refusal("x=HSLI"),
            "the truth has no class \"HSLI\"; did you mean \"HSIL\"?");
  EXPECT_EQ(Refusal("x="), "the truth has no class \"\"");
  EXPECT_EQ(Refusal("x=HSIL,"), "the truth has no class \"\"");
  EXPECT_EQ(Refusal("x=3"), "the truth has no class \"3\"");
}

TEST(ClassGroupsTest, AllClassesAreAlwaysAGroup) {
  const auto groups = ClassGroups({}, {}, kClasses).value();
  ASSERT_EQ(groups.size(), 1);
  EXPECT_EQ(groups[0].name, "cell");
  EXPECT_EQ(groups[0].class_ids, Ids({2, 5, 7, 9}));
  EXPECT_TRUE(ClassGroups({}, {}, {})->empty());
}

TEST(ClassGroupsTest, TheCardGivesGroupsAsFarAsTheTruthKnowsThem) {
  const auto groups =
      ClassGroups(
          {},
          {{"cell", {"HSIL"}}, {"high", {"SCC", "HSIL"}}, {"other", {"SCC"}}},
          kClasses)
          .value();
  ASSERT_EQ(groups.size(), 2);
  EXPECT_EQ(groups[0].name, "cell");
  EXPECT_EQ(groups[0].class_ids, Ids({5}));
  EXPECT_EQ(groups[1].name, "high");
  EXPECT_EQ(groups[1].class_ids, Ids({5}));
}

TEST(ClassGroupsTest, FlagsReplaceTheCard) {
  const std::vector<std::string> flags = {"low=ASC-US", "high=HSIL"};
  const auto groups =
      ClassGroups(flags, {{"card", {"HSIL"}}}, kClasses).value();
  ASSERT_EQ(groups.size(), 3);
  EXPECT_EQ(groups[0].name, "cell");
  EXPECT_EQ(groups[1].name, "low");
  EXPECT_EQ(groups[2].name, "high");
  const std::vector<std::string> twice = {"x=HSIL", "x=ASC-US"};
  EXPECT_EQ(ClassGroups(twice, {}, kClasses).status().message(),
            "group \"x\" is given twice");
}

TEST(TruthOfGroupTest, KeepsTheGroupAsOneClass) {
  TruthSet truth = {.images = {{.id = 1}}, .classes = kClasses};
  truth.boxes = {{.id = 1, .image_id = 1, .class_id = 5},
                 {.id = 2, .image_id = 1, .class_id = 7},
                 {.id = 3, .image_id = 1, .class_id = 2}};
  const TruthSet group =
      TruthOfGroup(truth, {.name = "g", .class_ids = {2, 5}});
  EXPECT_EQ(group.images.size(), 1);
  ASSERT_EQ(group.classes.size(), 1);
  EXPECT_EQ(group.classes[0].name, "g");
  ASSERT_EQ(group.boxes.size(), 2);
  EXPECT_EQ(group.boxes[0].id, 1);
  EXPECT_EQ(group.boxes[1].id, 3);
  EXPECT_EQ(group.boxes[1].class_id, group.classes[0].id);
}

FoundBox Found(int64_t image, int64_t class_id, double x, double score) {
  return {.image_id = image,
          .class_id = class_id,
          .box = {.x = x, .y = 0, .width = 10, .height = 10},
          .score = score};
}

std::vector<double> ScoresOf(const std::vector<FoundBox>& found) {
  std::vector<double> scores;
  for (const FoundBox& box : found) scores.push_back(box.score);
  return scores;
}

const ClassGroup kGroup = {.name = "g", .class_ids = {1, 2}};

TEST(FoundOfGroupTest, TheBestBoxOfTheGroupSuppressesTheOthers) {
  // IoU of 0 and 3 px: 7 / 13 > 0.5; of 0 and 4 px: 6 / 14 < 0.5.
  const std::vector<FoundBox> found = {Found(1, 1, 0, 0.5), Found(1, 2, 3, 0.9),
                                       Found(1, 2, 7, 0.4), Found(1, 3, 3, 1.0),
                                       Found(2, 1, 3, 0.1)};
  const auto kept = FoundOfGroup(found, kGroup).value();
  EXPECT_EQ(ScoresOf(kept), std::vector<double>({0.9, 0.4, 0.1}));
  for (const FoundBox& box : kept) EXPECT_EQ(box.class_id, 1);
  EXPECT_EQ(kept[2].image_id, 2);
}

TEST(FoundOfGroupTest, IouOfExactlyAHalfIsKept) {
  FoundBox wide = Found(1, 1, 0, 0.5);
  wide.box.width = 20;
  const std::vector<FoundBox> found = {Found(1, 2, 0, 0.9), wide};
  EXPECT_EQ(FoundOfGroup(found, kGroup)->size(), 2);
}

// Foreign scores may be anything finite, and differ by less than a float.
TEST(FoundOfGroupTest, ScoresNeedNotBeProbabilities) {
  const std::vector<FoundBox> found = {
      Found(1, 1, 0, -5e30), Found(1, 2, 1, 7e30), Found(1, 1, 50, 0.1),
      Found(1, 2, 51, 0.1 + 1e-15)};
  EXPECT_EQ(ScoresOf(FoundOfGroup(found, kGroup).value()),
            std::vector<double>({7e30, 0.1 + 1e-15}));
}

TEST(FoundOfGroupTest, TheOrderOfTheListDoesNotMatter) {
  std::vector<FoundBox> found;
  for (int i = 0; i < 6; ++i) {
    found.push_back(Found(1, 1 + i % 2, 2.0 * i, i < 3 ? 0.5 : 0.7));
  }
  const auto once = FoundOfGroup(found, kGroup).value();
  std::ranges::reverse(found);
  const auto again = FoundOfGroup(found, kGroup).value();
  ASSERT_EQ(once.size(), again.size());
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].box, again[i].box);
  }
}

TEST(FoundOfGroupTest, BoxesThatCannotBeMergedAreRefused) {
  FoundBox far = Found(1, 1, 1e12, 0.5);
  EXPECT_EQ(FoundOfGroup({{far}}, kGroup).status().message(),
            "group \"g\": detection to be merged: x_min = 1e+12: must be in "
            "[-1e+09, 1e+09]");
}

}  // namespace
}  // namespace cyto8
