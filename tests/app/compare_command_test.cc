// SPDX-License-Identifier: Apache-2.0
// Tests of app/compare_command.h: verdicts on results that differ, agree, or
// cannot be told apart.
#include "app/compare_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"

namespace cyto8 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kImages = 20;

class CompareCommandTest : public testing::Test {
 protected:
  // Each image has one box of each of two classes.
  CompareCommandTest() {
    json truth = {
        {"categories",
         {{{"id", 1}, {"name", "NILM"}}, {{"id", 2}, {"name", "HSIL"}}}}};
    for (int i = 1; i <= kImages; ++i) {
      truth["images"].push_back({{"id", i}, {"file_name", Name(i)}});
      for (const int class_id : {1, 2}) {
        truth["annotations"].push_back({{"id", 2 * i + class_id},
                                        {"image_id", i},
                                        {"category_id", class_id},
                                        {"bbox", Box(class_id)}});
      }
    }
    folder_.Put("truth.json", truth.dump());
    PutFound("all.json", kImages, kImages);
    PutFound("half.json", kImages, kImages / 2);
  }

  static std::string Name(int image) {
    return "image" + std::to_string(image) + ".jpg";
  }
  static json Box(int class_id) { return {50 * class_id, 0, 20, 20}; }

  // The first so many of each class found.
  void PutFound(const std::string& name, int of_first, int of_second) {
    json found = json::array();
    for (int i = 1; i <= kImages; ++i) {
      for (const int class_id : {1, 2}) {
        if (i > (class_id == 1 ? of_first : of_second)) continue;
        found.push_back({{"image_id", i},
                         {"category_id", class_id},
                         {"bbox", Box(class_id)},
                         {"score", 0.5 + i / 100.0}});
      }
    }
    folder_.Put(name, found.dump());
  }

  Outcome Run(const std::string& a, const std::string& b,
              const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {"compare", folder_.PathOf(a),
                                          folder_.PathOf(b), "--gt",
                                          folder_.PathOf("truth.json")};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunProgram(arguments);
  }

  // The same without --gt.
  Outcome RunAlone(const std::string& a, const std::string& b,
                   const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {"compare", folder_.PathOf(a),
                                          folder_.PathOf(b)};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunProgram(arguments);
  }

  // An output folder with these results; `model` and the images are as of
  // `cyto8 score`, the hash of image i ends in i.
  void PutFolder(const std::string& name, const std::string& list,
                 const json& more_of_model = json::object()) {
    ASSERT_TRUE(MakeDirectories(RealFileSystem(), folder_.PathOf(name)).ok());
    json run = {{"format", "cyto8-run"}, {"version", 1}};
    run["model"] = {
        {"classes",
         {{{"id", 1}, {"name", "NILM"}}, {{"id", 2}, {"name", "HSIL"}}}},
        {"groups", {{"abnormal", {"HSIL"}}}}};
    run["model"].update(more_of_model);
    for (int i = 1; i <= kImages; ++i) {
      run["images"].push_back({{"image_id", i},
                               {"path", Name(i)},
                               {"status", "done"},
                               {"sha256", Hash(i)}});
    }
    folder_.Put(name + "/run.json", run.dump());
    folder_.Put(name + "/coco_results.json", folder_.Get(list));
  }

  static std::string Hash(int image) {
    const std::string digits = std::to_string(image);
    return std::string(64 - digits.size(), 'a') + digits;
  }

  TemporaryFolder folder_;
};

