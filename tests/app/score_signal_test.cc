// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM to the real program at many moments of a run: it ends soon
// and with the documented code, and what lies under a final name is whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ScoreSignalTest : public testing::Test {
 protected:
  ScoreSignalTest() {
    PutMiniModel(folder_);
    for (int i = 0; i < kImages; ++i) {
      PutPng(folder_, std::to_string(i) + ".png",
             MakeTestImage(400, 300).view());
    }
  }

  pid_t Start(const std::string& schedule = "throughput") const {
    std::vector<std::string> words = {CYTO8_PROGRAM,
                                      "score",
                                      "--model",
                                      folder_.PathOf("mini.yaml"),
                                      "--engine",
                                      "naive",
                                      "--mpp",
                                      "0.5",
                                      "--overlap",
                                      "32",
                                      "--threads",
                                      "2",
                                      "--mode",
                                      schedule,
                                      "--quiet",
                                      "-o",
                                      folder_.PathOf("out")};
    for (int i = 0; i < kImages; ++i) {
      words.push_back(folder_.PathOf(std::to_string(i) + ".png"));
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int stream : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY,
                                       0);
    }
    pid_t child = 0;
    EXPECT_EQ(
        posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    return child;
  }

  // Its exit code; minus the number of the signal that killed it.
  static int Wait(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  int EndAfter(milliseconds delay, int signal,
               const std::string& schedule = "throughput") const {
    fs::remove_all(folder_.PathOf("out"));
    const pid_t child = Start(schedule);
    std::this_thread::sleep_for(delay);
    EXPECT_EQ(kill(child, signal), 0);
    return Wait(child);
  }

  // JSON files parse, no temporary stays. Returns the number of images with a
  // result.
  int64_t ExpectWholeFiles() const {
    int64_t images = 0;
    if (!fs::exists(folder_.PathOf("out"))) return 0;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_.PathOf("out"))) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string();
      EXPECT_EQ(path.find(".tmp-"), std::string::npos) << path;
      if (entry.path().extension() != ".json") continue;
      EXPECT_TRUE(nlohmann::json::accept(TextOf(ReadBytes(path)))) << path;
      if (entry.path().filename() == "coco.json") ++images;
    }
    return images;
  }

  static constexpr int kImages = 12;
  TemporaryFolder folder_;
};

// Before the handlers stand a signal kills, and nothing was written by then.
void ExpectDocumentedEnd(int code, int signal) {
  EXPECT_TRUE(code == 0 || code == 128 + signal || code == -signal) << code;
}

TEST_F(ScoreSignalTest, EveryMomentEndsWholeAndSoon) {
  int64_t cut_short = 0;
  for (const int signal : {SIGINT, SIGTERM}) {
    for (int delay = 0; delay <= 480; delay += 80) {
      SCOPED_TRACE("signal " + std::to_string(signal) + " after " +
                   std::to_string(delay) + " ms");
      const auto start = std::chrono::steady_clock::now();
      const bool is_odd = delay / 80 % 2 == 1;
      const int code = EndAfter(milliseconds(delay), signal,
                                is_odd ? "latency" : "throughput");
      EXPECT_LT(std::chrono::steady_clock::now() - start,
                std::chrono::seconds(60));
      ExpectDocumentedEnd(code, signal);
      const int64_t images = ExpectWholeFiles();
      if (code == 0) {
        EXPECT_EQ(images, kImages);
      }
      if (code != 128 + signal || images == 0) continue;
      cut_short += images < kImages ? 1 : 0;
      const auto run = nlohmann::json::parse(
          TextOf(ReadBytes(folder_.PathOf("out/run.json"))));
      EXPECT_EQ(run["exit_code"], code);
    }
  }
  RecordProperty("runs_cut_short", static_cast<int>(cut_short));
}

TEST_F(ScoreSignalTest, TheNextRunCompletesTheSet) {
  EndAfter(milliseconds(150), SIGTERM);
  EXPECT_EQ(Wait(Start()), 0);
  EXPECT_EQ(ExpectWholeFiles(), kImages);
}

}  // namespace
}  // namespace cyto8
