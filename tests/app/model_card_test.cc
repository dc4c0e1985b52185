// SPDX-License-Identifier: Apache-2.0
// Tests of app/model_card.h: the bundled card and every refusal.
#include "app/model_card.h"

#include <gtest/gtest.h>

#include "base/file_system.h"
#include "tests/app/card_text.h"

namespace cyto8 {
namespace {

StatusOr<ModelCard> Parse(std::string_view text) {
  return ParseModelCard(std::as_bytes(std::span(text)), Limits());
}

// The message for the card with one edit, which must apply.
std::string RefusalOf(std::string_view from, std::string_view to) {
  const std::string text = Edited(CardText(), from, to);
  EXPECT_NE(text, CardText()) << from;
  return Parse(text).status().message();
}

TEST(ModelCardTest, ReadsEveryField) {
  const ModelCard card = Parse(CardText()).value();
  EXPECT_EQ(card.name, "mini");
  EXPECT_EQ(card.model_file, "mini.pb");
  EXPECT_EQ(card.width_px, 128);
  EXPECT_EQ(card.mpp, 0.5);
  EXPECT_EQ(card.pad, (Rgb{235, 235, 235}));
  EXPECT_EQ(card.mean[1], 116.28f);
  EXPECT_EQ(card.deviation[2], 57.375f);
  EXPECT_EQ(card.anchors.aspects[1], SqrtAspect(2));
  EXPECT_EQ(card.anchors.image_width_px, 128);
  ASSERT_EQ(card.classes.size(), 2);
  EXPECT_EQ(card.classes[1].name, "HSIL");
  EXPECT_EQ(card.classes[1].color, (Rgb{255, 0, 0}));
  EXPECT_EQ(card.groups.at("abnormal"), std::vector<int>{2});
  EXPECT_EQ(card.postprocess.scope, SuppressionScope::kPerClass);
  EXPECT_EQ(card.postprocess.classes, ClassChoice::kEveryClass);
  EXPECT_EQ(card.postprocess.max_detections, 0);
}

TEST(ModelCardTest, TheBundledCardIsValid) {
  const auto bytes = ReadWholeFile(
      RealFileSystem(), CYTO8_SOURCE_DIR "/data/models/d2-cells.yaml", 1 << 20);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto card = ParseModelCard(*bytes, Limits());
  ASSERT_TRUE(card.ok()) << card.status().message();
  EXPECT_EQ(card->classes.size(), 6);
  EXPECT_EQ(card->groups.at("high"), (std::vector<int>{4, 5, 6}));
}

TEST(ModelCardTest, AnchorsTakePairsLegacyRatiosAndAScalePerLevel) {
  const auto pairs =
      Parse(Edited(CardText(), "[1.0, 2.0, 0.5]", "[1.0, [1.4, 0.7]]"));
  EXPECT_EQ(pairs->anchors.aspects[1], (AspectFactors{.x = 1.4, .y = 0.7}));
  const auto legacy = Parse(Edited(CardText(), "sqrt", "legacy"));
  EXPECT_EQ(legacy->anchors.aspects, LegacyAspects());
  const auto scales = Parse(
      Edited(CardText(), "anchor_scale: 4.0", "anchor_scale: [4, 4, 4, 4, 5]"));
  EXPECT_EQ(scales->anchors.anchor_scales,
            (std::vector<double>{4, 4, 4, 4, 5}));
}

TEST(ModelCardTest, GlobalScopeKeepsTheBestClassOfABox) {
  const auto card = Parse(Edited(CardText(), "per_class", "global"));
  EXPECT_EQ(card->postprocess.scope, SuppressionScope::kGlobal);
  EXPECT_EQ(card->postprocess.classes, ClassChoice::kBestPerAnchor);
}

TEST(ModelCardTest, RefusalsNamePlaceValueAndRange) {
  EXPECT_EQ(RefusalOf("schema: 1", "schema: 2"),
            "line 1, column 9: schema = 2: must be in [1, 1]");
  EXPECT_EQ(RefusalOf("name: mini", "name: a/b"),
            "name = \"a/b\": must be 1 to 64 of [A-Za-z0-9._-]");
  EXPECT_EQ(RefusalOf("mini.pb", "../mini.pb"),
            "model = \"../mini.pb\": must be a file name without folder");
  EXPECT_EQ(RefusalOf("0000", "000g"),
            "sha256 = \"000g00000000000000000000000000000000000000000000000000"
            "0000000000\": must be 64 lower-case hex digits");
  EXPECT_EQ(RefusalOf("mpp: 0.5", "mpp: 0"),
            "line 10, column 8: mpp = 0: must be in [0.001, 1000]");
  EXPECT_EQ(RefusalOf("resample: area", "resample: cubic"),
            "line 11, column 13: resample = \"cubic\": must be one of area");
  EXPECT_EQ(RefusalOf("pad_rgb: [235", "pad_rgb: [256"),
            "line 12, column 13: pad_rgb = 256: must be in [0, 255]");
  EXPECT_EQ(RefusalOf("width_px", "with_px"),
            "line 8, column 3: key \"width_px\" is missing");
  EXPECT_EQ(RefusalOf("  mpp: 0.5", "  mpp: 0.5\n  mmp: 0.5"),
            "line 11, column 3: mmp: unknown key; did you mean \"mpp\"?");
  EXPECT_EQ(RefusalOf("id: 2", "id: 3"),
            "line 24, column 10: id = 3: must be in [2, 2]");
  EXPECT_EQ(RefusalOf("name: HSIL", "name: NILM"),
            "classes: name \"NILM\" is empty or stands twice");
  EXPECT_EQ(RefusalOf("[HSIL]", "[HSLI]"),
            "line 26, column 14: abnormal: class \"HSLI\" is not in classes");
  EXPECT_EQ(RefusalOf("method: hard", "method: gaussian"),
            "line 28, column 3: key \"sigma\" is missing");
  EXPECT_EQ(RefusalOf("iou_threshold: 0.5", "iou_threshold: .nan"),
            "line 30, column 18: iou_threshold: \".nan\": must be a number");
  EXPECT_EQ(RefusalOf("max_level: 7", "max_level: 2"),
            "line 17, column 14: max_level = 2: must be in [3, 16]");
  EXPECT_EQ(RefusalOf("licence: Apache-2.0\n", ""),
            "line 1, column 1: key \"licence\" is missing");
}

TEST(ModelCardTest, LegacyRatiosAllowNoOtherNumbers) {
  const std::string text = Edited(CardText(), "sqrt", "legacy");
  EXPECT_EQ(Parse(Edited(text, "0.5]", "0.4]")).status().message(),
            "aspect_ratios: must be [1, 2, 0.5] with ratio_convention legacy");
}

TEST(ModelCardTest, SizeIsLimited) {
  Limits limits;
  limits.max_config_bytes = 10;
  EXPECT_EQ(ParseModelCard(std::as_bytes(std::span("schema: 1\n\n")), limits)
                .status()
                .message(),
            "size in bytes = 12: must be in [1, 10]");
}

// A card cut at any byte is refused, except behind the last value, where
// nothing that is needed is missing.
TEST(ModelCardTest, CutAnywhereIsRefused) {
  const std::string text = CardText();
  const size_t last_value = text.rfind('0');
  for (size_t i = 0; i < last_value; ++i) {
    EXPECT_FALSE(Parse(std::string_view(text).substr(0, i)).ok()) << i;
  }
}

}  // namespace
}  // namespace cyto8
