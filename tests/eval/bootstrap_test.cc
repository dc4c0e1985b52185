// SPDX-License-Identifier: Apache-2.0
// Tests of eval/bootstrap.h: against evaluating copies of the drawn images one
// resample at a time, and properties of the intervals.
#include "eval/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "eval/coco_evaluator.h"
#include "eval/precision_recall.h"
#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

Outcomes Evaluate(const EvalCase& data) {
  CocoOptions options = {.max_detections = {kAllDetections},
                         .iou_thresholds = {0.25, 0.5, 0.75}};
  options.area_ranges.resize(1);
  return EvaluateCoco(data.truth, data.found, options).value().outcomes;
}

// SplitMix64 as published; resample i starts where two steps from the seed
// lead, i added in between.
struct SplitMix64 {
  uint64_t state;
  uint64_t Next() {
    uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
};

// The drawn images as a data set of their own: the same image twice is two.
EvalCase Draw(const EvalCase& data, uint64_t seed, int64_t resample) {
  SplitMix64 random = {seed};
  random.state = random.Next() + static_cast<uint64_t>(resample);
  random.state = random.Next();
  std::vector<int64_t> ids;
  for (const EvalImage& image : data.truth.images) ids.push_back(image.id);
  std::ranges::sort(ids);
  EvalCase drawn;
  drawn.truth.classes = data.truth.classes;
  for (size_t i = 1; i <= ids.size(); ++i) {
    const int64_t id = ids[random.Next() % ids.size()];
    const auto copy = [&](const auto& boxes, auto& to) {
      for (auto box : boxes) {
        if (box.image_id != id) continue;
        box.image_id = static_cast<int64_t>(i);
        to.push_back(box);
      }
    };
    drawn.truth.images.push_back({.id = static_cast<int64_t>(i)});
    copy(data.truth.boxes, drawn.truth.boxes);
    copy(data.found, drawn.found);
  }
  return drawn;
}

struct Figures {
  std::vector<double> ap, first_level_ap, class_first_level_ap;
};

// Of class index 0 where of a class.
Figures FiguresByCopies(const EvalCase& data, const BootstrapOptions& options) {
  Figures figures;
  for (int64_t i = 0; i < options.resamples; ++i) {
    const Outcomes outcomes = Evaluate(Draw(data, options.seed, i));
    std::vector<double> all;
    std::vector<double> first;
    for (const ClassOutcomes& of_class : outcomes.classes) {
      for (int level = 0; level < 3; ++level) {
        all.push_back(
            AveragePrecision(of_class, level, Interpolation::kCoco101));
      }
      first.push_back(all[all.size() - 3]);
    }
    figures.ap.push_back(MeanOfDefined(all));
    figures.first_level_ap.push_back(MeanOfDefined(first));
    figures.class_first_level_ap.push_back(first[0]);
  }
  return figures;
}

// The middle half of the defined values, as numpy.percentile has it.
void ExpectMiddleHalf(const Interval& interval, std::vector<double> values) {
  if (interval.value == kUndefined) return;
  std::erase(values, kUndefined);
  std::ranges::sort(values);
  ASSERT_EQ(interval.resamples, std::ssize(values));
  const auto at = [&](double share) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<size_t>(position);
    const size_t high = std::min(low + 1, values.size() - 1);
    return values[low] +
           (values[high] - values[low]) * (position - static_cast<double>(low));
  };
  EXPECT_NEAR(interval.low, at(0.25), 1e-14);
  EXPECT_NEAR(interval.high, at(0.75), 1e-14);
}

constexpr RandomCase kUnique = {.most_images = 6,
                                .most_truth = 20,
                                .most_found = 40,
                                .unique_scores = true};

TEST(BootstrapTest, EqualsEvaluatingCopiesOfTheDrawnImages) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    const EvalCase data = MakeRandomCase(kUnique, seed);
    // Not a multiple of the block.
    const BootstrapOptions options = {
        .resamples = 37, .confidence = 0.5, .seed = seed};
    const auto table = Bootstrap(Evaluate(data), options).value();
    const Figures figures = FiguresByCopies(data, options);
    ExpectMiddleHalf(table.ap, figures.ap);
    ExpectMiddleHalf(table.first_level_ap, figures.first_level_ap);
    ExpectMiddleHalf(table.class_first_level_ap.at(0),
                     figures.class_first_level_ap);
    if (HasFailure()) return;
  }
}

TEST(BootstrapTest, ValuesAreThoseOfTheEvaluator) {
  const EvalCase data = MakeRandomCase(kUnique, 3);
  const Outcomes outcomes = Evaluate(data);
  const auto table = Bootstrap(outcomes, {.resamples = 10}).value();
  ASSERT_EQ(table.class_ap.size(), outcomes.classes.size());
  for (size_t k = 0; k < outcomes.classes.size(); ++k) {
    EXPECT_EQ(
        table.class_first_level_ap[k].value,
        AveragePrecision(outcomes.classes[k], 0, Interpolation::kCoco101));
  }
}

// Pinned: the figures in a report can be had again on any machine.
TEST(BootstrapTest, DrawsAreThoseOfSplitMix64) {
  SplitMix64 random = {0};
  EXPECT_EQ(random.Next(), 0xE220A8397B1DCDAF);  // its published first value.
}

TEST(BootstrapTest, OneImageHasNoSpread) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 10, .height = 10});
  AddFound(data, {.width = 10, .height = 10}, 0.5);
  const Interval interval = Bootstrap(Evaluate(data)).value().ap;
  EXPECT_EQ(interval.low, interval.value);
  EXPECT_EQ(interval.high, interval.value);
  EXPECT_EQ(interval.resamples, 1000);
}

