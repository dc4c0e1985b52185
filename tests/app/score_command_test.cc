// SPDX-License-Identifier: Apache-2.0
// Tests of app/score_command.h: what `cyto8 score` leaves in its folder, and
// with which exit code it ends, with a small network of random weights.
#include "app/score_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/version.h"
#include "detector/kernels/isa.h"
#include "tests/app/app_fixture.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ScoreCommandTest : public testing::Test {
 protected:
  ScoreCommandTest() {
    PutMiniModel(folder_);
    PutPng(folder_, "a.png", MakeTestImage(100, 90).view());
    PutPng(folder_, "b.png", MakeTestImage(300, 180).view());
    const Bytes jpeg = EncodeJpeg(MakeTestImage(80, 60).view());
    folder_.Put("cut.jpg", TextOf(std::span(jpeg).first(jpeg.size() / 2)));
  }

  ScoreRequest Options(const std::vector<std::string>& images) const {
    ScoreRequest options;
    ScoreSettings& settings = options.resolved.settings;
    for (const std::string& image : images) {
      options.images.push_back(folder_.PathOf(image));
    }
    settings.input.model = folder_.PathOf("mini.yaml");
    settings.output.output = folder_.PathOf("out");
    settings.input.mpp = 0.5;
    settings.postprocess.min_score = 0.5;
    settings.tiling.overlap_px = 32;
    settings.run.quiet = true;
    options.command = {"cyto8", "score"};
    return options;
  }

  static Outcome Run(const ScoreRequest& options) {
    return Caught([&] { return RunScore(RealFileSystem(), options); });
  }

  // Refused with exit code 2 before anything was started.
  std::string Refusal(const ScoreRequest& options) const {
    const Outcome outcome = Run(options);
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(fs::exists(folder_.PathOf("out")));
    return outcome.err;
  }

  std::string Output(const std::string& name) const {
    return std::string(TextOf(ReadBytes(folder_.PathOf("out/" + name))));
  }
  nlohmann::json Manifest() const {
    return nlohmann::json::parse(Output("run.json"));
  }

  // Every file below out/, relative to it, sorted.
  std::vector<std::string> Tree(const std::string& root = "out") const {
    std::vector<std::string> files;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_.PathOf(root))) {
      if (entry.is_regular_file()) {
        files.push_back(
            fs::relative(entry.path(), folder_.PathOf(root)).string());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  TemporaryFolder folder_;
};

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(ScoreCommandTest, TheFolderIsThatOfTheFormatsPage) {
  const Outcome outcome = Run(Options({"a.png", "b.png"}));
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(
      Tree(),
      ElementsAre(
          ".lock", "coco_results.json", "run.json", "slides.csv",
          "slides/a-7f071235/.lock", "slides/a-7f071235/candidates.bin",
          "slides/a-7f071235/coco.json", "slides/a-7f071235/detections.csv",
          "slides/a-7f071235/detections.geojson.gz",
          "slides/a-7f071235/heatmap.png", "slides/a-7f071235/overlay.jpg",
          "slides/a-7f071235/qc.json", "slides/a-7f071235/state.json",
          "slides/b-5f59d8e8/.lock", "slides/b-5f59d8e8/candidates.bin",
          "slides/b-5f59d8e8/coco.json", "slides/b-5f59d8e8/detections.csv",
          "slides/b-5f59d8e8/detections.geojson.gz",
          "slides/b-5f59d8e8/heatmap.png", "slides/b-5f59d8e8/overlay.jpg",
          "slides/b-5f59d8e8/qc.json", "slides/b-5f59d8e8/state.json",
          "summary.md", "timing.csv"));
}

TEST_F(ScoreCommandTest, TheTableNamesTheImagesAndTheNotice) {
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.run.quiet = false;
  const Outcome outcome = Run(options);
  EXPECT_THAT(outcome.err, HasSubstr("[2/2]"));
  const std::vector<std::string> lines = LinesOf(outcome.out);
  // Two say that the made pictures look like artefacts.
  ASSERT_EQ(lines.size(), 8) << outcome.out;
  EXPECT_TRUE(lines[0].starts_with("image"));
  EXPECT_THAT(lines[1], HasSubstr("a.png"));
  EXPECT_THAT(lines[2], HasSubstr("300x180"));
  EXPECT_EQ(lines[7], kResearchNotice);
}

TEST_F(ScoreCommandTest, QuietSaysNothing) {
  EXPECT_EQ(Run(Options({"a.png"})).out, "");
}

TEST_F(ScoreCommandTest, WithoutOverlaysThereIsNone) {
  ScoreRequest options = Options({"a.png"});
  options.resolved.settings.output.overlays = false;
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  for (const std::string& file : Tree()) {
    EXPECT_FALSE(file.ends_with("overlay.jpg"));
  }
}

TEST_F(ScoreCommandTest, ASlideHasAllFilesButAnOverlay) {
  const auto level = [](int64_t width, int64_t height) {
    return TiffSource{.width_px = width,
                      .height_px = height,
                      .tile_px = 64,
                      .values = ValuesOf(MakeTestImage(width, height).view())};
  };
  folder_.Put("s.tif", TextOf(EncodeTiff({level(300, 200), level(150, 100)})));
  const Outcome outcome = Run(Options({"s.tif"}));
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  const auto image = Manifest()["images"][0];
  EXPECT_EQ(image["status"], "done");
  EXPECT_EQ(image["tiles"], 6);
  EXPECT_EQ(image["notes"], "a slide has no overlay");
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(
           folder_.PathOf("out/slides/" + image["id"].get<std::string>()))) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_THAT(names, ElementsAre(".lock", "candidates.bin", "coco.json",
                                 "detections.csv", "detections.geojson.gz",
                                 "heatmap.png", "qc.json", "state.json",
                                 "thumbnail.jpg"));
}

