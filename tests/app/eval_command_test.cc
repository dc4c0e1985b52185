// SPDX-License-Identifier: Apache-2.0
// Tests of app/eval_command.h and of what it is made of: texts and JSON of a
// small case worked out by hand, exit codes, each file call failing in turn.
#include "app/eval_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"

namespace cyto8 {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// Two images; class 1 has one truth box in each, class 2 one in the first,
// class 3 none.
constexpr std::string_view kTruth = R"({
  "images": [{"id": 1, "file_name": "x.jpg", "width": 100, "height": 100},
             {"id": 2, "file_name": "y.jpg", "width": 100, "height": 100}],
  "categories": [{"id": 1, "name": "NILM"}, {"id": 2, "name": "HSIL"},
                 {"id": 3, "name": "../<SCC>\n"}],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]},
    {"id": 2, "image_id": 2, "category_id": 1, "bbox": [10, 10, 20, 20]},
    {"id": 3, "image_id": 1, "category_id": 2, "bbox": [60, 60, 20, 20]}]})";

// Class 1: found in image 1 (IoU 1), a false one in image 2. Class 2: found,
// and found as class 1 too with a lower score.
constexpr std::string_view kFound = R"([
  {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.9},
  {"image_id": 2, "category_id": 1, "bbox": [70, 10, 20, 20], "score": 0.8},
  {"image_id": 1, "category_id": 2, "bbox": [60, 60, 20, 20], "score": 0.7},
  {"image_id": 1, "category_id": 1, "bbox": [60, 60, 20, 20], "score": 0.6}])";

class EvalCommandTest : public testing::Test {
 protected:
  EvalCommandTest() {
    folder_.Put("truth.json", kTruth);
    folder_.Put("found.json", kFound);
  }

  Outcome Run(const std::vector<std::string>& flags,
              const std::string& found = "found.json") const {
    std::vector<std::string> arguments = {"eval", "--gt",
                                          folder_.PathOf("truth.json"),
                                          "--pred", folder_.PathOf(found)};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return RunProgram(arguments);
  }

  json Json(std::vector<std::string> flags) const {
    flags.insert(flags.end(), {"--json", folder_.PathOf("o.json")});
    EXPECT_EQ(Run(flags).code, ExitCode::kWhole);
    return json::parse(folder_.Get("o.json"));
  }

  TemporaryFolder folder_;
};

TEST_F(EvalCommandTest, TheTableAndItsConventions) {
  const Outcome outcome = Run({});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_EQ(outcome.err, "");
  // NILM: precision 1 up to recall 1/2, 51 of 101 points. cell: 2 of 3 found
  // with one false between, 34 points at 1, 33 at 2/3.
  EXPECT_EQ(
      outcome.out,
      "                 truth  found   AP50  AP50:95  recall  best F1  at score"
      "\n"
      "NILM                 2      3  0.505    0.505   0.500    0.667     0.900"
      "\n"
      "HSIL                 1      1  1.000    1.000   1.000    1.000     0.700"
      "\n"
      "../<SCC>?            0      0      -        -       -        -         -"
      "\n"
      "mean of classes      3      4  0.752    0.752   0.750        -         -"
      "\n"
      "group cell           3      3  0.554    0.554   0.667    0.667     0.700"
      "\n\n"
      "2 images, 3 truth boxes (0 crowds, ignored), 4 of 4 detections\n"
      "match: IoU >= 0.50:0.05:0.95 with the best free truth (COCO); sides are "
      "x2 - x1, no +1\n"
      "AP: 101-point interpolation (COCO), all detections\n"
      "joined: images by image_id, classes by category_id\n"
      "groups: cell = NILM + HSIL + ../<SCC>?; boxes pooled, NMS at IoU > 0.5 "
      "within the group, truth of other classes is background\n"
      "ignored border: none\n"
      "Research software. Not a medical device. Not for diagnosis, screening "
      "or triage. Findings must be reviewed by a qualified cytologist.\n");
}