TEST(BootstrapTest, IntervalHoldsTheValueAndWidensWithConfidence) {
  EvalCase data = MakeCase(40);
  for (int i = 0; i < 40; ++i) {
    AddTruth(data, {.width = 10, .height = 10});
    data.truth.boxes.back().image_id = i + 1;
    const double x = i % 3 == 0 ? 50 : 0;  // one in three misses.
    AddFound(data, {.x = x, .width = 10, .height = 10}, 0.01 * i);
    data.found.back().image_id = i + 1;
  }
  const Outcomes outcomes = Evaluate(data);
  const Interval narrow =
      Bootstrap(outcomes, {.confidence = 0.5}).value().first_level_ap;
  const Interval wide = Bootstrap(outcomes).value().first_level_ap;
  EXPECT_LT(wide.low, narrow.low);
  EXPECT_LT(narrow.low, narrow.value);
  EXPECT_GT(narrow.high, narrow.value);
  EXPECT_GT(wide.high, narrow.high);
}

TEST(BootstrapTest, ClassWithoutTruthIsUndefined) {
  EvalCase data = MakeCase(2, 2);
  AddTruth(data, {.width = 10, .height = 10});
  const auto table = Bootstrap(Evaluate(data)).value();
  EXPECT_EQ(table.class_ap[1].value, kUndefined);
  EXPECT_EQ(table.class_ap[1].low, kUndefined);
  EXPECT_EQ(table.class_ap[1].resamples, 0);
  // Half of the time image 1 is drawn, and 1/4 of the time twice.
  EXPECT_NEAR(static_cast<double>(table.class_ap[0].resamples), 750, 60);
  EXPECT_EQ(table.ap.resamples, table.class_ap[0].resamples);
}

// 20 images of one truth box each, of which so many are found.
Outcomes FoundIn(int count) {
  EvalCase data = MakeCase(20);
  for (int i = 1; i <= 20; ++i) {
    AddTruth(data, {.width = 10, .height = 10});
    data.truth.boxes.back().image_id = i;
    if (i > count) continue;
    AddFound(data, {.width = 10, .height = 10}, 0.5);
    data.found.back().image_id = i;
  }
  return Evaluate(data);
}

TEST(BootstrapTest, SameSeedGivesTheSameAndAnotherDoesNot) {
  const auto ends = [](uint64_t seed) {
    const Interval interval =
        Bootstrap(FoundIn(10), {.resamples = 7, .seed = seed}).value().ap;
    return std::pair(interval.low, interval.high);
  };
  EXPECT_EQ(ends(1), ends(1));
  EXPECT_NE(ends(1), ends(2));
}

TEST(BootstrapDifferenceTest, SaysBetterWorseAndSame) {
  const auto compare = [](int first, int second) {
    return BootstrapDifference(FoundIn(first), FoundIn(second)).value().ap;
  };
  const Difference better = compare(5, 15);
  EXPECT_EQ(better.verdict, Verdict::kBetter);
  EXPECT_GT(better.interval.low, 0);
  EXPECT_GT(better.share_above_zero, 0.99);
  const Difference worse = compare(15, 5);
  EXPECT_EQ(worse.verdict, Verdict::kWorse);
  EXPECT_EQ(worse.interval.value, -better.interval.value);
  EXPECT_NEAR(worse.interval.low, -better.interval.high, 1e-15);
  EXPECT_EQ(worse.share_above_zero, 0);
  const Difference same = compare(10, 10);
  EXPECT_EQ(same.verdict, Verdict::kSame);
  EXPECT_EQ(same.interval.high, 0);
  EXPECT_EQ(same.share_above_zero, 0);
  EXPECT_EQ(compare(10, 11).verdict, Verdict::kSame);
  EXPECT_EQ(VerdictName(better.verdict), "better");
  EXPECT_EQ(VerdictName(worse.verdict), "worse");
  EXPECT_EQ(VerdictName(same.verdict), "same");
}

// What pairing is for: the images differ far more than the two results.
TEST(BootstrapDifferenceTest, ResamplesBothAlike) {
  const auto one = Bootstrap(FoundIn(10)).value().ap;
  const auto difference =
      BootstrapDifference(FoundIn(10), FoundIn(11)).value().ap.interval;
  EXPECT_LT(difference.high - difference.low, (one.high - one.low) / 2);
}

TEST(BootstrapDifferenceTest, RefusesResultsThatAreNotComparable) {
  const auto fault = [](const Outcomes& a, const Outcomes& b) {
    return BootstrapDifference(a, b).status().message();
  };
  const std::string text = "the two results to be compared have not the same ";
  const Outcomes outcomes = FoundIn(1);
  Outcomes other = outcomes;
  other.image_ids[0] = 0;
  EXPECT_EQ(fault(outcomes, other), text + "images");
  other = outcomes;
  other.levels[0] = 0.3;
  EXPECT_EQ(fault(outcomes, other), text + "levels");
  other = outcomes;
  other.classes[0].truths[0].count = 2;
  EXPECT_EQ(fault(outcomes, other), text + "classes or truth");
}

TEST(BootstrapTest, RefusesOptionsOutsideTheirRange) {
  const auto fault = [](const BootstrapOptions& options) {
    return Bootstrap(FoundIn(1), options).status().message();
  };
  EXPECT_EQ(fault({.resamples = 0}), "resamples = 0: must be in [1, 1000000]");
  EXPECT_EQ(fault({.confidence = 1}),
            "confidence = 1: must be in [0.001, 0.999]");
  EXPECT_EQ(Bootstrap({}).status().message(),
            "images = 0: must be in [1, 2147483647]");
}

}  // namespace
}  // namespace cyto8
