// SPDX-License-Identifier: Apache-2.0
// The evaluators against the figures of pycocotools and of four VOC packages,
// data/golden/eval. The one test of eval that reads JSON.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "eval/coco_evaluator.h"
#include "eval/precision_recall.h"
#include "eval/voc_evaluator.h"

namespace cyto8 {
namespace {

using Json = nlohmann::json;

constexpr double kTolerance = 1e-12;

std::string CaseName(const testing::TestParamInfo<const char*>& of_case) {
  return of_case.param;
}

Json ReadJson(const std::string& path) {
  std::ifstream file(CYTO8_GOLDEN_DIR "/eval/" + path);
  EXPECT_TRUE(file) << path;
  return Json::parse(file);
}

EvalBox ReadBox(const Json& bbox) {
  return {.x = bbox.at(0),
          .y = bbox.at(1),
          .width = bbox.at(2),
          .height = bbox.at(3)};
}

TruthSet ReadTruth(const std::string& path) {
  const Json file = ReadJson(path);
  TruthSet truth;
  for (const Json& image : file.at("images")) {
    truth.images.push_back({.id = image.at("id")});
  }
  for (const Json& category : file.at("categories")) {
    truth.classes.push_back({.id = category.at("id")});
  }
  for (const Json& box : file.at("annotations")) {
    truth.boxes.push_back({.id = box.at("id"),
                           .image_id = box.at("image_id"),
                           .class_id = box.at("category_id"),
                           .box = ReadBox(box.at("bbox")),
                           .area = box.at("area"),
                           .is_crowd = box.at("iscrowd") == 1});
  }
  return truth;
}

std::vector<FoundBox> ReadFound(const std::string& path) {
  std::vector<FoundBox> found;
  for (const Json& box : ReadJson(path)) {
    found.push_back({.image_id = box.at("image_id"),
                     .class_id = box.at("category_id"),
                     .box = ReadBox(box.at("bbox")),
                     .score = box.at("score")});
  }
  return found;
}

struct Case {
  TruthSet truth;
  std::vector<FoundBox> found;
  Json expected;
};

Case ReadCoco(const std::string& name) {
  const std::string with_truth = name == "perfect" ? "cric" : name;
  return {.truth = ReadTruth("coco/" + with_truth + "/gt.json"),
          .found = ReadFound("coco/" + name + "/dt.json"),
          .expected = ReadJson("coco/" + name + "/expected.json")};
}

void ExpectStats(const CocoResult& result, std::optional<int64_t> class_index,
                 const Json& expected) {
  const auto stats = CocoStats(result, class_index).value();
  ASSERT_EQ(expected.at("stats").size(), stats.size());
  for (size_t i = 0; i < stats.size(); ++i) {
    EXPECT_NEAR(stats[i], expected.at("stats")[i].get<double>(), kTolerance)
        << kCocoStatNames[i];
  }
  if (expected.contains("AP")) {
    EXPECT_NEAR(MeanAveragePrecision(result, {}, class_index),
                expected.at("AP").get<double>(), kTolerance);
  }
  if (expected.contains("AP50")) {
    EXPECT_NEAR(MeanAveragePrecision(result, 0.5, class_index),
                expected.at("AP50").get<double>(), kTolerance);
  }
}

class CocoGoldenTest : public testing::TestWithParam<const char*> {
 protected:
  // all: instead of the best 100.
  CocoResult Evaluate(bool all, bool use_classes) const {
    return EvaluateCoco(case_.truth, case_.found,
                        {.max_detections = {1, 10, all ? kAllDetections : 100},
                         .use_classes = use_classes})
        .value();
  }

  void ExpectRun(bool all) const {
    SCOPED_TRACE(all ? "all_detections" : "default");
    const Json& expected =
        case_.expected.at(all ? "all_detections" : "default");
    const CocoResult result = Evaluate(all, /*use_classes=*/true);
    ExpectStats(result, std::nullopt, expected);
    const auto& classes = result.outcomes.classes;
    ASSERT_EQ(expected.at("per_class").size(), classes.size());
    for (size_t k = 0; k < classes.size(); ++k) {
      const std::string id = std::to_string(classes[k].class_id);
      SCOPED_TRACE(id);
      // Ours is the real mean where the first line of summarize() is -1.
      Json figures = expected.at("per_class").at(id);
      if (all) figures.erase("AP");
      ExpectStats(result, static_cast<int64_t>(k), figures);
    }
  }

