// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/compatible_merge.h against the packages' own answers, every
// case of data/golden/eval/merge (whose README says what they are).
#include "tiling/compatible_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

using Json = nlohmann::json;
using Detections = std::vector<Detection>;

// [x_min, y_min, x_max, y_max, score, class].
using Row = std::vector<double>;

Row RowOf(const Box& box, double score, int class_id) {
  return {box.x_min, box.y_min, box.x_max,
          box.y_max, score,     static_cast<double>(class_id)};
}

Row RowOf(const Detection& d) { return RowOf(d.box, d.score, d.class_id); }

class CompatibleMergeTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::ifstream in(std::string(CYTO8_GOLDEN_DIR "/eval/merge/") + GetParam() +
                     ".json");
    case_ = Json::parse(in);
    for (const Json& row : case_["boxes"]) {
      boxes_.push_back({.box = {.x_min = row[0],
                                .y_min = row[1],
                                .x_max = row[2],
                                .y_max = row[3]},
                        .score = row[4],
                        .class_id = row[5]});
    }
    norm_ = case_["norm"];
  }

  // An output row that is an input row is written as its index.
  std::vector<Row> Rows(const Json& out) const {
    std::vector<Row> rows;
    for (const Json& row : out) {
      if (row.is_array()) {
        rows.push_back(row.get<Row>());
      } else {
        rows.push_back(RowOf(boxes_[row.get<size_t>()]));
      }
    }
    return rows;
  }

  // Equal scores come in an order that depends on the processor.
  bool HasTies() const {
    std::vector<float> scores;
    for (const Detection& box : boxes_) scores.push_back(box.score);
    std::ranges::sort(scores);
    return std::ranges::adjacent_find(scores) != scores.end();
  }

  Json case_;
  Detections boxes_;
  double norm_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    AllCases, CompatibleMergeTest,
    ::testing::Values("agnostic_mix", "chain_falling", "chain_middle",
                      "chain_rising", "chain_two_classes", "empty", "growth",
                      "identical", "nested", "random_dense", "single",
                      "threshold_edge", "ties", "tiles"),
    [](const auto& test) { return std::string(test.param); });

SahiOptions SahiOptionsOf(const Json& result) {
  const std::string method = result["method"];
  return {.method = method == "NMS"   ? MergeMethod::kNms
                    : method == "NMM" ? MergeMethod::kNmm
                                      : MergeMethod::kGreedyNmm,
          .metric =
              result["metric"] == "IOU" ? MergeMetric::kIou : MergeMetric::kIos,
          .threshold = result["threshold"],
          .class_agnostic = result["class_agnostic"]};
}

std::vector<SahiGroup> SahiGroupsOf(const Json& result) {
  std::vector<SahiGroup> groups;
  if (result.contains("keep")) {
    for (const int64_t kept : result["keep"]) groups.push_back({.kept = kept});
    return groups;
  }
  for (const Json& group : result["groups"]) {
    groups.push_back({.kept = group[0], .members = group[1]});
  }
  return groups;
}

TEST_P(CompatibleMergeTest, GivesWhatSahiGives) {
  ASSERT_EQ(case_["sahi"].size(), 24u);
  for (const Json& result : case_["sahi"]) {
    SCOPED_TRACE(result.dump().substr(0, 80));
    const SahiMerge merge = MergeAsSahi(boxes_, SahiOptionsOf(result)).value();
    EXPECT_EQ(merge.groups, SahiGroupsOf(result));
    std::vector<Row> rows;
    for (const Detection& d : merge.detections) rows.push_back(RowOf(d));
    EXPECT_EQ(rows, Rows(result["out"]));
    EXPECT_EQ(merge.lost, result.value("lost", std::vector<int64_t>()));
  }
}

void ExpectRowsNear(std::vector<Row> actual, std::vector<Row> expected,
                    bool in_any_order) {
  ASSERT_EQ(actual.size(), expected.size());
  if (in_any_order) {
    std::ranges::sort(actual);
    std::ranges::sort(expected);
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    for (size_t side = 0; side < 4; ++side) {
      EXPECT_NEAR(actual[i][side], expected[i][side], 1e-3) << i;
    }
    EXPECT_NEAR(actual[i][4], expected[i][4], 1e-6) << i;
    EXPECT_EQ(actual[i][5], expected[i][5]) << i;
  }
}

