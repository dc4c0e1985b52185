// SPDX-License-Identifier: Apache-2.0
// promises.md P10: every file call of one `cyto8 score` fails in turn, of a
// plain image and of a slide: the documented exit code, an error that names the
// cause, nothing half-written under a final name, no temporary left, no file
// left open; and the next run completes the set. CYTO8_FULL (0 or 1): with more
// errors, and without leaving out calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "app/candidate_file.h"
#include "app/score_command.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_tree.h"
#include "tests/app/small_pyramid.h"
#include "tests/support/faulty_file_system.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

// Of the calls that a test would try: all, or some that are spread.
constexpr int64_t StepOf(int64_t fast) { return CYTO8_FULL != 0 ? 1 : fast; }

class ScoreFaults : public testing::Test {
 protected:
  explicit ScoreFaults(std::string input) : input_(std::move(input)) {
    PutQuickModel(folder_);
    PutPng(folder_, "x.png", MakeTestImage(40, 30).view());
    folder_.Put("x.tif", TextOf(SmallPyramid(96)));
  }

  // Into a new folder.
  Outcome Score() {
    ++runs_;
    return ScoreAgain();
  }

  // Into the same.
  Outcome ScoreAgain() {
    ScoreRequest options;
    ScoreSettings& settings = options.resolved.settings;
    options.images = {folder_.PathOf(input_)};
    settings.input.model = folder_.PathOf(model_);
    settings.output.output = output();
    settings.input.mpp = 0.5;
    settings.postprocess.min_score = 0.7;
    settings.tiling.overlap_px = 32;
    settings.tiling.skip_background = false;
    // It reads the slide once more, and what fails then is a note.
    settings.output.thumbnails = false;
    settings.run.quiet = true;
    settings.run.threads = 1;
    options.hash_aside_bytes = hash_aside_bytes_;
    return Caught([&] { return RunScore(files_, options); });
  }

  std::vector<FileCall> CallsOfAWholeRun() {
    files_.Disarm();
    EXPECT_EQ(Score().code, ExitCode::kWhole);
    return files_.calls();
  }

  std::string output() const {
    return folder_.PathOf("out" + std::to_string(runs_));
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
  std::string input_;
  std::string model_ = "quick.cy8";
  std::optional<int64_t> hash_aside_bytes_;
  int runs_ = 0;
};

class ScoreFaultTest : public ScoreFaults {
 protected:
  ScoreFaultTest() : ScoreFaults("x.png") {}
};

class PromiseP10 : public ScoreFaults {
 protected:
  PromiseP10() : ScoreFaults("x.tif") {}
  void FailEachCall(int error, const FileTexts& wanted);
};

// The file is whole: what its ending promises, to the last byte.
void ExpectWhole(const fs::path& path) {
  const std::vector<std::byte> bytes = ReadBytes(path.string());
  const std::string_view text = TextOf(bytes);
  if (path.extension() == ".gz") {
    EXPECT_TRUE(text.starts_with("\x1f\x8b")) << path;
    return;
  }
  if (path.extension() == ".jpg" || path.extension() == ".png") {
    EXPECT_TRUE(DecodeImage(bytes, Limits()).ok()) << path;
    return;
  }
  if (path.filename() == ".lock") return;  // empty.
  if (path.extension() == ".bin") {
    EXPECT_TRUE(
        CandidateReader::Open(RealFileSystem(), path.string(), Limits()).ok());
    return;
  }
  EXPECT_TRUE(text.ends_with('\n')) << path;
  if (path.extension() == ".json") {
    EXPECT_TRUE(nlohmann::json::accept(text)) << path;
  }
}

void ExpectWholeFiles(const std::string& folder, bool temporaries_may_stay) {
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (IsTemporary(entry.path().string())) {
      EXPECT_TRUE(temporaries_may_stay) << entry.path();
    } else {
      ExpectWhole(entry.path());
    }
  }
}

