// SPDX-License-Identifier: Apache-2.0
// Tests of eval/coco_evaluator.h: small cases by hand, and random ones against
// the definition written down as pycocotools has it, loop by loop. Its own
// answers are in golden_test.cc.
#include "eval/coco_evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "eval/box_groups.h"
#include "eval/precision_recall.h"
#include "tests/eval/eval_cases.h"

namespace cyto8 {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// cocoeval.py, evaluateImg and accumulate, for one class, threshold, area range
// and limit: as slow and as literal as it can be.
class Definition {
 public:
  Definition(const EvalCase& data, const CocoOptions& options)
      : data_(data), options_(options) {}

  struct Figures {
    double average_precision = -1;
    double recall = -1;
  };

  Figures Evaluate(int64_t class_id, double threshold, const AreaRange& range,
                   int64_t limit) {
    found_.clear();
    truth_count_ = 0;
    std::vector<int64_t> images;
    for (const auto& image : data_.truth.images) images.push_back(image.id);
    std::ranges::sort(images);
    for (const int64_t image : images) {
      MatchImage(image, class_id, threshold, range, limit);
    }
    return Accumulate();
  }

 private:
  struct Found {
    double score;
    bool matched;
    bool ignored;
  };

  static double Iou(const EvalBox& d, const EvalBox& g, bool is_crowd) {
    const double w =
        std::min(d.width + d.x, g.width + g.x) - std::max(d.x, g.x);
    if (w <= 0) return 0;
    const double h =
        std::min(d.height + d.y, g.height + g.y) - std::max(d.y, g.y);
    if (h <= 0) return 0;
    const double i = w * h;
    const double da = d.width * d.height;
    return i / (is_crowd ? da : da + g.width * g.height - i);
  }

  // By rising class, then order in the list, as useCats = 0 joins them.
  template <typename Box>
  std::vector<Box> Select(const std::vector<Box>& boxes, int64_t image,
                          int64_t class_id) const {
    std::vector<int64_t> classes = {class_id};
    if (class_id == kAllClasses) {
      classes.clear();
      for (const auto& c : data_.truth.classes) classes.push_back(c.id);
      std::ranges::sort(classes);
    }
    std::vector<Box> selected;
    for (const int64_t c : classes) {
      for (const Box& box : boxes) {
        if (box.image_id == image && box.class_id == c) selected.push_back(box);
      }
    }
    return selected;
  }

  static bool IsOutside(double area, const AreaRange& range) {
    return area < range.low_px2 || area > range.high_px2;
  }

  void MatchImage(int64_t image, int64_t class_id, double threshold,
                  const AreaRange& range, int64_t limit) {
    auto gt = Select(data_.truth.boxes, image, class_id);
    auto dt = Select(data_.found, image, class_id);
    const auto ignore = [&](const TruthBox& g) {
      return g.is_crowd || IsOutside(g.area, range);
    };
    std::ranges::stable_sort(gt, {}, ignore);
    std::ranges::stable_sort(dt, std::greater<>(), &FoundBox::score);
    const int64_t most = options_.max_detections.back();
    if (most > 0 && std::ssize(dt) > most) dt.resize(most);
    std::vector<bool> taken(gt.size());
    for (size_t d = 0; d < dt.size(); ++d) {
      double bar = std::min(threshold, 1 - 1e-10);
      int m = -1;
      for (size_t g = 0; g < gt.size(); ++g) {
        if (taken[g] && !gt[g].is_crowd) continue;
        if (m > -1 && !ignore(gt[m]) && ignore(gt[g])) break;
        const double iou = Iou(dt[d].box, gt[g].box, gt[g].is_crowd);
        if (iou < bar) continue;
        bar = iou;
        m = static_cast<int>(g);
      }
      if (m > -1) taken[m] = true;
      const bool matched =
          m > -1 && !(options_.id_zero_counts_as_missed && gt[m].id == 0);
      const bool ignored =
          (m > -1 && ignore(gt[m])) ||
          (!matched && IsOutside(dt[d].box.width * dt[d].box.height, range));
      if (limit > 0 && std::ssize(dt) > limit &&
          std::cmp_greater_equal(d, limit)) {
        continue;
      }
      found_.push_back(
          {.score = dt[d].score, .matched = matched, .ignored = ignored});
    }
    truth_count_ +=
        std::ranges::count_if(gt, [&](const auto& g) { return !ignore(g); });
  }

