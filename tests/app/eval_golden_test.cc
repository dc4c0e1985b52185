// SPDX-License-Identifier: Apache-2.0
// Every case of data/golden/eval through the command, as a user would give it,
// against what pycocotools and the VOC packages made of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-9;
const std::string kData = CYTO8_GOLDEN_DIR "/eval/";

json ReadJson(const std::string& path) {
  return json::parse(TextOf(ReadBytes(path)));
}

// The command's JSON; empty, with a failure, if it did not succeed.
json Evaluated(const std::string& truth, const std::string& found,
               const std::vector<std::string>& flags) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments = {"eval",
                                        "--gt",
                                        truth,
                                        "--pred",
                                        found,
                                        "--json",
                                        folder.PathOf("o.json")};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  if (outcome.code != ExitCode::kWhole) return json();
  return ReadJson(folder.PathOf("o.json"));
}

// `stats` by name against a list in the order of stat_names.
void ExpectStats(const json& stats, const json& names, const json& expected) {
  ASSERT_EQ(stats.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(stats[names[i].get<std::string>()].get<double>(),
                expected[i].get<double>(), kTolerance)
        << names[i];
  }
}

class CocoCaseTest : public testing::TestWithParam<std::string> {
 protected:
  CocoCaseTest() {
    if (!std::filesystem::exists(truth_)) truth_ = kData + "coco/cric/gt.json";
  }
  json Run(std::vector<std::string> flags) const {
    flags.insert(flags.end(), {"--style", "coco"});
    return Evaluated(truth_, folder_ + "/dt.json", flags);
  }

  const std::string folder_ = kData + "coco/" + GetParam();
  std::string truth_ = folder_ + "/gt.json";
  const json expected_ = ReadJson(folder_ + "/expected.json");
};

TEST_P(CocoCaseTest, TheTwelveLinesAreThoseOfPycocotools) {
  const json result = Run({});
  EXPECT_EQ(result["stat_names"], expected_["stat_names"]);
  ExpectStats(result["stats"], expected_["stat_names"],
              expected_["default"]["stats"]);
  for (const json& row : result["classes"]) {
    const json& one =
        expected_["default"]["per_class"][std::to_string(row["id"].get<int>())];
    ExpectStats(row["stats"], expected_["stat_names"], one["stats"]);
    EXPECT_NEAR(row["AP"].get<double>(), one["AP"].get<double>(), kTolerance);
    EXPECT_NEAR(row["AP_by_level"]["AP50"].get<double>(),
                one["AP50"].get<double>(), kTolerance);
  }
}

// summarize() gives -1 in the first line; the mean over all is there too.
TEST_P(CocoCaseTest, AllDetections) {
  for (const char* limits : {"all", "1,10,100000"}) {
    const json result = Run({"--max-dets", limits});
    const json& expected = expected_["all_detections"];
    ExpectStats(result["stats"], expected_["stat_names"], expected["stats"]);
    EXPECT_NEAR(result["mean"]["AP"].get<double>(),
                expected["AP"].get<double>(), kTolerance);
  }
}

