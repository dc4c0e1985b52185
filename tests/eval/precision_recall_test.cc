// SPDX-License-Identifier: Apache-2.0
// Tests of eval/precision_recall.h: every short run of outcomes against the
// definitions, and the corners by hand.
#include "eval/precision_recall.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// After each detection, ignored ones too.
struct Step {
  double recall;
  double precision;  // 0 as long as nothing counts.
};

std::vector<Step> StepsOf(const std::string& run, int truth_count) {
  std::vector<Step> steps;
  double tp = 0;
  double fp = 0;
  for (const char c : run) {
    tp += c == 't';
    fp += c == 'f';
    steps.push_back({tp / truth_count, tp + fp > 0 ? tp / (tp + fp) : 0});
  }
  return steps;
}

// The highest precision at this recall or a higher one.
double EnvelopeAt(const std::vector<Step>& steps, double recall) {
  double best = 0;
  for (const Step& step : steps) {
    if (step.recall >= recall) best = std::max(best, step.precision);
  }
  return best;
}

double MeanEnvelope(const std::vector<Step>& steps, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    const double recall = i == count - 1 ? 1 : i * (1.0 / (count - 1));
    sum += EnvelopeAt(steps, recall);
  }
  return sum / count;
}

// The area under the step curve of the VOC 2010 development kit.
double AreaUnderEnvelope(const std::vector<Step>& steps) {
  double sum = 0;
  double before = 0;
  for (const Step& step : steps) {
    sum += (step.recall - before) * EnvelopeAt(steps, step.recall);
    before = step.recall;
  }
  return sum;
}

// Calls check(run) for every run of at most `most` outcomes.
template <typename Check>
void ForEachRun(int most, const Check& check, const std::string& run = "") {
  check(run);
  if (most == 0 || testing::Test::HasFailure()) return;
  for (const char c : {'t', 'f', 'i'}) ForEachRun(most - 1, check, run + c);
}

TEST(AveragePrecisionTest, EqualsDefinitionsOnEveryShortRun) {
  ForEachRun(6, [](const std::string& run) {
    const auto found = static_cast<int>(std::ranges::count(run, 't'));
    for (const int truth_count : {found, found + 1, found + 5}) {
      if (truth_count == 0) continue;
      SCOPED_TRACE(run + " of " + std::to_string(truth_count));
      const auto steps = StepsOf(run, truth_count);
      const ClassOutcomes outcomes = MakeOutcomes(run.c_str(), truth_count);
      const auto average = [&](Interpolation interpolation) {
        return AveragePrecision(outcomes, 0, interpolation);
      };
      EXPECT_NEAR(average(Interpolation::kCoco101), MeanEnvelope(steps, 101),
                  1e-14);
      EXPECT_NEAR(average(Interpolation::kVoc11), MeanEnvelope(steps, 11),
                  1e-14);
      EXPECT_NEAR(average(Interpolation::kAllPoint), AreaUnderEnvelope(steps),
                  1e-14);
    }
  });
}

TEST(AveragePrecisionTest, IsUndefinedWithoutTruthAndZeroWithoutDetections) {
  for (const auto interpolation :
       {Interpolation::kCoco101, Interpolation::kVoc11,
        Interpolation::kAllPoint}) {
    EXPECT_EQ(AveragePrecision(MakeOutcomes("ff", 0), 0, interpolation), -1);
    EXPECT_EQ(AveragePrecision(MakeOutcomes("", 3), 0, interpolation), 0);
  }
  EXPECT_EQ(FinalRecall(MakeOutcomes("ff", 0), 0), -1);
  EXPECT_EQ(FinalRecall(MakeOutcomes("", 3), 0), 0);
}

TEST(AveragePrecisionTest, OneBoxFoundIsNotQuiteOneForCoco) {
  const ClassOutcomes outcomes = MakeOutcomes("t", 1);
  EXPECT_EQ(SampleCurve(outcomes, 0).precisions[100], 0.9999999999999998);
  EXPECT_EQ(AveragePrecision(outcomes, 0, Interpolation::kVoc11), 1);
  EXPECT_EQ(AveragePrecision(outcomes, 0, Interpolation::kAllPoint), 1);
}

