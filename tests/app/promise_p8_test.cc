// SPDX-License-Identifier: Apache-2.0
// promises.md P8: the real program is killed (SIGKILL) at random moments and
// started again until it ends. Whatever the moment: each file under a final
// name is that of a run that was never killed, byte for byte; an image whose
// state.json stood is not touched again; and what the last start leaves is the
// set of that run. Each folder is filled twice: at first with nothing there,
// then with another lowest score, so that old results are replaced while kills
// fall.
//
// A moment is a share of the processor time that a run takes, so that a busy
// machine does not move all kills into the start of the program. A kill counts
// as inside the window if what the process left shows it: a temporary or a new
// file of this process, but not yet its run.json, which is the last rename.
// CYTO8_SEED gives other moments.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include <array>
#include <chrono>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "tests/app/app_fixture.h"
#include "tests/app/child_program.h"
#include "tests/app/quick_score.h"
#include "tests/app/result_tree.h"
#include "tests/app/small_pyramid.h"
#include "tests/support/printed_seed.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

constexpr int kImages = 9;
constexpr int kSlides = 3;
constexpr std::array<const char*, 2> kMinScores = {"0.8", "0.6"};
// The two that tell that the other files of an image are of the same run.
constexpr const char* kState = "/state.json";
constexpr const char* kLastResult = "/detections.geojson.gz";

double Seconds(const timespec& time) {
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * kNanosecond;
}

// Of a running process; none once it is gone.
std::optional<double> ProcessorSeconds(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0) return std::nullopt;
  if (clock_gettime(clock, &time) != 0) return std::nullopt;
  return Seconds(time);
}

bool HasEnded(pid_t child) {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == child;
}

double ChildrenSeconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  constexpr double kMicrosecond = 1e-6;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * kMicrosecond;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct KillCounts {
  int64_t kills = 0;
  int64_t in_window = 0;  // of them.
  int64_t completed = 0;  // runs that were not killed, or too late.
  int64_t kept = 0;       // looks at a done image that had to stay as it was.
};

// A file that was looked at, and of which phases' runs it is.
struct SeenFile {
  FileMark mark = {};
  std::array<bool, kMinScores.size()> fits = {};
};

class PromiseP8 : public testing::Test {
 protected:
  PromiseP8() {
    PutQuickModel(folder_);
    fs::create_directory(folder_.PathOf("in"));
    for (int i = 0; i < kImages; ++i) {
      PutPng(folder_, "in/" + std::to_string(i) + ".png",
             MakeTestImage(220 + i, 130).view());
    }
    for (int i = 0; i < kSlides; ++i) {
      folder_.Put("in/s" + std::to_string(i) + ".tif",
                  TextOf(SmallPyramid(160 + 2 * i)));
    }
  }

  std::string Out() const { return folder_.PathOf("out"); }

  std::vector<std::string> Words(size_t phase, const std::string& out) const {
    return WordsOf(folder_, {.input = "in",
                             .out = out,
                             .threads = "2",
                             .min_score = kMinScores[phase]});
  }

  void MakeReferences();
  void RunWithKills();
  void Fill(size_t phase);
  bool KillAtRandom(size_t phase);
  void CheckAfterKill(size_t phase, pid_t child, const FileMarks& before);
  void CheckFiles(size_t phase, const FileMarks& marks);
  void CheckFile(size_t phase, const std::string& path, const FileMark& mark);
  void CheckImage(const std::string& image, const FileMarks& marks);
  void CheckKept(size_t phase, const FileMarks& marks);
  void CheckEnd(size_t phase);

  TemporaryFolder folder_;
  std::mt19937_64 random_{PrintedSeed()};
  // Of runs that were not killed, by phase.
  std::array<FileTexts, 2> wanted_;
  std::array<std::map<std::string, std::string>, 2> keys_;  // by image.
  double fill_s_ = 0;   // processor time of a whole run.
  double again_s_ = 0;  // of one that finds all done.
  std::map<std::string, SeenFile> seen_;
  FileMarks done_;  // files of images that are done in this phase.
  KillCounts counts_;
};

