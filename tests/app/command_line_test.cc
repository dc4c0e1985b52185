// SPDX-License-Identifier: Apache-2.0
// Tests of app/command_line.h: help and version, and every kind of bad flag.
#include "app/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "app/console.h"
#include "base/version.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;

// The message of a command line that is refused.
std::string RefusalOf(const std::vector<std::string>& arguments) {
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.out, "");
  return outcome.err;
}

std::string Refusal(const std::string& message) {
  return "cyto8: " + message + "\nTry cyto8 --help.\n";
}

TEST(CommandLineTest, VersionHasTheNotice) {
  const Outcome outcome = RunProgram({"--version"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_EQ(outcome.out, "cyto8 " + std::string(kVersion) + "\n" +
                             std::string(kResearchNotice) + "\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(CommandLineTest, EveryCommandHasHelp) {
  const std::vector<std::vector<std::string>> commands = {
      {},        {"score"},        {"info"},
      {"graph"}, {"graph", "run"}, {"graph", "summarize"}};
  for (std::vector<std::string> arguments : commands) {
    arguments.push_back("--help");
    const Outcome outcome = RunProgram(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kWhole);
    EXPECT_THAT(outcome.out, HasSubstr("Usage: "));
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_THAT(RunProgram({"--help"}).out, HasSubstr(kResearchNotice));
  EXPECT_THAT(RunProgram({"score", "--help"}).out, HasSubstr("Example:"));
}

TEST(CommandLineTest, WithoutACommandItIsRefused) {
  EXPECT_EQ(RefusalOf({}), RunProgram({"--help"}).out);
  EXPECT_EQ(RefusalOf({"graph"}), Refusal("A subcommand is required"));
}

TEST(CommandLineTest, MistypedWordsGetAHint) {
  EXPECT_EQ(RefusalOf({"scroe"}),
            Refusal("unknown argument \"scroe\"; did you mean \"score\"?"));
  EXPECT_EQ(RefusalOf({"graph", "summarise", "x"}),
            Refusal("unknown argument \"summarise\"; did you mean "
                    "\"summarize\"?"));
  EXPECT_EQ(RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--mmp", "1"}),
            Refusal("unknown argument \"--mmp\"; did you mean \"--mpp\"?"));
  EXPECT_EQ(
      RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--overlp=3"}),
      Refusal("unknown argument \"--overlp\"; did you mean \"--overlap\"?"));
}

TEST(CommandLineTest, MissingOptionsAreNamed) {
  EXPECT_EQ(RefusalOf({"score", "x.png", "-o", "o"}),
            Refusal("--model is required"));
  EXPECT_EQ(RefusalOf({"score", "x.png", "-m", "m"}),
            Refusal("--output is required"));
  EXPECT_EQ(RefusalOf({"score", "-m", "m", "-o", "o"}),
            Refusal("images is required"));
  EXPECT_EQ(RefusalOf({"info"}), Refusal("images is required"));
  EXPECT_EQ(RefusalOf({"graph", "summarize"}), Refusal("model is required"));
  EXPECT_EQ(RefusalOf({"graph", "run", "m", "-o", "o"}),
            Refusal("--input is required"));
}

TEST(CommandLineTest, BadNumbersAreRefused) {
  const auto with = [](const std::string& flag, const std::string& value) {
    return RefusalOf({"score", "x.png", "-m", "m", "-o", "o", flag, value});
  };
  EXPECT_EQ(with("--mpp", "fast"),
            Refusal("--mpp: \"fast\": must be a number"));
  EXPECT_EQ(with("--mpp", "0,5"), Refusal("--mpp: \"0,5\": must be a number"));
  EXPECT_EQ(with("--mpp", "nan"),
            Refusal("--mpp: \"nan\": must be a finite number"));
  EXPECT_EQ(with("--mpp", ""), Refusal("--mpp: \"\": must be a number"));
  EXPECT_EQ(with("--min-score", "1e999"),
            Refusal("--min-score: \"1e999\": must be a number"));
  EXPECT_EQ(with("--overlap", "many"),
            Refusal("Could not convert: --overlap = many"));
  EXPECT_EQ(with("--engine", "gpu"),
            Refusal("--engine: gpu not in {onednn,naive}"));
}

TEST(CommandLineTest, ValuesOutOfRangeAreRefused) {
  EXPECT_EQ(RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--mpp", "-1"}),
            "cyto8: --mpp = -1: must be in [0.001, 1000]\n");
  EXPECT_EQ(
      RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--min-score", "2"}),
      "cyto8: --min-score = 2: must be in [0, 1]\n");
}

TEST(CommandLineTest, AMissingModelOfSummarizeIsRefused) {
  EXPECT_EQ(RefusalOf({"graph", "summarize", "no/such.pb"}),
            "cyto8: no/such.pb: No such file or directory\n");
}

TEST(CommandLineTest, HostileWordsAreOnlyWords) {
  for (const std::string word : {"%s%n", "{}", "../x", "new\nline", "\xff"}) {
    EXPECT_EQ(RunProgram({word}).code, ExitCode::kRefused);
    EXPECT_EQ(RefusalOf({"graph", "summarize", "no/" + word}),
              "cyto8: no/" + Printable(word) + ": No such file or directory\n");
  }
}

TEST(CommandLineTest, ScoreReachesTheCommandWithAllFlags) {
  const TemporaryFolder folder;
  PutMiniModel(folder);
  PutPng(folder, "x.png", MakeTestImage(20, 20).view());
  const Outcome outcome = RunProgram(
      {"score", folder.PathOf("x.png"), "--model", folder.PathOf("mini.yaml"),
       "-o", folder.PathOf("out"), "--mpp=0.5", "--min-score", "0.6",
       "--class-agnostic", "--overlap", "16", "--no-overlays", "--quiet",
       "--engine", "naive"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::string manifest(TextOf(ReadBytes(folder.PathOf("out/run.json"))));
  EXPECT_THAT(manifest, HasSubstr("\"engine\": \"naive\""));
  EXPECT_THAT(manifest, HasSubstr("\"overlap_px\": 16"));
  EXPECT_THAT(manifest, HasSubstr("\"score_threshold\": 0.6"));
  EXPECT_THAT(manifest, HasSubstr("\"class_agnostic\": true"));
}

TEST(CommandLineTest, InfoReachesTheCommand) {
  const TemporaryFolder folder;
  PutPng(folder, "x.png", MakeTestImage(20, 20).view());
  const Outcome outcome =
      RunProgram({"info", folder.PathOf("x.png"), "--json"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_TRUE(outcome.out.starts_with("[\n"));
}

}  // namespace
}  // namespace cyto8
