// SPDX-License-Identifier: Apache-2.0
// Tests of app/settings_layers.h and environment.h: which layer wins, and where
// a value is said to come from.
#include "app/settings_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SettingsLayersTest : public testing::Test {
 protected:
  SettingsLayersTest() {
    std::filesystem::create_directory(folder_.PathOf("cyto8"));
  }

  void PutUserFile(const std::string& text) {
    folder_.Put("cyto8/config.yaml", "schema: 1\n" + text);
  }
  void PutProjectFile(const std::string& text) {
    folder_.Put("p.yaml", "schema: 1\n" + text);
    flags_.config_file = folder_.PathOf("p.yaml");
  }

  StatusOr<ResolvedSettings> Resolve() {
    environment_["XDG_CONFIG_HOME"] = folder_.path();
    return ResolveSettings(files_, environment_, flags_);
  }
  std::string Refusal() { return Resolve().status().message(); }

  // "value (origin)", the test's folder as "@".
  std::string Resolved(const std::string& key) {
    const StatusOr<ResolvedSettings> resolved = Resolve();
    if (!resolved.ok()) return resolved.status().message();
    for (const SettingEntry& entry : resolved->entries) {
      if (entry.key == key)
        return Short(entry.value + " (" + entry.origin) + ")";
    }
    return "no such key";
  }
  std::string Short(std::string text) const {
    for (size_t at = text.find(folder_.path()); at != std::string::npos;
         at = text.find(folder_.path())) {
      text.replace(at, folder_.path().size(), "@");
    }
    return text;
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
  Environment environment_;
  SettingFlags flags_;
};

TEST_F(SettingsLayersTest, EachLayerWinsOverTheOneBelow) {
  EXPECT_EQ(Resolved("run.threads"), "0 (default)");
  PutUserFile("run: {threads: 1}\n");
  EXPECT_EQ(Resolved("run.threads"), "1 (@/cyto8/config.yaml:2)");
  PutProjectFile("\nrun:\n  threads: 2\n");
  EXPECT_EQ(Resolved("run.threads"), "2 (@/p.yaml:4)");
  environment_["CYTO8_THREADS"] = "3";
  EXPECT_EQ(Resolved("run.threads"), "3 (environment CYTO8_THREADS)");
  flags_.sets = {"run.threads=4"};
  EXPECT_EQ(Resolved("run.threads"), "4 (flag --set)");
  flags_.sets.clear();
  flags_.given = {{"run.threads", "--threads", "5"}};
  EXPECT_EQ(Resolved("run.threads"), "5 (flag --threads)");
  EXPECT_THAT(Resolve()->config_files,
              ElementsAre(folder_.PathOf("cyto8/config.yaml"),
                          folder_.PathOf("p.yaml")));
}

TEST_F(SettingsLayersTest, LayersGiveDifferentSettings) {
  PutUserFile("tiling: {overlap_px: 1}\ninput: {model: m.yaml}\n");
  PutProjectFile("tiling: {fit: true}\n");
  environment_["CYTO8_POSTPROCESS_MERGE"] = "WBF";
  flags_.given = {{"output.overlays", "--no-overlays", "false"}};
  const ScoreSettings settings = Resolve()->settings;
  EXPECT_EQ(settings.tiling.overlap_px, 1);
  EXPECT_TRUE(settings.tiling.fit);
  EXPECT_EQ(settings.postprocess.merge, MergeMethod::kWbf);
  EXPECT_FALSE(settings.output.overlays);
  EXPECT_EQ(settings.input.model, folder_.PathOf("cyto8/m.yaml"));
}

TEST_F(SettingsLayersTest, AStrongerLayerCanTakeAValueAway) {
  PutUserFile("input: {mpp: 0.5, mpp_from: x.csv}\n");
  PutProjectFile("input: {mpp: null, mpp_from: \"\"}\n");
  EXPECT_EQ(Resolved("input.mpp"), "null (@/p.yaml:2)");
  EXPECT_EQ(Resolved("input.mpp_from"), "\"\" (@/p.yaml:2)");
}