// A failed image leaves no file that could be taken for its result; but its
// candidates may stay, and how it failed.
void ExpectWholeFoldersOrEmptyOnes(const std::string& slides) {
  if (!fs::exists(slides)) return;
  for (const auto& folder : fs::directory_iterator(slides)) {
    int64_t files = 0;
    for (const auto& file : fs::directory_iterator(folder)) {
      const std::string name = file.path().filename().string();
      if (name == ".lock" || name == "candidates.bin") continue;
      if (name == "state.json") continue;
      ++files;
    }
    EXPECT_TRUE(files == 0 || files >= 5) << folder.path() << ": " << files;
  }
}

// The first calls ask whether the argument is a folder; whatever it is, it is
// opened later.
constexpr int64_t kCallsOfListing = 3;

// Closing a lock loses nothing: that of the probe (twice), of the image, of the
// tables (twice).
constexpr int64_t kHarmlessCloses = 5;

TEST_F(ScoreFaultTest, EachFailingCallEndsInTheDocumentedCode) {
  const std::vector<FileCall> calls = CallsOfAWholeRun();
  ASSERT_GT(calls.size(), 50);
  for (const int error : {ENOSPC, EIO}) {
    // Every call with the first error, some with the other.
    const int64_t step = error == ENOSPC ? 1 : StepOf(7);
    int64_t harmless = 0;
    for (int64_t i = kCallsOfListing; i < std::ssize(calls); i += step) {
      SCOPED_TRACE("call " + std::to_string(i) + ", errno " +
                   std::to_string(error));
      files_.Arm({.index = i, .error_number = error});
      const ExitCode code = Score().code;
      if (code == ExitCode::kWhole &&
          calls[static_cast<size_t>(i)] == FileCall::kClose) {
        ++harmless;
      } else {
        EXPECT_EQ(code, ExitCode::kTemporary);
      }
      ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
      ExpectWholeFoldersOrEmptyOnes(output() + "/slides");
      EXPECT_EQ(files_.open_files(), 0);
    }
    EXPECT_TRUE(step > 1 || harmless == kHarmlessCloses) << harmless;
  }
}

// A GraphDef and its card are read before anything is written.
TEST_F(ScoreFaultTest, AnUnreadableModelRefusesNothingForGood) {
  model_ = "mini.yaml";
  const std::vector<FileCall> calls = CallsOfAWholeRun();
  const auto written = std::ranges::find(calls, FileCall::kMakeDirectory);
  // The first is a look at the folders of an earlier run.
  for (int64_t i = kCallsOfListing + 1; i < written - calls.begin(); ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    files_.Arm({.index = i, .error_number = EIO});
    const Outcome outcome = Score();
    EXPECT_EQ(outcome.code, ExitCode::kTemporary);
    EXPECT_NE(outcome.err.find("mini."), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(output()));
  }
}

// From one call on everything fails, so temporaries cannot be removed either.
TEST_F(ScoreFaultTest, ADiskThatStaysFullLeavesNothingHalfWritten) {
  const int64_t calls = std::ssize(CallsOfAWholeRun());
  // The last call closes a lock, which loses nothing.
  for (int64_t i = 0; i + 1 < calls; i += StepOf(3)) {
    SCOPED_TRACE("call " + std::to_string(i));
    files_.Arm({.index = i, .error_number = ENOSPC, .lasting = true});
    EXPECT_EQ(Score().code, ExitCode::kTemporary);
    ExpectWholeFiles(output(), /*temporaries_may_stay=*/true);
    EXPECT_EQ(files_.open_files(), 0);
  }
}

// What the operating system forbids will not heal by itself.
TEST_F(ScoreFaultTest, AForbiddenCallIsRefusedOrFailsTheImage) {
  const std::vector<FileCall> calls = CallsOfAWholeRun();
  for (int64_t i = kCallsOfListing; i < std::ssize(calls); i += StepOf(4)) {
    SCOPED_TRACE("call " + std::to_string(i));
    files_.Arm({.index = i, .error_number = EACCES});
    const ExitCode code = Score().code;
    if (code == ExitCode::kWhole) {  // closing a lock loses nothing.
      EXPECT_EQ(calls[static_cast<size_t>(i)], FileCall::kClose);
      continue;
    }
    EXPECT_TRUE(code == ExitCode::kRefused || code == ExitCode::kNoInput)
        << static_cast<int>(code);
    ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
  }
}

