// SPDX-License-Identifier: Apache-2.0
// Tests of eval/centre_evaluator.h: small cases by hand and random ones against
// the header's words.
#include "eval/centre_evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

std::string Evaluate(const EvalCase& data, const CentreOptions& options) {
  return OutcomeLetters(
      EvaluateCentres(data.truth, data.found, options).value().classes.at(0));
}

EvalBox Around(double x, double y) {
  return {.x = x - 5, .y = y - 5, .width = 10, .height = 10};
}

TEST(CentreEvaluatorTest, DistanceMayBeReachedButNotExceeded) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Around(50, 40));
  AddFound(data, Around(53, 44), 0.9);
  EXPECT_EQ(Evaluate(data, {.distances_px = {5}}), "t");
  EXPECT_EQ(Evaluate(data, {.distances_px = {4.99}}), "f");
}

TEST(CentreEvaluatorTest, BestScoreChoosesFirstAndTakesTheNearest) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Around(40, 40));
  AddTruth(data, Around(50, 40));
  AddFound(data, Around(40, 40), 0.5);
  AddFound(data, Around(44, 40), 0.9);  // takes the truth at 40.
  EXPECT_EQ(Evaluate(data, {.distances_px = {8}}), "tf");
  EXPECT_EQ(Evaluate(data, {.distances_px = {10}}), "tt");
}

TEST(CentreEvaluatorTest, FirstOfEquallyNearTruthIsTaken) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Around(40, 40));
  AddTruth(data, Around(50, 40));
  AddFound(data, Around(45, 40), 0.9);
  AddFound(data, Around(50, 40), 0.5);
  EXPECT_EQ(Evaluate(data, {.distances_px = {5}}), "tt");
  std::swap(data.truth.boxes[0], data.truth.boxes[1]);
  EXPECT_EQ(Evaluate(data, {.distances_px = {5}}), "tf");
}

TEST(CentreEvaluatorTest, CrowdIsARegionThatCanBeTakenOften) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.x = 20, .y = 20, .width = 40, .height = 40});
  data.truth.boxes[0].is_crowd = true;
  AddFound(data, Around(25, 55), 0.9);
  AddFound(data, Around(63, 30), 0.8);
  AddFound(data, Around(64, 30), 0.7);
  EXPECT_EQ(Evaluate(data, {.distances_px = {3}}), "iif");
}

TEST(CentreEvaluatorTest, BorderTruthIsIgnoredAndBorderDetectionsAreGone) {
  EvalCase data = MakeCase(1);
  AddTruth(data, Around(15, 40));
  AddTruth(data, Around(25, 60));
  AddFound(data, Around(22, 40), 0.9);
  AddFound(data, Around(23, 40), 0.8);  // that truth is taken.
  AddFound(data, Around(18, 60), 0.7);
  const CentreOptions options = {.distances_px = {10}, .ignore_border_px = 20};
  EXPECT_EQ(Evaluate(data, options), "if");
  const auto outcomes =
      EvaluateCentres(data.truth, data.found, options).value();
  EXPECT_EQ(outcomes.classes[0].truth_count, 1);
  EXPECT_EQ(outcomes.left_out.truth_in_border, 1);
  EXPECT_EQ(outcomes.left_out.found_in_border, 1);
}

// The header's words, for one distance and class.
std::string LettersByDefinition(const EvalCase& data, double distance_px,
                                int64_t class_id) {
  std::vector<FoundBox> found;
  for (const FoundBox& box : data.found) {
    if (box.class_id == class_id) found.push_back(box);
  }
  std::ranges::stable_sort(found, [](const FoundBox& a, const FoundBox& b) {
    return a.score != b.score ? a.score > b.score : a.image_id < b.image_id;
  });
  std::vector<bool> taken(data.truth.boxes.size());
  std::string letters;
  for (const FoundBox& d : found) {
    const double x = d.box.x + d.box.width / 2;
    const double y = d.box.y + d.box.height / 2;
    char letter = 'f';
    for (const bool crowds : {false, true}) {
      if (letter != 'f') break;
      double nearest = std::numeric_limits<double>::infinity();
      size_t best = 0;
      for (size_t g = 0; g < taken.size(); ++g) {
        const TruthBox& truth = data.truth.boxes[g];
        if (truth.image_id != d.image_id || truth.class_id != class_id ||
            truth.is_crowd != crowds || (taken[g] && !crowds)) {
          continue;
        }
        const EvalBox& box = truth.box;
        const double to_x = crowds ? std::clamp(x, box.x, box.x + box.width)
                                   : box.x + box.width / 2;
        const double to_y = crowds ? std::clamp(y, box.y, box.y + box.height)
                                   : box.y + box.height / 2;
        const double distance = std::hypot(x - to_x, y - to_y);
        if (distance >= nearest) continue;
        nearest = distance;
        best = g;
      }
      if (nearest > distance_px) continue;
      taken[best] = true;
      letter = crowds ? 'i' : 't';
    }
    letters += letter;
  }
  return letters;
}

TEST(CentreEvaluatorTest, EqualsDefinitionOnRandomCases) {
  const std::vector<double> distances = {0, 2, 4, 5, 8, 20};
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    const EvalCase data = MakeRandomCase({}, seed);
    const auto outcomes =
        EvaluateCentres(data.truth, data.found, {.distances_px = distances})
            .value();
    ExpectNeverBoth(outcomes);
    for (const ClassOutcomes& of_class : outcomes.classes) {
      for (int level = 0; level < std::ssize(distances); ++level) {
        ASSERT_EQ(
            OutcomeLetters(of_class, level),
            LettersByDefinition(data, distances[level], of_class.class_id));
      }
    }
  }
}

TEST(CentreEvaluatorTest, RefusesDistancesOutsideTheirRange) {
  EXPECT_EQ(EvaluateCentres({}, {}, {.distances_px = {-1}}).status().message(),
            "distances_px[0] = -1: must be in [0, 1e+100]");
}

}  // namespace
}  // namespace cyto8
