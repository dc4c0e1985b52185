// SPDX-License-Identifier: Apache-2.0
// A state is read as it was written or not at all.
#include "app/slide_state.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class SlideStateTest : public testing::Test {
 protected:
  SlideState State() {
    SlideState state;
    SlideSummary& slide = state.summary;
    slide.identity = identity_;
    slide.attempts = 3;
    slide.sha256 = std::string(64, 'a');
    slide.width_px = 100'000;
    slide.height_px = 60'000;
    slide.mpp = {.value = 0.2472, .source = "aperio.MPP"};
    slide.is_slide = true;
    slide.counts = {.planned = 4000,
                    .background = 1000,
                    .scored = 2900,
                    .failed = 2,
                    .blurred = 3,
                    .too_dark = 4,
                    .blurred_or_dark = 5,
                    .pale = 6,
                    .artefact = 7,
                    .covered_mm2 = 12.25};
    slide.verdict = JudgeSlide(slide.counts).value();
    slide.boxes = 12;
    slide.cells_of_class = {10, 0, 2};
    slide.notes = "a \"note\"\n";
    slide.seconds.infer = 0.1;
    slide.seconds.write = 1.0 / 3;
    state.keys = {.candidates = std::string(64, 'c'),
                  .results = std::string(64, 'd')};
    state.files = {{"detections.csv", 5, std::string(64, 'e')}};
    return state;
  }
  StatusOr<SlideState> Read() {
    return ReadSlideState(files_, folder_.path(), identity_);
  }

  SlideIdentity identity_ = {.path = "a/b.svs", .id = "b-0123", .image_id = 7};
  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(SlideStateTest, GivesBackWhatWasWritten) {
  const SlideState state = State();
  ASSERT_TRUE(WriteSlideState(files_, folder_.path(), state).ok());
  const StatusOr<SlideState> read = Read();
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const SlideSummary& a = state.summary;
  const SlideSummary& b = read->summary;
  EXPECT_EQ(b.identity.path, a.identity.path);
  EXPECT_EQ(b.identity.image_id, a.identity.image_id);
  EXPECT_TRUE(b.status.ok());
  EXPECT_EQ(OutcomeOf(b), SlideOutcome::kPartial);
  EXPECT_EQ(b.attempts, a.attempts);
  EXPECT_EQ(b.sha256, a.sha256);
  EXPECT_EQ(b.width_px, a.width_px);
  EXPECT_EQ(b.height_px, a.height_px);
  EXPECT_EQ(b.mpp.value, a.mpp.value);
  EXPECT_EQ(b.mpp.source, a.mpp.source);
  EXPECT_TRUE(b.is_slide);
  EXPECT_EQ(b.counts.planned, a.counts.planned);
  EXPECT_EQ(b.counts.background, a.counts.background);
  EXPECT_EQ(b.counts.scored, a.counts.scored);
  EXPECT_EQ(b.counts.failed, a.counts.failed);
  EXPECT_EQ(b.counts.blurred, a.counts.blurred);
  EXPECT_EQ(b.counts.too_dark, a.counts.too_dark);
  EXPECT_EQ(b.counts.blurred_or_dark, a.counts.blurred_or_dark);
  EXPECT_EQ(b.counts.pale, a.counts.pale);
  EXPECT_EQ(b.counts.artefact, a.counts.artefact);
  EXPECT_EQ(b.counts.covered_mm2, a.counts.covered_mm2);
  EXPECT_EQ(b.verdict.coverage, a.verdict.coverage);
  EXPECT_EQ(VerdictLine(b.verdict), VerdictLine(a.verdict));
  EXPECT_FALSE(b.verdict.may_be_negative());
  EXPECT_EQ(b.boxes, a.boxes);
  EXPECT_EQ(b.cells_of_class, a.cells_of_class);
  EXPECT_EQ(b.notes, a.notes);
  EXPECT_EQ(b.seconds.infer, a.seconds.infer);
  EXPECT_EQ(b.seconds.write, a.seconds.write);
  EXPECT_EQ(read->keys, state.keys);
  EXPECT_EQ(read->files, state.files);
}

