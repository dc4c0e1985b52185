// SPDX-License-Identifier: Apache-2.0
// Tests of app/config_text.h: the published schema is the generated one, and
// what is written reads back.
#include "app/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "app/config_file.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The settings that a file gives.
ScoreSettings SettingsOf(const std::string& text) {
  const ConfigFile file = ParseConfig(text);
  EXPECT_THAT(file.problems, IsEmpty());
  ScoreSettings settings;
  for (const ConfigValue& value : file.values) {
    value.setting->set(value.value, settings);
  }
  return settings;
}

void ExpectEqual(const ScoreSettings& a, const ScoreSettings& b) {
  for (const Setting& setting : SettingsTable()) {
    EXPECT_EQ(setting.get(a), setting.get(b)) << FullKey(setting);
  }
}

// Lines "  # key: value" become keys.
std::string WithExamples(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    for (const Setting& setting : SettingsTable()) {
      const std::string key = std::string(setting.key) + ": ";
      if (line.starts_with("  # " + key)) line = "  " + line.substr(4);
    }
    result += line + "\n";
  }
  return result;
}

// Made by: cyto8 config schema > configs/cyto8-config.schema.json
TEST(ConfigTextTest, ThePublishedSchemaIsTheGeneratedOne) {
  EXPECT_EQ(ReadText("configs/cyto8-config.schema.json"), ConfigSchemaText());
}

TEST(ConfigTextTest, TheTemplateGivesTheDefaults) {
  const std::string text = ConfigTemplate();
  ExpectEqual(SettingsOf(text), ScoreSettings());
  for (const Setting& setting : SettingsTable()) {
    EXPECT_THAT(text, HasSubstr(std::string(setting.key) + ": "));
    EXPECT_THAT(text, HasSubstr(std::string(setting.help)));
  }
}

TEST(ConfigTextTest, TheExamplesOfTheTemplateAreValid) {
  const std::string text = WithExamples(ConfigTemplate());
  const ConfigFile file = ParseConfig(text);
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_EQ(file.values.size(), SettingsTable().size());
}

TEST(ConfigTextTest, WhatIsShownReadsBack) {
  SettingFlags flags;
  flags.sets = {"tiling.edge=drop<3",
                "tiling.tile_px=640x512",
                "tiling.target_mpp=0.1",
                "postprocess.class_min_score=A B=0.5,\"=1,C: #=0",
                "output.output=../a \"b\"\n# 'c'",
                "postprocess.merge=NMM"};
  ResolvedSettings resolved =
      ResolveSettings(RealFileSystem(), {}, flags).value();
  ExpectEqual(SettingsOf(SettingsYaml(resolved, true)), resolved.settings);
  ExpectEqual(SettingsOf(SettingsYaml(resolved, false)), resolved.settings);
}

TEST(ConfigTextTest, OnlyWhatIsNoDefaultIsShownUnlessAllIs) {
  const ResolvedSettings resolved =
      ResolveSettings(RealFileSystem(), {{"CYTO8_THREADS", "2"}},
                      {.sets = {"input.mpp=0.5"}})
          .value();
  EXPECT_EQ(SettingsYaml(resolved, false),
            "schema: 1\ninput:\n  mpp: 0.5  # flag --set\nrun:\n"
            "  threads: 2  # environment CYTO8_THREADS\n");
  EXPECT_THAT(SettingsYaml(resolved, true),
              HasSubstr("  overlap_px: 192  # default\n"));
  EXPECT_THAT(SettingsJson(resolved, false),
              HasSubstr("{\n      \"key\": \"input.mpp\",\n"
                        "      \"value\": 0.5,\n"
                        "      \"origin\": \"flag --set\"\n    }"));
}

}  // namespace
}  // namespace cyto8