TEST_F(EvalCommandTest, StyleCocoBeginsWithTheTwelveLines) {
  const Outcome outcome = Run({"--style", "coco"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_TRUE(outcome.out.starts_with(
      " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] "
      "= 0.752\n"
      " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] "
      "= 0.752\n"
      " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] "
      "= 0.752\n"
      " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] "
      "= 0.752\n"
      " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] "
      "= -1.000\n"
      " Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] "
      "= -1.000\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] "
      "= 0.750\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] "
      "= 0.750\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] "
      "= 0.750\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] "
      "= 0.750\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] "
      "= -1.000\n"
      " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] "
      "= -1.000\n\n"));
  EXPECT_THAT(outcome.out,
              HasSubstr("style coco: as pycocotools 2.0.11, quirks included"));
}

TEST_F(EvalCommandTest, JsonHoldsFiguresCountsAndConventions) {
  const json result = Json({});
  EXPECT_EQ(result["format"], "cyto8-eval");
  EXPECT_EQ(result["version"], 1);
  EXPECT_EQ(result["style"], "default");
  EXPECT_EQ(result["stats"].size(), 12);
  EXPECT_NEAR(result["stats"]["AP50"], (51.0 / 101 + 1) / 2, 1e-12);
  EXPECT_EQ(result["mean"]["AP_by_level"].size(), 10);
  EXPECT_EQ(result["classes"][0]["name"], "NILM");
  EXPECT_EQ(result["classes"][0]["id"], 1);
  EXPECT_EQ(result["classes"][0]["truth"], 2);
  EXPECT_EQ(result["classes"][0]["detections"], 3);
  EXPECT_EQ(result["classes"][2]["name"], "../<SCC>\n");
  EXPECT_EQ(result["classes"][2]["AP"], -1);
  EXPECT_EQ(result["classes"][2]["best_f1"], nullptr);
  EXPECT_EQ(result["groups"][0]["name"], "cell");
  EXPECT_EQ(result["counts"]["detections"], 4);
  EXPECT_EQ(result["conventions"][1],
            "match: IoU >= 0.50:0.05:0.95 with the best free truth (COCO); "
            "sides are x2 - x1, no +1");
}

TEST_F(EvalCommandTest, GroupsAreThoseOfTheFlags) {
  const json result = Json({"--group", "bad=HSIL", "--group", "good=NILM"});
  ASSERT_EQ(result["groups"].size(), 3);
  EXPECT_EQ(result["groups"][1]["name"], "bad");
  EXPECT_EQ(result["groups"][2]["name"], "good");
  EXPECT_EQ(Run({"--group", "x=HSLI"}).err,
            "cyto8: the truth has no class \"HSLI\"; did you mean \"HSIL\"?\n");
}

TEST_F(EvalCommandTest, CentresMatchByDistance) {
  folder_.Put("near.json", R"([{"image_id": 1, "category_id": 1, "score": 1,
                                "bbox": [12, 10, 40, 20]}])");
  const auto found = [&](const std::string& distance) {
    const Outcome outcome =
        Run({"--match", "centre", "--distance-px", distance}, "near.json");
    EXPECT_THAT(outcome.out,
                HasSubstr("match: centres at most " + distance + " px apart"));
    return outcome.out;
  };
  EXPECT_THAT(found("12"), HasSubstr("AP@12px"));
  EXPECT_THAT(found("12"), HasSubstr("NILM                 2      1    0.505"));
  EXPECT_THAT(found("11"), HasSubstr("NILM                 2      1    0.000"));
}

TEST_F(EvalCommandTest, TheBorderTakesNoPart) {
  const json result = Json({"--ignore-border", "25"});
  EXPECT_EQ(result["counts"]["truth_in_border"], 2);
  EXPECT_EQ(result["counts"]["detections_in_border"], 2);
  EXPECT_EQ(result["classes"][0]["truth"], 0);
  EXPECT_THAT(Run({"--ignore-border", "25"}).out,
              HasSubstr("ignored border: 25 px, by the centre of the box (2 "
                        "truth boxes, 2 detections)"));
}

TEST_F(EvalCommandTest, IntervalsComeWithTheirSeed) {
  const Outcome outcome = Run({"--bootstrap", "50", "--seed", "7"});
  EXPECT_THAT(outcome.out, HasSubstr("AP50  95 % interval"));
  EXPECT_THAT(outcome.out,
              HasSubstr("intervals: 95 % percentile bootstrap by image, 50 "
                        "resamples, seed 7"));
  EXPECT_EQ(Run({"--bootstrap", "50", "--seed", "7"}).out, outcome.out);
  const json result = Json({"--bootstrap", "50"});
  EXPECT_LE(result["mean"]["AP_interval"]["low"], result["mean"]["AP"]);
  EXPECT_GE(result["mean"]["AP_interval"]["high"], result["mean"]["AP"]);
}