TEST_F(ScoreCommandTest, AThumbnailIsOfThePyramidAndCanBeLeftOut) {
  const auto level = [](int64_t width, int64_t height) {
    TiffSource source = {
        .width_px = width,
        .height_px = height,
        .tile_px = 64,
        .values = ValuesOf(MakeTestImage(width, height).view())};
    source.missing_tiles = {0};
    return source;
  };
  folder_.Put("s.tif", TextOf(EncodeTiff({level(300, 200), level(150, 100)})));
  ScoreRequest options = Options({"s.tif"});
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const std::string path = "slides/" +
                           Manifest()["images"][0]["id"].get<std::string>() +
                           "/thumbnail.jpg";
  const Image thumbnail =
      DecodeImage(ReadBytes(folder_.PathOf("out/" + path)), Limits()).value();
  const Image whole = MakeTestImage(300, 200);
  ASSERT_EQ(thumbnail.width_px(), 300);
  ASSERT_EQ(thumbnail.height_px(), 200);
  EXPECT_GE(thumbnail.view().Row(20)[3 * 20], 250);  // not in the file: white.
  int64_t difference = 0;
  for (int64_t y = 64; y < 200; ++y) {
    for (int64_t x = 0; x < 900; ++x) {
      difference +=
          std::abs(thumbnail.view().Row(y)[x] - whole.view().Row(y)[x]);
    }
  }
  EXPECT_LT(difference, 12 * 136 * 900);
  options.resolved.settings.output.thumbnails = false;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_FALSE(fs::exists(folder_.PathOf("out/" + path)));
}

// promises.md P4.
TEST_F(ScoreCommandTest, ASlideOfWhichSomeTilesCannotBeReadIsPartial) {
  TiffSource full = {.width_px = 300,
                     .height_px = 200,
                     .compression = 8,
                     .tile_px = 64,
                     .values = ValuesOf(MakeTestImage(300, 200).view())};
  TiffSource half = full;
  half.width_px = 150;
  half.height_px = 100;
  half.values = ValuesOf(MakeTestImage(150, 100).view());
  std::string bytes(TextOf(EncodeTiff({full, half})));
  for (size_t i = 20; i < 200; ++i) bytes[i] = static_cast<char>(i * 7);
  folder_.Put("s.tif", bytes);
  EXPECT_EQ(Run(Options({"s.tif"})).code, ExitCode::kPartial);
  const auto image = Manifest()["images"][0];
  EXPECT_EQ(image["status"], "partial");
  EXPECT_EQ(image["tiles_failed"], 1);
  EXPECT_THAT(image["notes"].get<std::string>(),
              HasSubstr("1 of 6 tiles have no result, tile 0: "));
}

