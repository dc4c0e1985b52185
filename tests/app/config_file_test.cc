// SPDX-License-Identifier: Apache-2.0
// Tests of app/config_file.h: what a file may say, and every mistake with its
// place.
#include "app/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kHead[] = "schema: 1\n";

// "key=value" of each setting.
std::vector<std::string> Values(const ConfigFile& file) {
  std::vector<std::string> values;
  for (const ConfigValue& value : file.values) {
    values.push_back(FullKey(*value.setting) + "=" +
                     SettingValueJson(value.value));
  }
  return values;
}

std::vector<std::string> ValuesOf(const std::string& text) {
  const ConfigFile file = ParseConfig(text);
  EXPECT_THAT(file.problems, IsEmpty());
  return Values(file);
}

std::vector<std::string> ProblemsOf(const std::string& text) {
  return ParseConfig(text).problems;
}

TEST(ConfigFileTest, ReadsSettingsWithTheirLines) {
  const ConfigFile file = ParseConfig(
      "# comment\nschema: 1\ntiling:\n  overlap_px: 64\n  edge: drop<3\n"
      "  tile_px: 640x512\npostprocess: {min_score: 0.5,\n"
      "  class_min_score: {HSIL: 0.1}, merge: NMM}\ninput: {model: "
      "'m.yaml'}\n");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_THAT(
      Values(file),
      ElementsAre("tiling.overlap_px=64", "tiling.edge=\"drop<3\"",
                  "tiling.tile_px=\"640x512\"", "postprocess.min_score=0.5",
                  "postprocess.class_min_score={\"HSIL\": 0.1}",
                  "postprocess.merge=\"nmm\"", "input.model=\"m.yaml\""));
  ASSERT_EQ(file.values.size(), 7);
  EXPECT_EQ(file.values[0].line, 4);
  EXPECT_EQ(file.values[4].line, 8);
}

TEST(ConfigFileTest, GroupsAndOptionalValuesMayBeEmpty) {
  EXPECT_THAT(ValuesOf("schema: 1\ntiling:\nrun: ~\n"), IsEmpty());
  EXPECT_THAT(ValuesOf("schema: 1\ninput:\n  mpp:\n  model: null\n"),
              ElementsAre("input.mpp=null", "input.model=\"\""));
  EXPECT_THAT(ValuesOf(kHead), IsEmpty());
}

TEST(ConfigFileTest, WindowsAndYamlHabitsAreRead) {
  EXPECT_THAT(ValuesOf("\xEF\xBB\xBFschema: 1\r\nrun:\r\n  threads: 2\r\n"),
              ElementsAre("run.threads=2"));
  EXPECT_THAT(ValuesOf("%YAML 1.2\n---\nschema: 1\nrun: {threads: 2}\n...\n"),
              ElementsAre("run.threads=2"));
  EXPECT_THAT(ValuesOf("schema: 1\ninput: {mpp: &m 0.5}\n"
                       "tiling: {target_mpp: *m}\n"),
              ElementsAre("input.mpp=0.5", "tiling.target_mpp=0.5"));
}

TEST(ConfigFileTest, AnotherSchemaIsNeverGuessedAt) {
  const auto problem = [](const std::string& what) {
    return ElementsAre("line 1, column 9: schema" + what);
  };
  EXPECT_THAT(ProblemsOf("schema: 2\ntyling: {x: 1}\n"),
              problem(" = \"2\": must be 1"));
  EXPECT_THAT(ProblemsOf("schema: 1.0\n"), problem(" = \"1.0\": must be 1"));
  EXPECT_THAT(ProblemsOf("schema: '1'\n"),
              problem(" = \"1\": must be 1, without quotes"));
  EXPECT_THAT(ProblemsOf("schema: [1]\n"), problem(": must be 1"));
  EXPECT_THAT(ProblemsOf("schema:\n"),
              ElementsAre("line 1, column 1: schema: must be 1"));
  EXPECT_THAT(ProblemsOf("tiling: {overlap_px: 1}\n"),
              ElementsAre("line 1, column 1: key \"schema\" is missing: must "
                          "be 1"));
}

TEST(ConfigFileTest, UnknownKeysHaveAPlaceAndTheNearestKey) {
  EXPECT_THAT(
      ProblemsOf("schema: 1\ntiling:\n  overlap_xp: 1\n  zzzzzzzz: 2\n"
                 "tilling: {}\noverlap_px: 3\n<<: {}\n"),
      ElementsAre("line 3, column 3: tiling.overlap_xp: unknown key; did you "
                  "mean \"tiling.overlap_px\"?",
                  "line 4, column 3: tiling.zzzzzzzz: unknown key",
                  "line 5, column 1: tilling: unknown key; did you mean "
                  "\"tiling\"?",
                  "line 6, column 1: overlap_px: unknown key; did you mean "
                  "\"tiling.overlap_px\"?",
                  "line 7, column 1: <<: unknown key"));
}

TEST(ConfigFileTest, DuplicatesAreRefusedOnEveryLevel) {
  EXPECT_THAT(
      ProblemsOf("schema: 1\nrun: {threads: 1, threads: 1}\nrun: {}\n"
                 "schema: 1\npostprocess:\n  class_min_score: {a: 0.1, a: "
                 "0.2}\n"),
      ElementsAre("line 3, column 1: run: key is given twice, first in line 2",
                  "line 4, column 1: schema: key is given twice, first in "
                  "line 1",
                  "line 2, column 19: run.threads: key is given twice, first "
                  "in line 2",
                  "line 6, column 29: postprocess.class_min_score.a: key is "
                  "given twice, first in line 6"));
}

