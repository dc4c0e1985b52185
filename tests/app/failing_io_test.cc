// SPDX-License-Identifier: Apache-2.0
// promises.md P10 below our own FileSystem: the real program scores a slide
// with a library preloaded (tests/support/failing_io.cc) that lets one system
// call fail, each in turn: the documented exit code, the file and the cause on
// stderr, nothing torn, no temporary; then a run without it completes the set.
// Calls that the operating system may interrupt or do in part go on instead.
// CYTO8_FULL (0 or 1): every call with every error.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iostream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "app/exit_code.h"
#include "tests/app/app_fixture.h"
#include "tests/app/child_program.h"
#include "tests/app/quick_score.h"
#include "tests/app/result_tree.h"
#include "tests/app/small_pyramid.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

// Instead of an errno: done in part (failing_io.cc).
constexpr int kInPart = 0;

// The first calls ask whether the argument is a folder; whatever it is, it is
// opened later.
constexpr int64_t kCallsOfListing = 3;

// The one that failed, of so many.
struct IoReport {
  int64_t calls = 0;
  std::string name;
  std::string path;  // final, also of a temporary.
};

class PromiseP10 : public testing::Test {
 protected:
  PromiseP10() {
    PutQuickModel(folder_);
    folder_.Put("x.tif", TextOf(SmallPyramid(96)));
  }

  std::string Out() const { return folder_.PathOf("out"); }

  // Exit code; without an index nothing fails.
  int Score(std::optional<int64_t> index, int error) const {
    ChildOptions options = {.errors = aside_.PathOf("errors")};
    options.environment = {"LD_PRELOAD=" CYTO8_FAILING_IO,
                           "CYTO8_IO_FOLDER=" + folder_.path() + "/",
                           "CYTO8_IO_ERRNO=" + std::to_string(error),
                           "CYTO8_IO_REPORT=" + aside_.PathOf("report")};
    if (index) {
      options.environment.push_back("CYTO8_IO_INDEX=" + std::to_string(*index));
    }
    auto words =
        WordsOf(folder_, {.input = "x.tif", .out = Out(), .min_score = "0.7"});
    words.insert(words.end(), {"--no-skip-background", "--no-thumbnails"});
    return WaitFor(StartProgram(words, options));
  }

  IoReport Report() const {
    std::istringstream lines(aside_.Get("report"));
    IoReport report;
    lines >> report.calls >> report.name >> report.path;
    report.path = report.path.substr(0, report.path.find(".tmp-"));
    return report;
  }

  void MakeReference() {
    ASSERT_EQ(Score(std::nullopt, 0), 0);
    calls_ = Report().calls;
    wanted_ = ResultsBelow(Out());
    ASSERT_GT(calls_, 100);  // else they are not seen.
    std::cout << calls_ << " calls\n";
  }

  void FailCall(int64_t index, int error);
  void CheckFiles() const;

  TemporaryFolder folder_;
  TemporaryFolder aside_;  // where nothing fails.
  FileTexts wanted_;
  int64_t calls_ = 0;
};

// What may be tried again at once, or went on from where it was.
bool GoesOn(const IoReport& report, int error) {
  constexpr std::array<std::string_view, 7> kAgain = {
      "open", "read", "pread", "write", "pwrite", "fsync", "flock"};
  if (error == kInPart) return true;
  return error == EINTR &&
         std::ranges::find(kAgain, report.name) != kAgain.end();
}

// Closing what was read, or a lock, loses nothing.
bool MayBePassedOver(const IoReport& report) {
  return report.name == "close" &&
         (report.path.ends_with("x.tif") || report.path.ends_with(".lock"));
}

void PromiseP10::CheckFiles() const {
  for (const auto& [path, mark] : MarksBelow(Out())) {
    EXPECT_FALSE(IsTemporary(path)) << path;
    if (IsTemporary(path)) continue;
    if (HasClocks(path)) {
      ExpectWholeTable(Out() + "/" + path);
    } else if (path.starts_with("slides/")) {
      EXPECT_TRUE(folder_.Get("out/" + path) == wanted_.at(path)) << path;
    }
  }
}

void PromiseP10::FailCall(int64_t index, int error) {
  fs::remove_all(Out());
  const int code = Score(index, error);
  const IoReport report = Report();
  const std::string cause = std::generic_category().message(error);
  SCOPED_TRACE("call " + std::to_string(index) + ": " + report.name + " " +
               report.path + ": " + cause);
  const std::string errors = aside_.Get("errors");
  const bool is_listing = index < kCallsOfListing;
  ASSERT_NE(report.name, "");
  if (GoesOn(report, error)) {
    EXPECT_EQ(code, 0) << errors;
  } else if (code != 0 || !(is_listing || MayBePassedOver(report))) {
    EXPECT_EQ(code, static_cast<int>(ExitCode::kTemporary));
    EXPECT_NE(errors.find(report.path), std::string::npos) << errors;
    EXPECT_NE(errors.find(cause), std::string::npos) << errors;
  }
  CheckFiles();
  if (index % (CYTO8_FULL != 0 ? 1 : 4) != 0) return;
  EXPECT_EQ(Score(std::nullopt, 0), 0);
  ExpectSameResults(ResultsBelow(Out()), wanted_);
}

TEST_F(PromiseP10, EachFailingSystemCallIsNamed) {
  MakeReference();
  const std::vector<int> errors = {ENOSPC, EIO, EDQUOT, EINTR, kInPart};
  int64_t tried = 0;
  for (size_t e = 0; e < errors.size() && !HasFatalFailure(); ++e) {
    // In `fast` each call is tried with one error of the five at most.
    const int64_t step = CYTO8_FULL != 0 ? 1 : 25;
    const int64_t first = CYTO8_FULL != 0 ? 0 : 5 * static_cast<int64_t>(e);
    for (int64_t i = first; i < calls_; i += step) {
      FailCall(i, errors[e]);
      ++tried;
    }
  }
  std::cout << tried << " failed calls tried\n";
}

}  // namespace
}  // namespace cyto8
