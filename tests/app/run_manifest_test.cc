// SPDX-License-Identifier: Apache-2.0
// Tests of app/run_manifest.h: every field that docs/formats.md promises.
#include "app/run_manifest.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "base/version.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_fixture.h"

namespace cyto8 {
namespace {

using nlohmann::json;

class RunManifestTest : public testing::Test {
 protected:
  RunManifestTest() {
    PutMiniModel(folder_);
    model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml")})
                 .value();
    facts_ = {
        .command = {"cyto8", "score", "\xff"},
        .settings = {{"tiling.overlap_px", "32"}, {"tiling.mode", "\"tiles\""}},
        .threads = 3,
        .engine = "onednn",
        .isa = "avx2",
        .schedule = "latency",
        .memory_ceiling_bytes = 1'500'000'000,
        .host = "h",
        .cpu = "c",
        .started = "2026-01-31T12:00:00Z",
        .finished = "2026-01-31T12:00:01Z",
        .exit_code = ExitCode::kPartial};
  }

  static SlideResult Whole() {
    SlideResult slide = TwoCells();
    slide.cells.push_back(slide.cells[0]);
    return slide;
  }

  json Manifest(const std::vector<SlideResult>& slides) const {
    const std::string text = Text(slides);
    EXPECT_TRUE(text.ends_with("]\n}\n"));
    return json::parse(text);
  }

  std::string Text(const std::vector<SlideResult>& slides) const {
    return Written([&](const Sink& sink) {
      return WriteRunManifest(facts_, *model_, SummariesOf(slides), sink);
    });
  }

