// SPDX-License-Identifier: Apache-2.0
// Tests of app/load_model.h: which files are read, and what is refused when
// card and graph do not fit together.
#include "app/load_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

class LoadModelTest : public testing::Test {
 protected:
  LoadModelTest() { PutMiniModel(folder_); }

  std::string card() const { return folder_.PathOf("mini.yaml"); }
  std::string model() const { return folder_.PathOf("mini.pb"); }

  StatusOr<LoadedModel> Load(const std::string& path) const {
    return LoadModel(RealFileSystem(), {.path = path});
  }

  // The message for the card with one edit, which must apply.
  std::string RefusalOf(std::string_view from, std::string_view to) {
    const std::string whole = folder_.Get("mini.yaml");
    const std::string text = Edited(whole, from, to);
    EXPECT_NE(text, whole) << from;
    folder_.Put("mini.yaml", text);
    const Status status = Load(card()).status();
    folder_.Put("mini.yaml", whole);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  }

  TemporaryFolder folder_;
};

TEST_F(LoadModelTest, TheCardLeadsToTheModel) {
  const auto loaded = Load(card());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->card.name, "mini");
  EXPECT_EQ(loaded->card_path, card());
  EXPECT_EQ(loaded->card_sha256, HexSha256(ReadBytes(card())));
  EXPECT_EQ(loaded->model_path, model());
  EXPECT_EQ(loaded->detector->tile_width_px(), 128);
  EXPECT_EQ(loaded->detector->tile_height_px(), 128);
  EXPECT_EQ(loaded->replaced_postprocess, "");
}

TEST_F(LoadModelTest, TheModelLeadsToTheCardBesideIt) {
  const auto loaded = Load(model());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->card_path, card());
  EXPECT_EQ(loaded->model_path, model());
}

TEST_F(LoadModelTest, FlagsStandOverTheCard) {
  const auto loaded =
      LoadModel(RealFileSystem(),
                {.path = card(), .class_agnostic = true, .min_score = 0.75});
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  const PostprocessOptions& options = loaded->detector->options().postprocess;
  EXPECT_EQ(options.scope, SuppressionScope::kGlobal);
  EXPECT_EQ(options.classes, ClassChoice::kBestPerAnchor);
  EXPECT_EQ(options.score_threshold, 0.75f);
}

// Every class of an anchor above the cut, not only its best, and no cap.
TEST_F(LoadModelTest, EveryClassOfAnAnchorIsGiven) {
  constexpr int64_t kAnchors = (16 * 16 + 8 * 8 + 4 * 4 + 2 * 2 + 1) * 9;
  folder_.Put("mini.yaml", Edited(folder_.Get("mini.yaml"),
                                  "iou_threshold: 0.5", "iou_threshold: 1"));
  const auto count = [&](bool class_agnostic) {
    const auto loaded = LoadModel(
        RealFileSystem(),
        {.path = card(), .class_agnostic = class_agnostic, .min_score = 0});
    EXPECT_EQ(loaded->detector->options().postprocess.max_detections, 0);
    DetectorSession session = DetectorSession::Create(loaded->detector).value();
    SerialFor executor;
    Image image = Image::Create(128, 128).value();
    return std::ssize(
        session.Detect(image.view(), {}, executor).value().detections);
  };
  EXPECT_EQ(count(/*class_agnostic=*/false), kAnchors * 2);
  EXPECT_EQ(count(/*class_agnostic=*/true), kAnchors);
}

