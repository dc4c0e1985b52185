// SPDX-License-Identifier: Apache-2.0
// Every file call of one `cyto8 score` fails in turn: the documented exit code,
// nothing half-written under a final name, no temporary left, no file left
// open.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/candidate_file.h"
#include "app/score_command.h"
#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

class ScoreFaultTest : public testing::Test {
 protected:
  ScoreFaultTest() {
    PutQuickModel(folder_);
    PutPng(folder_, "x.png", MakeTestImage(40, 30).view());
  }

  // Into a new folder.
  ExitCode Score() {
    ScoreRequest options;
    ScoreSettings& settings = options.resolved.settings;
    options.images = {folder_.PathOf("x.png")};
    settings.input.model = folder_.PathOf("quick.cy8");
    settings.output.output = folder_.PathOf("out" + std::to_string(++runs_));
    settings.input.mpp = 0.5;
    settings.postprocess.min_score = 0.95;
    settings.tiling.overlap_px = 32;
    settings.run.quiet = true;
    settings.run.threads = 1;
    settings.run.engine = Engine::kOneDnn;
    return Caught([&] { return RunScore(files_, options); }).code;
  }

  int64_t CallsOfAWholeRun() {
    files_.Disarm();
    EXPECT_EQ(Score(), ExitCode::kWhole);
    return static_cast<int64_t>(files_.calls().size());
  }

  std::string output() const {
    return folder_.PathOf("out" + std::to_string(runs_));
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
  int runs_ = 0;
};

bool IsTemporary(const fs::path& path) {
  return path.filename().string().find(".tmp-") != std::string::npos;
}

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
    if (IsTemporary(entry.path())) {
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
    EXPECT_TRUE(files == 0 || files == 6) << folder.path() << ": " << files;
  }
}

// The first calls ask whether the argument is a folder; whatever it is, it is
// opened later.
constexpr int64_t kCallsOfListing = 3;

TEST_F(ScoreFaultTest, EachFailingCallEndsInTheDocumentedCode) {
  const int64_t calls = CallsOfAWholeRun();
  ASSERT_GT(calls, 50);
  for (const int error : {ENOSPC, EIO}) {
    // Every call with the first error, some with the other.
    const int64_t step = error == ENOSPC ? 1 : 5;
    // Closing a lock loses nothing: that of the probe (twice), of the image, of
    // the tables.
    int64_t closed_locks = 0;
    for (int64_t i = kCallsOfListing; i < calls; i += step) {
      SCOPED_TRACE("call " + std::to_string(i) + ", errno " +
                   std::to_string(error));
      files_.Arm({.index = i, .error_number = error});
      const ExitCode code = Score();
      const FileCall call = files_.calls()[static_cast<size_t>(i)];
      if (code == ExitCode::kWhole && call == FileCall::kClose) {
        ++closed_locks;
      } else {
        EXPECT_EQ(code, ExitCode::kTemporary);
      }
      ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
      ExpectWholeFoldersOrEmptyOnes(output() + "/slides");
      EXPECT_EQ(files_.open_files(), 0);
    }
    EXPECT_TRUE(step > 1 || closed_locks == 4) << closed_locks;
  }
}

// From one call on everything fails, so temporaries cannot be removed either.
TEST_F(ScoreFaultTest, ADiskThatStaysFullLeavesNothingHalfWritten) {
  const int64_t calls = CallsOfAWholeRun();
  // The last call closes a lock, which loses nothing.
  for (int64_t i = 0; i + 1 < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    files_.Arm({.index = i, .error_number = ENOSPC, .lasting = true});
    EXPECT_EQ(Score(), ExitCode::kTemporary);
    ExpectWholeFiles(output(), /*temporaries_may_stay=*/true);
    EXPECT_EQ(files_.open_files(), 0);
  }
}

// What the operating system forbids will not heal by itself.
TEST_F(ScoreFaultTest, AForbiddenCallIsRefusedOrFailsTheImage) {
  const int64_t calls = CallsOfAWholeRun();
  for (int64_t i = kCallsOfListing; i < calls; ++i) {
    SCOPED_TRACE("call " + std::to_string(i));
    files_.Arm({.index = i, .error_number = EACCES});
    const ExitCode code = Score();
    if (code == ExitCode::kWhole) {  // closing a lock loses nothing.
      EXPECT_EQ(files_.calls()[static_cast<size_t>(i)], FileCall::kClose);
      continue;
    }
    EXPECT_TRUE(code == ExitCode::kRefused || code == ExitCode::kNoInput)
        << static_cast<int>(code);
    ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
  }
}

TEST_F(ScoreFaultTest, ShortReadsAndWritesChangeNothing) {
  files_.ShortenTransfers(1000);
  EXPECT_EQ(Score(), ExitCode::kWhole);
  ExpectWholeFiles(output(), /*temporaries_may_stay=*/false);
}

}  // namespace
}  // namespace cyto8