TEST_F(SettingsLayersTest, TwoDifferentFlagsForOneSettingAreRefused) {
  flags_.given = {{"run.threads", "--threads", "2"}};
  flags_.sets = {"run.threads=02"};
  EXPECT_EQ(Resolved("run.threads"), "2 (flag --set)");
  flags_.sets = {"run.threads=3"};
  EXPECT_EQ(Refusal(),
            "run.threads is given twice: by flag --threads and by flag --set");
  flags_.given.clear();
  flags_.sets = {"run.threads=3", "run.threads=4"};
  EXPECT_EQ(Refusal(),
            "run.threads is given twice: by flag --set and by flag --set");
}

TEST_F(SettingsLayersTest, TwoVariablesForOneSettingToo) {
  environment_["CYTO8_THREADS"] = "2";
  environment_["CYTO8_RUN_THREADS"] = "3";
  EXPECT_EQ(Refusal(),
            "run.threads is given twice: by environment CYTO8_RUN_THREADS and "
            "by environment CYTO8_THREADS");
}

TEST_F(SettingsLayersTest, WrongAssignmentsAreRefused) {
  const auto with = [&](const std::string& assignment) {
    flags_.sets = {assignment};
    return Refusal();
  };
  EXPECT_EQ(with("tiling.overlap_px"),
            "--set \"tiling.overlap_px\": must be KEY=VALUE, such as "
            "tiling.overlap_px=64");
  EXPECT_EQ(with("overlap_px=3"),
            "--set \"overlap_px\": unknown key; did you mean "
            "\"tiling.overlap_px\"?");
  EXPECT_EQ(with("=3"), "--set \"\": unknown key");
  EXPECT_EQ(with("tiling.overlap_px="),
            "--set tiling.overlap_px = \"\": must be a whole number in [0, "
            "199999]");
  EXPECT_EQ(with("input.mpp=nan"),
            "--set input.mpp = \"nan\": must be a number in [0.001, 1000], or "
            "null");
  flags_.sets = {"postprocess.class_min_score=HSIL=0.1,LSIL=0.2"};
  EXPECT_EQ(Resolved("postprocess.class_min_score"),
            "{\"HSIL\": 0.1, \"LSIL\": 0.2} (flag --set)");
}

TEST_F(SettingsLayersTest, AWrongValueIsRefusedEvenWhenOverruled) {
  flags_.given = {{"run.threads", "--threads", "5"}};
  environment_["CYTO8_THREADS"] = "many";
  EXPECT_EQ(Refusal(),
            "CYTO8_THREADS = \"many\": must be a whole number in [0, 1024]");
  environment_.clear();
  PutProjectFile("run:\n  threads: x\n  thread: 1\n");
  EXPECT_EQ(Short(Refusal()),
            "@/p.yaml: line 3, column 12: run.threads = \"x\": must be a whole "
            "number in [0, 1024] (and 1 more: cyto8 config check @/p.yaml)");
}

TEST_F(SettingsLayersTest, UnknownVariablesAreWarnedOf) {
  environment_ = {{"CYTO8_TILING_OVERLAP", "3"},
                  {"CYTO8_CACHE_DIR", "/x"},
                  {"CYTO8_NO_COLOR", "1"},
                  {"CYTO8_LOGG", ""},
                  {"CYTO", "x"},
                  {"CYTO8_XXXXXXXXXXXXXX", "y"}};
  EXPECT_THAT(Resolve()->warnings,
              ElementsAre("environment CYTO8_TILING_OVERLAP: unknown variable; "
                          "did you mean \"CYTO8_TILING_OVERLAP_PX\"?",
                          "environment CYTO8_XXXXXXXXXXXXXX: unknown "
                          "variable"));
}

TEST_F(SettingsLayersTest, LogIsAVariableOfItsOwn) {
  environment_["CYTO8_LOG"] = "run.log";
  EXPECT_EQ(Resolved("run.log_json"), "\"run.log\" (environment CYTO8_LOG)");
}

