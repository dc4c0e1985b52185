// SPDX-License-Identifier: Apache-2.0
// promises.md P9: after a loss of power at any moment a result is old or new,
// never mixed. Two images are scored, then scored again with another lowest
// score; what was written and synced is recorded. For each moment the folder is
// made as a disk may hold it - what was not synced is there, cut, or not - and
// looked at; then a run completes it. CYTO8_SEED gives other disks.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <random>

#include "app/eval_run_folder.h"
#include "app/score_command.h"
#include "tests/app/app_fixture.h"
#include "tests/app/result_tree.h"
#include "tests/support/printed_seed.h"
#include "tests/support/recording_file_system.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<double, 2> kMinScores = {0.8, 0.6};

class PromiseP9 : public testing::Test {
 protected:
  PromiseP9() {
    PutQuickModel(folder_);
    PutPng(folder_, "a.png", MakeTestImage(40, 30).view());
    PutPng(folder_, "b.png", MakeTestImage(30, 40).view());
  }

  void Score(FileSystem& files, double min_score, const std::string& out) {
    ScoreRequest request;
    ScoreSettings& settings = request.resolved.settings;
    request.images = {folder_.PathOf("a.png"), folder_.PathOf("b.png")};
    settings.input.model = folder_.PathOf("quick.cy8");
    settings.output.output = out;
    settings.input.mpp = 0.5;
    settings.postprocess.min_score = min_score;
    settings.tiling.overlap_px = 32;
    settings.run.quiet = true;
    settings.run.threads = 1;
    const Outcome outcome = Caught([&] { return RunScore(files, request); });
    EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  }

  void Record() {
    for (size_t i = 0; i < kMinScores.size(); ++i) {
      Score(files_, kMinScores[i], folder_.PathOf("out"));
      wanted_[i] = ResultsBelow(folder_.PathOf("out"));
    }
    ASSERT_NE(wanted_[0], wanted_[1]);
  }

  // Whether the files below `prefix` are those of one of the two runs, all of
  // them.
  bool IsOfOneRun(const FileTexts& found, std::string_view prefix) const {
    for (const FileTexts& wanted : wanted_) {
      bool fits = true;
      for (auto file = wanted.lower_bound(prefix);
           file != wanted.end() && file->first.starts_with(prefix); ++file) {
        const auto same = found.find(file->first);
        fits = fits && same != found.end() && same->second == file->second;
      }
      if (fits) return true;
    }
    return false;
  }

  void CheckDisk(const std::string& out);

  TemporaryFolder folder_;
  RecordingFileSystem files_{RealFileSystem()};
  std::mt19937_64 random_{PrintedSeed()};
  std::array<FileTexts, 2> wanted_;
  int64_t done_images_ = 0;  // that were found to be done, for the record.
};

void PromiseP9::CheckDisk(const std::string& out) {
  const FileTexts found = ResultsBelow(out);
  for (const auto& image : fs::directory_iterator(out + "/slides")) {
    const std::string name = "slides/" + image.path().filename().string() + "/";
    const bool is_done = VerifiedState(image.path().string()).ok();
    done_images_ += is_done ? 1 : 0;
    if (is_done || found.contains(name + "detections.geojson.gz")) {
      EXPECT_TRUE(IsOfOneRun(found, name)) << name;
    }
  }
  if (fs::exists(out + "/run.json")) {
    EXPECT_TRUE(ParseRunManifest(ReadBytes(out + "/run.json"), Limits()).ok());
    EXPECT_TRUE(IsOfOneRun(found, ""));
  }
}

TEST_F(PromiseP9, AfterPowerLossAResultIsOldOrNew) {
  Record();
  int64_t disks = 0;
  for (size_t moment = 0; moment <= files_.events(); ++moment) {
    for (int i = 0; i < (CYTO8_FULL != 0 ? 50 : 4); ++i) {
      SCOPED_TRACE("moment " + std::to_string(moment));
      const std::string out = folder_.PathOf("disk" + std::to_string(disks++));
      fs::create_directories(out + "/slides");
      files_.PutAfterPowerLoss(moment, folder_.PathOf("out"), out, random_);
      CheckDisk(out);
      if (i == 0 && moment % (CYTO8_FULL != 0 ? 1 : 4) == 0) {
        Score(RealFileSystem(), kMinScores[1], out);
        ExpectSameResults(ResultsBelow(out), wanted_[1]);
      }
      fs::remove_all(out);
    }
  }
  std::cout << disks << " disks of " << files_.events() << " moments, "
            << done_images_ << " images done on them\n";
  EXPECT_GT(done_images_, disks / 4);
}

}  // namespace
}  // namespace cyto8