TEST_F(ScoreCommandTest, FilesAgreeWithEachOther) {
  EXPECT_EQ(Run(Options({"a.png", "b.png"})).code, ExitCode::kWhole);
  const nlohmann::json manifest = Manifest();
  const nlohmann::json all = nlohmann::json::parse(Output("coco_results.json"));
  size_t boxes = 0;
  for (const nlohmann::json& image : manifest["images"]) {
    const std::string folder = "slides/" + image["id"].get<std::string>();
    const nlohmann::json cells =
        nlohmann::json::parse(Output(folder + "/coco.json"));
    EXPECT_EQ(LinesOf(Output(folder + "/detections.csv")).size(),
              cells.size() + 1);
    size_t counted = 0;
    for (const auto& count : image["detections"]) {
      counted += count.get<size_t>();
    }
    EXPECT_EQ(counted, cells.size());
    for (const nlohmann::json& cell : cells) {
      EXPECT_EQ(cell["image_id"], image["image_id"]);
      EXPECT_GT(cell["score"].get<double>(), 0.5);
    }
    boxes += cells.size();
    const auto overlay = DecodeImage(
        ReadBytes(folder_.PathOf("out/" + folder + "/overlay.jpg")), Limits());
    ASSERT_TRUE(overlay.ok()) << overlay.status().message();
    EXPECT_EQ(overlay->width_px(), image["width_px"].get<int64_t>());
  }
  EXPECT_GT(boxes, 0);
  EXPECT_EQ(all.size(), boxes);
}

// docs/formats.md: run.json, timing.csv and state.json hold clocks.
TEST_F(ScoreCommandTest, ASecondRunGivesTheSameBytes) {
  ScoreRequest options = Options({"a.png", "b.png"});
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  options.resolved.settings.output.output = folder_.PathOf("out2");
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  ASSERT_EQ(Tree("out"), Tree("out2"));
  for (const std::string& file : Tree("out")) {
    if (file == "run.json" || file == "timing.csv") continue;
    if (file.ends_with("/state.json")) continue;
    EXPECT_EQ(ReadBytes(folder_.PathOf("out/" + file)),
              ReadBytes(folder_.PathOf("out2/" + file)))
        << file;
  }
}

TEST_F(ScoreCommandTest, RunningIntoTheSameFolderReplacesItsFiles) {
  ScoreRequest options = Options({"a.png"});
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  const std::vector<std::string> before = Tree();
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Tree(), before);
}

TEST_F(ScoreCommandTest, ACutImageFailsAloneWithItsError) {
  const Outcome outcome = Run(Options({"a.png", "cut.jpg"}));
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  const std::string error =
      folder_.PathOf("cut.jpg") + ": damaged JPEG: Premature end of JPEG file";
  EXPECT_EQ(outcome.err, "cyto8: " + error + "\n");
  const std::vector<std::string> lines = LinesOf(Output("slides.csv"));
  ASSERT_EQ(lines.size(), 3);
  EXPECT_TRUE(lines[1].starts_with("a-7f071235," + folder_.PathOf("a.png") +
                                   ",done,0.5,--mpp,100,90,1,0,0,1,"));
  EXPECT_EQ(lines[2], "cut-f07073a1," + folder_.PathOf("cut.jpg") +
                          ",failed,,,,,,,,,,," + error + ",");
  const nlohmann::json manifest = Manifest();
  EXPECT_EQ(manifest["status"], "partial");
  EXPECT_EQ(manifest["exit_code"], 4);
  EXPECT_EQ(manifest["images"][0]["status"], "done");
  EXPECT_EQ(manifest["images"][1]["status"], "failed");
  EXPECT_FALSE(manifest["images"][1].contains("detections"));
}

TEST_F(ScoreCommandTest, OnlyUnreadableImagesAreNoInput) {
  const Outcome outcome = Run(Options({"cut.jpg", "none.png"}));
  EXPECT_EQ(outcome.code, ExitCode::kNoInput);
  EXPECT_THAT(outcome.err, HasSubstr("none.png: No such file or directory\n"));
  EXPECT_EQ(Manifest()["status"], "failed");
  EXPECT_EQ(Manifest()["exit_code"], 3);
  EXPECT_EQ(Output("coco_results.json"), "[\n]\n");
}

TEST_F(ScoreCommandTest, ScaleUnknownForAllIsNoInput) {
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.input.mpp.reset();
  const Outcome outcome = Run(options);
  EXPECT_EQ(outcome.code, ExitCode::kNoInput);
  EXPECT_THAT(outcome.err, HasSubstr("a.png: um/px is unknown: give --mpp X"));
}

