// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/detection_merger.h against the quadratic algorithm, on random
// and on adversarial boxes, in every order.
#include "tiling/detection_merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace cyto8 {
namespace {

using Detections = std::vector<Detection>;

Detection Make(Box box, float score = 0.5F, int class_id = 1) {
  return {.box = box, .score = score, .class_id = class_id};
}

Detections Merge(const Detections& detections,
                 const MergeOptions& options = {}) {
  return MergeDetections(detections, options).value();
}

// What the header says, word by word.
Detections MergeByBruteForce(Detections detections,
                             const MergeOptions& options) {
  std::ranges::sort(detections, DetectionBefore);
  Detections kept;
  for (const Detection& detection : detections) {
    const bool suppressed = std::ranges::any_of(kept, [&](const Detection& k) {
      return (options.class_agnostic || k.class_id == detection.class_id) &&
             Iou(k.box, detection.box) > options.iou_threshold;
    });
    if (!suppressed) kept.push_back(detection);
  }
  return kept;
}

void ExpectEqualsBruteForce(const Detections& detections) {
  for (const bool class_agnostic : {false, true}) {
    for (const double threshold : {0.0, 1e-9, 0.1, 0.3, 0.5, 0.7, 0.99, 1.0}) {
      const MergeOptions options = {.iou_threshold = threshold,
                                    .class_agnostic = class_agnostic};
      ASSERT_EQ(Merge(detections, options),
                MergeByBruteForce(detections, options))
          << threshold;
    }
  }
}

struct RandomBoxes {
  int count = 0;
  double field_px = 0;  // corners lie in [-field / 2, field / 2).
  double least_px = 0;  // sides are spread evenly in their logarithm.
  double most_px = 0;
  double step_px = 0;  // corners and sides are multiples, for ties; 0: any.
};

Detections MakeRandom(const RandomBoxes& how, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
  };
  const auto snap = [&](double value) {
    return how.step_px > 0 ? std::round(value / how.step_px) * how.step_px
                           : value;
  };
  const auto side = [&] {
    return snap(
        std::exp(uniform(std::log(how.least_px), std::log(how.most_px))));
  };
  Detections detections;
  for (int i = 0; i < how.count; ++i) {
    const double x = snap(uniform(-how.field_px / 2, how.field_px / 2));
    const double y = snap(uniform(-how.field_px / 2, how.field_px / 2));
    const auto score = static_cast<float>(random() % 32) / 32.0F;
    detections.push_back(Make({x, y, x + side(), y + side()}, score,
                              1 + static_cast<int>(random() % 3)));
  }
  return detections;
}

TEST(DetectionMergerTest, NothingGivesNothing) {
  EXPECT_EQ(Merge({}), Detections());
}

TEST(DetectionMergerTest, KeepsTheHigherOfTwoThatOverlap) {
  const Detection low = Make({0, 0, 10, 10}, 0.4F);
  const Detection high = Make({1, 0, 11, 10}, 0.6F);
  EXPECT_EQ(Merge({low, high}), Detections({high}));
}

TEST(DetectionMergerTest, KeepsBothOfDifferentClassesUnlessAgnostic) {
  const Detection one = Make({0, 0, 10, 10}, 0.6F, 1);
  const Detection two = Make({0, 0, 10, 10}, 0.5F, 2);
  EXPECT_EQ(Merge({two, one}), Detections({one, two}));
  EXPECT_EQ(Merge({two, one}, {.class_agnostic = true}), Detections({one}));
}

// Intersection 1, union 2: an IoU of exactly one half.
TEST(DetectionMergerTest, AnIouEqualToTheThresholdDoesNotSuppress) {
  const Detection a = Make({0, 0, 1, 2}, 0.6F);
  const Detection b = Make({0, 0, 1, 1}, 0.5F);
  EXPECT_EQ(Merge({a, b}, {.iou_threshold = 0.5}), Detections({a, b}));
  EXPECT_EQ(Merge({a, b}, {.iou_threshold = 0.499}), Detections({a}));
}