  Figures Accumulate() {
    if (truth_count_ == 0) return {};
    std::ranges::stable_sort(found_, std::greater<>(), &Found::score);
    std::vector<double> recall;
    std::vector<double> precision;
    double tp = 0;
    double fp = 0;
    for (const Found& found : found_) {
      tp += found.matched && !found.ignored;
      fp += !found.matched && !found.ignored;
      recall.push_back(tp / static_cast<double>(truth_count_));
      precision.push_back(tp / (fp + tp + 2.220446049250313e-16));
    }
    for (size_t i = precision.size(); i-- > 1;) {
      precision[i - 1] = std::max(precision[i - 1], precision[i]);
    }
    double sum = 0;
    for (const double threshold : CocoRecallThresholds()) {
      const auto at = std::ranges::lower_bound(recall, threshold);
      if (at != recall.end()) sum += precision[at - recall.begin()];
    }
    return {.average_precision = sum / 101,
            .recall = recall.empty() ? 0 : recall.back()};
  }

  const EvalCase& data_;
  const CocoOptions& options_;
  std::vector<Found> found_;
  int64_t truth_count_ = 0;
};

CocoResult Evaluate(const EvalCase& data, const CocoOptions& options = {}) {
  return EvaluateCoco(data.truth, data.found, options).value();
}

void ExpectEqualsDefinition(const EvalCase& data, const CocoOptions& options) {
  const CocoResult result = Evaluate(data, options);
  ExpectNeverBoth(result.outcomes);
  Definition definition(data, options);
  for (int64_t k = 0; k < std::ssize(result.outcomes.classes); ++k) {
    const int64_t class_id = result.outcomes.classes[k].class_id;
    for (int64_t t = 0; t < std::ssize(options.iou_thresholds); ++t) {
      for (int64_t a = 0; a < std::ssize(options.area_ranges); ++a) {
        for (int64_t m = 0; m < std::ssize(options.max_detections); ++m) {
          const CocoCell cell = {.class_index = k,
                                 .iou_index = t,
                                 .area_index = a,
                                 .max_index = m};
          const auto expected = definition.Evaluate(
              class_id, options.iou_thresholds[t], options.area_ranges[a],
              options.max_detections[m]);
          ASSERT_NEAR(result.AveragePrecisionAt(cell),
                      expected.average_precision, 1e-14);
          ASSERT_EQ(result.RecallAt(cell), expected.recall);
        }
      }
    }
  }
}

TEST(CocoEvaluatorTest, EqualsDefinitionOnRandomCases) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    const EvalCase data = MakeRandomCase({}, seed);
    CocoOptions options = {.max_detections = {1, 3, 5},
                           .use_classes = seed % 3 != 0,
                           .id_zero_counts_as_missed = seed % 2 != 0};
    if (seed % 5 == 0) options.max_detections = {2, kAllDetections};
    ExpectEqualsDefinition(data, options);
    if (HasFailure()) return;
  }
}

// The same boxes with unique scores in any order of the files.
TEST(CocoEvaluatorTest, OrderOfTheFilesDoesNotMatterWithoutTies) {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    EvalCase data = MakeRandomCase({.unique_scores = true}, seed);
    // Equal overlaps are decided by the order of the truth, so make none.
    double shift = 0;
    for (TruthBox& truth : data.truth.boxes) truth.box.width += shift += 0.01;
    const CocoResult result = Evaluate(data);
    std::mt19937 random(seed);
    std::ranges::shuffle(data.truth.images, random);
    std::ranges::shuffle(data.truth.classes, random);
    std::ranges::shuffle(data.truth.boxes, random);
    std::ranges::shuffle(data.found, random);
    const CocoResult shuffled = Evaluate(data);
    ASSERT_EQ(shuffled.average_precisions, result.average_precisions);
    ASSERT_EQ(shuffled.recalls, result.recalls);
  }
}

// A detection below all others takes no truth from them and adds no false
// positive before them.
TEST(CocoEvaluatorTest, OneMoreDetectionAtTheEndDoesNotLowerAnything) {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    EvalCase data = MakeRandomCase({}, seed);
    const CocoOptions options = {.max_detections = {kAllDetections}};
    const CocoResult before = Evaluate(data, options);
    AddFound(data, {.x = 8, .y = 8, .width = 8, .height = 8}, -1);
    const CocoResult after = Evaluate(data, options);
    for (size_t i = 0; i < before.recalls.size(); ++i) {
      ASSERT_GE(after.recalls[i], before.recalls[i]);
      ASSERT_GE(after.average_precisions[i], before.average_precisions[i]);
    }
  }
}

