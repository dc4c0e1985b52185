// SPDX-License-Identifier: Apache-2.0
// Tests of app/eval_command_line.h: bad values and flags that do not go
// together.
#include "app/eval_command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;

// The message for `eval` with these flags behind a truth and a result that do
// not exist.
std::string RefusalOf(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = {"eval", "--gt", "no/t", "--pred",
                                        "no/p"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.out, "");
  return outcome.err;
}

std::string Said(const std::string& message) {
  return "cyto8: " + message + "\n";
}

TEST(EvalCommandLineTest, BothCommandsHaveHelp) {
  for (const char* command : {"eval", "compare"}) {
    const Outcome outcome = RunProgram({command, "--help"});
    EXPECT_EQ(outcome.code, ExitCode::kWhole);
    EXPECT_THAT(outcome.out, HasSubstr("Example:\n  cyto8 "));
  }
}

TEST(EvalCommandLineTest, MissingAndMistypedFlags) {
  const std::string hint = "Try cyto8 --help.\n";
  EXPECT_EQ(RunProgram({"eval", "--pred", "p"}).err,
            Said("--gt is required") + hint);
  EXPECT_EQ(RunProgram({"eval", "--gt", "t"}).err,
            Said("--pred is required") + hint);
  EXPECT_EQ(RunProgram({"compare", "a", "--gt", "t"}).err,
            Said("b is required") + hint);
  EXPECT_EQ(RefusalOf({"--bootstrp", "3"}),
            Said("unknown argument \"--bootstrp\"; did you mean "
                 "\"--bootstrap\"?") +
                hint);
  EXPECT_EQ(RefusalOf({"--style", "coc"}),
            Said("--style: coc not in {default,coco,voc}") + hint);
}

TEST(EvalCommandLineTest, NumbersAreChecked) {
  for (const char* flag :
       {"--min-score", "--ignore-border", "--min-map", "--iou"}) {
    EXPECT_EQ(RefusalOf({flag, "nan"}),
              Said(std::string(flag) + ": \"nan\": must be a finite number"));
    EXPECT_EQ(RefusalOf({flag, ""}),
              Said(std::string(flag) + ": \"\": must be a number"));
  }
  EXPECT_EQ(RefusalOf({"--match", "centre", "--distance-px", "1e999"}),
            Said("--distance-px: \"1e999\": must be a number"));
  EXPECT_EQ(RefusalOf({"--match", "centre", "--distance-px", "-1"}),
            Said("--distance-px = -1: must be in [0, 1e+09]"));
  EXPECT_EQ(RefusalOf({"--ignore-border", "-1"}),
            Said("--ignore-border = -1: must be in [0, 1e+09]"));
  EXPECT_EQ(RefusalOf({"--min-map", "1.5"}),
            Said("--min-map = 1.5: must be in [0, 1]"));
  EXPECT_EQ(RefusalOf({"--bootstrap", "1.5"}),
            Said("--bootstrap: \"1.5\": must be a whole number"));
  EXPECT_EQ(RefusalOf({"--bootstrap", "-1"}),
            Said("--bootstrap = -1: must be in [0, 1000000]"));
  EXPECT_EQ(RefusalOf({"--seed", "-1"}),
            Said("--seed = -1: must be in [0, 9223372036854775807]"));
  EXPECT_EQ(
      RunProgram({"compare", "a", "b", "--gt", "t", "--bootstrap", "0"}).err,
      Said("--bootstrap = 0: must be in [1, 1000000]"));
}

// The message for `compare` with these flags behind files that do not exist.
std::string RefusalOfCompare(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = {"compare", "no/a", "no/b"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.out, "");
  return outcome.err;
}

