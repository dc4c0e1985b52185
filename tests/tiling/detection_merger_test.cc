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

constexpr MergeMethod kMethods[] = {MergeMethod::kNms, MergeMethod::kVoting,
                                    MergeMethod::kWbf, MergeMethod::kNmm,
                                    MergeMethod::kGreedyNmm};
constexpr MergeMetric kMetrics[] = {MergeMetric::kIou, MergeMetric::kIos};

double Overlap(MergeMetric metric, const Box& a, const Box& b) {
  const double smaller = std::min(Area(a), Area(b));
  if (metric == MergeMetric::kIou) return Iou(a, b);
  return smaller > 0 ? IntersectionArea(a, b) / smaller : 0;
}

Box UnionOf(const Detections& group) {
  Box all = group[0].box;
  for (const Detection& member : group) {
    all.x_min = std::min(all.x_min, member.box.x_min);
    all.y_min = std::min(all.y_min, member.box.y_min);
    all.x_max = std::max(all.x_max, member.box.x_max);
    all.y_max = std::max(all.y_max, member.box.y_max);
  }
  return all;
}

Box MeanOf(const Detections& group) {
  const Box all = UnionOf(group);
  const auto mean = [&](double Box::*side, double low, double high) {
    double sum = 0;
    double weight = 0;
    const double origin = group[0].box.*side;
    for (const Detection& member : group) {
      sum += member.score * (member.box.*side - origin);
      weight += member.score;
    }
    return std::clamp(weight == 0 ? origin : origin + sum / weight, low, high);
  };
  Box box;
  box.x_min = mean(&Box::x_min, all.x_min, all.x_max);
  box.y_min = mean(&Box::y_min, all.y_min, all.y_max);
  box.x_max = mean(&Box::x_max, box.x_min, all.x_max);
  box.y_max = mean(&Box::y_max, box.y_min, all.y_max);
  return box;
}

// Groups and what the header says of them, word by word.
class BruteForce {
 public:
  explicit BruteForce(const MergeOptions& options) : options_(options) {}

  void Add(const Detection& detection) {
    const int64_t group = GroupFor(detection);
    if (group < 0) {
      groups_.push_back({detection});
    } else {
      groups_[group].push_back(detection);
    }
  }

  const std::vector<Detections>& groups() const { return groups_; }

  Box BoxOf(const Detections& group) const {
    switch (options_.method) {
      case MergeMethod::kNms:
        return group[0].box;
      case MergeMethod::kVoting:
      case MergeMethod::kWbf:
        return MeanOf(group);
      case MergeMethod::kNmm:
      case MergeMethod::kGreedyNmm:
        break;
    }
    return UnionOf(group);
  }

 private:
  double OverlapOf(const Detection& a, const Detection& b) const {
    if (!options_.class_agnostic && a.class_id != b.class_id) return -1;
    return Overlap(options_.metric, a.box, b.box);
  }

  int64_t GroupFor(const Detection& detection) const {
    if (options_.method == MergeMethod::kNmm) return GroupOfFirst(detection);
    int64_t best = -1;
    double highest = options_.iou_threshold;
    for (size_t i = 0; i < groups_.size(); ++i) {
      Detection seen = groups_[i][0];
      const bool wbf = options_.method == MergeMethod::kWbf;
      if (wbf) seen.box = MeanOf(groups_[i]);
      const double overlap = OverlapOf(seen, detection);
      if (overlap <= highest || (!wbf && best >= 0)) continue;
      highest = overlap;
      best = static_cast<int64_t>(i);
    }
    return best;
  }

  int64_t GroupOfFirst(const Detection& detection) const {
    int64_t found = -1;
    const Detection* first = nullptr;
    for (size_t i = 0; i < groups_.size(); ++i) {
      for (const Detection& member : groups_[i]) {
        if (OverlapOf(member, detection) <= options_.iou_threshold) continue;
        if (first != nullptr && !DetectionBefore(member, *first)) continue;
        first = &member;
        found = static_cast<int64_t>(i);
      }
    }
    return found;
  }

  MergeOptions options_;
  std::vector<Detections> groups_;
};

BruteForce GroupByBruteForce(Detections detections,
                             const MergeOptions& options) {
  std::ranges::sort(detections, DetectionBefore);
  BruteForce brute_force(options);
  for (const Detection& detection : detections) brute_force.Add(detection);
  return brute_force;
}