TEST_F(ScoreFaultTest, ShortReadsAndWritesChangeNothing) {
  files_.ShortenTransfers(1000);
  EXPECT_EQ(Score().code, ExitCode::kWhole);
  ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
}

void PromiseP10::FailEachCall(int error, const FileTexts& wanted) {
  files_.Disarm();
  const std::vector<FileCall> calls = CallsOfAWholeRun();
  const std::string cause = std::generic_category().message(error);
  int64_t harmless = 0;
  for (int64_t i = kCallsOfListing; i < std::ssize(calls); ++i) {
    SCOPED_TRACE(
        "call " + std::to_string(i) + ", kind " +
        std::to_string(static_cast<int>(calls[static_cast<size_t>(i)])) + ", " +
        cause);
    files_.Arm({.index = i, .error_number = error});
    const Outcome outcome = Score();
    files_.Disarm();
    if (outcome.code == ExitCode::kWhole &&
        calls[static_cast<size_t>(i)] == FileCall::kClose) {
      ++harmless;
    } else {
      EXPECT_EQ(outcome.code, ExitCode::kTemporary);
      // The path of a file, or of a folder above the output.
      EXPECT_TRUE(outcome.err.starts_with("cyto8: /")) << outcome.err;
      EXPECT_NE(outcome.err.find(cause), std::string::npos) << outcome.err;
    }
    ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
    ExpectWholeFoldersOrEmptyOnes(output() + "/slides");
    EXPECT_EQ(files_.open_files(), 0);
    if (i % StepOf(16) != 0) continue;
    EXPECT_EQ(ScoreAgain().code, ExitCode::kWhole);
    ExpectSameResults(ResultsBelow(output()), wanted);
  }
  // And that of the slide after each of its three openings.
  EXPECT_EQ(harmless, kHarmlessCloses + 3);
}

TEST_F(PromiseP10, EachFailingCallIsNamedAndTheNextRunCompletesTheSlide) {
  CallsOfAWholeRun();
  const FileTexts wanted = ResultsBelow(output());
  FailEachCall(ENOSPC, wanted);
  FailEachCall(EIO, wanted);
  if (CYTO8_FULL != 0) FailEachCall(EDQUOT, wanted);
}

// By a thread of its own, so calls have no order: of all kinds only whole files
// are read by kRead, that of the slide, the model's and the written ones.
TEST_F(PromiseP10, AHashThatFailsWhileTheSlideIsScoredIsNamed) {
  CallsOfAWholeRun();
  const FileTexts wanted = ResultsBelow(output());
  hash_aside_bytes_ = 0;
  const auto reads = std::ranges::count(CallsOfAWholeRun(), FileCall::kRead);
  ExpectSameResults(ResultsBelow(output()), wanted);
  ASSERT_GT(reads, 10);
  for (int64_t i = 0; i < reads; ++i) {
    SCOPED_TRACE("read " + std::to_string(i));
    files_.Arm({.kind = FileCall::kRead, .index = i, .error_number = EIO});
    const Outcome outcome = Score();
    files_.Disarm();
    EXPECT_EQ(outcome.code, ExitCode::kTemporary);
    EXPECT_NE(outcome.err.find("Input/output error"), std::string::npos)
        << outcome.err;
    EXPECT_EQ(files_.open_files(), 0);
    EXPECT_EQ(ScoreAgain().code, ExitCode::kWhole);
    ExpectSameResults(ResultsBelow(output()), wanted);
  }
}

TEST_F(PromiseP10, ShortTransfersChangeNoByteOfASlide) {
  CallsOfAWholeRun();
  const FileTexts wanted = ResultsBelow(output());
  for (int64_t bytes = 1; bytes < 3000; bytes = 3 * bytes + 1) {
    files_.ShortenTransfers(bytes);
    EXPECT_EQ(Score().code, ExitCode::kWhole) << bytes;
    ExpectSameResults(ResultsBelow(output()), wanted);
  }
}

}  // namespace
}  // namespace cyto8