TEST(EvalCommandLineTest, DemandsOfGatesAreChecked) {
  for (const std::string flag : {"--max-drop", "--min-agreement"}) {
    const auto refusal = [&](const std::string& text) {
      return RefusalOfCompare({"--gt", "no/t", flag, text});
    };
    for (const std::string part : {"", "cell", "=1"}) {
      EXPECT_EQ(refusal(part),
                Said(flag + ": \"" + part + "\": must be NAME=NUMBER"));
    }
    EXPECT_EQ(refusal("cell=1,"), Said(flag + ": \"\": must be NAME=NUMBER"));
    EXPECT_EQ(refusal("cell="), Said(flag + " cell: \"\": must be a number"));
    EXPECT_EQ(refusal("cell=nan"),
              Said(flag + " cell: \"nan\": must be a finite number"));
    EXPECT_EQ(refusal("a=b=inf"),
              Said(flag + " a=b: \"inf\": must be a finite number"));
    EXPECT_EQ(refusal("cell=1,cell=0"), Said(flag + " cell: stands twice"));
    const std::string range = flag == "--max-drop" ? "[0, 100]" : "[0, 1]";
    EXPECT_EQ(refusal("cell=-0.1"),
              Said(flag + " cell = -0.1: must be in " + range));
    EXPECT_EQ(refusal("cell=100.5"),
              Said(flag + " cell = 100.5: must be in " + range));
  }
  EXPECT_EQ(RefusalOfCompare({"--agreement-score", "1.1"}),
            Said("--agreement-score = 1.1: must be in [0, 1]"));
  EXPECT_EQ(RefusalOfCompare({"--agreement-score", "nan"}),
            Said("--agreement-score: \"nan\": must be a finite number"));
}

TEST(EvalCommandLineTest, FlagsOfTheTruthNeedOne) {
  const std::vector<std::vector<std::string>> all = {{"--iou", "0.5"},
                                                     {"--max-dets", "all"},
                                                     {"--class-agnostic"},
                                                     {"--ignore-border", "20"},
                                                     {"--max-drop", "cell=1"}};
  for (const std::vector<std::string>& flags : all) {
    EXPECT_EQ(RefusalOfCompare(flags), Said(flags[0] + ": only with --gt"));
  }
  EXPECT_EQ(RefusalOfCompare({"--match", "centre"}),
            Said("--match centre: only with --gt"));
}

TEST(EvalCommandLineTest, IouThresholdsAreChecked) {
  EXPECT_EQ(RefusalOf({"--iou", "0"}),
            Said("--iou = 0: must be in [1e-09, 1]"));
  EXPECT_EQ(RefusalOf({"--iou", "1.01"}),
            Said("--iou = 1.01: must be in [1e-09, 1]"));
  EXPECT_EQ(RefusalOf({"--iou", "0.5,"}),
            Said("--iou: \"\": must be a number"));
  EXPECT_THAT(RefusalOf({"--iou", "0.5,0.5"}), HasSubstr("--iou"));
}

TEST(EvalCommandLineTest, LimitsOfDetectionsAreChecked) {
  EXPECT_EQ(RefusalOf({"--max-dets", "0"}),
            Said("--max-dets = 0: must be in [1, 2147483647]"));
  EXPECT_EQ(RefusalOf({"--max-dets", "5"}),
            Said("--max-dets = 5: must be above 10; for fewer give three "
                 "values"));
  EXPECT_EQ(RefusalOf({"--max-dets", "1,2"}),
            Said("--max-dets: \"1,2\": must be one value or three"));
  EXPECT_EQ(RefusalOf({"--max-dets", "1,10,10"}),
            Said("--max-dets = 10: must be in [11, 2147483647]"));
  EXPECT_EQ(RefusalOf({"--max-dets", "all,10,100"}),
            Said("--max-dets: \"all\": must be a whole number"));
}

TEST(EvalCommandLineTest, FlagsThatDoNotGoTogether) {
  EXPECT_EQ(RefusalOf({"--match", "centre", "--style", "coco"}),
            Said("--match centre: only with --style default"));
  EXPECT_EQ(RefusalOf({"--distance-px", "3"}),
            Said("--distance-px: only with --match centre"));
  EXPECT_EQ(RefusalOf({"--style", "coco", "--iou", "0.5"}),
            Said("--iou: not with --match centre, nor with --style coco"));
  EXPECT_EQ(RefusalOf({"--style", "voc", "--max-dets", "all"}),
            Said("--max-dets: not with --match centre, nor with --style voc"));
  EXPECT_EQ(RefusalOf({"--style", "voc", "--bootstrap", "10"}),
            Said("--bootstrap: intervals are of the 101-point AP: not with "
                 "--style voc"));
  EXPECT_EQ(RefusalOf({"--interpolation", "11"}),
            Said("--interpolation: only with --style voc"));
  EXPECT_EQ(RefusalOf({"--plus-one"}),
            Said("--plus-one: only with --style voc"));
  EXPECT_EQ(RefusalOf({"--iou-above"}),
            Said("--iou-above: only with --style voc"));
  EXPECT_EQ(RefusalOf({"--style", "voc", "--interpolation", "12"}),
            Said("--interpolation: \"12\": must be all or 11"));
}

}  // namespace
}  // namespace cyto8
