// SPDX-License-Identifier: Apache-2.0
// What an earlier run left is taken only where everything that decides it is
// as it was; one process at a time has an image.
#include "app/slide_ledger.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>

#include "app/candidate_file.h"
#include "app/run_manifest.h"
#include "app/slide_files.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

// Of a run that began after all that is there was ended.
constexpr int64_t kFarAhead = std::numeric_limits<int64_t>::max();

class SlideLedgerTest : public testing::Test {
 protected:
  SlideLedgerTest() {
    folder_.Put("x.svs", "pixels");
    input_ = {.identity = {.path = folder_.PathOf("x.svs"),
                           .id = "x-1",
                           .image_id = 7},
              .hints = {.flag = 0.25}};
  }

  std::unique_ptr<SlideLedger> Ledger() const {
    return SlideLedger::Create(options_).value();
  }

  static SlideWork WorkOf(SlideLedger& ledger, const SlideInput& input) {
    return ledger.Take(input).value().task.work;
  }

  // As a run does: candidates, a result, the state.
  void Finish(SlideLedger& ledger, const SlideTask& task) const {
    const SlideKey key = task.key().value();
    EXPECT_GT(key.seconds, 0);
    CandidateWriter writer =
        CandidateWriter::Create(RealFileSystem(), task.candidates,
                                {.width_px = 1, .height_px = 1})
            .value();
    ASSERT_TRUE(writer.Commit(key.fingerprint).ok());
    folder_.Put("out/slides/x-1/detections.csv", "cells");
    SlideSummary slide;
    slide.identity = input_.identity;
    slide.sha256 = key.sha256;
    slide.counts = {.planned = 1, .scored = 1};
    ASSERT_TRUE(ledger.Record(slide, RecordedSlideFiles()).ok());
    ledger.Release(slide.identity);
  }

  void RunOnce() const {
    const auto ledger = Ledger();
    const TakenSlide taken = ledger->Take(input_).value();
    EXPECT_EQ(taken.task.work, SlideWork::kScore);
    Finish(*ledger, taken.task);
  }

  TemporaryFolder folder_;
  SlideLedgerOptions options_ = {.files = &RealFileSystem(),
                                 .output = folder_.PathOf("out"),
                                 .candidates_config = "tiles 768\n",
                                 .results_config = "nms 0.5\n",
                                 .started_ns = kFarAhead};
  SlideInput input_;
};

TEST_F(SlideLedgerTest, ASlideIsScoredOnce) {
  RunOnce();
  const auto ledger = Ledger();
  const TakenSlide again = ledger->Take(input_).value();
  EXPECT_EQ(again.task.work, SlideWork::kNone);
  ASSERT_TRUE(again.ended.has_value());
  EXPECT_EQ(again.ended->counts.scored, 1);
  EXPECT_EQ(again.ended->attempts, 1);
  EXPECT_EQ(again.ended->identity.path, input_.identity.path);
}

using PromiseP13 = SlideLedgerTest;
TEST_F(PromiseP13, WhatDecidesTheCandidatesHasThemScoredAgain) {
  const SlideLedgerOptions options = options_;
  const SlideInput input = input_;
  const std::vector<std::function<void()>> changes = {
      [&] { folder_.Put("x.svs", "pixelt"); },            // the slide.
      [&] { options_.candidates_config = "model 2\n"; },  // model, program.
      [&] { input_.hints.flag = 0.26; },
      [&] { input_.hints = {.side_file = 0.25}; },
      [&] { input_.regions = {{.box = {.x_max = 5, .y_max = 5}}}; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    RunOnce();
    changes[i]();
    EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore) << i;
    std::filesystem::remove_all(options_.output);
    folder_.Put("x.svs", "pixels");
    options_ = options;
    input_ = input;
  }
}

TEST_F(PromiseP13, WhatComesBehindHasThemMergedAgain) {
  const SlideLedgerOptions options = options_;
  RunOnce();
  options_.results_config = "nms 0.4\n";
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kMerge);
  options_ = options;
  input_.identity.image_id = 8;
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kMerge);
}

