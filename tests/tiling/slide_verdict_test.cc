// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/slide_verdict.h: each rule at its limit, messages pinned, and
// that no setting lets a slide pass of which much was not seen.
#include "tiling/slide_verdict.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace cyto8 {
namespace {

SlideCounts Scored(int64_t scored, int64_t failed = 0) {
  return {.planned = scored + failed, .scored = scored, .failed = failed};
}

SlideVerdict Judge(const SlideCounts& counts,
                   const SlideVerdictOptions& options = {}) {
  return JudgeSlide(counts, options).value();
}

std::string Line(const SlideCounts& counts,
                 const SlideVerdictOptions& options = {}) {
  return VerdictLine(Judge(counts, options));
}

TEST(SlideVerdictTest, AWholeSlideIsOk) {
  const SlideVerdict verdict =
      Judge({.planned = 500, .background = 400, .scored = 100, .cells = 0});
  EXPECT_EQ(VerdictLine(verdict), "OK");
  EXPECT_EQ(verdict.coverage, 1);
  EXPECT_TRUE(verdict.may_be_negative());
}

TEST(SlideVerdictTest, BackgroundIsNotMissing) {
  EXPECT_EQ(
      Judge({.planned = 500, .background = 300, .scored = 150, .failed = 50})
          .coverage,
      0.75);
}

TEST(SlideVerdictTest, NothingToScoreIsForReview) {
  EXPECT_EQ(Line({.planned = 7, .background = 7}),
            "REVIEW: all 7 tiles are background");
  EXPECT_EQ(Line({}), "REVIEW: all 0 tiles are background");
  EXPECT_EQ(Judge({}).reasons[0].reason, VerdictReason::kNothingToScore);
}

TEST(SlideVerdictTest, CoverageUnderTheMinimumIsForReview) {
  EXPECT_EQ(Line(Scored(98, 2)), "OK");
  EXPECT_EQ(Line(Scored(97, 3)),
            "REVIEW: 97 of 100 tiles scored (0.9700), at least 0.98");
  EXPECT_EQ(Line(Scored(97, 3), {.min_coverage = 0.97}), "OK");
  EXPECT_EQ(Line(Scored(99, 1), {.min_coverage = 1}),
            "REVIEW: 99 of 100 tiles scored (0.9900), at least 1");
}

TEST(SlideVerdictTest, UnreadableTilesAddUp) {
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 99,
                  .failed = 1,
                  .blurred = 5,
                  .too_dark = 4,
                  .blurred_or_dark = 8}),
            "OK");
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 99,
                  .failed = 1,
                  .blurred = 5,
                  .too_dark = 4,
                  .blurred_or_dark = 9}),
            "REVIEW: 10 of 100 tiles not scored or unreadable (0.1000), limit "
            "0.1");
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 99,
                  .failed = 1,
                  .blurred = 15,
                  .too_dark = 14,
                  .blurred_or_dark = 29}),
            "RESCAN: 30 of 100 tiles unreadable (0.3000), limit 0.3");
}

TEST(SlideVerdictTest, TilesThatNobodyGotToAreNoReasonToScanAgain) {
  EXPECT_EQ(Line({.planned = 100, .scored = 50}, {.min_coverage = 0.5}),
            "REVIEW: 50 of 100 tiles not scored or unreadable (0.5000), limit "
            "0.1");
}

TEST(SlideVerdictTest, MuchBlurOrDarknessMeansScanningAgain) {
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 100,
                  .blurred = 25,
                  .blurred_or_dark = 25}),
            "RESCAN: 25 of 100 tiles not scored or unreadable (0.2500), limit "
            "0.1; 25 of 100 tiles blurred (0.2500), limit 0.25");
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 100,
                  .too_dark = 24,
                  .blurred_or_dark = 24},
                 {.review_unseen_share = 0.3}),
            "OK");
  EXPECT_EQ(Line({.planned = 100,
                  .scored = 100,
                  .too_dark = 25,
                  .blurred_or_dark = 25},
                 {.review_unseen_share = 0.3}),
            "RESCAN: 25 of 100 tiles too dark (0.2500), limit 0.25");
}

TEST(SlideVerdictTest, PaleTilesAndArtefactsAreForReview) {
  EXPECT_EQ(Line({.planned = 100, .scored = 100, .pale = 49, .artefact = 24}),
            "OK");
  EXPECT_EQ(Line({.planned = 100, .scored = 100, .pale = 50, .artefact = 25}),
            "REVIEW: 50 of 100 tiles pale (0.5000), limit 0.5; 25 of 100 tiles "
            "with artefacts (0.2500), limit 0.25");
}

TEST(SlideVerdictTest, CellsAndAreaCountOnlyWhenAskedAndKnown) {
  SlideCounts counts = Scored(100);
  const SlideVerdictOptions asked = {.min_cells = 5000, .min_covered_mm2 = 20};
  EXPECT_EQ(Line(counts, asked), "OK");
  counts.cells = 4999;
  counts.covered_mm2 = 19.5;
  EXPECT_EQ(Line(counts), "OK");
  EXPECT_EQ(Line(counts, asked),
            "REVIEW: 4999 cells found, at least 5000; 19.5 mm2 scored, at "
            "least 20");
  counts.cells = 5000;
  counts.covered_mm2 = 20;
  EXPECT_EQ(Line(counts, asked), "OK");
}