Detections MergeByBruteForce(const Detections& detections,
                             const MergeOptions& options) {
  const BruteForce brute_force = GroupByBruteForce(detections, options);
  Detections merged;
  for (const Detections& group : brute_force.groups()) {
    merged.push_back(group[0]);
    merged.back().box = brute_force.BoxOf(group);
  }
  std::ranges::sort(merged, DetectionBefore);
  return merged;
}

std::string Describe(const MergeOptions& options) {
  return "method " + std::to_string(static_cast<int>(options.method)) +
         ", metric " + std::to_string(static_cast<int>(options.metric)) +
         ", threshold " + std::to_string(options.iou_threshold) +
         (options.class_agnostic ? ", class-agnostic" : "");
}

// Every method, both metrics, both scopes.
template <typename Check>
void ForAllOptions(std::vector<double> thresholds, const Check& check) {
  for (const MergeMethod method : kMethods) {
    for (const MergeMetric metric : kMetrics) {
      for (const bool class_agnostic : {false, true}) {
        for (const double threshold : thresholds) {
          const MergeOptions options = {.method = method,
                                        .metric = metric,
                                        .iou_threshold = threshold,
                                        .class_agnostic = class_agnostic};
          SCOPED_TRACE(Describe(options));
          check(options);
        }
      }
    }
  }
}

void ExpectEqualsBruteForce(const Detections& detections) {
  ForAllOptions({0.0, 0.3, 0.7}, [&](const MergeOptions& options) {
    ASSERT_EQ(Merge(detections, options),
              MergeByBruteForce(detections, options));
  });
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
      {.count = 150, .field_px = 300, .least_px = 10, .most_px = 60},
      {.count = 150, .field_px = 40, .least_px = 10, .most_px = 60},
      {.count = 150, .field_px = 1000, .least_px = 0.01, .most_px = 1000},
      {.count = 150, .field_px = 3, .least_px = 1e-6, .most_px = 3},
      {.count = 150, .field_px = 20, .least_px = 1, .most_px = 9, .step_px = 1},
      {.count = 150,
       .field_px = 32,
       .least_px = 8,
       .most_px = 64,
       .step_px = 8},
      {.count = 150, .field_px = 1e6, .least_px = 1, .most_px = 1e9},
  };
  for (const RandomBoxes& layout : layouts) {
    for (unsigned seed = 1; seed <= 2; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      ExpectEqualsBruteForce(MakeRandom(layout, seed));
    }
  }
}

// What tiles of 768 px with 192 px of overlap see of a box: the part inside
// each tile row.
Detections SeenByTileRows(const Detection& whole) {
  Detections seen;
  for (int row = 0; row < 60; ++row) {
    Detection part = whole;
    part.box.y_min = std::max(whole.box.y_min, row * 576.0);
    part.box.y_max = std::min(whole.box.y_max, row * 576.0 + 768);
    if (part.box.height() > 0) seen.push_back(part);
  }
  return seen;
}

void Append(const Detections& more, Detections& all) {
  all.insert(all.end(), more.begin(), more.end());
}

// Over 50 tile rows every box is higher in score than the one it overlaps, so a
// merge by neighbours, or by finished rows, would go astray.
TEST(DetectionMergerTest, ChainsOfRisingScoresEqualBruteForce) {
  for (const double step : {90.0, 150.0}) {
    Detections chain;
    for (int i = 0; i * step < 50 * 576; ++i) {
      const double y = i * step;
      Append(SeenByTileRows(
                 Make({0, y, 300, y + 300}, static_cast<float>(i) / 500.0F)),
             chain);
    }
    ExpectEqualsBruteForce(chain);
  }
}

TEST(DetectionMergerTest, AChainOfRisingScoresIsOneBoxOfNmm) {
  Detections chain;
  for (int i = 0; i < 300; ++i) {
    chain.push_back(Make({0, i * 100.0, 300, i * 100.0 + 300},
                         static_cast<float>(i) / 500.0F));
  }
  EXPECT_EQ(Merge(chain, {.method = MergeMethod::kNmm, .iou_threshold = 0.4}),
            Detections({Make({0, 0, 300, 30200}, 299.0F / 500.0F)}));
}

TEST(DetectionMergerTest, ABoxSevenTilesHighEqualsBruteForce) {
  for (const float score : {0.9F, 0.1F}) {
    Detections boxes = MakeRandom(
        {.count = 200, .field_px = 6000, .least_px = 30, .most_px = 90}, 17);
    const Detection giant = Make({-100, -300, 500, 7 * 768 - 300}, score);
    boxes.push_back(giant);
    Append(SeenByTileRows(giant), boxes);
    ExpectEqualsBruteForce(boxes);
  }
}