TEST_F(ScoreCommandTest, ScaleUnknownForSomeIsPartial) {
  folder_.Put("mpp.csv", "file_name,um_per_px\nb.png,0.25\n");
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.input.mpp.reset();
  options.resolved.settings.input.mpp_from = folder_.PathOf("mpp.csv");
  EXPECT_EQ(Run(options).code, ExitCode::kPartial);
  const nlohmann::json images = Manifest()["images"];
  EXPECT_EQ(images[0]["status"], "failed");
  EXPECT_EQ(images[1]["mpp"], 0.25);
  EXPECT_EQ(images[1]["mpp_source"], "--mpp-from");
}

TEST_F(ScoreCommandTest, TheFlagStandsOverTheSideFileWhichStillGivesTheId) {
  folder_.Put("coco.json",
              R"({"images": [{"id": 42, "file_name": "a.png",
                              "um_per_px": 0.25}]})");
  ScoreRequest options = Options({"a.png"});
  options.resolved.settings.input.mpp_from = folder_.PathOf("coco.json");
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  const nlohmann::json image = Manifest()["images"][0];
  EXPECT_EQ(image["mpp"], 0.5);
  EXPECT_EQ(image["mpp_source"], "--mpp");
  EXPECT_EQ(image["image_id"], 42);
}

TEST_F(ScoreCommandTest, AnAmbiguousNameInTheSideFileFailsThatImage) {
  folder_.Put("mpp.csv", "file_name,mpp\nx/a.png,1\ny/a.png,2\nb.png,0.5\n");
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.input.mpp.reset();
  options.resolved.settings.input.mpp_from = folder_.PathOf("mpp.csv");
  const Outcome outcome = Run(options);
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("a.png") + ": " +
                             folder_.PathOf("mpp.csv") +
                             ": name \"a.png\" is ambiguous: \"x/a.png\" or "
                             "\"y/a.png\"\n");
}

TEST_F(ScoreCommandTest, BadSettingsAreRefusedBeforeAnythingIsWritten) {
  ScoreRequest options = Options({"a.png", "a.png"});
  EXPECT_EQ(Refusal(options),
            "cyto8: " + folder_.PathOf("a.png") + ": is given twice\n");
  options = Options({"a.png"});
  options.images.push_back(folder_.path() + "/./a.png");
  EXPECT_EQ(Refusal(options),
            "cyto8: " + folder_.path() + "/./a.png: is given twice\n");
  options = Options({"a.png"});
  options.resolved.settings.tiling.overlap_px = 128;
  EXPECT_EQ(Refusal(options), "cyto8: overlap_px = 128: must be in [0, 127]\n");
  options = Options({"a.png"});
  options.resolved.settings.input.model = folder_.PathOf("none.yaml");
  EXPECT_EQ(Refusal(options),
            "cyto8: " + options.resolved.settings.input.model +
                ": No such file or directory\n");
  options = Options({"a.png"});
  options.resolved.settings.input.mpp_from = folder_.PathOf("none.csv");
  EXPECT_EQ(Refusal(options),
            "cyto8: " + options.resolved.settings.input.mpp_from +
                ": No such file or directory\n");
  folder_.Put("bad.csv", "name\n");
  options.resolved.settings.input.mpp_from = folder_.PathOf("bad.csv");
  EXPECT_TRUE(Refusal(options).starts_with(
      "cyto8: " + options.resolved.settings.input.mpp_from +
      ": line 1: must name"));
}

TEST_F(ScoreCommandTest, AnOutputFolderThatCannotBeMadeIsRefused) {
  ScoreRequest options = Options({"a.png"});
  options.resolved.settings.output.output = "/proc/no-folder/out";
  EXPECT_EQ(Refusal(options),
            "cyto8: /proc/no-folder: No such file or directory\n");
}

TEST_F(ScoreCommandTest, AnImageThatFailsNowLeavesNoEarlierResult) {
  ScoreRequest options = Options({"a.png"});
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const fs::path slides = folder_.PathOf("out/slides");
  const fs::path slide = fs::directory_iterator(slides)->path();
  EXPECT_TRUE(fs::exists(slide / "coco.json"));
  folder_.Put("a.png", "damaged");
  EXPECT_EQ(Run(options).code, ExitCode::kNoInput);
  EXPECT_FALSE(fs::exists(slide / "coco.json"));
  EXPECT_FALSE(fs::exists(slide / "detections.geojson.gz"));
}

