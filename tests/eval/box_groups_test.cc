// SPDX-License-Identifier: Apache-2.0
// Tests of eval/box_groups.h: order, what is left out, the border, refusals.
#include "eval/box_groups.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr EvalBox kInside = {.x = 40, .y = 30, .width = 10, .height = 10};

StatusOr<BoxGroups> Create(const EvalCase& data,
                           const GroupOptions& options = {}) {
  return BoxGroups::Create(data.truth, data.found, options);
}

std::vector<int32_t> ToVector(std::span<const int32_t> indices) {
  return {indices.begin(), indices.end()};
}

// Two images and classes, listed against their order.
EvalCase MakeShuffled() {
  EvalCase data = MakeCase(2, 2);
  std::swap(data.truth.images[0], data.truth.images[1]);
  std::swap(data.truth.classes[0], data.truth.classes[1]);
  const auto add = [&](int64_t image, int64_t class_id, double score) {
    AddTruth(data, kInside);
    data.truth.boxes.back().image_id = image;
    data.truth.boxes.back().class_id = class_id;
    AddFound(data, kInside, score);
    data.found.back().image_id = image;
    data.found.back().class_id = class_id;
  };
  add(2, 2, 0.5);
  add(1, 2, 0.5);
  add(2, 1, 0.5);
  add(2, 2, 0.75);
  add(2, 2, 0.5);
  return data;
}