TEST(DetectionMergerTest, IdenticalAndNestedBoxesEqualBruteForce) {
  Detections boxes;
  for (int i = 0; i < 60; ++i) {
    const double inset = (i % 20) * 2.0;
    boxes.push_back(Make({inset, inset, 100 - inset, 90 - inset},
                         static_cast<float>(i % 4) / 4.0F, 1 + i % 3));
  }
  Append(boxes, boxes);
  ExpectEqualsBruteForce(boxes);
}

TEST(DetectionMergerTest, GiantBoxesAmongSmallOnesEqualBruteForce) {
  Detections boxes = MakeRandom(
      {.count = 150, .field_px = 2000, .least_px = 20, .most_px = 40}, 7);
  boxes.push_back(Make({-1000, -1000, 1000, 1000}, 0.99F));
  boxes.push_back(Make({-1000, -900, 1000, 1000}, 0.98F));
  boxes.push_back(Make({-1000, 0, 1000, 1}, 0.97F));
  boxes.push_back(Make({0, -1000, 1, 1000}, 0.96F));
  boxes.push_back(Make({-1e9, -1e9, 1e9, 1e9}, 0.95F));
  ExpectEqualsBruteForce(boxes);
}

// Pairs that match by a hair and whose edges are as far apart as can be: with
// IoU a box and its end, with IoS a box and one that begins in its end.
TEST(DetectionMergerTest, MatchesAtTheEndOfTheSearchEqualBruteForce) {
  std::mt19937 random(29);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
  };
  for (const double threshold : {0.3, 0.5, 0.7}) {
    Detections boxes;
    for (int i = 0; i < 300; ++i) {
      // Just left of a cell's edge, and just below a power of two, is where a
      // box reaches farthest from its cell.
      const double x =
          i * 1024 + (i % 5 == 0 ? -uniform(0, 0.3) : uniform(0, 100));
      const double side = i % 4 < 2 ? uniform(127.9, 128) : uniform(1, 130);
      const double part = side * threshold * (1 + uniform(-1e-4, 1e-3));
      const double start = x + side - part;
      const double end = i % 2 == 0 ? x + side : start + uniform(part, 130);
      boxes.push_back(Make({x, x, x + side, x + side},
                           static_cast<float>(random() % 3) / 2));
      boxes.push_back(i % 3 == 0 ? Make({start, x, end, x + side})
                                 : Make({x, start, x + side, end}));
    }
    for (const MergeMetric metric : kMetrics) {
      const MergeOptions options = {.metric = metric,
                                    .iou_threshold = threshold};
      const Detections merged = Merge(boxes, options);
      EXPECT_EQ(merged, MergeByBruteForce(boxes, options));
      EXPECT_LT(merged.size(), 550u);
    }
  }
}

// Many groups in one cell, each of which moves.
TEST(DetectionMergerTest, GroupsThatMoveThroughCellsEqualBruteForce) {
  for (unsigned seed = 1; seed <= 2; ++seed) {
    const Detections boxes = MakeRandom(
        {.count = 700, .field_px = 20, .least_px = 3, .most_px = 9}, seed);
    for (const double threshold : {0.6, 0.8}) {
      const MergeOptions options = {.method = MergeMethod::kWbf,
                                    .iou_threshold = threshold};
      ASSERT_EQ(Merge(boxes, options), MergeByBruteForce(boxes, options))
          << "seed " << seed;
    }
  }
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
  std::mt19937 random(11);
  ForAllOptions({0.3, 0.5}, [&](const MergeOptions& options) {
    const Detections first = Merge(detections, options);
    for (int trial = 0; trial < 10; ++trial) {
      std::ranges::shuffle(detections, random);
      const Detections merged = Merge(detections, options);
      ASSERT_EQ(merged, first);
      for (size_t i = 0; i < merged.size(); ++i) {
        ASSERT_EQ(std::memcmp(&merged[i].box, &first[i].box, sizeof(Box)), 0);
        ASSERT_EQ(std::memcmp(&merged[i].score, &first[i].score, sizeof(float)),
                  0);
      }
    }
  });
}

bool Contains(const Box& outer, const Box& inner) {
  return UnionOf({Make(outer), Make(inner)}) == outer;
}

