// SPDX-License-Identifier: Apache-2.0
// Tests of app/run_manifest.h: every field that docs/formats.md promises.
#include "app/run_manifest.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "base/version.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using nlohmann::json;

class RunManifestTest : public testing::Test {
 protected:
  RunManifestTest() {
    PutMiniModel(folder_);
    model_ = LoadModel(RealFileSystem(), {.path = folder_.PathOf("mini.yaml")})
                 .value();
    facts_ = {.command = {"cyto8", "score", "\xff"},
              .engine = "onednn",
              .host = "h",
              .cpu = "c",
              .started = "2026-01-31T12:00:00Z",
              .finished = "2026-01-31T12:00:01Z",
              .overlap_px = 32,
              .exit_code = ExitCode::kPartial};
  }

  static SlideResult Whole() {
    SlideResult slide;
    slide.identity = {.path = "in/x.jpg", .id = "x-1", .image_id = 7};
    slide.sha256 = "ab";
    slide.width_px = 100;
    slide.height_px = 50;
    slide.mpp = {.value = 0.2472, .source = "--mpp"};
    slide.tiles = 2;
    slide.cells.resize(3);
    slide.cells[0].detection.class_id = 2;
    slide.cells[1].detection.class_id = 2;
    slide.cells[2].detection.class_id = 1;
    slide.seconds.read = 0.0123456;
    return slide;
  }

  static SlideResult Failed() {
    SlideResult slide;
    slide.identity = {.path = "in/y.jpg", .id = "y-2", .image_id = 3};
    slide.status = DataLoss("in/y.jpg: cut");
    return slide;
  }

  json Manifest(const std::vector<SlideResult>& slides) const {
    const std::string text = RunManifestText(facts_, *model_, slides);
    EXPECT_TRUE(text.ends_with("}\n"));
    return json::parse(text);
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
  EXPECT_EQ(manifest["threads"], 1);
  EXPECT_EQ(manifest["engine"], "onednn");
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
  EXPECT_EQ(settings["overlap_px"], 32);
  EXPECT_EQ(settings["score_threshold"], 0.05);
  EXPECT_EQ(settings["iou_threshold"], 0.5);
  EXPECT_EQ(settings["class_agnostic"], false);
  EXPECT_EQ(settings["replaced_postprocess"], "");
}

TEST_F(RunManifestTest, AWholeImageHasAllItsFields) {
  const json image = Manifest({Whole()})["images"][0];
  EXPECT_EQ(image, json::parse(R"({
    "id": "x-1", "image_id": 7, "path": "in/x.jpg", "sha256": "ab",
    "width_px": 100, "height_px": 50, "mpp": 0.2472, "mpp_source": "--mpp",
    "tiles": 2, "detections": {"NILM": 1, "HSIL": 2}, "status": "done",
    "seconds": {"read": 0.012, "decode": 0.0, "resample": 0.0, "infer": 0.0,
                "boxes": 0.0, "merge": 0.0, "write": 0.0}})"));
}

TEST_F(RunManifestTest, AFailedImageHasItsErrorAndNoCounts) {
  const json image = Manifest({Failed()})["images"][0];
  EXPECT_EQ(image, json::parse(R"({
    "id": "y-2", "image_id": 3, "path": "in/y.jpg", "status": "failed",
    "error": "in/y.jpg: cut"})"));
}

TEST_F(RunManifestTest, StatusIsDonePartialOrFailed) {
  EXPECT_EQ(Manifest({Whole(), Whole()})["status"], "done");
  EXPECT_EQ(Manifest({Whole(), Failed()})["status"], "partial");
  EXPECT_EQ(Manifest({Failed()})["status"], "failed");
}

// A command line of other bytes than UTF-8 still makes valid JSON.
TEST_F(RunManifestTest, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(Manifest({})["command"], json({"cyto8", "score", "\xef\xbf\xbd"}));
}

TEST(RunFactsTest, TheMachineHasANameAProcessorAndAClock) {
  EXPECT_NE(HostName(), "");
  EXPECT_NE(CpuModel(), "");
  EXPECT_TRUE(std::regex_match(
      UtcNow(), std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

}  // namespace
}  // namespace cyto8