TEST(DetectionMergerTest, ASuppressedBoxSuppressesNothing) {
  const Detection a = Make({0, 0, 10, 10}, 0.9F);
  const Detection b = Make({3, 0, 13, 10}, 0.8F);  // overlaps a and c.
  const Detection c = Make({6, 0, 16, 10}, 0.7F);  // does not overlap a enough.
  EXPECT_EQ(Merge({a, b, c}), Detections({a, c}));
}

TEST(DetectionMergerTest, EqualScoresAreDecidedByTheTotalOrder) {
  const Detection left = Make({0, 0, 10, 10});
  const Detection right = Make({1, 0, 11, 10});
  EXPECT_EQ(Merge({right, left}), Detections({left}));
}

TEST(DetectionMergerTest, OfIdenticalDetectionsOneIsKept) {
  const Detections same(1000, Make({5, 5, 9, 9}));
  EXPECT_EQ(Merge(same), Detections({same[0]}));
}

TEST(DetectionMergerTest, BoxesWithoutExtentOverlapNothing) {
  const Detections points(3, Make({5, 5, 5, 5}));
  const Detection line = Make({0, 5, 10, 5});
  Detections all = points;
  all.push_back(line);
  EXPECT_EQ(Merge(all, {.iou_threshold = 0}).size(), 4u);
}

TEST(DetectionMergerTest, RandomBoxesEqualBruteForce) {
  const std::vector<RandomBoxes> layouts = {
      {.count = 200, .field_px = 300, .least_px = 10, .most_px = 60},
      {.count = 200, .field_px = 40, .least_px = 10, .most_px = 60},
      {.count = 200, .field_px = 1000, .least_px = 0.01, .most_px = 1000},
      {.count = 200, .field_px = 3, .least_px = 1e-6, .most_px = 3},
      {.count = 200, .field_px = 20, .least_px = 1, .most_px = 9, .step_px = 1},
      {.count = 300,
       .field_px = 32,
       .least_px = 8,
       .most_px = 64,
       .step_px = 8},
      {.count = 200, .field_px = 1e6, .least_px = 1, .most_px = 1e9},
  };
  for (const RandomBoxes& layout : layouts) {
    for (unsigned seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      ExpectEqualsBruteForce(MakeRandom(layout, seed));
    }
  }
}

// Issue of tiled detectors: over 50 tile rows every box is higher in score than
// the one it overlaps, so a merge by neighbours would go astray.
TEST(DetectionMergerTest, ChainsOfRisingScoresEqualBruteForce) {
  for (const double step : {2.0, 3.0, 5.0}) {
    Detections chain;
    for (int i = 0; i < 500; ++i) {
      const double y = i * step;
      chain.push_back(Make({0, y, 10, y + 10}, static_cast<float>(i) / 500.0F));
    }
    ExpectEqualsBruteForce(chain);
  }
}

TEST(DetectionMergerTest, GiantBoxesAmongSmallOnesEqualBruteForce) {
  Detections boxes = MakeRandom(
      {.count = 500, .field_px = 5000, .least_px = 20, .most_px = 40}, 7);
  boxes.push_back(Make({-2500, -2500, 2500, 2500}, 0.99F));
  boxes.push_back(Make({-2500, -2400, 2500, 2500}, 0.98F));
  boxes.push_back(Make({-2500, 0, 2500, 1}, 0.97F));
  boxes.push_back(Make({0, -2500, 1, 2500}, 0.96F));
  boxes.push_back(Make({-1e9, -1e9, 1e9, 1e9}, 0.95F));
  ExpectEqualsBruteForce(boxes);
}

// Sides at, just below and just above the powers of two that part size classes.
TEST(DetectionMergerTest, SizeClassBordersEqualBruteForce) {
  Detections boxes;
  for (const double power : {1.0, 2.0, 4.0, 64.0}) {
    for (const double factor : {1 - 1e-12, 1.0, 1 + 1e-12, 1.5}) {
      for (const double shift : {-power, -power / 3, 0.0, power / 3, power}) {
        const double side = power * factor;
        boxes.push_back(Make({shift, 0, shift + side, side},
                             static_cast<float>(factor / 2)));
      }
    }
  }
  ExpectEqualsBruteForce(boxes);
}