TEST_F(LoadModelTest, ClassThresholdsLowerTheDetectorsCut) {
  const auto load = [&](const std::map<std::string, double>& thresholds) {
    return LoadModel(RealFileSystem(), {.path = card(),
                                        .min_score = 0.3,
                                        .class_min_score = thresholds})
        .value();
  };
  EXPECT_EQ(load({}).class_min_score, (std::map<int, double>()));
  const LoadedModel low = load({{"HSIL", 0.1}});
  EXPECT_EQ(low.class_min_score, (std::map<int, double>{{1, 0.3}, {2, 0.1}}));
  const float cut = low.detector->options().postprocess.score_threshold;
  EXPECT_LE(static_cast<double>(cut), 0.1);
  EXPECT_NEAR(cut, 0.1, 1e-7);
  const LoadedModel high = load({{"HSIL", 0.5}, {"NILM", 0.4}});
  EXPECT_EQ(high.class_min_score, (std::map<int, double>{{1, 0.4}, {2, 0.5}}));
  EXPECT_NEAR(high.detector->options().postprocess.score_threshold, 0.4, 1e-7);
}

TEST_F(LoadModelTest, ClassThresholdsAreChecked) {
  const auto refusal = [&](const std::string& name, double value) {
    const auto loaded = LoadModel(
        RealFileSystem(), {.path = card(), .class_min_score = {{name, value}}});
    EXPECT_EQ(loaded.status().code(), StatusCode::kInvalidArgument);
    return loaded.status().message();
  };
  EXPECT_EQ(refusal("HSLI", 0.1),
            card() +
                ": class_min_score: the model has no class \"HSLI\"; did you "
                "mean \"HSIL\"?");
  EXPECT_EQ(refusal("HSIL", 1.5),
            card() + ": class_min_score.HSIL = 1.5: must be in [0, 1]");
  EXPECT_EQ(refusal("NILM", std::nan("")),
            card() + ": class_min_score.NILM = nan: must be in [0, 1]");
}

TEST_F(LoadModelTest, ATileSizeThatTheNetworkCannotHaveIsRefusedFirst) {
  std::filesystem::remove(model());
  EXPECT_EQ(LoadModel(RealFileSystem(),
                      {.path = card(),
                       .tile_px = TileSize{.width_px = 128, .height_px = 200}})
                .status()
                .message(),
            card() +
                ": tile_px = 128x200: height must be a multiple of 128 in "
                "[128, 8192]");
}

TEST_F(LoadModelTest, MissingFilesAreNamed) {
  EXPECT_EQ(Load(folder_.PathOf("none.yaml")).status().message(),
            folder_.PathOf("none.yaml") + ": No such file or directory");
  EXPECT_EQ(Load(folder_.PathOf("none.pb")).status().message(),
            folder_.PathOf("none.yaml") + ": No such file or directory");
  std::filesystem::remove(model());
  const Status status = Load(card()).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message(), model() + ": No such file or directory");
}

TEST_F(LoadModelTest, AnotherModelThanTheCardSaysIsRefused) {
  const std::string zeros(64, '0');
  const std::string real = HexSha256(ReadBytes(model()));
  EXPECT_EQ(RefusalOf(real, zeros),
            model() + ": sha256 = " + real + ": the card says " + zeros);
}

TEST_F(LoadModelTest, ADamagedCardIsRefusedByName) {
  EXPECT_EQ(RefusalOf("mpp: 0.5", "mpp: 0"),
            card() + ": line 10, column 8: mpp = 0: must be in [0.001, 1000]");
}

TEST_F(LoadModelTest, CardAndGraphMustAgree) {
  const std::string start = model() + ": card and graph disagree: ";
  EXPECT_EQ(RefusalOf("width_px: 128", "width_px: 256"),
            start + "input.width_px = 256 in the card, 128 in the graph");
  EXPECT_EQ(RefusalOf("height_px: 128", "height_px: 64"),
            start + "input.height_px = 64 in the card, 128 in the graph");
  EXPECT_EQ(RefusalOf("groups:",
                      "  - {id: 3, name: SCC, color: [0, 0, 255]}\ngroups:"),
            start + "number of classes = 3 in the card, 2 in the graph");
  EXPECT_EQ(RefusalOf("max_level: 7", "max_level: 6"),
            start + "number of anchor levels = 4 in the card, 5 in the graph");
  EXPECT_EQ(RefusalOf("min_level: 3", "min_level: 4"),
            start + "number of anchor levels = 4 in the card, 5 in the graph");
  EXPECT_EQ(RefusalOf("num_scales: 3", "num_scales: 2"),
            start + "anchors per cell = 6 in the card, 9 in the graph");
  EXPECT_EQ(RefusalOf("[1.0, 2.0, 0.5]", "[1.0, 2.0]"),
            start + "anchors per cell = 6 in the card, 9 in the graph");
}

