// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/postprocess.h: raw outputs stored by
// TensorFlow give the detections that it stored beside them.
#include "detector/efficientdet/postprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/support/npz.h"

namespace cyto8 {
namespace {

constexpr float kNoThreshold = -std::numeric_limits<float>::infinity();
constexpr size_t kRow = 7;

NpzFile Golden(const std::string& path) {
  auto arrays = ReadNpz(path);
  EXPECT_TRUE(arrays.ok()) << arrays.status().ToString();
  return arrays.ok() ? *arrays : NpzFile();
}

// The maps of levels 3 to 7.
RawMaps MapsOf(const NpzFile& arrays) {
  RawMaps maps;
  for (int level = 3; level <= 7; ++level) {
    const std::string number = std::to_string(level);
    maps.class_logits.push_back(arrays.at("class_" + number).As<float>());
    maps.box_codes.push_back(arrays.at("box_" + number).As<float>());
  }
  return maps;
}

std::vector<AnchorBox> AnchorsOf256() {
  AnchorGeneratorOptions options;
  options.image_width_px = options.image_height_px = 256;
  return GenerateAnchors(options)->boxes;
}

// Rows match one to one: boxes within 0.1 px, scores within 1e-4. Equal scores
// may swap, so a row looks among its neighbours.
void ExpectSameRows(std::span<const float> rows,
                    std::span<const float> expected) {
  ASSERT_EQ(rows.size(), expected.size());
  std::vector<bool> used(rows.size() / kRow, false);
  for (size_t i = 0; i < expected.size(); i += kRow) {
    if (expected[i + 5] <= 0) continue;
    bool found = false;
    for (size_t j = 0; j < rows.size() && !found; j += kRow) {
      if (used[j / kRow]) continue;
      double box = 0;
      for (size_t k = 1; k < 5; ++k) {
        box = std::max(
            box, std::abs(static_cast<double>(rows[j + k]) - expected[i + k]));
      }
      found = box <= 0.1 && std::abs(rows[j + 5] - expected[i + 5]) <= 1e-4f &&
              rows[j + 6] == expected[i + 6];
      if (found) used[j / kRow] = true;
    }
    EXPECT_TRUE(found) << "row " << i / kRow;
  }
}

void ExpectStoredDetections(const std::string& name,
                            const PostprocessOptions& options) {
  const NpzFile arrays = Golden(CYTO8_GOLDEN_DIR "/efficientdet/" + name);
  ASSERT_FALSE(arrays.empty());
  const auto detections =
      Postprocess(MapsOf(arrays), AnchorsOf256(), 3, options);
  ASSERT_TRUE(detections.ok()) << detections.status().ToString();
  const float scale = arrays.at("scale").As<float>()[0];
  ExpectSameRows(DetectionRows(*detections, 0, scale, options.max_detections),
                 arrays.at("detections").As<float>());
}

TEST(PostprocessTest, GlobalSoftEqualsTensorFlow) {
  ExpectStoredDetections("tiny-serving.npz",
                         {.method = SuppressionMethod::kGaussian,
                          .score_threshold = 0.001f,
                          .max_detections = 100,
                          .clip = FeatureSize{.height = 256, .width = 256}});
}

TEST(PostprocessTest, TopCandidatesWithHardSuppressionEqualTensorFlow) {
  ExpectStoredDetections("tiny-serving-hard.npz",
                         {.classes = ClassChoice::kEveryClass,
                          .max_candidates = 2000,
                          .score_threshold = 0.05f,
                          .max_detections = 50,
                          .clip = FeatureSize{.height = 256, .width = 256}});
}

TEST(PostprocessTest, EveryClassPerClassEqualsCombinedNonMaxSuppression) {
  const NpzFile arrays =
      Golden(CYTO8_SOURCE_DIR "/data/golden/tf_ops/tf_ops.npz");
  ASSERT_FALSE(arrays.empty());
  const auto corners = arrays.at("boxes").As<float>();
  std::vector<AnchorBox> anchors;
  for (size_t i = 0; i < corners.size(); i += 4) {
    anchors.push_back(
        {corners[i], corners[i + 1], corners[i + 2], corners[i + 3]});
  }
  const RawMaps maps = {.class_logits = {arrays.at("logits").As<float>()},
                        .box_codes = {arrays.at("codes").As<float>()}};
  const auto detections = Postprocess(maps, anchors, 3,
                                      {.scope = SuppressionScope::kPerClass,
                                       .classes = ClassChoice::kEveryClass,
                                       .score_threshold = 0.2f,
                                       .iou_threshold = 0.4f,
                                       .max_detections = 40});
  ASSERT_TRUE(detections.ok()) << detections.status().ToString();
  const auto expected = arrays.at("combined").As<float>();
  ASSERT_EQ(detections->size() * 6, expected.size());
  for (size_t i = 0; i < detections->size(); ++i) {
    const Detection& one = (*detections)[i];
    EXPECT_NEAR(one.box.y_min, expected[i * 6], 1e-3) << i;
    EXPECT_NEAR(one.box.x_max, expected[i * 6 + 3], 1e-3) << i;
    EXPECT_NEAR(one.score, expected[i * 6 + 4], 1e-6) << i;
    EXPECT_EQ(one.class_id, expected[i * 6 + 5]) << i;
  }
}

// Three anchors of two classes on one level; the first two lie on each other.
struct SmallCase {
  std::vector<AnchorBox> anchors = {
      {0, 0, 10, 10}, {0, 0, 10, 10}, {20, 20, 30, 40}};
  std::vector<float> logits = {2, 1, -1, 3, 0.5f, -3};
  std::vector<float> codes = std::vector<float>(12, 0.0f);