  const Case case_ = ReadCoco(GetParam());
};

TEST_P(CocoGoldenTest, Best100) { ExpectRun(/*all=*/false); }

TEST_P(CocoGoldenTest, AllDetections) { ExpectRun(/*all=*/true); }

TEST_P(CocoGoldenTest, ClassAgnostic) {
  const Json& expected = case_.expected.at("class_agnostic");
  ExpectStats(Evaluate(/*all=*/false, /*use_classes=*/false), std::nullopt,
              expected.at("default"));
  ExpectStats(Evaluate(/*all=*/true, /*use_classes=*/false), std::nullopt,
              expected.at("all_detections"));
}

INSTANTIATE_TEST_SUITE_P(Cases, CocoGoldenTest,
                         testing::Values("cric", "edge", "area", "fuzz_ties",
                                         "fuzz_many", "perfect", "empty_dt",
                                         "no_truth", "quirk_gt_id0"),
                         CaseName);

TEST(CocoGoldenCurveTest, EqualsPycocotools) {
  const Case cric = ReadCoco("cric");
  const Json& curve = cric.expected.at("curve");
  for (const bool all : {false, true}) {
    SCOPED_TRACE(all);
    const CocoResult result =
        EvaluateCoco(cric.truth, cric.found,
                     {.max_detections = {1, 10, all ? kAllDetections : 100}})
            .value();
    const Json& expected = curve.at(all ? "maxDets_100000" : "maxDets_100");
    const ClassOutcomes& outcomes = result.outcomes.classes.at(0);
    const SampledCurve sampled = SampleCurve(outcomes, /*level=*/0);
    for (int i = 0; i < kCocoRecalls; ++i) {
      EXPECT_NEAR(sampled.precisions[i],
                  expected.at("precision")[i].get<double>(), kTolerance);
      EXPECT_EQ(sampled.scores[i], expected.at("scores")[i].get<double>());
    }
    EXPECT_NEAR(FinalRecall(outcomes, 0),
                expected.at("max_recall").get<double>(), kTolerance);
  }
}

TEST(CocoGoldenThresholdTest, AreThoseOfNumpy) {
  const Json params = ReadJson("coco/params.json");
  EXPECT_EQ(CocoIouThresholds(),
            params.at("iouThrs").get<std::vector<double>>());
  const auto& recalls = CocoRecallThresholds();
  EXPECT_EQ(std::vector<double>(recalls.begin(), recalls.end()),
            params.at("recThrs").get<std::vector<double>>());
}

// The matches of one group in the words of the file.
Json Describe(const GroupMatches& group, const TruthSet& truth) {
  const auto id = [&](int64_t index) {
    return index < 0 ? 0 : truth.boxes[index].id;
  };
  Json json = {{"image", group.image_id},
               {"class", group.class_id},
               {"area", CocoAreaRanges().at(group.area_index).name},
               {"dt", Json::array()},
               {"dt_match", Json::array()},
               {"dt_ignore", Json::array()},
               {"gt", Json::array()},
               {"gt_match", Json::array()},
               {"gt_ignore", Json::array()}};
  for (const FoundMatch& match : group.found) {
    json["dt"].push_back(match.found_index + 1);
    json["dt_match"].push_back(id(match.truth_index));
    json["dt_ignore"].push_back(match.is_ignored ? 1 : 0);
  }
  for (const TruthMatch& match : group.truth) {
    json["gt"].push_back(id(match.truth_index));
    json["gt_match"].push_back(match.found_index + 1);
    json["gt_ignore"].push_back(match.is_ignored ? 1 : 0);
  }
  return json;
}

class CocoGoldenMatchTest : public testing::TestWithParam<const char*> {};

TEST_P(CocoGoldenMatchTest, EqualPycocotools) {
  const Case data = ReadCoco(GetParam());
  const Json& theirs = data.expected.at("matches_iou50");
  std::set<std::string> areas;  // edge has not all of them.
  for (const Json& group : theirs) areas.insert(group.at("area"));
  const auto matches = MatchCoco(data.truth, data.found, {}).value();
  std::set<Json> ours;
  for (const GroupMatches& group : matches) {
    const Json described = Describe(group, data.truth);
    if (areas.contains(described.at("area"))) ours.insert(described);
  }
  EXPECT_EQ(ours.size(), theirs.size());
  for (const Json& group : theirs) EXPECT_TRUE(ours.contains(group)) << group;
}

INSTANTIATE_TEST_SUITE_P(Cases, CocoGoldenMatchTest,
                         testing::Values("edge", "area", "quirk_gt_id0"),
                         CaseName);

EvalBox FromCorners(const Json& row, size_t at) {
  const double x = row.at(at);
  const double y = row.at(at + 1);
  return {.x = x,
          .y = y,
          .width = row.at(at + 2).get<double>() - x,
          .height = row.at(at + 3).get<double>() - y};
}

Case ReadVoc(const std::string& name) {
  Case data;
  if (name == "cric") {
    data = ReadCoco("cric");
  } else {
    const Json input = ReadJson("voc/" + name + "/input.json");
    for (const Json& id : input.at("image_ids")) {
      data.truth.images.push_back({.id = id});
    }
    for (const auto& [id, class_name] : input.at("classes").items()) {
      data.truth.classes.push_back({.id = std::stoll(id)});
    }
    for (const Json& row : input.at("truth")) {
      data.truth.boxes.push_back({.image_id = row.at(0),
                                  .class_id = row.at(1),
                                  .box = FromCorners(row, 2)});
    }
    for (const Json& row : input.at("detections")) {
      data.found.push_back({.image_id = row.at(0),
                            .class_id = row.at(1),
                            .box = FromCorners(row, 3),
                            .score = row.at(2)});
    }
  }
  data.expected = ReadJson("voc/" + name + "/expected.json");
  return data;
}

void ExpectVocResult(const Case& data, const Json& expected) {
  SCOPED_TRACE(expected.dump());
  const Outcomes outcomes =
      EvaluateVoc(data.truth, data.found,
                  {.iou_thresholds = {expected.at("iou").get<double>()},
                   .plus_one = expected.at("plus_one"),
                   .strict = expected.at("match") == "iou > threshold"})
          .value();
  const bool is_float32 =
      expected.at("package").get<std::string>().starts_with("map-boxes");
  const double tolerance = is_float32 ? 1e-6 : kTolerance;
  std::vector<double> values;
  for (const ClassOutcomes& of_class : outcomes.classes) {
    const std::string id = std::to_string(of_class.class_id);
    const bool eleven = expected.at("interpolation") == "11-point";
    values.push_back(AveragePrecision(
        of_class, 0,
        eleven ? Interpolation::kVoc11 : Interpolation::kAllPoint));
    EXPECT_NEAR(values.back(), expected.at("AP").at(id).get<double>(),
                tolerance);
    if (!expected.contains("tp")) continue;
    const WorkingPoint all = PointAtScore(of_class, 0, -1);
    EXPECT_EQ(all.true_positives, expected.at("tp").at(id).get<int64_t>());
    EXPECT_EQ(all.false_positives, expected.at("fp").at(id).get<int64_t>());
    EXPECT_EQ(of_class.truth_count, expected.at("npos").at(id).get<int64_t>());
  }
  EXPECT_NEAR(MeanOfDefined(values), expected.at("mAP").get<double>(),
              tolerance);
}

class VocGoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(VocGoldenTest, EqualsThePackages) {
  const Case data = ReadVoc(GetParam());
  ASSERT_GT(data.expected.at("results").size(), 4);
  for (const Json& result : data.expected.at("results")) {
    ExpectVocResult(data, result);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, VocGoldenTest,
                         testing::Values("cric", "small_boxes",
                                         "exact_threshold"),
                         CaseName);

}  // namespace
}  // namespace cyto8
