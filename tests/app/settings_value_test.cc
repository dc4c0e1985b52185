// SPDX-License-Identifier: Apache-2.0
// Tests of app/settings_value.h: every kind from every form of writing, and
// back to JSON.
#include "app/settings_value.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

using Form = WrittenForm;

constexpr SettingRule kWhole = {.kind = SettingKind::kInt, .low = 0, .high = 8};
constexpr SettingRule kShare = {
    .kind = SettingKind::kNumber, .may_be_null = true, .low = 0, .high = 1};
constexpr SettingRule kPath = {.kind = SettingKind::kPath};
constexpr SettingRule kSwitch = {.kind = SettingKind::kBool};
constexpr SettingRule kSize = {
    .kind = SettingKind::kSize, .may_be_null = true, .low = 1, .high = 9999};
constexpr SettingRule kEdge = {
    .kind = SettingKind::kEdge, .low = 1, .high = 200000};
constexpr SettingRule kScores = {
    .kind = SettingKind::kScores, .low = 0, .high = 1};

SettingRule Choice() {
  return {.kind = SettingKind::kChoice, .words = {"nms", "greedynmm"}};
}

// As JSON, or the message.
std::string Parsed(const SettingRule& rule, const std::string& text,
                   Form form = Form::kWord) {
  const StatusOr<SettingValue> value =
      ParseSettingValue(rule, "x", {.form = form, .text = text});
  return value.ok() ? SettingValueJson(*value) : value.status().message();
}

TEST(SettingsValueTest, WholeNumbers) {
  EXPECT_EQ(Parsed(kWhole, "0"), "0");
  EXPECT_EQ(Parsed(kWhole, "8", Form::kPlain), "8");
  EXPECT_EQ(Parsed(kWhole, "9"), "x = 9: must be in [0, 8]");
  EXPECT_EQ(Parsed(kWhole, "-1"), "x = -1: must be in [0, 8]");
  for (const std::string text :
       {"", " 1", "1 ", "1.0", "1e1", "0x1", "+1", "many", "nan",
        "99999999999999999999", "null", "1_0", "1,0"}) {
    EXPECT_EQ(Parsed(kWhole, text),
              "x = \"" + text + "\": must be a whole number in [0, 8]");
  }
}

TEST(SettingsValueTest, NumbersAreFinite) {
  EXPECT_EQ(Parsed(kShare, "0.25"), "0.25");
  EXPECT_EQ(Parsed(kShare, "1e-1"), "0.1");
  EXPECT_EQ(Parsed(kShare, "-0"), "0");
  EXPECT_EQ(Parsed(kShare, "null"), "null");
  EXPECT_EQ(Parsed(kShare, "1.5"), "x = 1.5: must be in [0, 1]");
  for (const std::string text :
       {"nan", "NaN", "-nan", ".nan", "inf", "-inf", ".inf", "1e999", "-1e999",
        "1e-999", "0x1p-3", "0,5", "+0.5", "0.5f", "", "true"}) {
    EXPECT_EQ(Parsed(kShare, text),
              "x = \"" + text + "\": must be a number in [0, 1], or null");
    EXPECT_EQ(Parsed(kShare, text, Form::kPlain), Parsed(kShare, text));
  }
}

TEST(SettingsValueTest, OnlyTrueAndFalseAreSwitches) {
  EXPECT_EQ(Parsed(kSwitch, "true"), "true");
  EXPECT_EQ(Parsed(kSwitch, "false", Form::kPlain), "false");
  for (const std::string text : {"True", "yes", "on", "1", "0", "", "null"}) {
    EXPECT_EQ(Parsed(kSwitch, text),
              "x = \"" + text + "\": must be true or false");
  }
}