TEST(BoxGroupsTest, GroupsByClassThenImage) {
  const BoxGroups made = Create(MakeShuffled()).value();
  const auto& groups = made.groups();
  EXPECT_EQ(made.class_ids(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(made.image_ids(), (std::vector<int64_t>{1, 2}));
  ASSERT_EQ(groups.size(), 3);
  EXPECT_EQ(std::pair(groups[0].class_index, groups[0].image), std::pair(0, 1));
  EXPECT_EQ(std::pair(groups[1].class_index, groups[1].image), std::pair(1, 0));
  EXPECT_EQ(std::pair(groups[2].class_index, groups[2].image), std::pair(1, 1));
  EXPECT_EQ(ToVector(groups[2].truth), (std::vector<int32_t>{0, 3, 4}));
  EXPECT_EQ(ToVector(groups[2].found), (std::vector<int32_t>{3, 0, 4}));
}

TEST(BoxGroupsTest, WithoutClassesTiesAreByClassThenList) {
  const BoxGroups made = Create(MakeShuffled(), {.use_classes = false}).value();
  EXPECT_EQ(made.class_ids(), std::vector<int64_t>{kAllClasses});
  ASSERT_EQ(made.groups().size(), 2);
  EXPECT_EQ(ToVector(made.groups()[1].truth),
            (std::vector<int32_t>{2, 0, 3, 4}));
  EXPECT_EQ(ToVector(made.groups()[1].found),
            (std::vector<int32_t>{3, 2, 0, 4}));
}

TEST(BoxGroupsTest, GroupsSurviveAMove) {
  BoxGroups made = Create(MakeShuffled()).value();
  const BoxGroups moved = std::move(made);
  EXPECT_EQ(ToVector(moved.groups()[2].found), (std::vector<int32_t>{3, 0, 4}));
}

struct BorderCase {
  double x, y;  // of the centre.
  bool in_border;
};

TEST(BoxGroupsTest, BorderIsLessThanSoManyPixelsFromAnEdge) {
  // Images are 100 x 80.
  constexpr BorderCase kCases[] = {
      {20, 40, false}, {19.99, 40, true}, {80, 40, false}, {80.01, 40, true},
      {50, 20, false}, {50, 19.99, true}, {50, 60, false}, {50, 60.01, true},
      {-5, 40, true},  {105, 40, true},   {50, -5, true},  {50, 85, true}};
  for (const BorderCase& at : kCases) {
    SCOPED_TRACE(testing::Message() << at.x << " " << at.y);
    EvalCase data = MakeCase(1);
    const EvalBox box = {.x = at.x - 4, .y = at.y - 3, .width = 8, .height = 6};
    AddTruth(data, box);
    AddFound(data, box, 0.5);
    const BoxGroups made = Create(data, {.ignore_border_px = 20}).value();
    EXPECT_EQ(made.IsIgnored(0), at.in_border);
    EXPECT_EQ(made.left_out().truth_in_border, at.in_border ? 1 : 0);
    EXPECT_EQ(made.left_out().found_in_border, at.in_border ? 1 : 0);
    EXPECT_EQ(made.groups().at(0).truth.size(), 1);
    EXPECT_EQ(made.groups().at(0).found.size(), at.in_border ? 0 : 1);
    EXPECT_FALSE(Create(data).value().IsIgnored(0));
    EXPECT_EQ(Create(data).value().groups().at(0).found.size(), 1);
  }
}

TEST(BoxGroupsTest, CrowdsAreIgnored) {
  EvalCase data = MakeCase(1);
  AddTruth(data, kInside);
  data.truth.boxes[0].is_crowd = true;
  EXPECT_TRUE(Create(data).value().IsIgnored(0));
}

TEST(BoxGroupsTest, BorderNeedsTheSizeOfEveryImage) {
  EvalCase data = MakeCase(2);
  data.truth.images[1].height_px = 0;
  EXPECT_TRUE(Create(data).ok());
  const Status status = Create(data, {.ignore_border_px = 20}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "image 2, whose size ignore_border_px must know: height_px = 0: "
            "must be in [1, 9223372036854775807]");
}

TEST(BoxGroupsTest, RefusesIdsThatAreListedTwice) {
  EvalCase data = MakeCase(2, 2);
  data.truth.images[1].id = 1;
  EXPECT_EQ(Create(data).status().message(), "images: id 1 is listed twice");
  data = MakeCase(2, 2);
  data.truth.classes[1].id = 1;
  EXPECT_EQ(Create(data).status().message(), "classes: id 1 is listed twice");
}

TEST(BoxGroupsTest, RefusesDetectionsOfUnknownImages) {
  EvalCase data = MakeCase(2);
  AddFound(data, kInside, 0.5);
  AddFound(data, kInside, 0.5);
  data.found[1].image_id = 3;
  data.found[1].class_id = 9;
  EXPECT_EQ(Create(data).status().message(),
            "detections[1]: image_id = 3: the truth has no such image");
}

std::string FoundFault(const EvalBox& box, double score) {
  EvalCase data = MakeCase(1);
  AddFound(data, box, score);
  return Create(data).status().message();
}

std::string TruthFault(const EvalBox& box, double area_px2) {
  EvalCase data = MakeCase(1);
  AddTruth(data, box);
  data.truth.boxes[0].area = area_px2;
  return Create(data).status().message();
}

TEST(BoxGroupsTest, RefusesBoxesThatAreNone) {
  EXPECT_EQ(FoundFault({.x = kNan}, 1),
            "detections[0]: x = nan: must be in [-1e+100, 1e+100]");
  EXPECT_EQ(FoundFault({.y = -kInfinity}, 1),
            "detections[0]: y = -inf: must be in [-1e+100, 1e+100]");
  EXPECT_EQ(FoundFault({.width = -1}, 1),
            "detections[0]: width = -1: must be in [0, 1e+100]");
  EXPECT_EQ(FoundFault({.height = 1e101}, 1),
            "detections[0]: height = 1e+101: must be in [0, 1e+100]");
  EXPECT_EQ(FoundFault({}, kNan),
            "detections[0]: score = nan: must be in [-1e+100, 1e+100]");
  EXPECT_EQ(TruthFault({.width = kNan}, 1),
            "truth[0]: width = nan: must be in [0, 1e+100]");
  EXPECT_EQ(TruthFault({}, kNan),
            "truth[0]: area = nan: must be in [-1e+100, 1e+100]");
  EXPECT_EQ(TruthFault({}, -1), "");  // pycocotools takes it: out of range.
}

}  // namespace
}  // namespace cyto8