TEST_F(SlideLedgerTest, ASlideThatCannotBeReadKeepsWhatIsThere) {
  RunOnce();
  const std::string state = folder_.Get("out/slides/x-1/state.json");
  std::filesystem::rename(folder_.PathOf("x.svs"), folder_.PathOf("y.svs"));
  const auto ledger = Ledger();
  EXPECT_EQ(ledger->Take(input_).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(ledger->Holds(input_.identity));
  EXPECT_EQ(folder_.Get("out/slides/x-1/state.json"), state);
  std::filesystem::rename(folder_.PathOf("y.svs"), folder_.PathOf("x.svs"));
  EXPECT_EQ(WorkOf(*ledger, input_), SlideWork::kNone);
}

TEST_F(SlideLedgerTest, AnotherSlideOfTheSameNameIsRefused) {
  RunOnce();
  SlideInput other = input_;
  std::filesystem::create_directory(folder_.PathOf("next"));
  folder_.Put("next/x.svs", "others");
  other.identity.path = folder_.PathOf("next/x.svs");
  EXPECT_EQ(Ledger()->Take(other).status().ToString(),
            "INVALID_ARGUMENT: " + other.identity.path + ": " +
                folder_.PathOf("out/slides/x-1") +
                ": has the result of another image of this name: take another "
                "folder, or --force");
  folder_.Put("next/x.svs", "pixels");  // the same slide, moved.
  EXPECT_EQ(WorkOf(*Ledger(), other), SlideWork::kNone);
  folder_.Put("next/x.svs", "others");
  options_.force = true;
  EXPECT_EQ(WorkOf(*Ledger(), other), SlideWork::kScore);
}

TEST_F(SlideLedgerTest, WhatOthersEndedSinceThisRunBeganIsNotDoneAgain) {
  options_.started_ns = NanosecondsNow();
  RunOnce();
  folder_.Put("out/slides/x-1/detections.csv", "changed");
  options_.force = true;
  const auto ledger = Ledger();
  const TakenSlide taken = ledger->Take(input_).value();
  EXPECT_EQ(taken.task.work, SlideWork::kNone);
  EXPECT_EQ(taken.ended->counts.scored, 1);
  options_.started_ns = NanosecondsNow();
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore);
}

TEST_F(SlideLedgerTest, CountsOfOtherClassesAreNotBelieved) {
  RunOnce();
  options_.classes = 6;
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kMerge);
  EXPECT_EQ(Ledger()->Ended(input_), std::nullopt);
}

TEST_F(SlideLedgerTest, ForceScoresAgain) {
  RunOnce();
  options_.force = true;
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore);
}

TEST_F(SlideLedgerTest, AChangedOrMissingFileIsMadeAnew) {
  RunOnce();
  folder_.Put("out/slides/x-1/detections.csv", "cellz");
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kMerge);
  std::filesystem::remove(folder_.PathOf("out/slides/x-1/candidates.bin"));
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore);
}

using PromiseP5 = SlideLedgerTest;
TEST_F(PromiseP5, AHundredFlippedBitsOfTheSlideAreNoticed) {
  std::mt19937_64 random(5);
  std::string pixels(5000, '\0');
  for (char& pixel : pixels) pixel = static_cast<char>(random());
  folder_.Put("x.svs", pixels);
  RunOnce();
  for (int flip = 0; flip < 100; ++flip) {
    const uint64_t bit = random() % (8 * pixels.size());
    std::string flipped = pixels;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    folder_.Put("x.svs", flipped);
    EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore) << bit;
  }
  folder_.Put("x.svs", pixels);
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kNone);
}

// promises.md P5, P9: the state or the candidates with any byte cut off.
using PromiseP9 = SlideLedgerTest;
TEST_F(PromiseP9, ACutStateOrCandidatesLeaveWorkToDo) {
  RunOnce();
  for (const std::string name : {"state.json", "candidates.bin"}) {
    const std::string path = "out/slides/x-1/" + name;
    const std::string whole = folder_.Get(path);
    for (size_t size = 0; size + 1 < whole.size(); ++size) {
      folder_.Put(path, whole.substr(0, size));
      EXPECT_NE(WorkOf(*Ledger(), input_), SlideWork::kNone) << size;
    }
    folder_.Put(path, whole);
    EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kNone);
  }
}