TEST(SettingsValueTest, AFileKnowsNumbersFromTexts) {
  EXPECT_EQ(Parsed(kWhole, "3", Form::kQuoted),
            "x = \"3\": must be a whole number in [0, 8], without quotes");
  EXPECT_EQ(Parsed(kShare, "0.5", Form::kQuoted),
            "x = \"0.5\": must be a number in [0, 1], or null, without quotes");
  EXPECT_EQ(Parsed(kSwitch, "true", Form::kQuoted),
            "x = \"true\": must be true or false, without quotes");
  for (const std::string text : {"5", "1e3", "true", "FALSE", "0x1F", ".inf"}) {
    EXPECT_EQ(Parsed(kPath, text, Form::kPlain),
              "x = \"" + text + "\": must be a path, in quotes");
    EXPECT_EQ(Parsed(kPath, text, Form::kQuoted), "\"" + text + "\"");
    EXPECT_EQ(Parsed(kPath, text), "\"" + text + "\"");
  }
}

TEST(SettingsValueTest, PathsAreBytes) {
  EXPECT_EQ(Parsed(kPath, "../a b\n\"c\""), R"("../a b\n\"c\"")");
  EXPECT_EQ(Parsed(kPath, ""), "\"\"");
  EXPECT_EQ(Parsed(kPath, "\xff"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(Parsed(kPath, "out", Form::kPlain), "\"out\"");
  EXPECT_EQ(Parsed(kPath, "", Form::kNull), "\"\"");
  EXPECT_EQ(ParseSettingValue(kPath, "x", {.text = std::string("a\0b", 3)})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
}

TEST(SettingsValueTest, ChoicesInAnyCase) {
  EXPECT_EQ(Parsed(Choice(), "nms"), "\"nms\"");
  EXPECT_EQ(Parsed(Choice(), "GREEDYNMM"), "\"greedynmm\"");
  EXPECT_EQ(Parsed(Choice(), "greedy"),
            "x = \"greedy\": must be one of nms, greedynmm");
  EXPECT_EQ(Parsed(Choice(), ""), "x = \"\": must be one of nms, greedynmm");
}

TEST(SettingsValueTest, AWordThatHasMovedIsToldWhereTo) {
  SettingRule rule = Choice();
  rule.moved_words = {"tiles", "resize"};
  rule.moved_to = "--tiling";
  EXPECT_EQ(Parsed(rule, "Tiles"),
            "x = \"Tiles\": must be one of nms, greedynmm; tiles, resize "
            "belong to --tiling");
  EXPECT_EQ(Parsed(rule, "tile"),
            "x = \"tile\": must be one of nms, greedynmm");
  EXPECT_EQ(Parsed(rule, "nms"), "\"nms\"");
}

TEST(SettingsValueTest, SizesAreWidthByHeight) {
  EXPECT_EQ(Parsed(kSize, "768"), "768");
  EXPECT_EQ(Parsed(kSize, "640x512"), "\"640x512\"");
  EXPECT_EQ(Parsed(kSize, "640x512", Form::kQuoted), "\"640x512\"");
  EXPECT_EQ(Parsed(kSize, "512x512"), "512");
  EXPECT_EQ(Parsed(kSize, "null"), "null");
  EXPECT_EQ(Parsed(kSize, "", Form::kNull), "null");
  for (const std::string text : {"", "x", "1x", "x1", "0", "0x1", "1x0", "-1",
                                 "1x2x3", "1.5", "10000", "1 x 2", "1X2"}) {
    EXPECT_EQ(Parsed(kSize, text),
              "x = \"" + text +
                  "\": must be a side or WIDTHxHEIGHT, each in [1, 9999], or "
                  "null");
  }
}

TEST(SettingsValueTest, EdgeRules) {
  EXPECT_EQ(Parsed(kEdge, "Align"), "\"align\"");
  EXPECT_EQ(Parsed(kEdge, "DROP<64"), "\"drop<64\"");
  EXPECT_EQ(Parsed(kEdge, "pad"), "\"pad\"");
  EXPECT_EQ(Parsed(kEdge, "drop<64"), "\"drop<64\"");
  for (const std::string text :
       {"", "drop", "drop<", "drop<0", "drop<-1", "drop<200001", "drop<x"}) {
    EXPECT_EQ(Parsed(kEdge, text),
              "x = \"" + text +
                  "\": must be align, pad or drop<N with N in [1, 200000]");
  }
}

TEST(SettingsValueTest, ScoresByClassFromAFlag) {
  EXPECT_EQ(Parsed(kScores, ""), "{}");
  EXPECT_EQ(Parsed(kScores, "HSIL=0.1"), "{\"HSIL\": 0.1}");
  EXPECT_EQ(Parsed(kScores, "b=1,a=0.5"), "{\"a\": 0.5, \"b\": 1}");
  EXPECT_EQ(Parsed(kScores, "a=b=0.5"), "{\"a=b\": 0.5}");
  EXPECT_EQ(Parsed(kScores, "a=0.5,a=0.6"), "x: class \"a\" is given twice");
  EXPECT_EQ(Parsed(kScores, "=0.5"), "x: a class has no name");
  EXPECT_EQ(Parsed(kScores, "a=nan"),
            "x: a = \"nan\": must be a number in [0, 1]");
  EXPECT_EQ(Parsed(kScores, "a=2"), "x: a = 2: must be in [0, 1]");
  for (const std::string text : {"a", "a=0.5,", ",a=0.5", "a=0.5,,b=1", ","}) {
    EXPECT_EQ(Parsed(kScores, text),
              "x = \"" + text +
                  "\": must be scores by class, such as HSIL=0.1, each in [0, "
                  "1]");
  }
}

TEST(SettingsValueTest, ScoresByClassFromAFile) {
  const auto map = [](const std::string& text, Form form) {
    WrittenValue written{.form = Form::kMap};
    written.entries.push_back({"x.a", "a", form, text});
    const auto value = ParseSettingValue(kScores, "x", written);
    return value.ok() ? SettingValueJson(*value) : value.status().message();
  };
  EXPECT_EQ(map("0.5", Form::kPlain), "{\"a\": 0.5}");
  EXPECT_EQ(map("0.5", Form::kQuoted),
            "x.a = \"0.5\": must be a number in [0, 1], without quotes");
  EXPECT_EQ(map("", Form::kNull), "x.a: must be a number in [0, 1], not empty");
  EXPECT_EQ(map("", Form::kMap), "x.a: must be a number in [0, 1], not a map");
  EXPECT_EQ(Parsed(kScores, "", Form::kNull), "{}");
  EXPECT_EQ(Parsed(kScores, "a=1", Form::kPlain),
            "x: must be scores by class, such as HSIL=0.1, each in [0, 1], not "
            "a text: write {HSIL: 0.1}");
}

TEST(SettingsValueTest, OtherFormsAreRefusedByName) {
  EXPECT_EQ(Parsed(kWhole, "", Form::kNull),
            "x: must be a whole number in [0, 8], not empty");
  EXPECT_EQ(Parsed(kWhole, "", Form::kList),
            "x: must be a whole number in [0, 8], not a list");
  EXPECT_EQ(Parsed(kWhole, "", Form::kMap),
            "x: must be a whole number in [0, 8], not a map");
  EXPECT_EQ(Parsed(kWhole, "3", Form::kTagged),
            "x: must be a whole number in [0, 8], not a value with a tag");
  EXPECT_EQ(Parsed(kScores, "", Form::kList),
            "x: must be scores by class, such as HSIL=0.1, each in [0, 1], not "
            "a list");
}

TEST(SettingsValueTest, MessagesStayShort) {
  const std::string message = Parsed(kWhole, std::string(1'000'000, 'a'));
  EXPECT_LT(message.size(), 200);
  EXPECT_NE(message.find("aaa...\""), std::string::npos);
}

}  // namespace
}  // namespace cyto8