// SAHI's second test drops boxes that no output box covers.
TEST(DetectionMergerTest, UnionsLoseNoBox) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const Detections boxes = MakeRandom(
        {.count = 200, .field_px = 200, .least_px = 8, .most_px = 90}, seed);
    ForAllOptions({0.0, 0.3, 0.5, 0.9}, [&](const MergeOptions& options) {
      if (options.method != MergeMethod::kNmm &&
          options.method != MergeMethod::kGreedyNmm) {
        return;
      }
      const Detections merged = Merge(boxes, options);
      for (const Detection& box : boxes) {
        ASSERT_TRUE(std::ranges::any_of(
            merged,
            [&](const Detection& m) {
              return Contains(m.box, box.box) && m.score >= box.score &&
                     (options.class_agnostic || m.class_id == box.class_id);
            }))
            << "seed " << seed;
      }
    });
  }
}

// The chain of 12 of which SAHI's NMM keeps a box over the first two.
TEST(DetectionMergerTest, NmmCoversTheWholeFallingChain) {
  Detections chain;
  for (int i = 0; i < 12; ++i) {
    chain.push_back(Make({i * 30.0, 0, i * 30.0 + 100, 100},
                         1.0F - static_cast<float>(i) / 16.0F));
  }
  EXPECT_EQ(Merge(chain, {.method = MergeMethod::kNmm}),
            Detections({Make({0, 0, 430, 100}, 1.0F)}));
}

// Every group ends within the union of its boxes, also where rounding is hard.
TEST(DetectionMergerTest, MeansStayInsideTheirGroup) {
  const Detections boxes = MakeRandom(
      {.count = 200, .field_px = 1e-3, .least_px = 1e-7, .most_px = 1e-4}, 23);
  Detections far;
  for (Detection box : boxes) {
    box.box.x_min += 1e9 - 1e-3;
    box.box.x_max += 1e9 - 1e-3;
    far.push_back(box);
  }
  for (const Detections& all : {boxes, far}) {
    ForAllOptions({0.0, 0.5}, [&](const MergeOptions& options) {
      const Detections merged = Merge(all, options);
      EXPECT_TRUE(MergeDetections(merged, options).ok());
      for (const Detection& m : merged) {
        ASSERT_TRUE(Contains(UnionOf(all), m.box));
      }
    });
  }
}

// a and b share 8 x 10 of 12 x 10; c lies inside a.
class MethodTest : public ::testing::Test {
 protected:
  Detections MergeBy(MergeMethod method, MergeMetric metric) const {
    return Merge({c_, b_, a_}, {.method = method, .metric = metric});
  }

  Detection a_ = Make({0, 0, 10, 10}, 0.75F);
  Detection b_ = Make({2, 0, 12, 10}, 0.25F);
  Detection c_ = Make({4, 4, 6, 6}, 0.5F);
};

TEST_F(MethodTest, NmsKeepsTheBest) {
  EXPECT_EQ(MergeBy(MergeMethod::kNms, MergeMetric::kIou),
            Detections({a_, c_}));
  EXPECT_EQ(MergeBy(MergeMethod::kNms, MergeMetric::kIos), Detections({a_}));
}

TEST_F(MethodTest, VotingTakesTheWeightedMean) {
  EXPECT_EQ(MergeBy(MergeMethod::kVoting, MergeMetric::kIou),
            Detections({Make({0.5, 0, 10.5, 10}, 0.75F), c_}));
  // (0.75 * 0 + 0.25 * 2 + 0.5 * 4) / 1.5, and so on.
  const Detections all = MergeBy(MergeMethod::kVoting, MergeMetric::kIos);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NEAR(all[0].box.x_min, 2.5 / 1.5, 1e-12);
  EXPECT_NEAR(all[0].box.y_min, 2 / 1.5, 1e-12);
  EXPECT_NEAR(all[0].box.x_max, 13.5 / 1.5, 1e-12);
  EXPECT_NEAR(all[0].box.y_max, 13 / 1.5, 1e-12);
}

TEST_F(MethodTest, UnionsCoverAll) {
  for (const MergeMethod method :
       {MergeMethod::kNmm, MergeMethod::kGreedyNmm}) {
    EXPECT_EQ(MergeBy(method, MergeMetric::kIou),
              Detections({Make({0, 0, 12, 10}, 0.75F), c_}));
    EXPECT_EQ(MergeBy(method, MergeMetric::kIos),
              Detections({Make({0, 0, 12, 10}, 0.75F)}));
  }
}