TEST(DetectionMergerTest, TheOrderOfTheInputChangesNoByte) {
  Detections detections = MakeRandom({.count = 300,
                                      .field_px = 60,
                                      .least_px = 4,
                                      .most_px = 16,
                                      .step_px = 2},
                                     3);
  detections.push_back(Make({0.0, 1, 1, 1}, 0.0F));
  detections.push_back(Make({-0.0, 1, 1, 1}, -0.0F));
  const Detections first = Merge(detections);
  std::mt19937 random(11);
  for (int trial = 0; trial < 50; ++trial) {
    std::ranges::shuffle(detections, random);
    const Detections merged = Merge(detections);
    ASSERT_EQ(merged, first);
    for (size_t i = 0; i < merged.size(); ++i) {
      ASSERT_EQ(std::memcmp(&merged[i].box, &first[i].box, sizeof(Box)), 0);
      ASSERT_EQ(std::memcmp(&merged[i].score, &first[i].score, sizeof(float)),
                0);
    }
  }
}

TEST(DetectionMergerTest, MergingTwiceChangesNothing) {
  const Detections once = Merge(MakeRandom(
      {.count = 500, .field_px = 200, .least_px = 5, .most_px = 50}, 5));
  EXPECT_EQ(Merge(once), once);
}

// Quadratic work on the scattered boxes would take minutes. The crowded ones
// are as many as in SAHI's report of its slowness.
TEST(DetectionMergerTest, ManyBoxesTakeNotLong) {
  const Detections scattered = MakeRandom(
      {.count = 100'000, .field_px = 70'000, .least_px = 20, .most_px = 80}, 1);
  const Detections crowded = MakeRandom(
      {.count = 33'337, .field_px = 300, .least_px = 20, .most_px = 80}, 2);
  EXPECT_GT(Merge(scattered).size(), 95'000u);
  EXPECT_LT(Merge(crowded).size(), 10'000u);
}

std::string RefusalOf(const Detection& detection,
                      const MergeOptions& options = {}) {
  const Status status = MergeDetections({detection}, options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

TEST(DetectionMergerTest, RefusesScoresThatAreNoProbability) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}, kNan)),
            "detection to be merged: score = nan: must be in [0, 1]");
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}, 1.5F)),
            "detection to be merged: score = 1.5: must be in [0, 1]");
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}, -0.5F)),
            "detection to be merged: score = -0.5: must be in [0, 1]");
}

TEST(DetectionMergerTest, RefusesBoxesThatAreNotFinite) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {kNan, kInfinity, -kInfinity, 2e9, -2e9}) {
    for (int i = 0; i < 4; ++i) {
      Box box = {0, 0, 1, 1};
      double* const sides[] = {&box.x_min, &box.y_min, &box.x_max, &box.y_max};
      *sides[i] = bad;
      EXPECT_FALSE(MergeDetections({Make(box)}).ok()) << bad << " " << i;
    }
  }
  EXPECT_EQ(RefusalOf(Make({kNan, 0, 1, 1})),
            "detection to be merged: x_min = nan: must be in [-1e+09, 1e+09]");
}

TEST(DetectionMergerTest, RefusesBoxesThatEndBeforeTheyStart) {
  EXPECT_EQ(RefusalOf(Make({5, 0, 4, 1})),
            "detection to be merged: x_max = 4: must be in [5, 1e+09]");
  EXPECT_EQ(RefusalOf(Make({0, 5, 1, 4})),
            "detection to be merged: y_max = 4: must be in [5, 1e+09]");
}

TEST(DetectionMergerTest, RefusesThresholdsOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}), {.iou_threshold = 1.5}),
            "iou_threshold = 1.5: must be in [0, 1]");
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}), {.iou_threshold = kNan}),
            "iou_threshold = nan: must be in [0, 1]");
}

}  // namespace
}  // namespace cyto8