  TemporaryFolder folder_;
  std::optional<LoadedModel> model_;
  RunFacts facts_;
};

TEST_F(RunManifestTest, SaysWhatWasRun) {
  const json manifest = Manifest({Whole(), Failed()});
  EXPECT_EQ(manifest["format"], "cyto8-run");
  EXPECT_EQ(manifest["version"], 1);
  EXPECT_EQ(manifest["notice"], kResearchNotice);
  EXPECT_EQ(manifest["program"],
            json({{"name", "cyto8"}, {"version", kVersion}}));
  EXPECT_EQ(manifest["model"]["name"], "mini");
  EXPECT_EQ(manifest["model"]["file"], folder_.PathOf("mini.pb"));
  EXPECT_EQ(manifest["model"]["sha256"], HexSha256(MiniModelBytes()));
  EXPECT_EQ(manifest["model"]["card_sha256"],
            HexSha256(ReadBytes(folder_.PathOf("mini.yaml"))));
  EXPECT_EQ(manifest["threads"], 3);
  EXPECT_EQ(manifest["memory_ceiling_bytes"], 1'500'000'000);
  EXPECT_EQ(manifest["engine"], "onednn");
  EXPECT_EQ(manifest["isa"], "avx2");
  EXPECT_EQ(manifest["schedule"], "latency");
  EXPECT_EQ(manifest["host"], "h");
  EXPECT_EQ(manifest["cpu"], "c");
  EXPECT_EQ(manifest["started"], "2026-01-31T12:00:00Z");
  EXPECT_EQ(manifest["finished"], "2026-01-31T12:00:01Z");
  EXPECT_EQ(manifest["exit_code"], 4);
  EXPECT_TRUE(manifest["conventions"].is_string());
}

TEST_F(RunManifestTest, SettingsAreThoseThatWereUsed) {
  const json settings = Manifest({})["settings"];
  EXPECT_EQ(settings["mpp"], 0.5);
  EXPECT_EQ(settings["tile_width_px"], 128);
  EXPECT_EQ(settings["tile_height_px"], 128);
  EXPECT_EQ(settings["tiling.overlap_px"], 32);
  EXPECT_EQ(settings["tiling.mode"], "tiles");
  EXPECT_EQ(settings["score_threshold"], 0.05);
  EXPECT_EQ(settings["iou_threshold"], 0.5);
  EXPECT_EQ(settings["class_agnostic"], false);
  EXPECT_EQ(settings["replaced_postprocess"], "");
}

TEST_F(RunManifestTest, TheModelNamesItsClassesAndGroups) {
  model_->card.groups = {{"abnormal", {2}}, {"any", {1, 2}}};
  const json model = Manifest({})["model"];
  EXPECT_EQ(model["classes"], json::parse(R"([{"id": 1, "name": "NILM"},
                                              {"id": 2, "name": "HSIL"}])"));
  EXPECT_EQ(model["groups"], json::parse(R"({"abnormal": ["HSIL"],
                                             "any": ["NILM", "HSIL"]})"));
}

TEST_F(RunManifestTest, WhatTheUserSetStandsOverTheCard) {
  facts_.settings = {{"mpp", "0.25"}};
  EXPECT_EQ(Manifest({})["settings"]["mpp"], 0.25);
}

TEST_F(RunManifestTest, ASettingThatIsNotJsonIsADefect) {
  facts_.settings = {{"a", "0.5x"}};
  const Status status = WriteRunManifest(
      facts_, *model_, {}, [](std::string_view) { return OkStatus(); });
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_EQ(status.message(), "setting a = 0.5x: is not JSON");
}

TEST_F(RunManifestTest, AWholeImageHasAllItsFields) {
  const json image = Manifest({Whole()})["images"][0];
  EXPECT_EQ(image, json::parse(R"({
    "id": "x-1", "image_id": 7, "path": "in/x.jpg", "status": "done",
    "attempts": 1, "sha256": "ab", "width_px": 100, "height_px": 50,
    "mpp": 0.2472, "mpp_source": "--mpp", "tiles": 2,
    "tiles_skipped": 0, "tiles_scored": 2, "tiles_failed": 0, "coverage": 1.0,
    "scan": "OK",
    "detections": {"NILM": 1, "HSIL": 2},
    "seconds": {"read": 0.012, "decode": 0.0, "resample": 0.0, "infer": 1.5,
                "boxes": 0.0, "merge": 0.0, "write": 0.0}})"));
}

TEST_F(RunManifestTest, AFailedImageHasItsErrorAndNoCounts) {
  const json image = Manifest({Failed()})["images"][0];
  EXPECT_EQ(image, json::parse(R"({
    "id": "y-2", "image_id": 3, "path": "in/y.jpg", "status": "failed",
    "attempts": 1, "error": "in/y.jpg: cut, here",
    "seconds": {"read": 0.25, "decode": 0.0, "resample": 0.0, "infer": 0.0,
                "boxes": 0.0, "merge": 0.0, "write": 0.0}})"));
}

TEST_F(RunManifestTest, APartialImageHasBothAndItsNotes) {
  const json image = Manifest({Partial()})["images"][0];
  EXPECT_EQ(image["status"], "partial");
  EXPECT_EQ(image["tiles_failed"], 1);
  EXPECT_EQ(image["coverage"], 0.5);
  EXPECT_EQ(image["scan"], "RESCAN");
  EXPECT_EQ(image["detections"], json({{"NILM", 0}, {"HSIL", 1}}));
  EXPECT_EQ(image["notes"], "tile 1: damaged");
  EXPECT_FALSE(image.contains("error"));
}

TEST_F(RunManifestTest, ImagesStandOneALine) {
  const std::string text = Text({Whole(), Failed()});
  EXPECT_NE(text.find("  \"images\": [\n    {\"id\":\"x-1\","),
            std::string::npos);
  EXPECT_NE(text.find("}},\n    {\"id\":\"y-2\","), std::string::npos);
  EXPECT_TRUE(text.ends_with("}}\n  ]\n}\n"));
}

TEST_F(RunManifestTest, ErrorsOfTheSinkEndTheWriting) {
  EXPECT_EQ(ExpectSinkErrorsPassOn([&](const Sink& sink) {
              return WriteRunManifest(facts_, *model_,
                                      SummariesOf({Whole(), Failed()}), sink);
            }),
            6);
}

TEST_F(RunManifestTest, StatusIsDonePartialOrFailed) {
  EXPECT_EQ(Manifest({Whole(), Whole()})["status"], "done");
  EXPECT_EQ(Manifest({Whole(), Failed()})["status"], "partial");
  EXPECT_EQ(Manifest({Whole(), Partial()})["status"], "partial");
  EXPECT_EQ(Manifest({Partial()})["status"], "partial");
  EXPECT_EQ(Manifest({Failed(), Held()})["status"], "failed");
}

// Names and words of other bytes than UTF-8 still make valid JSON.
TEST_F(RunManifestTest, BytesThatAreNoUtf8AreEscaped) {
  SlideResult slide = Failed();
  slide.identity.path = "a\n\xff\\x41";
  slide.status = DataLoss("\xff: cut");
  const json manifest = Manifest({slide});
  EXPECT_EQ(manifest["command"], json({"cyto8", "score", "\\xff"}));
  EXPECT_EQ(manifest["images"][0]["path"], "a\n\\xff\\x5cx41");
  EXPECT_EQ(manifest["images"][0]["error"], "\\xff: cut");
}

TEST(RunFactsTest, TheMachineHasANameAProcessorAndAClock) {
  EXPECT_NE(HostName(), "");
  EXPECT_NE(CpuModel(), "");
  EXPECT_TRUE(std::regex_match(
      UtcNow(), std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

}  // namespace
}  // namespace cyto8
