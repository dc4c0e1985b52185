// SPDX-License-Identifier: Apache-2.0
// Runs into a folder that has results, runs that stop at failures, runs with
// children, runs with little time: what is done, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"
#include "tests/support/image_encoding.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ScoreAgainTest : public testing::Test {
 protected:
  ScoreAgainTest() {
    PutMiniModel(folder_);
    PutPng(folder_, "a.png", MakeTestImage(100, 90).view());
    PutSlide("b.tif", 300, 200);
  }

  void PutSlide(const std::string& name, int64_t width, int64_t height) const {
    const auto level = [](int64_t w, int64_t h) {
      return TiffSource{.width_px = w,
                        .height_px = h,
                        .tile_px = 64,
                        .values = ValuesOf(MakeTestImage(w, h).view())};
    };
    folder_.Put(name, TextOf(EncodeTiff({level(width, height),
                                         level(width / 2, height / 2)})));
  }

  Outcome Score(std::vector<std::string> more = {},
                std::vector<std::string> images = {"a.png", "b.tif"}) const {
    std::vector<std::string> words = {"score",
                                      "--model",
                                      folder_.PathOf("mini.yaml"),
                                      "-o",
                                      folder_.PathOf("out"),
                                      "--mpp=0.5",
                                      "--overlap=32",
                                      "--min-score=0.5",
                                      "--engine=naive",
                                      "-q"};
    for (const std::string& image : images) {
      words.push_back(folder_.PathOf(image));
    }
    words.insert(words.end(), more.begin(), more.end());
    return RunProgram(words);
  }

  nlohmann::json Images() const {
    return nlohmann::json::parse(folder_.Get("out/run.json"))["images"];
  }

  // Of all files below slides/: a file that was written again is another one.
  std::map<std::string, ino_t> Files() const {
    std::map<std::string, ino_t> files;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_.PathOf("out/slides"))) {
      struct stat info {};
      if (stat(entry.path().c_str(), &info) == 0 && entry.is_regular_file()) {
        files[entry.path().string()] = info.st_ino;
      }
    }
    return files;
  }

  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& [path, inode] : Files()) {
      if (path.ends_with("/state.json")) continue;
      contents[path] = TextOf(ReadBytes(path));
    }
    return contents;
  }

  TemporaryFolder folder_;
};

// First, while this process has one thread, as the program has then.
TEST_F(ScoreAgainTest, ChildrenGiveTheSameFiles) {
  const auto outcome = Score({"--isolate"});
  ASSERT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(Images()[1]["tiles"], 6);
  const auto of_children = Contents();
  ASSERT_EQ(Score({"--force"}).code, ExitCode::kWhole);
  EXPECT_EQ(Contents(), of_children);
}

TEST_F(ScoreAgainTest, AChildThatFailsFailsItsImageAlone) {
  folder_.Put("a.png", "damaged");
  const Outcome outcome = Score({"--isolate"});
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_THAT(outcome.err, HasSubstr("a.png: content is not recognised"));
  EXPECT_EQ(Images()[1]["status"], "done");
}

TEST_F(ScoreAgainTest, PromiseP13AnUnchangedRunWritesNothingOfItsImages) {
  ASSERT_EQ(Score().code, ExitCode::kWhole);
  const auto files = Files();
  // A slide has a thumbnail instead of an overlay.
  EXPECT_EQ(files.size(), 2u * 9);
  ASSERT_EQ(Score().code, ExitCode::kWhole);
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(Images()[0]["attempts"], 1);
  EXPECT_EQ(Images()[1]["status"], "done");
}

// A cut above what the candidates hold needs the merge alone and gives what a
// run from the beginning gives; a lower one needs all.
TEST_F(ScoreAgainTest, PromiseP13AnotherThresholdMergesOrScoresAgain) {
  ASSERT_EQ(Score().code, ExitCode::kWhole);
  const double infer = Images()[1]["seconds"]["infer"];
  EXPECT_GT(infer, 0);
  ASSERT_EQ(Score({"--match-threshold=0.2", "--min-score=0.6"}).code,
            ExitCode::kRefused);  // the same setting twice.
  ASSERT_EQ(Score({"--match-threshold=0.2", "--class-min-score=HSIL=0.7"}).code,
            ExitCode::kWhole);
  EXPECT_EQ(Images()[1]["seconds"]["infer"], 0);
  const auto merged = Contents();
  ASSERT_EQ(
      Score({"--match-threshold=0.2", "--class-min-score=HSIL=0.7", "--force"})
          .code,
      ExitCode::kWhole);
  EXPECT_GT(Images()[1]["seconds"]["infer"], 0);
  EXPECT_EQ(Contents(), merged);
}

TEST_F(ScoreAgainTest, OnErrorStopBeginsNoFurtherImage) {
  folder_.Put("a.png", "damaged");
  const Outcome outcome = Score({"--on-error=stop"});
  EXPECT_EQ(outcome.code, ExitCode::kPartial) << outcome.err;
  EXPECT_EQ(Images()[0]["status"], "failed");
  EXPECT_EQ(Images()[1]["status"], "held");
  EXPECT_EQ(Score({"--max-failures=2"}).code, ExitCode::kPartial);
  EXPECT_EQ(Images()[1]["status"], "done");
}

TEST_F(ScoreAgainTest, WithoutTimeOneTileIsScoredAndTheRestIsStated) {
  const Outcome outcome = Score({"--budget-s=0"}, {"b.tif"});
  EXPECT_EQ(outcome.code, ExitCode::kDegraded) << outcome.err;
  const nlohmann::json image = Images()[0];
  EXPECT_EQ(image["status"], "done");
  EXPECT_EQ(image["tiles_scored"], 1);
  EXPECT_NE(image["scan"], "OK");
  EXPECT_EQ(image["notes"],
            "5 of 6 tiles were not reached in time; a slide has no overlay");
}

TEST_F(ScoreAgainTest, CoverageBelowTheLimitHasItsExitCode) {
  EXPECT_EQ(Score({"--budget-s=0", "--min-coverage=0.1"}, {"b.tif"}).code,
            ExitCode::kWhole);
}

}  // namespace
}  // namespace cyto8
