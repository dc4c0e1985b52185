// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/non_max_suppression.h against TensorFlow's
// operator (data/golden/tf_ops) and against a literal definition.
#include "detector/efficientdet/non_max_suppression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <string>

#include "tests/support/npz.h"

namespace cyto8 {
namespace {

constexpr float kNoThreshold = -std::numeric_limits<float>::infinity();

std::vector<KeptBox> Suppress(const std::vector<Box>& boxes,
                              const std::vector<float>& scores,
                              const NonMaxSuppressionOptions& options) {
  const auto kept = NonMaxSuppression(boxes, scores, options);
  EXPECT_TRUE(kept.ok()) << kept.status().ToString();
  return kept.ok() ? *kept : std::vector<KeptBox>();
}

std::vector<int64_t> IndicesOf(const std::vector<KeptBox>& kept) {
  std::vector<int64_t> indices;
  for (const KeptBox& one : kept) indices.push_back(one.index);
  return indices;
}

// All scores are decayed after every choice: slow and obvious.
std::vector<KeptBox> Literal(const std::vector<Box>& boxes,
                             std::vector<float> scores,
                             const NonMaxSuppressionOptions& options) {
  std::vector<KeptBox> kept;
  std::vector<bool> gone(boxes.size(), false);
  while (true) {
    int64_t best = -1;
    for (size_t i = 0; i < boxes.size(); ++i) {
      if (gone[i] || scores[i] <= options.score_threshold) continue;
      if (best < 0 || scores[i] > scores[static_cast<size_t>(best)]) {
        best = static_cast<int64_t>(i);
      }
    }
    if (best < 0 ||
        (options.max_output > 0 && std::ssize(kept) == options.max_output)) {
      return kept;
    }
    const auto chosen = static_cast<size_t>(best);
    kept.push_back({.index = best, .score = scores[chosen]});
    gone[chosen] = true;
    for (size_t i = 0; i < boxes.size(); ++i) {
      const auto iou = static_cast<float>(Iou(boxes[i], boxes[chosen]));
      if (options.sigma > 0) {
        scores[i] *= std::exp(-0.5f / options.sigma * iou * iou);
      } else if (iou > options.iou_threshold) {
        gone[i] = true;
      }
    }
  }
}

class GoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto arrays = ReadNpz(std::string(CYTO8_SOURCE_DIR) +
                                "/data/golden/tf_ops/tf_ops.npz");
    ASSERT_TRUE(arrays.ok()) << arrays.status().ToString();
    arrays_ = *arrays;
    const auto corners = arrays_.at("boxes").As<float>();
    for (size_t i = 0; i < corners.size(); i += 4) {
      boxes_.push_back({.x_min = corners[i + 1],
                        .y_min = corners[i],
                        .x_max = corners[i + 3],
                        .y_max = corners[i + 2]});
    }
    const auto scores = arrays_.at("scores").As<float>();
    scores_.assign(scores.begin(), scores.end());
  }

  void ExpectAsStored(const std::string& name,
                      const NonMaxSuppressionOptions& options) {
    const std::vector<KeptBox> kept = Suppress(boxes_, scores_, options);
    const auto index = arrays_.at(name + "_index").As<int32_t>();
    const auto score = arrays_.at(name + "_score").As<float>();
    ASSERT_EQ(kept.size(), index.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].index, index[i]) << name << " " << i;
      EXPECT_NEAR(kept[i].score, score[i], 1e-5) << name << " " << i;
    }
  }

  NpzFile arrays_;
  std::vector<Box> boxes_;
  std::vector<float> scores_;
};

TEST_F(GoldenTest, HardEqualsTensorFlow) {
  ExpectAsStored(
      "hard",
      {.iou_threshold = 0.5f, .score_threshold = 0.1f, .max_output = 100});
}

TEST_F(GoldenTest, HardWithoutThresholdEqualsTensorFlow) {
  ExpectAsStored("loose", {.iou_threshold = 0.7f, .max_output = 300});
}

TEST_F(GoldenTest, SoftEqualsTensorFlow) {
  ExpectAsStored("soft", {.iou_threshold = 1,
                          .score_threshold = 0.001f,
                          .sigma = 0.25f,
                          .max_output = 300});
}

TEST_F(GoldenTest, SoftWithHighThresholdEqualsTensorFlow) {
  ExpectAsStored("soft_cut", {.iou_threshold = 1,
                              .score_threshold = 0.3f,
                              .sigma = 0.25f,
                              .max_output = 20});
}

// Far outside of any tile, across all of it, and without extent.
TEST(NonMaxSuppressionTest, BoxesAnywhereMeetEachOther) {
  const unsigned seed = 2;
  std::mt19937 random(seed);
  const double edges[] = {-1e12, -3000, -20,  0,    10,   31.5, 32,
                          500,   1000,  1024, 1030, 5000, 1e12};
  std::uniform_int_distribution<size_t> pick(0, std::size(edges) - 1);
  std::vector<Box> boxes;
  std::vector<float> scores;
  for (int i = 0; i < 600; ++i) {
    const auto [x, x_end] =
        std::minmax(edges[pick(random)], edges[pick(random)]);
    const auto [y, y_end] =
        std::minmax(edges[pick(random)], edges[pick(random)]);
    boxes.push_back({x, y, x_end, y_end});
    scores.push_back(static_cast<float>(i % 97) / 97);
  }
  for (const float threshold : {0.0f, 0.3f, 0.9f}) {
    const NonMaxSuppressionOptions options = {.iou_threshold = threshold};
    EXPECT_EQ(Suppress(boxes, scores, options), Literal(boxes, scores, options))
        << "seed " << seed << " threshold " << threshold;
  }
}