TEST(CocoEvaluatorTest, LastOfEquallyGoodTruthIsTaken) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.x = 0, .y = 0, .width = 10, .height = 10});
  AddTruth(data, {.x = 4, .y = 0, .width = 10, .height = 10});
  AddFound(data, {.x = 2, .y = 0, .width = 10, .height = 10}, 0.5);
  const auto groups = MatchCoco(data.truth, data.found, {}).value();
  ASSERT_EQ(groups.size(), 4);  // one for each area range.
  EXPECT_EQ(groups[0].found.at(0).truth_index, 1);
  EXPECT_EQ(groups[0].truth.at(0).found_index, -1);
  EXPECT_EQ(groups[0].truth.at(1).found_index, 0);
}

TEST(CocoEvaluatorTest, ThresholdOneForgivesRounding) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 10, .height = 10});
  const auto recall = [&](double width) {
    data.found.clear();
    AddFound(data, {.width = width, .height = 10}, 0.5);
    return Evaluate(data, {.iou_thresholds = {1}}).RecallAt({.max_index = 2});
  };
  EXPECT_EQ(recall(10 - 5e-10), 1);  // IoU 1 - 5e-11.
  EXPECT_EQ(recall(10 - 5e-9), 0);
}

TEST(CocoEvaluatorTest, IdZeroIsMatchedButCountsAsMissedOnlyIfSoWished) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.x = 0, .y = 0, .width = 10, .height = 10});
  data.truth.boxes[0].id = 0;
  AddFound(data, {.x = 0, .y = 0, .width = 10, .height = 10}, 0.5);
  EXPECT_EQ(MeanAveragePrecision(Evaluate(data)), 0);
  EXPECT_NEAR(
      MeanAveragePrecision(Evaluate(data, {.id_zero_counts_as_missed = false})),
      1, 1e-15);
}

TEST(CocoEvaluatorTest, UnknownClassesAreLeftOutAndCounted) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 10, .height = 10});
  data.truth.boxes[0].class_id = 7;
  AddTruth(data, {.width = 10, .height = 10});
  data.truth.boxes[1].image_id = 7;
  AddFound(data, {.width = 10, .height = 10}, 0.5);
  data.found[0].class_id = 7;
  const CocoResult result = Evaluate(data);
  EXPECT_EQ(result.outcomes.left_out.truth_of_unknown_class, 2);
  EXPECT_EQ(result.outcomes.left_out.found_of_unknown_class, 1);
  EXPECT_EQ(MeanAveragePrecision(result), kUndefined);
}

TEST(CocoEvaluatorTest, FirstLineNeedsALimitOf100ButOurMeanDoesNot) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 10, .height = 10});
  AddFound(data, {.width = 10, .height = 10}, 0.5);
  const CocoResult all =
      Evaluate(data, {.max_detections = {1, 10, kAllDetections}});
  EXPECT_EQ(CocoStats(all).value()[0], -1);
  EXPECT_NEAR(CocoStats(all).value()[1], 1, 1e-15);
  EXPECT_NEAR(MeanAveragePrecision(all), 1, 1e-15);
  EXPECT_NEAR(CocoStats(Evaluate(data)).value()[0], 1, 1e-15);
}

TEST(CocoEvaluatorTest, StatsOfWhatIsNotThereAreMinusOne) {
  EvalCase data = MakeCase(1);
  AddTruth(data, {.width = 10, .height = 10});
  const auto stats = CocoStats(Evaluate(
      data, {.iou_thresholds = {0.5}, .area_ranges = {CocoAreaRanges()[0]}}));
  const std::array<double, 12> expected = {0, 0, -1, -1, -1, -1,
                                           0, 0, 0,  -1, -1, -1};
  EXPECT_EQ(stats.value(), expected);
}

TEST(CocoEvaluatorTest, StatsNeedThreeLimits) {
  const CocoResult result = Evaluate(MakeCase(1), {.max_detections = {100}});
  EXPECT_EQ(CocoStats(result).status().message(),
            "count of max_detections = 1: must be in [3, 3]");
}

TEST(CocoEvaluatorTest, NothingAtAllIsUndefined) {
  const CocoResult result = Evaluate({});
  EXPECT_TRUE(result.average_precisions.empty());
  std::array<double, 12> undefined;
  undefined.fill(-1);
  EXPECT_EQ(CocoStats(result).value(), undefined);
  EXPECT_EQ(MeanAveragePrecision(result), -1);
}