WbfScore WbfScoreOf(const std::string& conf_type) {
  if (conf_type == "max") return WbfScore::kMaximum;
  if (conf_type == "box_and_model_avg") return WbfScore::kModels;
  if (conf_type == "absent_model_aware_avg") return WbfScore::kAbsentModels;
  EXPECT_EQ(conf_type, "avg");
  return WbfScore::kAverage;
}

TEST_P(CompatibleMergeTest, GivesWhatEnsembleBoxesFuses) {
  int seen = 0;
  for (const Json& result : case_["ensemble_boxes"]) {
    if (result["function"] != "weighted_boxes_fusion") continue;
    ++seen;
    SCOPED_TRACE(result.dump().substr(0, 100));
    const bool per_tile = result["lists"] == "per_tile";
    std::vector<Detections> lists(per_tile ? case_["tiles"].get<size_t>() : 1);
    for (size_t i = 0; i < boxes_.size(); ++i) {
      lists[per_tile ? case_["tile_of"][i].get<size_t>() : 0].push_back(
          boxes_[i]);
    }
    std::vector<Row> rows;
    const std::vector<ScoredBox> all =
        FuseAsEnsembleBoxes(lists, {.iou_threshold = result["iou_thr"],
                                    .score = WbfScoreOf(result["conf_type"]),
                                    .side_px = norm_})
            .value();
    for (const ScoredBox& fused : all) {
      rows.push_back(RowOf(fused.box, fused.score, fused.class_id));
    }
    ExpectRowsNear(rows, Rows(result["out"]), HasTies());
  }
  EXPECT_GE(seen, 4);
}

SoftNmsOptions SoftOptionsOf(const Json& result) {
  SoftNmsOptions options = {.decay = SoftDecay::kNone};
  if (result.contains("method")) {
    options.decay = result["method"] == "linear" ? SoftDecay::kLinear
                                                 : SoftDecay::kGaussian;
    options.sigma = result["sigma"];
  }
  for (const char* name : {"iou_thr", "nms_threshold"}) {
    if (result.contains(name)) options.iou_threshold = result[name];
  }
  for (const char* name : {"thresh", "score_threshold"}) {
    if (result.contains(name)) options.score_threshold = result[name];
  }
  return options;
}

TEST_P(CompatibleMergeTest, GivesWhatEnsembleBoxesSuppresses) {
  int seen = 0;
  for (const Json& result : case_["ensemble_boxes"]) {
    if (result["function"] == "weighted_boxes_fusion") continue;
    ++seen;
    SCOPED_TRACE(result.dump().substr(0, 100));
    const auto kept =
        SuppressAsEnsembleBoxes(boxes_, norm_, SoftOptionsOf(result));
    ASSERT_EQ(kept.ok(), !result.contains("error"));
    if (!kept.ok()) continue;
    std::vector<Row> rows;
    for (const DecayedScore& k : *kept) rows.push_back(RowOf(boxes_[k.index]));
    EXPECT_EQ(rows, Rows(result["out"]));
    if (!result.contains("decayed")) continue;
    ASSERT_EQ(kept->size(), result["decayed"].size());
    for (size_t i = 0; i < kept->size(); ++i) {
      EXPECT_EQ((*kept)[i].index, result["decayed"][i][0]);
      EXPECT_NEAR((*kept)[i].score, result["decayed"][i][1], 1e-9);
    }
  }
  EXPECT_EQ(seen, 6);
}

TEST_P(CompatibleMergeTest, GivesWhatOpenCvSuppresses) {
  for (const Json& result : case_["opencv"]) {
    if (result["function"] == "softNMSBoxes") continue;
    SCOPED_TRACE(result.dump().substr(0, 100));
    const OpenCvNmsOptions options = {
        .score_threshold = result["score_threshold"],
        .nms_threshold = result["nms_threshold"]};
    const auto kept = result["function"] == "NMSBoxes"
                          ? SuppressAsOpenCv(boxes_, options)
                          : SuppressPerClassAsOpenCv(boxes_, options);
    EXPECT_EQ(kept.value(), result["keep"].get<std::vector<int64_t>>());
  }
}