TEST_F(CompareCommandTest, SaysWhichIsWorseAndByHowMuch) {
  const Outcome outcome =
      Run("all.json", "half.json", {"--json", folder_.PathOf("o.json")});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("A: " + folder_.PathOf("all.json") +
                                      "\nB: " + folder_.PathOf("half.json") +
                                      "\n\n"));
  EXPECT_THAT(outcome.out, HasSubstr("1000 resamples, seed 1"));
  const json result = json::parse(folder_.Get("o.json"));
  EXPECT_EQ(result["format"], "cyto8-compare");
  ASSERT_EQ(result["classes"].size(), 3);
  const json& same = result["classes"][0]["AP50"];
  EXPECT_EQ(same["verdict"], "same");
  EXPECT_EQ(same["difference"], 0);
  const json& worse = result["classes"][1]["AP50"];
  EXPECT_EQ(worse["verdict"], "worse");
  EXPECT_NEAR(worse["a"], 1, 1e-9);
  EXPECT_NEAR(worse["b"], 51.0 / 101, 1e-9);
  EXPECT_LT(worse["high"], 0);
  EXPECT_EQ(result["classes"][2]["name"], "mean of classes");
  EXPECT_EQ(result["classes"][2]["AP"]["verdict"], "worse");
  EXPECT_EQ(result["groups"][0]["name"], "cell");
  EXPECT_EQ(result["groups"][0]["AP"]["verdict"], "worse");
}

TEST_F(CompareCommandTest, TheOtherWayRoundItIsBetter) {
  const Outcome outcome = Run("half.json", "all.json", {"--bootstrap", "200"});
  EXPECT_THAT(outcome.out, HasSubstr("better"));
  EXPECT_THAT(outcome.out, HasSubstr("+0.495"));
}

TEST_F(CompareCommandTest, AResultIsTheSameAsItself) {
  const Outcome outcome = Run("half.json", "half.json");
  EXPECT_THAT(outcome.out, HasSubstr("0.000 to 0.000  same"));
}