TEST_F(EvalCommandTest, VocHasItsOwnMatchAndInterpolation) {
  const Outcome outcome = Run({"--style", "voc", "--interpolation", "11",
                               "--plus-one", "--iou-above", "--iou", "0.3"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  // NILM: recall 1/2, so 6 of 11 points.
  EXPECT_THAT(outcome.out, HasSubstr("NILM                 2      3  0.545"));
  EXPECT_THAT(outcome.out,
              HasSubstr("match: IoU > 0.3 with the truth overlapped most, free "
                        "or taken (VOC); sides are x2 - x1 + 1\n"
                        "AP: 11-point interpolation (VOC 2007), all "
                        "detections\n"));
}

TEST_F(EvalCommandTest, ClassesCanBeTakenTogether) {
  const json result = Json({"--class-agnostic"});
  ASSERT_EQ(result["classes"].size(), 1);
  EXPECT_EQ(result["classes"][0]["name"], "all classes");
  EXPECT_EQ(result["classes"][0]["truth"], 3);
}

TEST_F(EvalCommandTest, TheGateDecidesTheExitCode) {
  const Outcome failed = Run({"--min-map", "0.76"});
  EXPECT_EQ(failed.code, ExitCode::kGateFailed);
  EXPECT_THAT(failed.out, HasSubstr("gate: AP50, mean of classes, = 0.752, "
                                    "demanded 0.76: failed\n"));
  const Outcome passed = Run({"--min-map", "0.75"});
  EXPECT_EQ(passed.code, ExitCode::kWhole);
  EXPECT_THAT(passed.out, HasSubstr("demanded 0.75: passed\n"));
  EXPECT_EQ(Json({"--min-map", "0.75"})["gate"]["passed"], true);
}

// Nothing to average is not enough for any gate.
TEST_F(EvalCommandTest, AGateWithoutTruthFails) {
  folder_.Put("truth.json",
              R"({"images": [], "categories": [], "annotations": []})");
  folder_.Put("found.json", "[]");
  EXPECT_EQ(Run({}).code, ExitCode::kWhole);
  EXPECT_EQ(Run({"--style", "coco"}).code, ExitCode::kWhole);
  EXPECT_EQ(Run({"--min-map", "0"}).code, ExitCode::kGateFailed);
}

TEST_F(EvalCommandTest, CurvesOfEachClassAndGroup) {
  EXPECT_EQ(Run({"--curves", folder_.PathOf("deep/curves")}).code,
            ExitCode::kWhole);
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.PathOf("deep/curves"))) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "class-1-NILM.csv", "class-1-NILM.svg",
                         "class-2-HSIL.csv", "class-2-HSIL.svg",
                         "class-3-..__SCC__.csv", "class-3-..__SCC__.svg",
                         "group-1-cell.csv", "group-1-cell.svg"));
  EXPECT_EQ(folder_.Get("deep/curves/class-2-HSIL.csv"),
            "score,true_positives,false_positives,recall,precision,envelope\n"
            "0.7,1,0,1.000000,1.000000,1.000000\n");
  EXPECT_THAT(folder_.Get("deep/curves/class-3-..__SCC__.svg"),
              HasSubstr("../&lt;SCC&gt;?: AP50 none"));
}

TEST_F(EvalCommandTest, WhatCannotBeReadIsNoInput) {
  EXPECT_EQ(Run({}, "no.json").code, ExitCode::kNoInput);
  EXPECT_EQ(Run({}, "no.json").err, "cyto8: " + folder_.PathOf("no.json") +
                                        ": No such file or directory\n");
  folder_.Put("truth.json", "{");
  const Outcome outcome = Run({});
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("truth.json") +
                             ": line 1, column 1: is not valid JSON\n");
}

// A rename would replace a device, and a report must not replace the truth.
TEST_F(EvalCommandTest, TheReportGoesToAFileOfItsOwn) {
  const auto refusal = [&](const std::string& path) {
    const Outcome outcome = Run({"--json", path});
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    return outcome.err;
  };
  EXPECT_EQ(refusal("/dev/null"),
            "cyto8: --json: /dev/null: is not a regular file\n");
  EXPECT_EQ(refusal(folder_.path()),
            "cyto8: --json: " + folder_.path() + ": is not a regular file\n");
  const std::string truth = folder_.PathOf("truth.json");
  EXPECT_EQ(refusal(truth), "cyto8: --json: " + truth + ": is an input\n");
  EXPECT_EQ(folder_.Get("truth.json"), kTruth);
  EXPECT_EQ(Run({"--json", folder_.PathOf("no/such/o.json")}).code,
            ExitCode::kRefused);
}