void PromiseP8::MakeReferences() {
  for (size_t phase = 0; phase < kMinScores.size(); ++phase) {
    const std::string out = folder_.PathOf("whole" + std::to_string(phase));
    const double begun = ChildrenSeconds();
    ASSERT_EQ(WaitFor(StartProgram(Words(phase, out))), 0);
    fill_s_ = phase == 0 ? ChildrenSeconds() - begun : fill_s_;
    wanted_[phase] = ResultsBelow(out);
    ASSERT_EQ(wanted_[phase].size(), 7 * (kImages + kSlides) + 3);
    for (const auto& image : fs::directory_iterator(out + "/slides")) {
      keys_[phase]["slides/" + image.path().filename().string()] =
          VerifiedState(image.path().string()).value().keys.results;
    }
  }
  ASSERT_NE(wanted_[0], wanted_[1]);
  const double begun = ChildrenSeconds();
  ASSERT_EQ(WaitFor(StartProgram(Words(1, folder_.PathOf("whole1")))), 0);
  again_s_ = ChildrenSeconds() - begun;
}

// Whether it was killed; a process that ends before has done its work. Once
// there were enough kills it ends by itself.
bool PromiseP8::KillAtRandom(size_t phase) {
  // From the first instruction on to some images after the start: so there are
  // several kills until a folder is full, and at all its stages.
  std::uniform_real_distribution<double> moment(
      0.0, again_s_ + (fill_s_ - again_s_) / 2);
  const double limit = counts_.kills < CYTO8_KILLS
                           ? moment(random_)
                           : std::numeric_limits<double>::infinity();
  const FileMarks before = MarksBelow(Out());
  const pid_t child = StartProgram(Words(phase, Out()));
  while (!HasEnded(child) && ProcessorSeconds(child).value_or(limit) < limit) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  kill(child, SIGKILL);  // of one that has ended: nothing.
  const int code = WaitFor(child);
  if (code != kKilled) {
    EXPECT_EQ(code, 0);
    ++counts_.completed;
    return false;
  }
  ++counts_.kills;
  CheckAfterKill(phase, child, before);
  return true;
}

void PromiseP8::CheckAfterKill(size_t phase, pid_t child,
                               const FileMarks& before) {
  const FileMarks after = MarksBelow(Out());
  const std::string mine = ".tmp-" + std::to_string(child) + "-";
  bool begun = false;
  for (const auto& [path, mark] : after) {
    const auto old = before.find(path);
    const bool is_new = old == before.end() || !(old->second == mark);
    begun = begun || path.find(mine) != std::string::npos ||
            (is_new && !IsTemporary(path));
  }
  counts_.in_window += begun && !after.contains("run.json") ? 1 : 0;
  CheckFiles(phase, after);
  CheckKept(phase, after);
}

// Nothing torn, and no mixture: each file is one of this phase or of the one
// before, whole; and those of an image belong together where it is said so.
void PromiseP8::CheckFiles(size_t phase, const FileMarks& marks) {
  std::set<std::string> images;
  for (const auto& [path, mark] : marks) {
    if (path.starts_with("slides/")) {
      images.insert(path.substr(0, path.rfind('/')));
    }
    const auto known = seen_.find(path);
    const bool is_known = known != seen_.end() && known->second.mark == mark;
    if (!is_known && !IsTemporary(path)) CheckFile(phase, path, mark);
  }
  for (const std::string& image : images) CheckImage(image, marks);
  if (!marks.contains("run.json")) return;
  for (const auto& [path, text] : wanted_[phase]) {
    EXPECT_TRUE(marks.contains(path)) << path << " is missing beside run.json";
  }
}