TEST_F(CompareCommandTest, AFolderWithGapsIsComparedOnWhatBothHave) {
  ASSERT_TRUE(MakeDirectories(RealFileSystem(), folder_.PathOf("out")).ok());
  json run = {{"format", "cyto8-run"}, {"version", 1}};
  for (int i = 1; i <= kImages; ++i) {
    run["images"].push_back({{"image_id", i},
                             {"path", Name(i)},
                             {"status", i == 3 ? "failed" : "done"}});
  }
  folder_.Put("out/run.json", run.dump());
  json found = json::parse(folder_.Get("all.json"));
  std::erase_if(found.get_ref<json::array_t&>(),
                [](const json& box) { return box["image_id"] == 3; });
  folder_.Put("out/coco_results.json", found.dump());
  EXPECT_EQ(Run("out", "all.json").code, ExitCode::kRefused);
  const Outcome outcome = Run("out", "all.json", {"--allow-missing"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("19 images, 38 truth boxes"));
  EXPECT_THAT(outcome.out, HasSubstr("same"));
}

// The rows by name.
json AgreementOf(const std::string& report) {
  json rows = json::object();
  const json parsed = json::parse(report);
  for (const json& row : parsed["agreement"]) {
    rows[row["name"].get<std::string>()] = row;
  }
  return rows;
}

TEST_F(CompareCommandTest, AResultAgreesWithItself) {
  PutFolder("a", "all.json");
  const Outcome outcome =
      Run("a", "a", {"--json", folder_.PathOf("o.json"), "--bootstrap", "9"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.out,
              HasSubstr("\nB against what A finds with score >= 0.3\n"
                        "                truth  found   AP50  95 % interval\n"
                        "group cell         40     40  1.000    1.000-1.000\n"
                        "group abnormal     20     20  1.000    1.000-1.000\n"
                        "\n"));
  EXPECT_THAT(outcome.out, HasSubstr("lowest scores: A 0.510, B 0.510\n"));
  const json rows = AgreementOf(folder_.Get("o.json"));
  EXPECT_NEAR(rows["cell"]["AP50"], 1, 1e-9);
  EXPECT_EQ(rows["cell"]["truth"], 40);
  EXPECT_EQ(rows["cell"]["detections"], 40);
  EXPECT_EQ(rows["cell"]["AP50_interval"]["resamples"], 9);
  EXPECT_EQ(json::parse(folder_.Get("o.json"))["agreement_score"], 0.3);
}

TEST_F(CompareCommandTest, WhatAFindsIsTheTruthNotTheLabels) {
  // Ten cells of A are missed; the other way round ten of B are too many.
  PutFolder("a", "all.json");
  PutFolder("b", "half.json");
  ASSERT_EQ(Run("a", "b", {"--json", folder_.PathOf("o.json")}).code,
            ExitCode::kWhole);
  json rows = AgreementOf(folder_.Get("o.json"));
  EXPECT_EQ(rows["abnormal"]["truth"], 20);
  EXPECT_NEAR(rows["abnormal"]["AP50"], 51.0 / 101, 1e-9);
  EXPECT_LT(rows["abnormal"]["AP50_interval"]["low"], 51.0 / 101);
  EXPECT_GT(rows["abnormal"]["AP50_interval"]["high"], 51.0 / 101);
  EXPECT_NEAR(rows["cell"]["AP50"], 76.0 / 101, 1e-9);
  ASSERT_EQ(Run("b", "a", {"--json", folder_.PathOf("o.json")}).code,
            ExitCode::kWhole);
  rows = AgreementOf(folder_.Get("o.json"));
  EXPECT_EQ(rows["abnormal"]["truth"], 10);
  // Scores rise with the image number: the ten false ones come first.
  EXPECT_NEAR(rows["abnormal"]["AP50"], 0.5, 1e-9);
}

TEST_F(CompareCommandTest, TheScoreOfTheTruthIsInclusiveAndOfAOnly) {
  PutFolder("a", "all.json");
  const auto truth_at = [&](const std::string& score) {
    EXPECT_EQ(RunAlone("a", "a",
                       {"--json", folder_.PathOf("o.json"), "--agreement-score",
                        score})
                  .code,
              ExitCode::kWhole);
    return AgreementOf(folder_.Get("o.json"))["cell"];
  };
  EXPECT_EQ(truth_at("0.6")["truth"], 22);  // images 10 to 20.
  EXPECT_EQ(truth_at("0.6")["detections"], 40);
  EXPECT_EQ(truth_at("0.61")["truth"], 20);
  EXPECT_EQ(truth_at("1")["truth"], 0);
  EXPECT_EQ(truth_at("1")["AP50"], -1);
}

// The classes of a group are pooled: a cell that B calls by another name of the
// group is found, with the larger of its scores.
TEST_F(CompareCommandTest, AgreementPoolsTheClassesOfAGroup) {
  json found = json::parse(folder_.Get("all.json"));
  for (json& box : found) box["category_id"] = 3 - int{box["category_id"]};
  folder_.Put("swapped.json", found.dump());
  for (const json& box : json::parse(folder_.Get("all.json"))) {
    found.push_back(box);
    found.back()["score"] = 0.2;
  }
  folder_.Put("both.json", found.dump());
  PutFolder("a", "all.json");
  for (const char* list : {"swapped.json", "both.json"}) {
    PutFolder("b", list);
    ASSERT_EQ(RunAlone("a", "b", {"--json", folder_.PathOf("o.json")}).code,
              ExitCode::kWhole);
    const json rows = AgreementOf(folder_.Get("o.json"));
    EXPECT_NEAR(rows["cell"]["AP50"], 1, 1e-9) << list;
    EXPECT_EQ(rows["cell"]["detections"], 40) << list;
  }
  PutFolder("b", "swapped.json");
  RunAlone("a", "b", {"--json", folder_.PathOf("o.json")});
  EXPECT_EQ(AgreementOf(folder_.Get("o.json"))["abnormal"]["AP50"], 0);
}

TEST_F(CompareCommandTest, WithoutTruthThereIsAgreementAlone) {
  PutFolder("a", "all.json");
  PutFolder("b", "half.json");
  const Outcome outcome =
      RunAlone("a", "b", {"--json", folder_.PathOf("o.json")});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with(
      "A: " + folder_.PathOf("a") + "\nB: " + folder_.PathOf("b") +
      "\n\nB against what A finds with score >= 0.3\n"));
  EXPECT_THAT(outcome.out, HasSubstr("match: IoU >= 0.5 with"));
  const json alone = json::parse(folder_.Get("o.json"));
  EXPECT_EQ(alone["truth"], "");
  EXPECT_TRUE(alone["classes"].empty());
  EXPECT_TRUE(alone["groups"].empty());
  ASSERT_EQ(Run("a", "b", {"--json", folder_.PathOf("o.json")}).code,
            ExitCode::kWhole);
  EXPECT_EQ(json::parse(folder_.Get("o.json"))["agreement"],
            alone["agreement"]);
  EXPECT_EQ(RunAlone("all.json", "b").err,
            "cyto8: " + folder_.PathOf("all.json") +
                ": must be an output folder of cyto8 score, or --gt be "
                "given\n");
  EXPECT_EQ(RunAlone("no", "b").code, ExitCode::kNoInput);
}

TEST_F(CompareCommandTest, WithoutTruthTheRunNamesClassesOnceEach) {
  PutFolder("a", "all.json", {{"classes", json::array()}});
  const std::string place = "cyto8: " + folder_.PathOf("a/run.json") + ": ";
  EXPECT_EQ(RunAlone("a", "a").err,
            place + "model.classes: must not be empty without --gt\n");
  PutFolder(
      "a", "all.json",
      {{"classes", {{{"id", 1}, {"name", "x"}}, {{"id", 2}, {"name", "x"}}}},
       {"groups", json::object()}});
  EXPECT_EQ(RunAlone("a", "a").err,
            place + "model.classes: name \"x\" stands twice\n");
}

TEST_F(CompareCommandTest, GatesSayWhichFigureFailed) {
  PutFolder("a", "all.json");
  PutFolder("b", "half.json");
  const Outcome outcome =
      Run("a", "b",
          {"--max-drop", "cell=24.8,abnormal=49.5,mAP=25", "--min-agreement",
           "cell=0.75,abnormal=0.51", "--json", folder_.PathOf("o.json")});
  EXPECT_EQ(outcome.code, ExitCode::kGateFailed);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(
      outcome.out,
      HasSubstr(
          "gate: drop of AP50, group cell, in points = 24.7525, demanded at "
          "most 24.8: passed\n"
          "gate: drop of AP50, group abnormal, in points = 49.5050, demanded "
          "at most 49.5: failed\n"
          "gate: drop of AP50, mean of classes, in points = 24.7525, demanded "
          "at most 25: passed\n"
          "gate: agreement AP50, group cell = 0.7525, demanded at least 0.75: "
          "passed\n"
          "gate: agreement AP50, group abnormal = 0.5050, demanded at least "
          "0.51: failed\n"));
  const json gates = json::parse(folder_.Get("o.json"))["gates"];
  ASSERT_EQ(gates.size(), 5);
  EXPECT_EQ(gates[1]["figure"], "drop of AP50, group abnormal, in points");
  EXPECT_NEAR(gates[1]["value"], 5000.0 / 101, 1e-9);
  EXPECT_EQ(gates[1]["demanded"], 49.5);
  EXPECT_EQ(gates[1]["passed"], false);
  EXPECT_EQ(gates[3]["passed"], true);
}

TEST_F(CompareCommandTest, GatesThatHoldPass) {
  PutFolder("a", "half.json");
  PutFolder("b", "all.json");  // better: the drop is negative.
  EXPECT_EQ(Run("a", "b", {"--max-drop", "cell=0,abnormal=0,mAP=0"}).code,
            ExitCode::kWhole);
  EXPECT_EQ(RunAlone("a", "a", {"--min-agreement", "cell=1,abnormal=1"}).code,
            ExitCode::kWhole);
}

TEST_F(CompareCommandTest, AFigureThatDoesNotExistFailsItsGate) {
  folder_.Put("none.json", "[]");
  PutFolder("a", "none.json");
  const Outcome outcome = RunAlone(
      "a", "a",
      {"--min-agreement", "cell=0", "--json", folder_.PathOf("o.json")});
  EXPECT_EQ(outcome.code, ExitCode::kGateFailed);
  EXPECT_THAT(outcome.out, HasSubstr("group cell = -, demanded"));
  EXPECT_THAT(outcome.out, HasSubstr("lowest scores: A -, B -\n"));
  EXPECT_TRUE(
      json::parse(folder_.Get("o.json"))["gates"][0]["value"].is_null());
}

TEST_F(CompareCommandTest, AGateOfAnUnknownGroupIsRefused) {
  PutFolder("a", "all.json");
  const Outcome outcome = Run(
      "a", "a",
      {"--max-drop", "cell=1,abnornal=1", "--json", folder_.PathOf("o.json")});
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.err,
            "cyto8: --max-drop: there is no group \"abnornal\"; did you mean "
            "\"abnormal\"?\n");
  EXPECT_THAT(folder_.Names(), testing::Not(testing::Contains("o.json")));
  EXPECT_EQ(Run("a", "a", {"--min-agreement", "mAP=1"}).err,
            "cyto8: --min-agreement: there is no group \"mAP\"\n");
}