// Of a large new image the hash is not waited for, nor what is wrong with it.
TEST_F(SlideLedgerTest, ALargeNewImageIsTakenBeforeItIsHashed) {
  std::filesystem::resize_file(
      folder_.PathOf("x.svs"),
      static_cast<uintmax_t>(options_.hash_aside_bytes));
  FaultyFileSystem files(RealFileSystem());
  options_.files = &files;
  const auto ledger = Ledger();
  files.Arm({.kind = FileCall::kRead, .index = 5, .error_number = EIO});
  const TakenSlide taken = ledger->Take(input_).value();
  EXPECT_EQ(taken.task.work, SlideWork::kScore);
  EXPECT_EQ(taken.task.key().status().code(), StatusCode::kIoError);
  SlideSummary slide;
  slide.identity = input_.identity;
  EXPECT_EQ(ledger->Record(slide, {}).code(), StatusCode::kIoError);
  ledger->Release(input_.identity);
  EXPECT_FALSE(ledger->Ended(input_).has_value());
  RunOnce();
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kNone);
}

// Tiles of it may have been read before.
TEST_F(SlideLedgerTest, AnImageThatChangesWhileItIsHashedIsNotDone) {
  constexpr uintmax_t kLong = 1 << 28;  // bytes: longer than what follows.
  std::filesystem::resize_file(folder_.PathOf("x.svs"), kLong);
  const auto ledger = Ledger();
  const TakenSlide taken = ledger->Take(input_).value();
  std::filesystem::last_write_time(
      folder_.PathOf("x.svs"),
      std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  const Status changed = taken.task.key().status();
  EXPECT_EQ(changed.code(), StatusCode::kUnavailable);
  EXPECT_EQ(changed.message(),
            folder_.PathOf("x.svs") + ": was changed while it was read");
}

TEST_F(SlideLedgerTest, ALedgerThatGoesGivesUpHashing) {
  constexpr uintmax_t kVeryLong = uintmax_t{1} << 40;
  std::filesystem::resize_file(folder_.PathOf("x.svs"), kVeryLong);
  std::function<StatusOr<SlideKey>()> key;
  {
    const auto ledger = Ledger();
    key = ledger->Take(input_).value().task.key;
  }
  EXPECT_EQ(key().status().message(),
            folder_.PathOf("x.svs") + ": hashing was stopped");
}

// Else the hash decides what is left to do.
TEST_F(SlideLedgerTest, AnImageWithCandidatesIsHashedFirst) {
  RunOnce();
  std::filesystem::remove(folder_.PathOf("out/slides/x-1/state.json"));
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kMerge);
  std::filesystem::remove(folder_.PathOf("x.svs"));
  EXPECT_EQ(Ledger()->Take(input_).status().code(), StatusCode::kNotFound);
}

TEST_F(SlideLedgerTest, AFailedOrPartialSlideIsTriedAgain) {
  for (const bool failed : {true, false}) {
    const auto ledger = Ledger();
    const TakenSlide taken = ledger->Take(input_).value();
    EXPECT_EQ(taken.task.work, SlideWork::kScore);
    SlideSummary slide;
    slide.identity = input_.identity;
    if (failed) {
      slide.status = DataLoss("x.svs: cut");
    } else {
      slide.counts = {.planned = 2, .scored = 1, .failed = 1};
    }
    ASSERT_TRUE(ledger->Record(slide, RecordedSlideFiles()).ok());
    EXPECT_EQ(slide.attempts, failed ? 1 : 2);
    ledger->Release(slide.identity);
  }
  EXPECT_EQ(WorkOf(*Ledger(), input_), SlideWork::kScore);
}

TEST_F(SlideLedgerTest, WhatAnotherHasIsHeldUntilItIsReleased) {
  const auto other = Ledger();
  const TakenSlide taken = other->Take(input_).value();
  const auto ledger = Ledger();
  const TakenSlide held = ledger->Take(input_).value();
  EXPECT_EQ(held.task.work, SlideWork::kNone);
  EXPECT_EQ(OutcomeOf(*held.ended), SlideOutcome::kHeld);
  EXPECT_EQ(held.ended->status.message(),
            input_.identity.path + ": another process has it");
  EXPECT_FALSE(ledger->Ended(input_).has_value());
  Finish(*other, taken.task);
  EXPECT_EQ(OutcomeOf(ledger->Ended(input_).value()), SlideOutcome::kDone);
  EXPECT_EQ(WorkOf(*ledger, input_), SlideWork::kNone);
}

}  // namespace
}  // namespace cyto8