TEST_F(ScoreCommandTest, WithoutOverlaysAnEarlierOneGoes) {
  ScoreRequest options = Options({"a.png"});
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const fs::path slide =
      fs::directory_iterator(folder_.PathOf("out/slides"))->path();
  EXPECT_TRUE(fs::exists(slide / "overlay.jpg"));
  options.resolved.settings.output.overlays = false;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_FALSE(fs::exists(slide / "overlay.jpg"));
}

TEST_F(ScoreCommandTest, TwoImagesOfOneImageIdAreRefused) {
  folder_.Put("side.json",
              R"({"images": [{"id": 7, "file_name": "a.png"},
                             {"id": 7, "file_name": "b.png"}]})");
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.input.mpp_from = folder_.PathOf("side.json");
  EXPECT_EQ(Refusal(options), "cyto8: " + folder_.PathOf("b.png") +
                                  ": image_id = 7: is that of " +
                                  folder_.PathOf("a.png") +
                                  " too; list both in --mpp-from\n");
}

TEST_F(ScoreCommandTest, ADryRunSaysWhatItWouldTakeAndWritesNothing) {
  ScoreRequest options = Options({"a.png", "b.png", "none.png"});
  options.dry_run = true;
  const Outcome outcome = Run(options);
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("none.png") +
                             ": No such file or directory\n");
  const std::vector<std::string> lines = LinesOf(outcome.out);
  ASSERT_EQ(lines.size(), 5) << outcome.out;
  EXPECT_EQ(lines[0], "images   3, 1 of them unreadable");
  EXPECT_EQ(lines[1], "tiles    7 of 128 x 128 px");
  EXPECT_THAT(lines[2],
              testing::MatchesRegex("threads  [1-9][0-9]*, throughput, .+"));
  EXPECT_THAT(lines[3], testing::MatchesRegex(
                            "memory   at most [0-9]+ MiB: program and model "
                            "[1-9].*, reserve 128; .*"));
  EXPECT_FALSE(fs::exists(folder_.PathOf("out")));
}

TEST_F(ScoreCommandTest, OnlyRegionsOfTheListAreLookedAt) {
  folder_.Put("roi.csv", "file_name,x,y,w,h\nb.png,150,20,100,90\n");
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.tiling.roi = folder_.PathOf("roi.csv");
  const Outcome outcome = Run(options);
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("a.png") + ": " +
                             folder_.PathOf("roi.csv") +
                             ": has no region of this image\n");
  const nlohmann::json image = Manifest()["images"][1];
  EXPECT_EQ(image["tiles"], 1);
  // The region alone, as an image, has the same cells, moved.
  PutPng(folder_, "part.png",
         MakeTestImage(300, 180).view().Crop(150, 20, 100, 90));
  const nlohmann::json cells =
      nlohmann::json::parse(Output("coco_results.json"));
  ASSERT_EQ(Run(Options({"part.png"})).code, ExitCode::kWhole);
  const nlohmann::json alone =
      nlohmann::json::parse(Output("coco_results.json"));
  ASSERT_FALSE(cells.empty());
  ASSERT_EQ(cells.size(), alone.size());
  EXPECT_NEAR(cells[0]["bbox"][0].get<double>(),
              alone[0]["bbox"][0].get<double>() + 150, 0.011);
  EXPECT_EQ(cells[0]["score"], alone[0]["score"]);
}

TEST_F(ScoreCommandTest, ATileOfAnotherSizeSeesMoreAtOnce) {
  ScoreRequest options = Options({"b.png"});
  options.resolved.settings.tiling.tile_px = {.width_px = 384,
                                              .height_px = 256};
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["images"][0]["tiles"], 1);
  options.resolved.settings.tiling.tile_px = {.width_px = 200,
                                              .height_px = 256};
  EXPECT_THAT(Run(options).err, HasSubstr("200x256: width must be"));
}

// A tile that shows 100 x 90 px needs no more than the smallest network.
TEST_F(ScoreCommandTest, FittedTilesAreThoseOfTheSmallerNetwork) {
  ScoreRequest options = Options({"a.png"});
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const std::string small = Output("coco_results.json");
  options.resolved.settings.tiling.tile_px = {.width_px = 384,
                                              .height_px = 256};
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_NE(Output("coco_results.json"), small);
  options.resolved.settings.tiling.fit = true;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Output("coco_results.json"), small);
}