TEST(CocoEvaluatorTest, BorderTruthIsIgnoredAndBorderDetectionsAreGone) {
  EvalCase data = MakeCase(1);  // 100 x 80 px.
  const auto around = [](double x) {
    return EvalBox{.x = x - 10, .y = 30, .width = 20, .height = 20};
  };
  AddTruth(data, around(18));
  AddTruth(data, around(70));
  AddFound(data, around(21), 0.9);  // of the truth in the border.
  AddFound(data, around(71), 0.8);
  AddFound(data, around(85), 0.7);  // in the border, would be false.
  const auto outcomes = Evaluate(data, {.ignore_border_px = 20}).outcomes;
  EXPECT_EQ(outcomes.classes[0].truth_count, 1);
  EXPECT_EQ(outcomes.left_out.truth_in_border, 1);
  EXPECT_EQ(outcomes.left_out.found_in_border, 1);
  const WorkingPoint point = PointAtScore(outcomes.classes[0], 0, 0);
  EXPECT_EQ(point.true_positives, 1);
  EXPECT_EQ(point.false_positives, 0);
  const auto without = Evaluate(data).outcomes;
  EXPECT_EQ(PointAtScore(without.classes[0], 0, 0).true_positives, 2);
  EXPECT_EQ(PointAtScore(without.classes[0], 0, 0).false_positives, 1);
}

TEST(CocoEvaluatorTest, LargestAndSmallestNumbersAreHarmless) {
  constexpr double kHuge = kMaxEvalNumber;
  EvalCase data = MakeCase(1);
  for (const double size : {kHuge, 1e-200, 0.0}) {
    for (const double at : {-kHuge, 0.0, kHuge}) {
      const EvalBox box = {.x = at, .y = at, .width = size, .height = size};
      AddTruth(data, box);
      data.truth.boxes.back().area = 1;
      AddFound(data, box, at);
    }
  }
  // The three huge ones overlap; those of 1e-200 have no area, nor have others.
  const CocoResult result = Evaluate(data);
  EXPECT_NEAR(result.RecallAt({.max_index = 2}), 3.0 / 9, 1e-15);
}

std::string OptionsFault(const CocoOptions& options) {
  return EvaluateCoco({}, {}, options).status().message();
}

TEST(CocoEvaluatorTest, RefusesOptionsOutsideTheirRange) {
  EXPECT_EQ(OptionsFault({.max_detections = {}}),
            "count of max_detections = 0: must be in [1, 8]");
  EXPECT_EQ(OptionsFault({.max_detections = {0, 5}}),
            "max_detections[0] = 0: must be in [1, 2147483647]");
  EXPECT_EQ(OptionsFault({.max_detections = {5, 5}}),
            "max_detections[1] = 5: must be in [6, 2147483647]");
  EXPECT_EQ(OptionsFault({.iou_thresholds = {}}),
            "count of iou_thresholds = 0: must be in [1, 64]");
  EXPECT_EQ(OptionsFault({.iou_thresholds = {0}}),
            "iou_thresholds[0] = 0: must be in [1e-09, 1]");
  EXPECT_EQ(OptionsFault({.iou_thresholds = {0.5, kNan}}),
            "iou_thresholds[1] = nan: must be in [1e-09, 1]");
  EXPECT_EQ(OptionsFault({.iou_thresholds = {0.5, 0.5}}),
            "iou_thresholds[1] = 0.5: must be above the one before, 0.5");
  EXPECT_EQ(OptionsFault({.area_ranges = {}}),
            "count of area_ranges = 0: must be in [1, 32]");
  EXPECT_EQ(OptionsFault({.area_ranges = {{"odd", 5, 4}}}),
            "area_ranges odd high_px2 = 4: must be in [5, 1e+100]");
  EXPECT_EQ(OptionsFault({.ignore_border_px = -1}),
            "ignore_border_px = -1: must be in [0, 1e+100]");
}

// 64 thresholds fill the word.
TEST(CocoEvaluatorTest, TakesAsManyThresholdsAsThereAreBits) {
  CocoOptions options = {.max_detections = {kAllDetections}};
  options.iou_thresholds.clear();
  for (int i = 1; i <= kMaxLevels; ++i) {
    options.iou_thresholds.push_back(i / static_cast<double>(kMaxLevels));
  }
  ExpectEqualsDefinition(MakeRandomCase({}, 5), options);
}

}  // namespace
}  // namespace cyto8
