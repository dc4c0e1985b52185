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
