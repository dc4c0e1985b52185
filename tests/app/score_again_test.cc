// SPDX-License-Identifier: Apache-2.0
// Runs into a folder that has results, runs that stop at failures, runs with
// children, runs with little time: what is done, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "app/slide_id.h"
#include "base/file_lock.h"
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

  void PutSlide(const std::string& name, int64_t width, int64_t height,
                int64_t levels = 2) const {
    std::vector<TiffSource> sources;
    for (int64_t i = 0; i < levels; ++i) {
      const int64_t w = width >> i;
      const int64_t h = height >> i;
      sources.push_back({.width_px = w,
                         .height_px = h,
                         .tile_px = 64,
                         .values = ValuesOf(MakeTestImage(w, h).view())});
    }
    folder_.Put(name, TextOf(EncodeTiff(sources)));
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

TEST_F(ScoreAgainTest, AnImageThatAnotherHasIsHeldForAChildToo) {
  const std::string slide =
      folder_.PathOf("out/slides/" + SlideId("a.png").value());
  fs::create_directories(slide);
  const auto lock =
      FileLock::TryAcquire(RealFileSystem(), slide + "/.lock").value();
  ASSERT_TRUE(lock.has_value());
  const Outcome outcome = Score({"--isolate", "--on-error=stop"});
  EXPECT_EQ(outcome.code, ExitCode::kTemporary) << outcome.err;
  EXPECT_EQ(Images()[0]["status"], "held");
  EXPECT_EQ(Images()[1]["status"], "done");
}

// Tiles of a run with little time are kept as they came, the darkest first.
TEST_F(ScoreAgainTest, CandidatesOfABudgetThatWasEnoughAreMergedAgain) {
  PutSlide("c.tif", 300, 200, 3);
  const auto score = [&](std::vector<std::string> more) {
    EXPECT_EQ(Score(std::move(more), {"c.tif"}).code, ExitCode::kWhole);
    return Images()[0];
  };
  const nlohmann::json ranked = score({"--budget-s=1000"});
  EXPECT_GT(ranked["seconds"]["infer"], 0);
  EXPECT_EQ(ranked["notes"], "a slide has no overlay");
  EXPECT_EQ(
      score({"--budget-s=1000", "--match-threshold=0.2"})["seconds"]["infer"],
      0);
  const nlohmann::json again =
      score({"--budget-s=0.001", "--match-threshold=0.2"});
  EXPECT_EQ(again["seconds"]["infer"], 0);
  EXPECT_EQ(again["coverage"], 1.0);
  EXPECT_EQ(again["notes"], ranked["notes"]);
  const auto merged = Contents();
  score({"--match-threshold=0.2", "--force"});
  for (const auto& [path, content] : Contents()) {
    if (path.ends_with("/candidates.bin")) {
      EXPECT_NE(content, merged.at(path)) << "no other order";
    } else {
      EXPECT_EQ(content, merged.at(path)) << path;
    }
  }
}

// Nothing was left out, so their order is nobody's business.
TEST_F(ScoreAgainTest, ABudgetThatWasEnoughSaysNothingOfTheOrder) {
  for (const char* threshold : {"0.3", "0.2"}) {
    ASSERT_EQ(Score({"--budget-s=1000",
                     std::string("--match-threshold=") + threshold},
                    {"b.tif"})
                  .code,
              ExitCode::kWhole);
    EXPECT_EQ(Images()[0]["notes"], "a slide has no overlay") << threshold;
  }
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
            "5 of 6 tiles were not reached in time; tiles by their place: no "
            "level to rank them by; a slide has no overlay");
}

TEST_F(ScoreAgainTest, CoverageBelowTheLimitHasItsExitCode) {
  EXPECT_EQ(Score({"--budget-s=0", "--min-coverage=0.1"}, {"b.tif"}).code,
            ExitCode::kWhole);
}

}  // namespace
}  // namespace cyto8
