// SPDX-License-Identifier: Apache-2.0
// promises.md P12: several processes of the real program on one output folder,
// begun at different moments, with a kill now and then. Who works on which
// image is read from the JSON logs: each image is begun once, or once more if
// the process that had it was killed; the tables of the process that ends last
// list all images. CYTO8_SEED gives other moments.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "app/exit_code.h"
#include "tests/app/app_fixture.h"
#include "tests/app/child_program.h"
#include "tests/app/quick_score.h"
#include "tests/app/result_tree.h"
#include "tests/support/printed_seed.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Duration = std::chrono::duration<double>;

// A process of the round that runs.
struct Worker {
  pid_t process = 0;
  std::string log;
  std::string errors;
  bool is_killed = false;
};

// What the logs say of one image.
struct ImageHistory {
  int64_t begun = 0;
  int64_t done = 0;             // after it was begun.
  int64_t begun_by_killed = 0;  // and not done.
};

class PromiseP12 : public testing::Test {
 protected:
  PromiseP12() {
    PutQuickModel(folder_);
    fs::create_directory(folder_.PathOf("in"));
    for (int i = 0; i < CYTO8_IMAGES; ++i) {
      PutPng(folder_, "in/" + std::to_string(i) + ".png",
             MakeTestImage(20 + i % 50, 20 + i / 50).view());
    }
  }

  std::string Out() const { return folder_.PathOf("out"); }

  std::vector<std::string> Words(const std::string& out,
                                 const std::string& log) const {
    auto words = WordsOf(folder_, {.input = "in", .out = out});
    words.push_back("--log-json=" + log);
    return words;
  }

  void MakeReference() {
    const auto begun = Clock::now();
    const std::string out = folder_.PathOf("whole");
    ASSERT_EQ(WaitFor(StartProgram(Words(out, folder_.PathOf("whole.log")))),
              0);
    whole_s_ = Duration(Clock::now() - begun).count();
    wanted_ = ResultsBelow(out);
  }

  Worker Start() {
    const std::string name = "worker" + std::to_string(workers_++);
    Worker worker = {.log = folder_.PathOf(name + ".log"),
                     .errors = folder_.PathOf(name + ".err")};
    worker.process =
        StartProgram(Words(Out(), worker.log), {.errors = worker.errors});
    return worker;
  }

  void Pause(double most_s) {
    std::uniform_real_distribution<double> seconds(0.0, most_s);
    std::this_thread::sleep_for(Duration(seconds(random_)));
  }

  void Round(int kills);
  void ReadLog(const Worker& worker);
  void ExpectEachImageOnce() const;
  void ExpectAllListed() const;

  TemporaryFolder folder_;
  std::mt19937_64 random_{PrintedSeed()};
  double whole_s_ = 0;  // one process, all images.
  FileTexts wanted_;
  int workers_ = 0;
  int landed_ = 0;  // kills that came before the end.
  std::map<std::string, ImageHistory> images_;  // of the round, by id.
};

// The last line may be cut by a kill.
void PromiseP12::ReadLog(const Worker& worker) {
  std::ifstream lines(worker.log);
  std::set<std::string> in_work;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_discarded() && worker.is_killed) break;
    const std::string name = event.at("event").get<std::string>();
    if (!name.starts_with("slide_")) continue;
    EXPECT_TRUE(name != "slide_failed" || event.at("status") == "held") << line;
    const std::string id = event.at("slide").get<std::string>();
    if (name == "slide_start") {
      ++images_[id].begun;
      in_work.insert(id);
    } else if (in_work.erase(id) > 0) {
      ++images_[id].done;
    }
  }
  EXPECT_TRUE(worker.is_killed || in_work.empty()) << worker.log;
  for (const std::string& id : in_work) ++images_[id].begun_by_killed;
}

// Each is begun once by a process that went on to its end; one that was killed
// may have done it and not have said so.
void PromiseP12::ExpectEachImageOnce() const {
  EXPECT_EQ(std::ssize(images_), CYTO8_IMAGES);
  for (const auto& [id, image] : images_) {
    EXPECT_LE(image.done, 1) << id;
    EXPECT_EQ(image.begun, image.done + image.begun_by_killed) << id;
    EXPECT_GE(image.begun, 1) << id;
    const StatusOr<SlideState> state =
        VerifiedState(folder_.PathOf("out/slides/" + id));
    ASSERT_TRUE(state.ok()) << state.status().message();
    EXPECT_EQ(state->summary.attempts, 1) << id;
  }
}

void PromiseP12::ExpectAllListed() const {
  const auto run = nlohmann::json::parse(folder_.Get("out/run.json"));
  EXPECT_EQ(run.at("status"), "done");
  EXPECT_EQ(run.at("images").size(), size_t{CYTO8_IMAGES});
  ExpectSameResults(ResultsBelow(Out()), wanted_);
  for (const auto& [path, mark] : MarksBelow(Out())) {
    EXPECT_FALSE(IsTemporary(path)) << path;
  }
}

void PromiseP12::Round(int kills) {
  fs::remove_all(Out());
  images_.clear();
  std::vector<Worker> workers;
  for (int i = 0; i < CYTO8_PROCESSES; ++i) {
    workers.push_back(Start());
    // From all at once to one after the other.
    Pause(i % 3 == 2 ? 0.0 : 0.7 * whole_s_);
    if (i < kills) kill(workers.back().process, SIGKILL);
  }
  for (Worker& worker : workers) {
    const int code = WaitFor(worker.process);
    worker.is_killed = code == kKilled;
    landed_ += worker.is_killed ? 1 : 0;
    // All done, or images that another had when it looked.
    EXPECT_TRUE(code == kKilled || code == 0 ||
                code == static_cast<int>(ExitCode::kTemporary))
        << code << ": " << TextOf(ReadBytes(worker.errors));
  }
  if (kills > 0) {
    workers.push_back(Start());
    EXPECT_EQ(WaitFor(workers.back().process), 0);
  }
  for (const Worker& worker : workers) ReadLog(worker);
  ExpectEachImageOnce();
  ExpectAllListed();
}

TEST_F(PromiseP12, EachImageIsScoredOnceAndTheLastTablesListAll) {
  MakeReference();
  for (int i = 0; i < CYTO8_ROUNDS && !HasFailure(); ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    Round(/*kills=*/i % 2 * (CYTO8_PROCESSES / 2));
  }
  std::cout << landed_ << " processes killed of " << workers_ << "\n";
}

}  // namespace
}  // namespace cyto8