TEST_F(SlideStateTest, AFailureKeepsItsKindAndWords) {
  SlideState state = State();
  state.summary.status = DataLoss("a/b.svs: tile 3: damaged");
  ASSERT_TRUE(WriteSlideState(files_, folder_.path(), state).ok());
  EXPECT_EQ(Read().value().summary.status.ToString(),
            state.summary.status.ToString());
}

// promises.md P9.
TEST_F(SlideStateTest, NoCutAndNoChangedByteIsBelieved) {
  ASSERT_TRUE(WriteSlideState(files_, folder_.path(), State()).ok());
  const std::string whole = folder_.Get("state.json");
  // The last byte is a line feed, which may go.
  for (size_t at = 0; at + 1 < whole.size(); ++at) {
    folder_.Put("state.json", whole.substr(0, at));
    EXPECT_EQ(Read().status().code(), StatusCode::kDataLoss) << at;
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    folder_.Put("state.json", changed);
    EXPECT_FALSE(Read().ok()) << at << changed;
  }
}

TEST_F(SlideStateTest, TellsWhyItIsNotBelieved) {
  const std::string path = folder_.PathOf("state.json");
  EXPECT_EQ(Read().status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteSlideState(files_, folder_.path(), State()).ok());
  const std::string whole = folder_.Get("state.json");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    folder_.Put("state.json", text);
    return Read().status().message();
  };
  EXPECT_EQ(changed("cyto8-state", "cyto8-run"),
            path + ": is no whole cyto8-state");
  EXPECT_EQ(changed("\"version\":1", "\"version\":2"),
            path + ": version = 2: only 1 is read");
  EXPECT_EQ(changed("\"boxes\":12", "\"boxes\":13"),
            path + ": SHA-256 does not fit");
  identity_.id = "c-4567";
  folder_.Put("state.json", whole);
  EXPECT_EQ(Read().status().message(),
            path + ": is of slide b-0123, not of c-4567");
}

TEST_F(SlideStateTest, VerifiesTheFilesOfTheSlide) {
  folder_.Put("a.csv", "12345");
  folder_.Put("b.csv", "");
  SlideState state = State();
  state.files.clear();
  for (const char* name : {"a.csv", "b.csv"}) {
    state.files.push_back(DescribeFile(files_, folder_.path(), name).value());
  }
  EXPECT_EQ(state.files[0].bytes, 5);
  EXPECT_TRUE(VerifySlideFiles(files_, folder_.path(), state).ok());
  folder_.Put("a.csv", "12346");
  EXPECT_EQ(VerifySlideFiles(files_, folder_.path(), state).message(),
            folder_.PathOf("a.csv") + ": is not as it was written");
  ASSERT_TRUE(files_.Remove(folder_.PathOf("a.csv")).ok());
  EXPECT_EQ(VerifySlideFiles(files_, folder_.path(), state).message(),
            folder_.PathOf("a.csv") + ": is missing");
}

TEST_F(SlideStateTest, WhateverCallFailsTheOldStateOrTheNewOneIsThere) {
  files_.Arm({.kind = FileCall::kMap});  // counts, fails nothing.
  ASSERT_TRUE(WriteSlideState(files_, folder_.path(), State()).ok());
  const auto calls = static_cast<int64_t>(files_.calls().size());
  for (int64_t i = 0; i < calls; ++i) {
    files_.Arm({.index = i, .error_number = ENOSPC});
    SlideState next = State();
    next.summary.attempts = 4;
    EXPECT_FALSE(WriteSlideState(files_, folder_.path(), next).ok());
    EXPECT_EQ(files_.open_files(), 0);
    files_.Disarm();
    EXPECT_TRUE(Read().ok());
    EXPECT_EQ(folder_.Names().size(), 1u);
  }
}

}  // namespace
}  // namespace cyto8
