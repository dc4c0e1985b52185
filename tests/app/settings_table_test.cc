// SPDX-License-Identifier: Apache-2.0
// Tests of app/settings_table.h: that every row is sound by itself and reaches
// its own member of the settings.
#include "app/settings_table.h"

#include <gtest/gtest.h>

#include <set>

namespace cyto8 {
namespace {

// A value that is not the default.
std::string OtherText(const Setting& setting) {
  switch (setting.rule.kind) {
    case SettingKind::kBool:
      return setting.get(ScoreSettings()) == SettingValue(true) ? "false"
                                                                : "true";
    case SettingKind::kInt:
      return std::to_string(static_cast<int64_t>(setting.rule.low) + 7);
    case SettingKind::kNumber:
      return "0.125";
    case SettingKind::kPath:
      return "some/path";
    case SettingKind::kChoice:
      return SettingValueJson(setting.get(ScoreSettings())) ==
                     "\"" + std::string(setting.rule.words[0]) + "\""
                 ? std::string(setting.rule.words.back())
                 : std::string(setting.rule.words[0]);
    case SettingKind::kSize:
      return "640x512";
    case SettingKind::kEdge:
      return "drop<5";
    case SettingKind::kScores:
      return "HSIL=0.5";
  }
  return "";
}

TEST(SettingsTableTest, EveryRowSetsItsOwnMemberOnly) {
  for (const Setting& setting : SettingsTable()) {
    SCOPED_TRACE(FullKey(setting));
    const auto value =
        ParseSettingValue(setting.rule, "x", {.text = OtherText(setting)});
    ASSERT_TRUE(value.ok()) << value.status().message();
    ScoreSettings settings;
    ASSERT_NE(setting.get(settings), *value);
    setting.set(*value, settings);
    EXPECT_EQ(setting.get(settings), *value);
    for (const Setting& other : SettingsTable()) {
      if (&other == &setting) continue;
      EXPECT_EQ(other.get(settings), other.get(ScoreSettings()));
    }
    setting.set(setting.get(ScoreSettings()), settings);
    EXPECT_EQ(setting.get(settings), setting.get(ScoreSettings()));
  }
}

TEST(SettingsTableTest, NamesAreUniqueAndFindable) {
  std::set<std::string> names;
  for (const Setting& setting : SettingsTable()) {
    EXPECT_TRUE(names.insert(FullKey(setting)).second);
    EXPECT_TRUE(names.insert(std::string(setting.flag)).second);
    EXPECT_TRUE(names.insert(VariableName(setting)).second);
    EXPECT_TRUE(setting.short_flag.empty() ||
                names.insert(std::string(setting.short_flag)).second);
    EXPECT_EQ(FindSetting(FullKey(setting)), &setting);
    EXPECT_FALSE(setting.help.empty());
  }
  EXPECT_EQ(FindSetting("tiling"), nullptr);
  EXPECT_EQ(FindSetting(""), nullptr);
}

// The words of a choice stand in the order of the enumerators.
TEST(SettingsTableTest, WordsMeanTheirEnumerators) {
  const auto with = [](const char* key, const std::string& word) {
    ScoreSettings settings;
    FindSetting(key)->set(word, settings);
    return settings;
  };
  EXPECT_EQ(with("tiling.mode", "tiles").tiling.mode, TilingMode::kTiles);
  EXPECT_EQ(with("tiling.mode", "resize").tiling.mode, TilingMode::kResize);
  const auto merge = [&](const char* word) {
    return with("postprocess.merge", word).postprocess.merge;
  };
  EXPECT_EQ(merge("nms"), MergeMethod::kNms);
  EXPECT_EQ(merge("voting"), MergeMethod::kVoting);
  EXPECT_EQ(merge("wbf"), MergeMethod::kWbf);
  EXPECT_EQ(merge("nmm"), MergeMethod::kNmm);
  EXPECT_EQ(merge("greedynmm"), MergeMethod::kGreedyNmm);
  EXPECT_EQ(with("postprocess.match_metric", "iou").postprocess.match_metric,
            MergeMetric::kIou);
  EXPECT_EQ(with("postprocess.match_metric", "ios").postprocess.match_metric,
            MergeMetric::kIos);
  const auto schedule = [&](const char* word) {
    return with("run.schedule", word).run.schedule;
  };
  EXPECT_EQ(schedule("auto"), Schedule::kAuto);
  EXPECT_EQ(schedule("throughput"), Schedule::kThroughput);
  EXPECT_EQ(schedule("latency"), Schedule::kLatency);
  EXPECT_EQ(with("run.isa", "avx2").run.isa, "avx2");
  EXPECT_EQ(with("run.engine", "naive").run.engine, Engine::kNaive);
  EXPECT_EQ(with("run.engine", "onednn").run.engine, Engine::kOneDnn);
}

TEST(SettingsTableTest, DerivedNames) {
  const Setting& overlays = *FindSetting("output.overlays");
  EXPECT_EQ(OppositeFlag(overlays), "--no-overlays");
  EXPECT_EQ(VariableName(overlays), "CYTO8_OUTPUT_OVERLAYS");
  EXPECT_EQ(SettingGroups(),
            (std::vector<std::string_view>{"input", "tiling", "postprocess",
                                           "quality", "output", "run"}));
}

TEST(SettingsTableTest, TheNearestKeyIsFoundWithoutItsGroupToo) {
  EXPECT_EQ(NearestSetting("tiling.overlap"),
            "; did you mean \"tiling.overlap_px\"?");
  EXPECT_EQ(NearestSetting("overlap_px"),
            "; did you mean \"tiling.overlap_px\"?");
  EXPECT_EQ(NearestSetting("run.overlap_px"),
            "; did you mean \"tiling.overlap_px\"?");
  EXPECT_EQ(NearestSetting("zzz"), "");
}

}  // namespace
}  // namespace cyto8
