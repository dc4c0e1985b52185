// SPDX-License-Identifier: Apache-2.0
// Tests of app/config_command.h and doctor_command.h: what the commands print,
// write and exit with.
#include "app/config_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/config_text.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ConfigCommandTest, InitWritesAFileAndNeverOverwritesUnasked) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("c.yaml");
  const Outcome first = RunProgram({"config", "init", path});
  EXPECT_EQ(first.code, ExitCode::kWhole);
  EXPECT_EQ(first.out, path + "\n");
  EXPECT_EQ(folder.Get("c.yaml"), ConfigTemplate());
  folder.Put("c.yaml", "mine");
  const Outcome second = RunProgram({"config", "init", path});
  EXPECT_EQ(second.code, ExitCode::kRefused);
  EXPECT_EQ(second.err, "cyto8: " + path + ": exists; --force overwrites it\n");
  EXPECT_EQ(folder.Get("c.yaml"), "mine");
  EXPECT_EQ(RunProgram({"config", "init", path, "--force"}).code,
            ExitCode::kWhole);
  EXPECT_EQ(folder.Get("c.yaml"), ConfigTemplate());
  EXPECT_THAT(folder.Names(), ElementsAre("c.yaml"));
  EXPECT_EQ(RunProgram({"config", "init", "-"}).out, ConfigTemplate());
  EXPECT_EQ(RunProgram({"config", "init", folder.path()}).code,
            ExitCode::kRefused);
}

TEST(ConfigCommandTest, CheckListsEveryMistake) {
  const TemporaryFolder folder;
  folder.Put("good.yaml", ConfigTemplate());
  folder.Put("bad.yaml", "schema: 1\nrun: {threads: x, thread: 1}\n");
  const std::string good = folder.PathOf("good.yaml");
  const std::string bad = folder.PathOf("bad.yaml");
  const Outcome outcome =
      RunProgram({"config", "check", bad, good, folder.PathOf("none")});
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.out, good + ": valid\n");
  EXPECT_EQ(outcome.err,
            "cyto8: " + bad +
                ": line 2, column 16: run.threads = \"x\": must be a whole "
                "number in [0, 1024]\ncyto8: " +
                bad +
                ": line 2, column 19: run.thread: unknown key; did you mean "
                "\"run.threads\"?\ncyto8: " +
                folder.PathOf("none") + ": No such file or directory\n");
  EXPECT_EQ(RunProgram({"config", "check", good}).code, ExitCode::kWhole);
  EXPECT_EQ(RunProgram({"config", "check"}).code, ExitCode::kRefused);
}

TEST(ConfigCommandTest, ShowTellsValuesAndOrigins) {
  const TemporaryFolder folder;
  folder.Put("c.yaml", "schema: 1\nrun: {threads: 3}\n");
  const std::string path = folder.PathOf("c.yaml");
  const Outcome text = RunProgram({"config", "show", "--config", path});
  EXPECT_EQ(text.out, "schema: 1\nrun:\n  threads: 3  # " + path + ":2\n");
  const auto json = nlohmann::json::parse(
      RunProgram(
          {"config", "show", "--resolved", "--json", "--set", "run.quiet=true"},
          {{"CYTO8_CONFIG", path}, {"CYTO8_X", "1"}})
          .out);
  EXPECT_EQ(json["files"], nlohmann::json({path}));
  EXPECT_EQ(json["warnings"].size(), 1);
  EXPECT_GT(json["settings"].size(), 20);
  EXPECT_EQ(RunProgram({"config", "show", "--set", "a=1"}).code,
            ExitCode::kRefused);
}

TEST(ConfigCommandTest, SchemaIsPrinted) {
  EXPECT_EQ(RunProgram({"config", "schema"}).out, ConfigSchemaText());
}

TEST(DoctorCommandTest, ASoundModelAndFolderPass) {
  const TemporaryFolder folder;
  PutMiniModel(folder);
  const Outcome outcome =
      RunProgram({"doctor", "-m", folder.PathOf("mini.yaml"), "-o",
                  folder.PathOf("a/b"), "--json"},
                 {{"TMPDIR", folder.path()}});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.out;
  EXPECT_EQ(outcome.err, "");
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_NE(json["verdict"], "FAIL");
  EXPECT_GT(json["checks"].size(), 10);
  EXPECT_THAT(folder.Names(), ElementsAre("mini.pb", "mini.yaml"));
}

TEST(DoctorCommandTest, ADamagedModelFails) {
  const TemporaryFolder folder;
  PutMiniModel(folder);
  folder.Put("mini.pb", "damaged");
  const Outcome outcome = RunProgram(
      {"doctor", "--set", "input.model=" + folder.PathOf("mini.yaml")});
  EXPECT_EQ(outcome.code, ExitCode::kGateFailed);
  EXPECT_THAT(
      outcome.out,
      HasSubstr("FAIL  model: " + folder.PathOf("mini.pb") + ": sha256 = "));
  EXPECT_THAT(outcome.out, HasSubstr("\n      mend: give --model a card"));
}

TEST(DoctorCommandTest, AWrongConfigurationFails) {
  const Outcome outcome = RunProgram({"doctor", "--config", "no/such"});
  EXPECT_EQ(outcome.code, ExitCode::kGateFailed);
  EXPECT_THAT(outcome.out, HasSubstr("FAIL  configuration: no/such: No such "
                                     "file or directory\n"));
  EXPECT_THAT(outcome.out, HasSubstr("PASS  model: not checked: the "
                                     "configuration is refused\n"));
}

}  // namespace
}  // namespace cyto8