TEST_F(CompareCommandTest, ImagesOfTheCalibrationAreRefused) {
  PutFolder("a", "all.json");
  PutFolder("b", "all.json",
            {{"calibration_sha256", {Hash(4), Hash(99), Hash(7)}}});
  const std::string message =
      "cyto8: " + folder_.PathOf("b/run.json") +
      ": image \"image4.jpg\" was used to calibrate the model (2 such images); "
      "an evaluation must not hold such an image\n";
  for (const Outcome& outcome :
       {Run("a", "b"), Run("b", "a"), RunAlone("a", "b"),
        RunProgram({"eval", "--gt", folder_.PathOf("truth.json"), "--pred",
                    folder_.PathOf("b"), "--style", "coco"})}) {
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    EXPECT_EQ(outcome.err, message);
    EXPECT_EQ(outcome.out, "");
  }
  PutFolder("b", "all.json", {{"calibration_sha256", {Hash(99)}}});
  EXPECT_EQ(Run("a", "b").code, ExitCode::kWhole);
}

TEST_F(CompareCommandTest, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(Run("all.json", "no.json").code, ExitCode::kNoInput);
  folder_.Put("bad.json", "[3]");
  const Outcome outcome = Run("bad.json", "all.json");
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("bad.json") +
                             ": [0]: must be an object\n");
}

TEST_F(CompareCommandTest, WithoutImagesThereIsNothingToResample) {
  folder_.Put("truth.json",
              R"({"images": [], "categories": [], "annotations": []})");
  folder_.Put("all.json", "[]");
  EXPECT_EQ(Run("all.json", "all.json").code, ExitCode::kRefused);
}

TEST_F(CompareCommandTest, AFullDiskIsTemporary) {
  FaultyFileSystem files(RealFileSystem());
  const CompareCommandOptions options = {
      .truth = folder_.PathOf("truth.json"),
      .first = folder_.PathOf("all.json"),
      .second = folder_.PathOf("half.json"),
      .json = folder_.PathOf("o.json"),
      .settings = {.bootstrap = {.resamples = 2}}};
  files.Arm({.kind = FileCall::kWrite, .error_number = ENOSPC});
  EXPECT_EQ(Caught([&] { return RunCompare(files, options); }).code,
            ExitCode::kTemporary);
  EXPECT_EQ(folder_.Names(),
            std::vector<std::string>({"all.json", "half.json", "truth.json"}));
}

}  // namespace
}  // namespace cyto8