  StatusOr<std::vector<Detection>> Run(const PostprocessOptions& options) {
    return Postprocess({.class_logits = {logits}, .box_codes = {codes}},
                       anchors, 2, options);
  }
};

std::vector<int> ClassesOf(const std::vector<Detection>& detections) {
  std::vector<int> ids;
  for (const Detection& one : detections) ids.push_back(one.class_id);
  return ids;
}

TEST(PostprocessTest, GlobalKeepsTheBestClassOfABox) {
  const auto detections = SmallCase().Run({});
  ASSERT_TRUE(detections.ok());
  EXPECT_EQ(ClassesOf(*detections), (std::vector<int>{2, 1}));
  EXPECT_FLOAT_EQ((*detections)[0].score, 1 / (1 + std::exp(-3.0f)));
  EXPECT_EQ((*detections)[1].box, (Box{20, 20, 40, 30}));
}

TEST(PostprocessTest, PerClassKeepsOverlappingBoxesOfTwoClasses) {
  const auto detections =
      SmallCase().Run({.scope = SuppressionScope::kPerClass});
  ASSERT_TRUE(detections.ok());
  EXPECT_EQ(ClassesOf(*detections), (std::vector<int>{2, 1, 1}));
}

TEST(PostprocessTest, EveryClassGivesOneBoxSeveralLabels) {
  const auto detections = SmallCase().Run({.scope = SuppressionScope::kPerClass,
                                           .classes = ClassChoice::kEveryClass,
                                           .score_threshold = 0.6f});
  ASSERT_TRUE(detections.ok());
  // sigmoid(0.5) = 0.62 is in, sigmoid(-1) and sigmoid(-3) are not.
  EXPECT_EQ(ClassesOf(*detections), (std::vector<int>{2, 1, 1}));
}

TEST(PostprocessTest, OnlyTheBestCandidatesCompete) {
  const auto detections = SmallCase().Run(
      {.classes = ClassChoice::kEveryClass, .max_candidates = 2});
  ASSERT_TRUE(detections.ok());
  EXPECT_EQ(ClassesOf(*detections), std::vector<int>{2});
}

TEST(PostprocessTest, ThresholdIsExact) {
  SmallCase small;
  const float score = 1 / (1 + std::exp(-3.0f));
  EXPECT_TRUE(small.Run({.score_threshold = score})->empty());
  EXPECT_EQ(small.Run({.score_threshold = std::nextafter(score, 0.0f)})->size(),
            1u);
}

TEST(PostprocessTest, SaturatedScoresAreOne) {
  SmallCase small;
  small.logits = {200, -200, 17, -17, 16, -16};
  const auto detections = small.Run({.iou_threshold = 1});
  ASSERT_TRUE(detections.ok());
  ASSERT_EQ(detections->size(), 3u);
  EXPECT_EQ((*detections)[0].score, 1);
  EXPECT_EQ((*detections)[1].score, 1);
  EXPECT_LT((*detections)[2].score, 1);
}

TEST(PostprocessTest, EveryThresholdAgreesWithComparingScores) {
  SmallCase small;
  for (int step = 0; step <= 1000; ++step) {
    const float threshold = static_cast<float>(step) / 1000;
    size_t expected = 0;
    for (const float logit : small.logits) {
      if (1.0f / (1.0f + std::exp(-logit)) > threshold) ++expected;
    }
    const auto detections = small.Run({.scope = SuppressionScope::kPerClass,
                                       .classes = ClassChoice::kEveryClass,
                                       .score_threshold = threshold,
                                       .iou_threshold = 1,
                                       .max_detections = 0});
    ASSERT_TRUE(detections.ok());
    EXPECT_EQ(detections->size(), expected) << threshold;
  }
}

TEST(PostprocessTest, CapIsOptional) {
  SmallCase small;
  EXPECT_EQ(small.Run({.max_detections = 1})->size(), 1u);
  EXPECT_EQ(small.Run({.max_detections = 0})->size(), 2u);
}

TEST(PostprocessTest, ClippingIsOptional) {
  SmallCase small;
  small.codes[4] = -0.5f;  // box 1 up by half its height.
  EXPECT_EQ((*small.Run({}))[0].box, (Box{0, -5, 10, 5}));
  EXPECT_EQ((*small.Run({.clip = FeatureSize{.height = 4, .width = 8}}))[0].box,
            (Box{0, 0, 8, 4}));
}

TEST(PostprocessTest, FirstClassIsAsGiven) {
  EXPECT_EQ(ClassesOf(*SmallCase().Run({.class_offset = 0})),
            (std::vector<int>{1, 0}));
}

TEST(PostprocessTest, RowsAreScaledAndFilledUp) {
  const std::vector<Detection> detections = {
      {.box = {1, 2, 3, 4}, .score = 0.5f, .class_id = 6}};
  EXPECT_EQ(DetectionRows(detections, 2, 10, 2),
            (std::vector<float>{2, 20, 10, 40, 30, 0.5f, 6,  //
                                2, 0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(DetectionRows(detections, 0, 1, 0).empty());
}

TEST(PostprocessTest, RefusesMapsThatDoNotFit) {
  SmallCase small;
  small.logits.pop_back();
  EXPECT_EQ(small.Run({}).status().message(),
            "class logits of level 0 = 5: must be in [6, 6]");
  small = {};
  small.codes.pop_back();
  EXPECT_FALSE(small.Run({}).ok());
  small = {};
  small.anchors.pop_back();
  EXPECT_EQ(small.Run({}).status().message(), "anchors = 2: must be in [3, 3]");
}

TEST(PostprocessTest, RefusesValuesThatAreNotNumbers) {
  SmallCase small;
  small.logits[3] = NAN;
  EXPECT_EQ(small.Run({}).status().message(),
            "class logit of level 0, anchor 1 = nan: must be a number");
  small = {};
  small.codes[9] = NAN;
  EXPECT_EQ(small.Run({}).status().message(),
            "anchor 2: box code (ty, tx, th, tw) = (0, nan, 0, 0): must be "
            "finite and give a finite box");
  // Below the threshold it is not even decoded.
  EXPECT_TRUE(small.Run({.score_threshold = 0.7f}).ok());
}

// Anchors that lie apart, in a large level and a small one.
struct TwoLevels {
  static constexpr int64_t kLarge = 70;
  static constexpr int64_t kSmall = 5;

  explicit TwoLevels(int64_t of_classes)
      : classes(of_classes),
        large(static_cast<size_t>(kLarge * classes), -3.0f),
        small(static_cast<size_t>(kSmall * classes), -3.0f) {
    for (int64_t i = 0; i < kLarge + kSmall; ++i) {
      const auto x = static_cast<float>(20 * i);
      anchors.push_back({0, x, 10, x + 10});
    }
  }
  float& Logit(int64_t anchor, int64_t class_index) {
    const bool is_large = anchor < kLarge;
    const int64_t number = is_large ? anchor : anchor - kLarge;
    return (is_large
                ? large
                : small)[static_cast<size_t>(number * classes + class_index)];
  }
  StatusOr<std::vector<Detection>> Run(ClassChoice choice) {
    return Postprocess({.class_logits = {large, small},
                        .box_codes = {std::vector<float>(kLarge * 4),
                                      std::vector<float>(kSmall * 4)}},
                       anchors, classes,
                       {.classes = choice, .score_threshold = 0.5f});
  }

  int64_t classes;
  std::vector<float> large;
  std::vector<float> small;
  std::vector<AnchorBox> anchors;
};

// Logits are looked at in blocks that do not end where anchors do.
TEST(PostprocessTest, FindsALogitWhereverItStands) {
  constexpr int64_t kAnchors = TwoLevels::kLarge + TwoLevels::kSmall;
  for (int64_t classes = 1; classes <= 7; ++classes) {
    for (int64_t i = 0; i < kAnchors * classes; ++i) {
      TwoLevels maps(classes);
      const int64_t anchor = i / classes;
      maps.Logit(anchor, i % classes) = 1;
      const ClassChoice choice =
          i % 2 == 0 ? ClassChoice::kEveryClass : ClassChoice::kBestPerAnchor;
      const auto found = maps.Run(choice);
      ASSERT_EQ(found->size(), 1u) << anchor << " of " << classes << " classes";
      EXPECT_EQ((*found)[0].box.x_min, 20 * anchor);
      EXPECT_EQ((*found)[0].class_id, i % classes + 1);
      maps.Logit(anchor, i % classes) = NAN;
      const bool is_large = anchor < TwoLevels::kLarge;
      EXPECT_EQ(maps.Run(choice).status().message(),
                "class logit of level " + std::to_string(is_large ? 0 : 1) +
                    ", anchor " + std::to_string(anchor) +
                    " = nan: must be a number");
    }
  }
}

TEST(PostprocessTest, FindsEveryLogitOnce) {
  for (int64_t classes = 1; classes <= 7; ++classes) {
    TwoLevels maps(classes);
    std::ranges::fill(maps.large, 1.0f);
    std::ranges::fill(maps.small, 1.0f);
    EXPECT_EQ(maps.Run(ClassChoice::kBestPerAnchor)->size(), 75u);
  }
}

TEST(PostprocessTest, RefusesOptionsOutOfRange) {
  const auto error = [](const PostprocessOptions& options) {
    return CheckPostprocessOptions(options).message();
  };
  EXPECT_EQ(error({.max_candidates = 5}),
            "max_candidates = 5: must be 0 with the best class per anchor");
  EXPECT_EQ(error({.max_candidates = -1}),
            "max_candidates = -1: must be in [0, 1073741824]");
  EXPECT_EQ(error({.score_threshold = 1.5f}),
            "score_threshold = 1.5: must be in [0, 1]");
  EXPECT_EQ(error({.score_threshold = NAN}),
            "score_threshold = nan: must be in [0, 1]");
  EXPECT_EQ(error({.iou_threshold = -1}),
            "iou_threshold = -1: must be in [0, 1]");
  EXPECT_EQ(error({.sigma = 0}), "sigma = 0: must be in [1e-06, 1e+06]");
  EXPECT_EQ(error({.max_detections = -1}),
            "max_detections = -1: must be in [0, 1073741824]");
  EXPECT_EQ(error({.class_offset = -1}),
            "class_offset = -1: must be in [0, 1000000]");
  EXPECT_EQ(error({.score_threshold = kNoThreshold}), "");
}

TEST(PostprocessTest, DescriptionNamesEveryOption) {
  EXPECT_EQ(DescribePostprocess({}),
            "global, best class per anchor, hard IoU 0.5000, score > none, at "
            "most 100 detections, first class 1");
  EXPECT_EQ(
      DescribePostprocess({.scope = SuppressionScope::kPerClass,
                           .method = SuppressionMethod::kGaussian,
                           .classes = ClassChoice::kEveryClass,
                           .max_candidates = 5000,
                           .score_threshold = 0.001f,
                           .max_detections = 0,
                           .clip = FeatureSize{.height = 2, .width = 3}}),
      "per class, every class of an anchor, best 5000 candidates, gaussian "
      "sigma 0.5000, score > 0.0010, all detections, clipped to 3 x 2 "
      "px, first class 1");
}

}  // namespace
}  // namespace cyto8