TEST(ConfigFileTest, WrongTypesAndValuesHaveAPlace) {
  EXPECT_THAT(
      ProblemsOf("schema: 1\ntiling:\n  overlap_px: many\n  fit: yes\n"
                 "  tile_px: [640, 512]\n  roi: 5\n  mode: fast\n"
                 "  target_mpp: .nan\ninput: 3\nrun: [1]\n"
                 "output: {overlays: {}, heatmaps: !!bool true}\n"),
      ElementsAre(
          "line 3, column 15: tiling.overlap_px = \"many\": must be a whole "
          "number in [0, 199999]",
          "line 4, column 8: tiling.fit = \"yes\": must be true or false",
          "line 5, column 12: tiling.tile_px: must be a side or WIDTHxHEIGHT, "
          "each in [1, 16384], or null, not a list",
          "line 6, column 8: tiling.roi = \"5\": must be a path, in quotes",
          "line 7, column 9: tiling.mode = \"fast\": must be one of tiles, "
          "resize",
          "line 8, column 15: tiling.target_mpp = \".nan\": must be a number "
          "in [0.001, 1000], or null",
          "line 9, column 8: input: must be a map of settings",
          "line 10, column 6: run: must be a map of settings",
          "line 11, column 20: output.overlays: must be true or false, not a "
          "map",
          "line 11, column 34: output.heatmaps: must be true or false, not a "
          "value with a tag"));
}

TEST(ConfigFileTest, ScoresByClassAreJudgedOneByOne) {
  EXPECT_THAT(
      ProblemsOf("schema: 1\npostprocess:\n  class_min_score:\n    HSIL: x\n"),
      ElementsAre("line 4, column 11: postprocess.class_min_score.HSIL = "
                  "\"x\": must be a number in [0, 1]"));
  EXPECT_THAT(
      ProblemsOf("schema: 1\npostprocess:\n  class_min_score: HSIL=0.1\n"),
      ElementsAre("line 3, column 20: postprocess.class_min_score: must be "
                  "scores by class, such as HSIL=0.1, each in [0, 1], not a "
                  "text: write {HSIL: 0.1}"));
}

TEST(ConfigFileTest, TextThatIsNoSoundYamlIsOneProblem) {
  const auto problem = [](const std::string& text) {
    const std::vector<std::string> problems = ProblemsOf(text);
    return problems.size() == 1 ? problems[0] : "not one problem";
  };
  EXPECT_EQ(problem(""),
            "line 1, column 1: the document: must be a map of keys and values");
  EXPECT_EQ(problem("[1]"),
            "line 1, column 1: the document: must be a map of keys and values");
  EXPECT_EQ(problem("schema: 1\n---\nschema: 1\n"),
            "line 2, column 1: a second document: must be one");
  EXPECT_EQ(problem("schema: 1\nx: \xFF\n"), "line 2, column 4: must be UTF-8");
  EXPECT_EQ(problem(std::string("schema: 1\n\0", 11)),
            "line 2, column 1: must not hold control characters");
  EXPECT_EQ(problem("\xFF\xFEs\0"), "line 1, column 1: must be UTF-8");
  EXPECT_EQ(problem("schema: 1\nrun:\n\tthreads: 1\n"),
            "line 3, column 9: illegal map value");
  EXPECT_EQ(problem("schema: 1\ninput: {model: 'm.yaml}\n"),
            "line 3, column 1: illegal document indicator in scalar");
  EXPECT_EQ(problem("[a]: 1\nschema: 1\n"),
            "line 1, column 1: a key: must be a word");
  EXPECT_EQ(problem("schema: 1\nrun: &r {threads: *r}\n"),
            "line 2, column 6: run.threads: must be a whole number in [0, "
            "1024], not a map");
}

TEST(ConfigFileTest, ManyMistakesEnd) {
  std::string text = kHead;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const std::vector<std::string> problems = ProblemsOf(text);
  ASSERT_EQ(problems.size(), kMaxConfigProblems + 1);
  EXPECT_EQ(problems.back(), "more than 100 mistakes; the rest is not listed");
  for (const std::string& problem :
       ProblemsOf(kHead + std::string(200'000, 'k') + ": 1\n")) {
    EXPECT_LT(problem.size(), 600);
  }
}

TEST(ConfigFileTest, PathsAreRelativeToTheFile) {
  const TemporaryFolder folder;
  folder.Put("c.yaml",
             "schema: 1\ninput: {model: m/x.yaml, mpp_from: /abs.csv}\n"
             "output: {output: ../out}\nrun: {log_json: \"\"}\n");
  const ConfigFile file =
      ReadConfigFile(RealFileSystem(), folder.PathOf("c.yaml"), {}).value();
  EXPECT_THAT(Values(file),
              ElementsAre("input.model=\"" + folder.PathOf("m/x.yaml") + "\"",
                          "input.mpp_from=\"/abs.csv\"",
                          "output.output=\"" + folder.PathOf("../out") + "\"",
                          "run.log_json=\"\""));
}

TEST(ConfigFileTest, FilesThatCannotBeReadAreErrors) {
  const TemporaryFolder folder;
  folder.Put("big.yaml", std::string(2000, '#'));
  const auto message = [&](const std::string& path) {
    return ReadConfigFile(RealFileSystem(), path, {.max_config_bytes = 1000})
        .status()
        .message();
  };
  EXPECT_EQ(
      message(folder.PathOf("big.yaml")),
      folder.PathOf("big.yaml") + ": size = 2000 bytes: must be in [0, 1000]");
  EXPECT_EQ(message(folder.path()), folder.path() + ": is not a regular file");
  EXPECT_EQ(message("no/such"), "no/such: No such file or directory");
}

}  // namespace
}  // namespace cyto8