TEST_P(CocoCaseTest, ClassAgnostic) {
  const json& expected = expected_["class_agnostic"];
  ExpectStats(Run({"--class-agnostic"})["stats"], expected_["stat_names"],
              expected["default"]["stats"]);
  const json all = Run({"--class-agnostic", "--max-dets", "1,10,100000"});
  ExpectStats(all["stats"], expected_["stat_names"],
              expected["all_detections"]["stats"]);
  EXPECT_NEAR(all["mean"]["AP"].get<double>(),
              expected["all_detections"]["AP"].get<double>(), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Cases, CocoCaseTest,
                         testing::Values("area", "cric", "edge", "empty_dt",
                                         "fuzz_many", "fuzz_ties", "no_truth",
                                         "perfect", "quirk_gt_id0"));

// Our own style gives pycocotools' figures over all detections, too, but for
// its quirks.
TEST(OwnStyleTest, EqualsPycocotoolsOverAllDetections) {
  const json expected = ReadJson(kData + "coco/cric/expected.json");
  const json result =
      Evaluated(kData + "coco/cric/gt.json", kData + "coco/cric/dt.json", {});
  json stats = expected["all_detections"]["stats"];
  stats[0] = expected["all_detections"]["AP"];
  ExpectStats(result["stats"], expected["stat_names"], stats);
}

// The rows of a VOC case as COCO files.
void PutVocCase(const TemporaryFolder& folder, const json& input) {
  json truth = {{"images", json::array()},
                {"categories", json::array()},
                {"annotations", json::array()}};
  for (const json& id : input["image_ids"]) {
    truth["images"].push_back({{"id", id}});
  }
  for (const auto& [id, name] : input["classes"].items()) {
    truth["categories"].push_back({{"id", std::stoi(id)}, {"name", name}});
  }
  const auto box = [](const json& row, size_t at) {
    const double x = row[at];
    const double y = row[at + 1];
    return json{x, y, row[at + 2].get<double>() - x,
                row[at + 3].get<double>() - y};
  };
  for (const json& row : input["truth"]) {
    truth["annotations"].push_back({{"id", truth["annotations"].size() + 1},
                                    {"image_id", row[0]},
                                    {"category_id", row[1]},
                                    {"bbox", box(row, 2)}});
  }
  json found = json::array();
  for (const json& row : input["detections"]) {
    found.push_back({{"image_id", row[0]},
                     {"category_id", row[1]},
                     {"score", row[2]},
                     {"bbox", box(row, 3)}});
  }
  folder.Put("gt.json", truth.dump());
  folder.Put("dt.json", found.dump());
}

std::vector<std::string> VocFlags(const json& result) {
  std::vector<std::string> flags = {
      "--style",         "voc",
      "--iou",           result["iou"].dump(),
      "--interpolation", result["interpolation"] == "11-point" ? "11" : "all"};
  if (result["plus_one"].get<bool>()) flags.push_back("--plus-one");
  const bool at_least =
      result["match"].get<std::string>().find(">=") != std::string::npos;
  if (!at_least) flags.push_back("--iou-above");
  return flags;
}

void ExpectVocCase(const std::string& name, const std::string& truth,
                   const std::string& found) {
  const json expected = ReadJson(kData + "voc/" + name + "/expected.json");
  ASSERT_FALSE(expected["results"].empty());
  for (const json& result : expected["results"]) {
    SCOPED_TRACE(result["package"].get<std::string>());
    const json ours = Evaluated(truth, found, VocFlags(result));
    EXPECT_NEAR(ours["stats"]["mAP"].get<double>(), result["mAP"].get<double>(),
                kTolerance);
    for (const json& row : ours["classes"]) {
      const std::string id = std::to_string(row["id"].get<int>());
      EXPECT_NEAR(row["AP"].get<double>(), result["AP"][id].get<double>(),
                  kTolerance)
          << id;
      if (!result.contains("tp")) continue;
      EXPECT_EQ(row["true_positives"], result["tp"][id]);
      EXPECT_EQ(row["false_positives"], result["fp"][id]);
      EXPECT_EQ(row["truth"], result["npos"][id]);
    }
  }
}

TEST(VocCaseTest, SmallBoxesAndExactThresholds) {
  for (const char* name : {"small_boxes", "exact_threshold"}) {
    const TemporaryFolder folder;
    PutVocCase(folder, ReadJson(kData + "voc/" + name + "/input.json"));
    ExpectVocCase(name, folder.PathOf("gt.json"), folder.PathOf("dt.json"));
  }
}

TEST(VocCaseTest, Cric) {
  ExpectVocCase("cric", kData + "coco/cric/gt.json",
                kData + "coco/cric/dt.json");
}

}  // namespace
}  // namespace cyto8