// The fused box of the first two reaches the third, the best of them does not;
// the score of the group is the highest.
TEST_F(MethodTest, WbfMovesWhileItGrows) {
  const Detection first = Make({0, 0, 10, 10}, 0.5F);
  const Detection second = Make({3, 0, 13, 10}, 0.5F);
  const Detection third = Make({4, 0, 14, 10}, 0.25F);
  EXPECT_EQ(Merge({third, second, first},
                  {.method = MergeMethod::kVoting, .iou_threshold = 0.5}),
            Detections({Make({1.5, 0, 11.5, 10}, 0.5F), third}));
  EXPECT_EQ(Merge({third, second, first},
                  {.method = MergeMethod::kWbf, .iou_threshold = 0.5}),
            Detections({Make({2, 0, 12, 10}, 0.5F)}));
}

TEST_F(MethodTest, WbfOfScoresOfZeroKeepsTheFirst) {
  EXPECT_EQ(Merge({Make({1, 0, 11, 10}, 0), Make({0, 0, 10, 10}, 0)},
                  {.method = MergeMethod::kWbf}),
            Detections({Make({0, 0, 10, 10}, 0)}));
}

// a links b and b links c; a and c do not match.
TEST_F(MethodTest, OnlyNmmFollowsChains) {
  const Detections chain = {Make({0, 0, 10, 10}, 0.9F),
                            Make({3, 0, 13, 10}, 0.8F),
                            Make({6, 0, 16, 10}, 0.7F)};
  EXPECT_EQ(Merge(chain, {.method = MergeMethod::kNmm}),
            Detections({Make({0, 0, 16, 10}, 0.9F)}));
  EXPECT_EQ(Merge(chain, {.method = MergeMethod::kGreedyNmm}),
            Detections({Make({0, 0, 13, 10}, 0.9F), chain[2]}));
}

TEST_F(MethodTest, AGroupHasTheClassOfItsBest) {
  for (const MergeMethod method : kMethods) {
    const Detections merged =
        Merge({Make({0, 0, 10, 10}, 0.5F, 1), Make({0, 0, 10, 10}, 0.75F, 2)},
              {.method = method, .class_agnostic = true});
    EXPECT_EQ(merged, Detections({Make({0, 0, 10, 10}, 0.75F, 2)}));
  }
}

TEST(DetectionMergerTest, MinimumScoresApplyToTheirClassAndAreStrict) {
  const Detection low = Make({0, 0, 9, 9}, 0.3F, 1);
  const Detection high = Make({20, 0, 29, 9}, 0.4F, 1);
  const Detection other = Make({40, 0, 49, 9}, 0.3F, 2);
  EXPECT_EQ(Merge({low, high, other}, {.min_scores = {{1, 0.3}, {7, 1.0}}}),
            Detections({high, other}));
}

// Or it would suppress, or move, what is kept.
TEST(DetectionMergerTest, WhatIsBelowItsMinimumTakesNoPart) {
  const Detection gone = Make({0, 0, 10, 10}, 0.8F, 1);
  const Detection kept = Make({1, 0, 11, 10}, 0.5F, 2);
  for (const MergeMethod method : kMethods) {
    EXPECT_EQ(Merge({gone, kept}, {.method = method,
                                   .class_agnostic = true,
                                   .min_scores = {{1, 0.9}}}),
              Detections({kept}));
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
      {.count = 33'336, .field_px = 40'000, .least_px = 20, .most_px = 80}, 1);
  const Detections crowded = MakeRandom(
      {.count = 33'337, .field_px = 300, .least_px = 20, .most_px = 80}, 2);
  for (const MergeMethod method : kMethods) {
    EXPECT_GT(Merge(scattered, {.method = method}).size(), 30'000u);
    EXPECT_LT(Merge(crowded, {.method = method}).size(), 10'000u);
    EXPECT_LT(
        Merge(crowded, {.method = method, .metric = MergeMetric::kIos}).size(),
        10'000u);
  }
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

TEST(DetectionMergerTest, RefusesMinimumScoresOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}), {.min_scores = {{3, 1.5}}}),
            "min_scores[3] = 1.5: must be in [0, 1]");
  EXPECT_EQ(RefusalOf(Make({0, 0, 1, 1}), {.min_scores = {{3, kNan}}}),
            "min_scores[3] = nan: must be in [0, 1]");
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