TEST(NonMaxSuppressionTest, EqualsTheLiteralDefinition) {
  const unsigned seed = 1;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> position(0, 30), side(2, 20);
  std::uniform_int_distribution<int> level(0, 15);
  for (int count = 0; count < 60; ++count) {
    std::vector<Box> boxes;
    std::vector<float> scores;
    for (int i = 0; i < count; ++i) {
      const double x = position(random), y = position(random);
      boxes.push_back({x, y, x + side(random), y + side(random)});
      scores.push_back(static_cast<float>(level(random)) / 16);
    }
    for (const float sigma : {0.0f, 0.25f}) {
      const NonMaxSuppressionOptions options = {.iou_threshold = 0.4f,
                                                .score_threshold = 0.05f,
                                                .sigma = sigma,
                                                .max_output = count / 2};
      const auto expected = Literal(boxes, scores, options);
      const auto kept = Suppress(boxes, scores, options);
      ASSERT_EQ(IndicesOf(kept), IndicesOf(expected))
          << "seed " << seed << ", boxes " << count << ", sigma " << sigma;
      for (size_t i = 0; i < kept.size(); ++i) {
        EXPECT_NEAR(kept[i].score, expected[i].score, 1e-6);
      }
    }
  }
}

TEST(NonMaxSuppressionTest, TiesGoToTheLowerIndex) {
  const Box box = {0, 0, 10, 10};
  EXPECT_EQ(IndicesOf(Suppress({box, box, box}, {0.5f, 0.5f, 0.5f}, {})),
            std::vector<int64_t>{0});
}

TEST(NonMaxSuppressionTest, OverlapEqualToTheThresholdIsKept) {
  // Two boxes of 10 x 10 that share 10 x 5: IoU = 50 / 150.
  const std::vector<Box> boxes = {{0, 0, 10, 10}, {0, 5, 10, 15}};
  const auto third = static_cast<float>(50.0 / 150.0);
  EXPECT_EQ(Suppress(boxes, {0.9f, 0.8f}, {.iou_threshold = third}).size(), 2u);
  EXPECT_EQ(Suppress(boxes, {0.9f, 0.8f}, {.iou_threshold = 0.33f}).size(), 1u);
}

TEST(NonMaxSuppressionTest, ScoreEqualToTheThresholdIsDropped) {
  const Box box = {0, 0, 1, 1};
  EXPECT_TRUE(Suppress({box}, {0.5f}, {.score_threshold = 0.5f}).empty());
  EXPECT_EQ(Suppress({box}, {0.5f}, {.score_threshold = 0.49f}).size(), 1u);
}

TEST(NonMaxSuppressionTest, BoxesWithoutExtentNeverOverlap) {
  const Box point = {5, 5, 5, 5};
  EXPECT_EQ(Suppress({point, point}, {0.9f, 0.8f}, {}).size(), 2u);
}

TEST(NonMaxSuppressionTest, SoftDecaysByTheSquareOfTheOverlap) {
  const Box box = {0, 0, 10, 10};
  const auto kept = Suppress(
      {box, box, {50, 50, 60, 60}}, {0.9f, 0.8f, 0.5f},
      {.iou_threshold = 1, .score_threshold = kNoThreshold, .sigma = 0.25f});
  EXPECT_EQ(IndicesOf(kept), (std::vector<int64_t>{0, 2, 1}));
  EXPECT_FLOAT_EQ(kept[2].score, 0.8f * std::exp(-2.0f));
}

TEST(NonMaxSuppressionTest, NothingGivesNothing) {
  EXPECT_TRUE(Suppress({}, {}, {}).empty());
}

TEST(NonMaxSuppressionTest, RefusesArgumentsOutOfRange) {
  const std::vector<Box> one = {{0, 0, 1, 1}};
  const std::vector<float> score = {0.5f};
  const auto error = [&](const NonMaxSuppressionOptions& options) {
    return NonMaxSuppression(one, score, options).status().message();
  };
  EXPECT_EQ(error({.iou_threshold = 1.5f}),
            "iou_threshold = 1.5: must be in [0, 1]");
  EXPECT_EQ(error({.score_threshold = NAN}),
            "score_threshold = nan: must be a number");
  EXPECT_EQ(error({.sigma = -1}), "sigma = -1: must be in [0, 1e+06]");
  EXPECT_EQ(error({.max_output = -1}),
            "max_output = -1: must be in [0, 9223372036854775807]");
  EXPECT_EQ(NonMaxSuppression(one, {}, {}).status().message(),
            "number of scores = 0: must be in [1, 1]");
  EXPECT_EQ(
      NonMaxSuppression(one, std::vector<float>{NAN}, {}).status().message(),
      "score 0 = nan: must be a number");
}

}  // namespace
}  // namespace cyto8