// Recalls of k / n against thresholds such as 0.35000000000000003.
TEST(AveragePrecisionTest, ComparesRecallAsRounded) {
  for (int truth_count = 1; truth_count <= 300; ++truth_count) {
    ClassOutcomes outcomes = MakeOutcomes("", truth_count);
    for (int i = 0; i < truth_count; ++i) {
      outcomes.scores.push_back(-i);
      outcomes.true_positives.push_back(1);
      outcomes.ignored.push_back(0);
    }
    const SampledCurve curve = SampleCurve(outcomes, 0);
    for (int i = 1; i < kCocoRecalls; ++i) {
      int needed = 1;  // the first count whose recall reaches the threshold.
      while (static_cast<double>(needed) / truth_count <
             CocoRecallThresholds()[i]) {
        ++needed;
      }
      ASSERT_EQ(curve.scores[i], 1 - needed) << truth_count << " " << i;
    }
  }
}

TEST(AveragePrecisionTest, LevelsAreBits) {
  ClassOutcomes outcomes = MakeOutcomes("tf", 1);
  outcomes.true_positives = {0, uint64_t{1} << 63};
  outcomes.ignored = {uint64_t{1} << 63, 0};
  EXPECT_EQ(AveragePrecision(outcomes, 63, Interpolation::kAllPoint), 1);
  EXPECT_EQ(AveragePrecision(outcomes, 62, Interpolation::kAllPoint), 0);
}

TEST(SampledCurveTest, RecallZeroHasTheScoreOfTheFirstDetection) {
  const SampledCurve curve = SampleCurve(MakeOutcomes("ift", 2), 0);
  EXPECT_EQ(curve.scores[0], 1);
  EXPECT_EQ(curve.scores[1], 0.75);
  EXPECT_EQ(curve.scores[50], 0.75);
  EXPECT_EQ(curve.scores[51], 0);
  EXPECT_EQ(curve.precisions[50], 0.5);
  EXPECT_EQ(curve.precisions[51], 0);
  EXPECT_EQ(SampleCurve(MakeOutcomes("f", 0), 0).precisions[100], -1);
}

TEST(PrecisionRecallCurveTest, HasAPointForEachCountedDetection) {
  const auto points = PrecisionRecallCurve(MakeOutcomes("ftitf", 4), 0);
  ASSERT_EQ(points.size(), 4);
  EXPECT_EQ(points[1].score, 0.875);
  EXPECT_EQ(points[1].true_positives, 1);
  EXPECT_EQ(points[1].false_positives, 1);
  EXPECT_EQ(points[1].recall, 0.25);
  EXPECT_EQ(points[1].precision, 0.5);
  EXPECT_EQ(points[0].precision, 0);
  EXPECT_EQ(points[0].envelope, 2.0 / 3);
  EXPECT_EQ(points[3].envelope, 0.5);
}

TEST(PrecisionRecallCurveTest, EnvelopeNeverRises) {
  ForEachRun(6, [](const std::string& run) {
    const auto points = PrecisionRecallCurve(MakeOutcomes(run.c_str(), 6), 0);
    for (size_t i = 0; i < points.size(); ++i) {
      ASSERT_GE(points[i].envelope, points[i].precision) << run;
      if (i > 0) {
        ASSERT_GE(points[i].recall, points[i - 1].recall) << run;
        ASSERT_LE(points[i].envelope, points[i - 1].envelope) << run;
      }
    }
  });
}

TEST(WorkingPointTest, CountsFromTheCutUpwards) {
  const ClassOutcomes outcomes = MakeOutcomes("tfit", 4);
  const WorkingPoint point = PointAtScore(outcomes, 0, 0.875);
  EXPECT_EQ(point.true_positives, 1);
  EXPECT_EQ(point.false_positives, 1);
  EXPECT_EQ(point.missed, 3);
  EXPECT_EQ(point.precision, 0.5);
  EXPECT_EQ(point.recall, 0.25);
  EXPECT_EQ(point.f1, 2.0 / 6);
}