TEST(SlideVerdictTest, AnythingLimitedAtZeroNeedsOneTile) {
  const SlideVerdictOptions strict = {.review_unseen_share = 0,
                                      .rescan_unreadable_share = 0,
                                      .rescan_blurred_share = 0,
                                      .rescan_dark_share = 0,
                                      .review_pale_share = 0,
                                      .review_artefact_share = 0};
  EXPECT_EQ(Line(Scored(100), strict), "OK");
  EXPECT_EQ(Judge(Scored(99, 1), strict).verdict, ScanVerdict::kRescan);
}

TEST(SlideVerdictTest, ReasonsHaveStableCodes) {
  EXPECT_EQ(ReasonCode(VerdictReason::kNothingToScore), "nothing_to_score");
  EXPECT_EQ(ReasonCode(VerdictReason::kLowCoverage), "low_coverage");
  EXPECT_EQ(ReasonCode(VerdictReason::kUnreadable), "unreadable");
  EXPECT_EQ(ReasonCode(VerdictReason::kBlurred), "blurred");
  EXPECT_EQ(ReasonCode(VerdictReason::kTooDark), "too_dark");
  EXPECT_EQ(ReasonCode(VerdictReason::kPale), "pale");
  EXPECT_EQ(ReasonCode(VerdictReason::kArtefacts), "artefacts");
  EXPECT_EQ(ReasonCode(VerdictReason::kFewCells), "few_cells");
  EXPECT_EQ(ReasonCode(VerdictReason::kSmallArea), "small_area");
}

std::string Refusal(const SlideCounts& counts,
                    const SlideVerdictOptions& options = {}) {
  const Status status = JudgeSlide(counts, options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

TEST(SlideVerdictTest, RefusesCountsThatDoNotAddUp) {
  EXPECT_EQ(Refusal({.planned = -1}),
            "planned = -1: must be in [0, 9223372036854775807]");
  EXPECT_EQ(Refusal({.planned = 5, .background = 6}),
            "background = 6: must be in [0, 5]");
  EXPECT_EQ(Refusal({.planned = 5, .background = 2, .scored = 4}),
            "scored = 4: must be in [0, 3]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .failed = 2}),
            "failed = 2: must be in [0, 1]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .blurred = 5}),
            "blurred = 5: must be in [0, 4]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .too_dark = -1}),
            "too_dark = -1: must be in [0, 4]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .blurred = 3, .too_dark = 2}),
            "blurred_or_dark = 0: must be in [3, 4]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .pale = 5}),
            "pale = 5: must be in [0, 4]");
  EXPECT_EQ(Refusal({.planned = 5, .scored = 4, .artefact = 5}),
            "artefact = 5: must be in [0, 4]");
  EXPECT_EQ(Refusal({.cells = -2}),
            "cells = -2: must be in [0, 9223372036854775807]");
  EXPECT_EQ(Refusal({.covered_mm2 = -1.0}),
            "covered_mm2 = -1: must be in [0, 1e+09]");
}

TEST(SlideVerdictTest, RefusesOptionsOutOfRange) {
  EXPECT_EQ(Refusal({}, {.min_coverage = 1.5}),
            "min_coverage = 1.5: must be in [0, 1]");
  EXPECT_EQ(
      Refusal({}, {.min_coverage = std::numeric_limits<double>::quiet_NaN()}),
      "min_coverage = nan: must be in [0, 1]");
  EXPECT_EQ(Refusal({}, {.review_unseen_share = 0.31}),
            "review_unseen_share = 0.31: must be in [0, 0.3]");
  EXPECT_EQ(Refusal({}, {.rescan_dark_share = -0.1}),
            "rescan_dark_share = -0.1: must be in [0, 1]");
  EXPECT_EQ(Refusal({}, {.min_cells = -1}),
            "min_cells = -1: must be in [0, 9223372036854775807]");
  EXPECT_EQ(Refusal({}, {.min_covered_mm2 = -1}),
            "min_covered_mm2 = -1: must be in [0, 1e+09]");
}

// Whatever is asked for: 30 in 100 not seen, and it is not OK.
TEST(PromiseP4, ASlideWithManyUnreadableTilesIsNeverNegative) {
  const uint32_t seed = 20261122;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint32_t>(bound));
  };
  const auto share = [&](int64_t most) {
    return static_cast<double>(below(most + 1)) / 100;
  };
  int ok = 0;
  for (int round = 0; round < 20'000; ++round) {
    SlideCounts counts = {.planned = 1 + below(200)};
    counts.background = below(counts.planned);
    const int64_t due = counts.planned - counts.background;
    counts.failed = below(due / 2 + 1);
    counts.scored = due - counts.failed - below(due / 8 + 1);
    counts.blurred = below(counts.scored / 4 + 1);
    counts.blurred_or_dark = counts.blurred;
    const SlideVerdictOptions options = {.min_coverage = share(100),
                                         .review_unseen_share = share(30),
                                         .rescan_unreadable_share = share(100),
                                         .rescan_blurred_share = share(100)};
    const SlideVerdict verdict = Judge(counts, options);
    const int64_t unseen = due - counts.scored + counts.blurred;
    ok += verdict.may_be_negative() ? 1 : 0;
    if (10 * unseen >= 3 * due) {
      EXPECT_FALSE(verdict.may_be_negative()) << VerdictLine(verdict);
      EXPECT_FALSE(verdict.reasons.empty());
    }
  }
  EXPECT_GT(ok, 100);
}

}  // namespace
}  // namespace cyto8