void PromiseP8::CheckFile(size_t phase, const std::string& path,
                          const FileMark& mark) {
  SeenFile& seen = seen_[path];
  seen = {.mark = mark};
  if (HasClocks(path)) return ExpectWholeTable(Out() + "/" + path);
  const std::vector<std::byte> bytes = ReadBytes(Out() + "/" + path);
  for (size_t i = 0; i < wanted_.size(); ++i) {
    const auto wanted = wanted_[i].find(path);
    seen.fits[i] =
        wanted != wanted_[i].end() && wanted->second == TextOf(bytes);
  }
  EXPECT_TRUE(seen.fits[0] || seen.fits[phase]) << path << " is of no run";
}

void PromiseP8::CheckImage(const std::string& image, const FileMarks& marks) {
  if (!marks.contains(image + kLastResult)) {
    EXPECT_FALSE(marks.contains(image + kState)) << image;
    return;
  }
  bool is_of_one_run = false;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    bool fits = true;
    for (auto file = wanted_[i].lower_bound(image + "/");
         file != wanted_[i].end() && file->first.starts_with(image + "/");
         ++file) {
      fits = fits && marks.contains(file->first) && seen_[file->first].fits[i];
    }
    is_of_one_run = is_of_one_run || fits;
  }
  EXPECT_TRUE(is_of_one_run) << image << " mixes two runs";
}

// Nothing lost, nothing done twice: whose state stood has the same files still.
void PromiseP8::CheckKept(size_t phase, const FileMarks& marks) {
  for (const auto& [path, mark] : done_) {
    const auto found = marks.find(path);
    ASSERT_TRUE(found != marks.end()) << path << " is lost";
    EXPECT_EQ(found->second, mark) << path << " was made again";
    ++counts_.kept;
  }
  for (const auto& [path, mark] : marks) {
    if (!path.ends_with(kState) || done_.contains(path)) continue;
    const std::string image = path.substr(0, path.rfind('/'));
    const StatusOr<SlideState> state = VerifiedState(Out() + "/" + image);
    ASSERT_TRUE(state.ok()) << state.status().message();
    // With the score before: it is to be merged again.
    if (state->keys.results != keys_[phase].at(image)) continue;
    for (const WrittenFile& file : state->files) {
      done_[image + "/" + file.name] = marks.at(image + "/" + file.name);
    }
    done_[path] = mark;
  }
}

// As a run that was never killed leaves it.
void PromiseP8::CheckEnd(size_t phase) {
  const FileMarks marks = MarksBelow(Out());
  CheckFiles(phase, marks);
  CheckKept(phase, marks);
  for (const auto& [path, mark] : marks) {
    EXPECT_FALSE(IsTemporary(path)) << path;
  }
  ExpectSameResults(ResultsBelow(Out()), wanted_[phase]);
  EXPECT_TRUE(marks.contains("run.json"));
  EXPECT_TRUE(marks.contains("timing.csv"));
}

// Starts it until it ends by itself.
void PromiseP8::Fill(size_t phase) {
  std::erase_if(done_, [](const auto& file) {
    return !file.first.ends_with("/candidates.bin");
  });
  while (KillAtRandom(phase) && !HasFailure()) {
  }
  CheckEnd(phase);
}

void PromiseP8::RunWithKills() {
  while (counts_.kills < CYTO8_KILLS && !HasFailure()) {
    fs::remove_all(Out());
    seen_.clear();
    done_.clear();
    Fill(0);
    Fill(1);
  }
}

TEST_F(PromiseP8, KilledAtAnyMomentNothingIsLostTornOrDoneTwice) {
  const auto begun = std::chrono::steady_clock::now();
  MakeReferences();
  RunWithKills();
  const std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - begun;
  std::cout << counts_.kills << " kills, " << counts_.in_window
            << " of them between the first temporary and the last rename; "
            << counts_.completed << " runs completed; " << counts_.kept
            << " looks at files that had to stay; " << passed.count() << " s\n";
  EXPECT_EQ(counts_.kills, CYTO8_KILLS);
  EXPECT_GE(10 * counts_.in_window, 3 * counts_.kills);
}

}  // namespace
}  // namespace cyto8