TEST(WorkingPointTest, WhatDoesNotExistIsMinusOne) {
  const WorkingPoint above = PointAtScore(MakeOutcomes("t", 1), 0, 2);
  EXPECT_EQ(above.precision, -1);
  EXPECT_EQ(above.recall, 0);
  EXPECT_EQ(above.f1, 0);
  const WorkingPoint no_truth = PointAtScore(MakeOutcomes("f", 0), 0, 0);
  EXPECT_EQ(no_truth.precision, 0);
  EXPECT_EQ(no_truth.recall, -1);
  EXPECT_EQ(no_truth.f1, 0);
  EXPECT_EQ(PointAtScore(MakeOutcomes("", 0), 0, 0).f1, -1);
}

TEST(WorkingPointTest, SumsOverClasses) {
  const std::vector<ClassOutcomes> classes = {MakeOutcomes("t", 1),
                                              MakeOutcomes("ff", 3)};
  const WorkingPoint point = PointAtScore(classes, 0, 0);
  EXPECT_EQ(point.true_positives, 1);
  EXPECT_EQ(point.false_positives, 2);
  EXPECT_EQ(point.missed, 3);
  EXPECT_EQ(point.recall, 0.25);
}

TEST(WorkingPointTest, BestF1IsTheHighestOfAllCuts) {
  ForEachRun(6, [](const std::string& run) {
    const ClassOutcomes outcomes = MakeOutcomes(run.c_str(), 6);
    double highest = 0;
    for (const double score : outcomes.scores) {
      highest = std::max(highest, PointAtScore(outcomes, 0, score).f1);
    }
    const WorkingPoint best = BestF1Point(outcomes, 0);
    ASSERT_EQ(best.f1, highest) << run;
    ASSERT_EQ(PointAtScore(outcomes, 0, best.score_cut).f1, highest) << run;
  });
}

TEST(WorkingPointTest, OfEquallyGoodCutsTheHighestIsTaken) {
  EXPECT_EQ(BestF1Point(MakeOutcomes("tfft", 2), 0).score_cut, 1);  // 2/3, 4/6.
}

TEST(WorkingPointTest, EqualScoresAreOneCut) {
  ClassOutcomes outcomes = MakeOutcomes("tff", 1);
  outcomes.scores = {0.5, 0.5, 0.25};
  EXPECT_EQ(BestF1Point(outcomes, 0).score_cut, 0.5);
  EXPECT_EQ(BestF1Point(outcomes, 0).false_positives, 1);
  EXPECT_EQ(BestF1Point(MakeOutcomes("i", 1), 0).score_cut, kInfinity);
}

TEST(FrocTest, TakesTheBestCutAtOrBelowEachRate) {
  const ClassOutcomes outcomes = MakeOutcomes("tftfftt", 5);
  const auto points =
      Froc(outcomes, 0, /*image_count=*/2, std::vector<double>{0, 0.5, 1, 8});
  ASSERT_EQ(points.size(), 4);
  EXPECT_EQ(points[0].recall, 0.2);
  EXPECT_EQ(points[0].score_cut, 1);
  EXPECT_EQ(points[1].rate, 0.5);
  EXPECT_EQ(points[1].recall, 0.4);
  EXPECT_EQ(points[1].score_cut, 0.75);
  EXPECT_EQ(points[2].recall, 0.4);
  EXPECT_EQ(points[3].rate, 1.5);
  EXPECT_EQ(points[3].recall, 0.8);
  EXPECT_EQ(points[3].score_cut, 0.25);
}

TEST(FrocTest, NothingMayBeFoundAtTooLowARate) {
  const auto points = Froc(MakeOutcomes("ft", 1), 0, 1);
  ASSERT_EQ(points.size(), kFrocRates.size());
  EXPECT_EQ(points[0].recall, 0);
  EXPECT_EQ(points[0].score_cut, kInfinity);
  EXPECT_EQ(points[6].recall, 1);
  EXPECT_EQ(Froc(MakeOutcomes("f", 0), 0, 1)[6].recall, -1);
}

TEST(MeanOfDefinedTest, LeavesOutMinusOne) {
  EXPECT_EQ(MeanOfDefined(std::vector<double>{-1, 0.5, 0}), 0.25);
  EXPECT_EQ(MeanOfDefined(std::vector<double>{-1}), -1);
  EXPECT_EQ(MeanOfDefined({}), -1);
}

}  // namespace
}  // namespace cyto8
