// SPDX-License-Identifier: Apache-2.0
// Tests of eval/voc_evaluator.h: small cases by hand and random ones against
// the development kit's loop; four packages' answers are in golden_test.cc.
#include "eval/voc_evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

std::string Evaluate(const EvalCase& data, const VocOptions& options = {}) {
  return OutcomeLetters(
      EvaluateVoc(data.truth, data.found, options).value().classes.at(0));
}

constexpr EvalBox kBox = {.x = 10, .y = 30, .width = 20, .height = 20};

EvalBox Shifted(double x) {
  EvalBox box = kBox;
  box.x += x;
  return box;
}

TEST(VocEvaluatorTest, TakenTruthIsNotPassedOnToTheNextBest) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Shifted(0));
  AddTruth(data, Shifted(4));
  AddFound(data, Shifted(0), 0.9);
  AddFound(data, Shifted(1), 0.8);  // COCO would give it the second box.
  EXPECT_EQ(Evaluate(data), "tf");
}

TEST(VocEvaluatorTest, CrowdAndBorderAreDifficult) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Shifted(0));
  AddFound(data, Shifted(0), 0.9);
  AddFound(data, Shifted(0), 0.8);
  data.truth.boxes[0].is_crowd = true;
  EXPECT_EQ(Evaluate(data), "ii");
  data.truth.boxes[0].is_crowd = false;
  EXPECT_EQ(Evaluate(data), "tf");
  data.found[1].box.x += 6;  // its centre leaves the border.
  EXPECT_EQ(Evaluate(data, {.ignore_border_px = 25}), "i");
  const auto outcomes =
      EvaluateVoc(data.truth, data.found, {.ignore_border_px = 25}).value();
  EXPECT_EQ(outcomes.classes[0].truth_count, 0);
}

TEST(VocEvaluatorTest, FirstOfEquallyGoodTruthIsTaken) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Shifted(2));
  AddTruth(data, Shifted(-2));
  AddFound(data, Shifted(0), 0.9);
  AddFound(data, Shifted(-2), 0.8);
  EXPECT_EQ(Evaluate(data), "tt");
  std::swap(data.truth.boxes[0], data.truth.boxes[1]);
  EXPECT_EQ(Evaluate(data), "tf");
}

// IoU 1/2 exactly.
TEST(VocEvaluatorTest, StrictNeedsMoreThanTheThreshold) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 20, .height = 10});
  AddFound(data, {.width = 10, .height = 10}, 0.9);
  EXPECT_EQ(Evaluate(data), "t");
  EXPECT_EQ(Evaluate(data, {.strict = true}), "f");
  EXPECT_EQ(Evaluate(data, {.plus_one = true}), "t");  // 121 / 231.
}

TEST(VocEvaluatorTest, PlusOneLetsNeighboursTouch) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 3, .height = 3});
  AddFound(data, {.x = 3, .width = 3, .height = 3}, 0.9);
  const std::vector<double> low = {1e-3};
  EXPECT_EQ(Evaluate(data, {.iou_thresholds = low}), "f");
  EXPECT_EQ(Evaluate(data, {.iou_thresholds = low, .plus_one = true}), "t");
}

// The development kit's loop over the detections of one class.
std::string LettersByDefinition(const EvalCase& data, const VocOptions& options,
                                int64_t class_id) {
  std::vector<FoundBox> found;
  for (const FoundBox& box : data.found) {
    if (box.class_id == class_id) found.push_back(box);
  }
  std::ranges::stable_sort(found, std::greater<>(), &FoundBox::score);
  const double extra = options.plus_one ? 1 : 0;
  std::set<const TruthBox*> taken;
  std::string letters;
  for (const FoundBox& d : found) {
    double best_iou = 0;
    const TruthBox* best = nullptr;
    for (const TruthBox& g : data.truth.boxes) {
      if (g.image_id != d.image_id || g.class_id != class_id) continue;
      const double w = std::min(d.box.x + d.box.width, g.box.x + g.box.width) -
                       std::max(d.box.x, g.box.x) + extra;
      const double h =
          std::min(d.box.y + d.box.height, g.box.y + g.box.height) -
          std::max(d.box.y, g.box.y) + extra;
      if (w <= 0 || h <= 0) continue;
      const double iou =
          w * h /
          ((d.box.width + extra) * (d.box.height + extra) +
           (g.box.width + extra) * (g.box.height + extra) - w * h);
      if (iou <= best_iou) continue;
      best_iou = iou;
      best = &g;
    }
    const double threshold = options.iou_thresholds[0];
    const bool passes =
        options.strict ? best_iou > threshold : best_iou >= threshold;
    if (!passes) {
      letters += 'f';
    } else if (best->is_crowd) {
      letters += 'i';
    } else {
      letters += taken.insert(best).second ? 't' : 'f';
    }
  }
  return letters;
}

TEST(VocEvaluatorTest, EqualsDefinitionOnRandomCases) {
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    const EvalCase data = MakeRandomCase({}, seed);
    const VocOptions options = {.iou_thresholds = {seed % 3 == 0 ? 0.25 : 0.5},
                                .plus_one = seed % 2 == 0,
                                .strict = seed % 5 == 0};
    const auto outcomes = EvaluateVoc(data.truth, data.found, options).value();
    ExpectNeverBoth(outcomes);
    for (const ClassOutcomes& of_class : outcomes.classes) {
      ASSERT_EQ(OutcomeLetters(of_class),
                LettersByDefinition(data, options, of_class.class_id));
    }
  }
}

TEST(VocEvaluatorTest, ThresholdsTogetherAreAsAlone) {
  const EvalCase data = MakeRandomCase({}, 7);
  const std::vector<double> thresholds = {0.1, 0.3, 0.5, 0.7, 1};
  const auto together =
      EvaluateVoc(data.truth, data.found, {.iou_thresholds = thresholds});
  for (int level = 0; level < std::ssize(thresholds); ++level) {
    EXPECT_EQ(OutcomeLetters(together.value().classes[0], level),
              Evaluate(data, {.iou_thresholds = {thresholds[level]}}));
  }
}

TEST(VocEvaluatorTest, WithoutClassesAnyTruthWillDo) {
  EvalCase data = MakeCase(1, 2);
  AddTruth(data, kBox);
  AddFound(data, kBox, 0.9);
  data.found[0].class_id = 2;
  EXPECT_EQ(Evaluate(data), "");
  EXPECT_EQ(Evaluate(data, {.use_classes = false}), "t");
}

TEST(VocEvaluatorTest, RefusesThresholdsOutsideTheirRange) {
  EXPECT_EQ(EvaluateVoc({}, {}, {.iou_thresholds = {1.5}}).status().message(),
            "iou_thresholds[0] = 1.5: must be in [1e-09, 1]");
}

}  // namespace
}  // namespace cyto8