TEST_P(CompatibleMergeTest, GivesWhatOpenCvDecays) {
  for (const Json& result : case_["opencv"]) {
    if (result["function"] != "softNMSBoxes") continue;
    SCOPED_TRACE(result.dump().substr(0, 100));
    const std::vector<DecayedScore> kept =
        SoftSuppressAsOpenCv(boxes_, SoftOptionsOf(result)).value();
    ASSERT_EQ(kept.size(), result["keep"].size());
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].index, result["keep"][i]);
      EXPECT_NEAR(kept[i].score, result["scores"][i], 1e-5);
    }
  }
}

// Where SAHI loses boxes, ours does not: each lies in a box of the result.
TEST_P(CompatibleMergeTest, OursLosesNone) {
  for (const Json& result : case_["sahi"]) {
    const SahiOptions sahi = SahiOptionsOf(result);
    if (sahi.method == MergeMethod::kNms) continue;
    const Detections merged =
        MergeDetections(boxes_, {.method = sahi.method,
                                 .metric = sahi.metric,
                                 .iou_threshold = sahi.threshold,
                                 .class_agnostic = sahi.class_agnostic})
            .value();
    for (const Detection& d : boxes_) {
      EXPECT_TRUE(std::ranges::any_of(merged, [&](const Detection& m) {
        return m.box.x_min <= d.box.x_min && m.box.y_min <= d.box.y_min &&
               m.box.x_max >= d.box.x_max && m.box.y_max >= d.box.y_max;
      }));
    }
  }
}

Detections One(Box box) { return {{.box = box, .score = 0.5F, .class_id = 1}}; }

TEST(CompatibleMergeRefusalTest, SahiRefusesNegativeEnds) {
  EXPECT_EQ(MergeAsSahi(One({-5, 0, -1, 4})).status().message(),
            "SAHI's box: x_max = -1: must be in [0, 1e+09]");
  EXPECT_EQ(MergeAsSahi(One({-5, -2, 3, 4})).value().detections,
            One({0, 0, 3, 4}));
}

TEST(CompatibleMergeRefusalTest, SahiHasThreeMethods) {
  for (const MergeMethod method : {MergeMethod::kVoting, MergeMethod::kWbf}) {
    EXPECT_EQ(MergeAsSahi({}, {.method = method}).status().message(),
              "SAHI has NMS, NMM and GREEDYNMM only");
  }
}

// All pairs match, and the second test, which a disjoint box also passes, makes
// one box of them.
TEST(CompatibleMergeRefusalTest, SahiMatchesAllPairsAtZero) {
  Detections far = One({0, 0, 1, 1});
  far.push_back({.box = {5, 5, 6, 6}, .score = 0.25F, .class_id = 1});
  EXPECT_EQ(MergeAsSahi(far, {.threshold = 0}).value().detections,
            One({0, 0, 6, 6}));
}

TEST(CompatibleMergeRefusalTest, EnsembleBoxesClampsToTheSide) {
  const std::vector<Detections> lists = {One({-5, 2, 30, 4})};
  const std::vector<ScoredBox> fused =
      FuseAsEnsembleBoxes(lists, {.side_px = 16}).value();
  ASSERT_EQ(fused.size(), 1u);
  EXPECT_EQ(fused[0].box, (Box{0, 2, 16, 4}));
}

TEST(CompatibleMergeRefusalTest, NumbersOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Detections one = One({0, 0, 1, 1});
  const std::vector<Detections> lists = {one};
  EXPECT_FALSE(MergeAsSahi(one, {.threshold = kNan}).ok());
  EXPECT_FALSE(FuseAsEnsembleBoxes(lists, {.iou_threshold = kNan}).ok());
  EXPECT_FALSE(FuseAsEnsembleBoxes(lists, {.side_px = 0}).ok());
  EXPECT_FALSE(SuppressAsEnsembleBoxes(one, 1, {.sigma = 0}).ok());
  EXPECT_FALSE(SuppressAsOpenCv(One({kNan, 0, 1, 1})).ok());
  EXPECT_FALSE(
      SuppressPerClassAsOpenCv(one, {.nms_threshold = std::nanf("")}).ok());
  EXPECT_FALSE(SoftSuppressAsOpenCv(one, {.decay = SoftDecay::kNone}).ok());
  EXPECT_EQ(SoftSuppressAsOpenCv(One({0, 0, 1, 1.5})).status().message(),
            "coordinate = 1.500000: must be a whole number");
}

}  // namespace
}  // namespace cyto8