TEST_F(ScoreCommandTest, EachWayOfMergingWritesItsCells) {
  std::set<std::string> results;
  for (const MergeMethod method :
       {MergeMethod::kNms, MergeMethod::kVoting, MergeMethod::kWbf,
        MergeMethod::kNmm, MergeMethod::kGreedyNmm}) {
    ScoreRequest options = Options({"b.png"});
    options.resolved.settings.postprocess.merge = method;
    EXPECT_EQ(Run(options).code, ExitCode::kWhole);
    results.insert(Output("coco_results.json"));
  }
  EXPECT_EQ(results.size(), 5);
}

// The threshold holds inside tiles as well as across them, so an image of one
// tile obeys it too.
TEST_F(ScoreCommandTest, AMatchThresholdOfOneKeepsEveryBox) {
  ScoreRequest options = Options({"a.png"});
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const size_t some = LinesOf(Output("coco_results.json")).size();
  options.resolved.settings.postprocess.match_threshold = 1;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_GT(LinesOf(Output("coco_results.json")).size(), some);
}

TEST_F(ScoreCommandTest, AClassOfItsOwnThreshold) {
  ScoreRequest options = Options({"a.png"});
  options.resolved.settings.postprocess.class_min_score = {{"HSIL", 1.0}};
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["images"][0]["detections"]["HSIL"], 0);
  options.resolved.settings.postprocess.class_min_score = {{"HSLI", 0.5}};
  EXPECT_THAT(Run(options).err, HasSubstr("\"HSIL\""));
}

// Of an FP32 model, whatever the number of tiles, auto is throughput.
TEST_F(ScoreCommandTest, TheScheduleShowsInTheManifestAloneOfAllFiles) {
  ScoreRequest options = Options({"a.png", "b.png"});
  options.resolved.settings.run.threads = 4;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["schedule"], "throughput");
  const std::string boxes = Output("coco_results.json");
  options.resolved.settings.run.schedule = Schedule::kLatency;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["schedule"], "latency");
  EXPECT_EQ(Output("coco_results.json"), boxes);
}

TEST_F(ScoreCommandTest, TheInstructionsShowInTheManifest) {
  ScoreRequest options = Options({"a.png"});
  options.resolved.settings.run.engine = Engine::kOneDnn;
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["isa"], IsaName(BestIsa()));
  options.resolved.settings.run.isa = "plain";
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["isa"], "plain");
}

TEST_F(ScoreCommandTest, ResizedImagesNeedNoScaleAndHaveNone) {
  ScoreRequest options = Options({"b.png"});
  options.resolved.settings.input.mpp.reset();
  options.resolved.settings.tiling.mode = TilingMode::kResize;
  options.resolved.settings.tiling.overlap_px = 192;  // means nothing here.
  EXPECT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_TRUE(Manifest()["images"][0]["mpp"].is_null());
  EXPECT_THAT(LinesOf(Output("slides.csv"))[1], HasSubstr(",done,,,300,180,1"));
  options.resolved.settings.tiling.roi = folder_.PathOf("roi.csv");
  folder_.Put("roi.csv", "file_name,x,y,w,h\nb.png,0,0,9,9\n");
  const Outcome outcome = Run(options);
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.err, "cyto8: tiling.roi: needs tiling.mode = tiles\n");
}

// The files of an earlier run and what a killed one left are not taken for
// this run's.
TEST_F(ScoreCommandTest, LeftoversGoAndOldResultsAreNoInput) {
  fs::create_directory(folder_.PathOf("in"));
  PutPng(folder_, "in/a.png", MakeTestImage(100, 90).view());
  ScoreRequest options = Options({"in"});
  options.resolved.settings.output.output = folder_.PathOf("in/run1");
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  const std::vector<std::string> first = Tree("in/run1");
  options.resolved.settings.output.output = folder_.PathOf("out");
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Manifest()["images"].size(), 1);
  ASSERT_EQ(Tree(), first);
  folder_.Put("out/run.json.tmp-1-2-3", "");
  folder_.Put("out/" + fs::path(first[5]).parent_path().string() +
                  "/coco.json.tmp-1-2-3",
              "");
  ASSERT_EQ(Run(options).code, ExitCode::kWhole);
  EXPECT_EQ(Tree(), first);
}

}  // namespace
}  // namespace cyto8