// Otherwise an um/px of yesterday's file would rule over the side file that was
// just named.
TEST_F(SettingsLayersTest, ASideFileOfAStrongerLayerWinsOverMpp) {
  PutProjectFile("input: {mpp: 0.5}\n");
  flags_.given = {{"input.mpp_from", "--mpp-from", "x.csv"}};
  EXPECT_EQ(Resolved("input.mpp"), "null (flag --mpp-from)");
  const StatusOr<ResolvedSettings> resolved = Resolve();
  ASSERT_EQ(resolved->warnings.size(), 1);
  EXPECT_EQ(Short(resolved->warnings[0]),
            "input.mpp of @/p.yaml:2 is not used: flag --mpp-from names a side "
            "file");
  flags_.given.push_back({"input.mpp", "--mpp", "0.25"});
  EXPECT_EQ(Resolved("input.mpp"), "0.25 (flag --mpp)");
  EXPECT_THAT(Resolve()->warnings, IsEmpty());
}

TEST_F(SettingsLayersTest, AProjectFileThatIsNamedMustExist) {
  flags_.config_file = "no/such.yaml";
  EXPECT_EQ(Refusal(), "no/such.yaml: No such file or directory");
  flags_.config_file.reset();
  environment_["CYTO8_CONFIG"] = "no/such.yaml";
  EXPECT_EQ(Refusal(), "no/such.yaml: No such file or directory");
  environment_["CYTO8_CONFIG"] = "";
  EXPECT_TRUE(Resolve().ok());
  flags_.config_file = "";
  EXPECT_EQ(Refusal(), "--config = \"\": must be a path");
}

TEST_F(SettingsLayersTest, AUserFileOfSomebodyElseIsPassedOver) {
  PutUserFile("run: {threads: 1}\n");
  files_.Arm({.kind = FileCall::kOpenForReading, .error_number = EACCES});
  const StatusOr<ResolvedSettings> resolved = Resolve();
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(Short(resolved->warnings[0]),
            "@/cyto8/config.yaml: Permission denied; not read");
  files_.Arm({.kind = FileCall::kOpenForReading, .error_number = EIO});
  EXPECT_EQ(Resolve().status().code(), StatusCode::kIoError);
  PutProjectFile("run: {threads: 1}\n");
  files_.Arm(
      {.kind = FileCall::kOpenForReading, .index = 1, .error_number = EACCES});
  EXPECT_EQ(Resolve().status().code(), StatusCode::kPermissionDenied);
}

TEST(SettingsPathsTest, WhereTheFilesLie) {
  EXPECT_EQ(UserConfigPath({{"XDG_CONFIG_HOME", "/x"}, {"HOME", "/h"}}),
            "/x/cyto8/config.yaml");
  EXPECT_EQ(UserConfigPath({{"XDG_CONFIG_HOME", "rel"}, {"HOME", "/h"}}),
            "/h/.config/cyto8/config.yaml");
  EXPECT_EQ(UserConfigPath({{"XDG_CONFIG_HOME", ""}, {"HOME", "/h"}}),
            "/h/.config/cyto8/config.yaml");
  EXPECT_EQ(UserConfigPath({}), "");
  const Environment named = {{"CYTO8_CONFIG", "e.yaml"}};
  EXPECT_EQ(ProjectConfigPath({}, {}).path, "cyto8.yaml");
  EXPECT_FALSE(ProjectConfigPath({}, {}).must_exist);
  EXPECT_EQ(ProjectConfigPath(named, {}).path, "e.yaml");
  EXPECT_EQ(ProjectConfigPath(named, {.config_file = "f.yaml"}).path, "f.yaml");
  EXPECT_TRUE(ProjectConfigPath(named, {}).must_exist);
}

TEST(SettingsPathsTest, ModelAndOutputAreRequired) {
  ScoreSettings settings;
  EXPECT_EQ(RequireModelAndOutput(settings).message(),
            "--model is required, or input.model in a configuration file");
  settings.input.model = "m";
  EXPECT_EQ(RequireModelAndOutput(settings).message(),
            "--output is required, or output.output in a configuration file");
  settings.output.output = "o";
  EXPECT_TRUE(RequireModelAndOutput(settings).ok());
}

TEST(EnvironmentTest, WordsBecomeNamesAndValues) {
  const char* words[] = {"A=1", "B=x=y", "C=", "odd", "A=2", nullptr};
  EXPECT_EQ(EnvironmentOf(words),
            (Environment{{"A", "1"}, {"B", "x=y"}, {"C", ""}}));
  EXPECT_TRUE(EnvironmentOf(nullptr).empty());
}

}  // namespace
}  // namespace cyto8