TEST_F(LoadModelTest, LevelsOfAnotherSizeAreRefused) {
  EXPECT_EQ(
      RefusalOf("min_level: 3\n  max_level: 7", "min_level: 2\n  max_level: 6"),
      model() +
          ": model output 'box_net/box-predict/BiasAdd': [1,16,16,36]: must be "
          "32 x 32 cells");
}

// A model cut at any of many places is refused, whatever the card says of it.
TEST_F(LoadModelTest, ACutModelIsRefused) {
  const std::vector<std::byte> whole = MiniModelBytes();
  constexpr size_t kCuts = 20;
  for (size_t i = 0; i < kCuts; ++i) {
    const auto part = std::span(whole).first(whole.size() * i / kCuts);
    folder_.Put("mini.pb", TextOf(part));
    folder_.Put("mini.yaml", CardText(HexSha256(part)));
    const Status status = Load(card()).status();
    EXPECT_FALSE(status.ok()) << i;
    EXPECT_TRUE(status.message().starts_with(model() + ": "))
        << status.message();
  }
}

// tiny-serving: 256 px, three classes, normalisation, anchors and suppression
// baked in.
class ServingModelTest : public LoadModelTest {
 protected:
  ServingModelTest() {
    const std::vector<std::byte> bytes =
        ReadBytes(CYTO8_GOLDEN_DIR "/efficientdet/tiny-serving.pb");
    folder_.Put("mini.pb", TextOf(bytes));
    std::string text = Edited(CardText(HexSha256(bytes)), "128", "256");
    text = Edited(text, "128", "256");
    folder_.Put("mini.yaml",
                Edited(text, "groups:",
                       "  - {id: 3, name: SCC, color: [0, 0, 255]}\ngroups:"));
  }
};

TEST_F(ServingModelTest, AFittingCardReplacesTheBakedInSuppression) {
  const auto loaded = Load(card());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(
      loaded->replaced_postprocess,
      "global, best class per anchor, gaussian sigma 0.5000, score > 0.0010, "
      "at most 100 detections, clipped to 256 x 256 px, first class 1");
  EXPECT_EQ(loaded->detector->options().postprocess.method,
            SuppressionMethod::kHard);
}

TEST_F(ServingModelTest, WhatIsBakedInMustBeThatOfTheCard) {
  const std::string start = model() + ": card and graph disagree: ";
  EXPECT_EQ(RefusalOf("123.675", "123.5"),
            start +
                "input.mean_rgb[0] = 123.500 in the card, 123.675 in the "
                "graph");
  EXPECT_EQ(
      RefusalOf("57.375", "1"),
      start + "input.stddev_rgb[2] = 1.000 in the card, 57.375 in the graph");
  EXPECT_EQ(RefusalOf("width_px: 256", "width_px: 512"),
            start + "input.width_px = 512 in the card, 256 in the graph");
  EXPECT_EQ(RefusalOf("anchor_scale: 4.0", "anchor_scale: 3.0"),
            start +
                "anchors: anchor 0 = [-8.0000, -8.0000, 16.0000, 16.0000]: "
                "must be [-12.0000, -12.0000, 20.0000, 20.0000]");
  EXPECT_EQ(RefusalOf("ratio_convention: sqrt", "ratio_convention: legacy"),
            start +
                "anchors: anchor 1 = [-7.2000, -18.4000, 15.2000, 26.4000]: "
                "must be [-7.3137, -18.6274, 15.3137, 26.6274]");
}

}  // namespace
}  // namespace cyto8