// An output folder as `cyto8 score` leaves it, one image failed.
TEST_F(EvalCommandTest, AFolderWithAFailedImageNeedsConsent) {
  ASSERT_TRUE(MakeDirectories(RealFileSystem(), folder_.PathOf("out")).ok());
  folder_.Put("out/run.json", R"({"format": "cyto8-run", "version": 1,
    "model": {"classes": [{"id": 1, "name": "NILM"}, {"id": 2, "name": "HSIL"}],
              "groups": {"high": ["HSIL"]}},
    "images": [{"image_id": 5, "path": "x.png", "status": "done"},
               {"image_id": 6, "path": "y\n.png", "status": "failed"},
               {"image_id": 7, "path": "y.png", "status": "failed"}]})");
  folder_.Put("out/coco_results.json", R"([{"image_id": 5, "category_id": 2,
    "bbox": [60, 60, 20, 20], "score": 1}])");
  const Outcome refused = Run({}, "out");
  EXPECT_EQ(refused.code, ExitCode::kRefused);
  EXPECT_THAT(refused.err, HasSubstr("\"y.png\" of the run is not done"));
  EXPECT_THAT(refused.err, Not(HasSubstr("y\n")));
  const Outcome outcome = Run({"--allow-missing"}, "out");
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_THAT(outcome.out, HasSubstr("1 images, 2 truth boxes"));
  EXPECT_THAT(outcome.out,
              HasSubstr("1 truth images without a result: left out\n"
                        "1 images of the run without truth: left out\n"));
  EXPECT_THAT(outcome.out, HasSubstr("group high"));
}

// What `cyto8 score` writes is what `cyto8 eval` reads.
TEST_F(EvalCommandTest, ReadsTheFolderThatScoreWrites) {
  PutMiniModel(folder_);
  PutPng(folder_, "x.png", MakeTestImage(100, 100).view());
  PutPng(folder_, "y.png", MakeTestImage(90, 90).view());
  const Outcome scored = RunProgram(
      {"score", folder_.PathOf("x.png"), folder_.PathOf("y.png"), "--model",
       folder_.PathOf("mini.yaml"), "-o", folder_.PathOf("out"), "--mpp", "0.5",
       "--min-score", "0.5", "--overlap", "32", "--no-overlays", "--quiet"});
  ASSERT_EQ(scored.code, ExitCode::kWhole) << scored.err;
  const Outcome outcome = Run({}, "out");
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("joined: images by relative path, else "
                                     "stem, classes by name\n"));
  EXPECT_THAT(outcome.out, HasSubstr("group abnormal"));
  EXPECT_THAT(outcome.out, Not(HasSubstr(" 0 of 0 detections")));
}

class EvalFaultTest : public EvalCommandTest {
 protected:
  ExitCode Evaluate(FileSystem& files) {
    const std::string out = "out" + std::to_string(++runs_);
    // One curve only: each call of a run is made to fail.
    const EvalCommandOptions options = {
        .truth = folder_.PathOf("truth.json"),
        .predictions = folder_.PathOf("found.json"),
        .json = folder_.PathOf(out + ".json"),
        .curves = folder_.PathOf(out),
        .settings = {.style = EvalStyle::kCoco,
                     .max_detections = {1, 10, 100},
                     .class_agnostic = true}};
    return Caught([&] { return RunEval(files, options); }).code;
  }

  // Under a final name files are whole.
  void ExpectWholeFiles(bool temporaries_may_stay) const {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string();
      if (path.find(".tmp-") != std::string::npos) {
        EXPECT_TRUE(temporaries_may_stay) << path;
      } else if (path.ends_with(".json")) {
        EXPECT_TRUE(json::accept(TextOf(ReadBytes(path)))) << path;
      } else {
        EXPECT_TRUE(TextOf(ReadBytes(path)).ends_with('\n')) << path;
      }
    }
  }

  int runs_ = 0;
};

TEST_F(EvalFaultTest, EachFailingCallEndsInTheDocumentedCode) {
  FaultyFileSystem files(RealFileSystem());
  files.Disarm();
  ASSERT_EQ(Evaluate(files), ExitCode::kWhole);
  const auto calls = static_cast<int64_t>(files.calls().size());
  ASSERT_GT(calls, 25);
  for (int64_t i = 0; i < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    // Once, or for good: then temporaries cannot be removed either.
    files.Arm({.index = i, .error_number = ENOSPC, .lasting = i % 2 == 1});
    EXPECT_EQ(Evaluate(files), ExitCode::kTemporary);
    EXPECT_EQ(files.open_files(), 0);
  }
  ExpectWholeFiles(/*temporaries_may_stay=*/true);
}

}  // namespace
}  // namespace cyto8
