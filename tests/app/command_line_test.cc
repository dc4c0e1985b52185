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
      {},
      {"score"},
      {"info"},
      {"read"},
      {"make-slide"},
      {"graph"},
      {"graph", "run"},
      {"graph", "summarize"},
      {"config"},
      {"config", "init"},
      {"config", "show"},
      {"config", "check"},
      {"config", "schema"},
      {"doctor"},
      {"quantize"}};
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
            "cyto8: --model is required, or input.model in a configuration "
            "file\n");
  EXPECT_EQ(RefusalOf({"score", "x.png", "-m", "m"}),
            "cyto8: --output is required, or output.output in a "
            "configuration file\n");
  EXPECT_EQ(RefusalOf({"score", "-m", "m", "-o", "o"}),
            Refusal("images is required"));
  EXPECT_EQ(RefusalOf({"info"}), Refusal("images is required"));
  EXPECT_EQ(RefusalOf({"graph", "summarize"}), Refusal("model is required"));
  EXPECT_EQ(RefusalOf({"graph", "run", "m", "-o", "o"}),
            Refusal("--input is required"));
}

// --mode said how images are tiled once.
TEST(CommandLineTest, OldWordsOfModeNameTheNewFlag) {
  for (const std::string word : {"tiles", "resize"}) {
    EXPECT_EQ(
        RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--mode", word}),
        "cyto8: --mode = \"" + word +
            "\": must be one of auto, throughput, latency; tiles, resize "
            "belong to --tiling, or tiling.mode\n");
  }
  EXPECT_EQ(
      RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--mode", "fast"}),
      "cyto8: --mode = \"fast\": must be one of auto, throughput, latency\n");
  EXPECT_EQ(
      RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--isa", "sse9"}),
      "cyto8: --isa = \"sse9\": must be one of auto, plain, avx2, avx512, "
      "avx512vnni, avx512vbmi, amxint8\n");
}

TEST(CommandLineTest, BadNumbersAreRefused) {
  const auto with = [](const std::string& flag, const std::string& value) {
    return RefusalOf({"score", "x.png", "-m", "m", "-o", "o", flag, value});
  };
  const auto mpp = [](const std::string& text) {
    return "cyto8: --mpp = \"" + text +
           "\": must be a number in [0.001, 1000], or null\n";
  };
  for (const std::string text :
       {"fast", "0,5", "nan", "inf", "1e999", "0x10", "+1", " 1", ""}) {
    EXPECT_EQ(with("--mpp", text), mpp(text));
  }
  EXPECT_EQ(with("--overlap", "many"),
            "cyto8: --overlap = \"many\": must be a whole number in [0, "
            "199999]\n");
  EXPECT_EQ(with("--engine", "gpu"),
            "cyto8: --engine = \"gpu\": must be one of naive, onednn\n");
}

TEST(CommandLineTest, ValuesOutOfRangeAreRefused) {
  EXPECT_EQ(RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--mpp", "-1"}),
            "cyto8: --mpp = -1: must be in [0.001, 1000]\n");
  EXPECT_EQ(
      RefusalOf({"score", "x.png", "-m", "m", "-o", "o", "--min-score", "2"}),
      "cyto8: --min-score = 2: must be in [0, 1]\n");
}

TEST(CommandLineTest, ASettingGivenTwiceDifferentlyIsRefused) {
  const auto with = [](std::vector<std::string> more) {
    std::vector<std::string> words = {"score", "x.png", "-m", "m", "-o", "o"};
    words.insert(words.end(), more.begin(), more.end());
    return RefusalOf(words);
  };
  EXPECT_EQ(with({"--overlap", "1", "--overlap", "2"}),
            "cyto8: tiling.overlap_px is given twice: by flag --overlap and by "
            "flag --overlap\n");
  EXPECT_EQ(with({"--overlap", "1", "--set", "tiling.overlap_px=2"}),
            "cyto8: tiling.overlap_px is given twice: by flag --overlap and by "
            "flag --set\n");
  EXPECT_EQ(with({"--overlays", "--no-overlays"}),
            "cyto8: output.overlays is given twice: by flag --overlays and by "
            "flag --no-overlays\n");
}

// CLI11 takes "[a,b]" for a list.
TEST(CommandLineTest, AFolderInBracketsIsAFolder) {
  const TemporaryFolder folder;
  PutMiniModel(folder);
  std::filesystem::create_directory(folder.PathOf("[a,b]"));
  PutPng(folder, "[a,b]/x.png", MakeTestImage(20, 20).view());
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const Outcome outcome = RunProgram({"score", "[a,b]", "-m", "mini.yaml", "-o",
                                      "out", "--mpp=0.5", "--overlap=16"});
  std::filesystem::current_path(before);
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("x.png"));
}

// The project file says what the flags do not.
TEST(CommandLineTest, ScoreReadsTheProjectFile) {
  const TemporaryFolder folder;
  PutMiniModel(folder);
  PutPng(folder, "x.png", MakeTestImage(20, 20).view());
  folder.Put("my.yaml",
             "schema: 1\ninput: {model: mini.yaml, mpp: 0.5}\n"
             "tiling: {overlap_px: 32}\noutput: {output: out}\n");
  const Outcome outcome =
      RunProgram({"score", folder.PathOf("x.png"), "--overlap", "16"},
                 {{"CYTO8_CONFIG", folder.PathOf("my.yaml")},
                  {"CYTO8_RUN_ENGINE", "naive"},
                  {"CYTO8_THREDS", "2"}});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr("cyto8: warning: environment CYTO8_THREDS: unknown "
                        "variable; did you mean \"CYTO8_THREADS\"?\n"));
  const std::string manifest(TextOf(ReadBytes(folder.PathOf("out/run.json"))));
  EXPECT_THAT(manifest, HasSubstr("\"engine\": \"naive\""));
  EXPECT_THAT(manifest, HasSubstr("\"isa\": \"plain\""));
  EXPECT_THAT(manifest, HasSubstr("\"schedule\": \"throughput\""));
  EXPECT_THAT(manifest, HasSubstr("\"tiling.overlap_px\": 16"));
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
  const Outcome outcome = RunProgram({"score",
                                      folder.PathOf("x.png"),
                                      "--model",
                                      folder.PathOf("mini.yaml"),
                                      "-o",
                                      folder.PathOf("out"),
                                      "--mpp=0.5",
                                      "--min-score",
                                      "0.6",
                                      "--class-agnostic",
                                      "--overlap",
                                      "16",
                                      "--no-overlays",
                                      "--quiet",
                                      "--engine",
                                      "naive",
                                      "--tiling",
                                      "tiles",
                                      "--mode",
                                      "latency",
                                      "--isa",
                                      "plain"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::string manifest(TextOf(ReadBytes(folder.PathOf("out/run.json"))));
  EXPECT_THAT(manifest, HasSubstr("\"engine\": \"naive\""));
  EXPECT_THAT(manifest, HasSubstr("\"isa\": \"plain\""));
  EXPECT_THAT(manifest, HasSubstr("\"schedule\": \"latency\""));
  EXPECT_THAT(manifest, HasSubstr("\"tiling.overlap_px\": 16"));
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
