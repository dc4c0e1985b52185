// SPDX-License-Identifier: Apache-2.0
// Whether a slide was looked at well enough; see slide_verdict.h.
#include "tiling/slide_verdict.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr int kShareDecimals = 4;
constexpr double kMostUnseen = 0.3;   // more is never OK, whatever is asked.
constexpr double kLargestArea = 1e9;  // mm2
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

Status CheckCounts(const SlideCounts& counts) {
  CYTO8_RETURN_IF_ERROR(CheckRange("planned", counts.planned, 0, kMost));
  // Each of the three takes from what the ones before it have left.
  int64_t left = counts.planned;
  CYTO8_RETURN_IF_ERROR(CheckRange("background", counts.background, 0, left));
  left -= counts.background;
  CYTO8_RETURN_IF_ERROR(CheckRange("scored", counts.scored, 0, left));
  left -= counts.scored;
  CYTO8_RETURN_IF_ERROR(CheckRange("failed", counts.failed, 0, left));
  const int64_t scored = counts.scored;
  CYTO8_RETURN_IF_ERROR(CheckRange("blurred", counts.blurred, 0, scored));
  CYTO8_RETURN_IF_ERROR(CheckRange("too_dark", counts.too_dark, 0, scored));
  CYTO8_RETURN_IF_ERROR(CheckRange("blurred_or_dark", counts.blurred_or_dark,
                                   std::max(counts.blurred, counts.too_dark),
                                   scored));
  CYTO8_RETURN_IF_ERROR(CheckRange("pale", counts.pale, 0, scored));
  CYTO8_RETURN_IF_ERROR(CheckRange("artefact", counts.artefact, 0, scored));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("cells", counts.cells.value_or(0), 0, kMost));
  return CheckRange("covered_mm2", counts.covered_mm2.value_or(0), 0.0,
                    kLargestArea);
}

Status CheckOptions(const SlideVerdictOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "review_unseen_share", options.review_unseen_share, 0.0, kMostUnseen));
  const std::pair<std::string_view, double> shares[] = {
      {"min_coverage", options.min_coverage},
      {"rescan_unreadable_share", options.rescan_unreadable_share},
      {"rescan_blurred_share", options.rescan_blurred_share},
      {"rescan_dark_share", options.rescan_dark_share},
      {"review_pale_share", options.review_pale_share},
      {"review_artefact_share", options.review_artefact_share},
  };
  for (const auto& [name, share] : shares) {
    CYTO8_RETURN_IF_ERROR(CheckRange(name, share, 0.0, 1.0));
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("min_cells", options.min_cells, 0, kMost));
  return CheckRange("min_covered_mm2", options.min_covered_mm2, 0.0,
                    kLargestArea);
}

// A part of a whole; never above 0 of nothing.
struct Part {
  int64_t count = 0;
  int64_t whole = 0;

  double share() const {
    return whole == 0 ? 0
                      : static_cast<double>(count) / static_cast<double>(whole);
  }
  // A limit of 0 would call everything reached: nothing never is.
  bool Reaches(double limit) const { return count > 0 && share() >= limit; }
};

std::string Counted(const Part& part, std::string_view what) {
  return std::to_string(part.count) + " of " + std::to_string(part.whole) +
         " tiles " + std::string(what) + " (" +
         FormatFixed(part.share(), kShareDecimals) + ")";
}

std::string Limit(double limit) { return ", limit " + FormatShortest(limit); }

void AddReason(VerdictReason reason, ScanVerdict verdict, std::string text,
               SlideVerdict& result) {
  result.reasons.push_back(
      {.reason = reason, .verdict = verdict, .text = std::move(text)});
  result.verdict = std::max(result.verdict, verdict);
}

void JudgeCoverage(const SlideCounts& counts,
                   const SlideVerdictOptions& options, SlideVerdict& result) {
  const int64_t due = counts.planned - counts.background;
  if (due == 0) {
    AddReason(VerdictReason::kNothingToScore, ScanVerdict::kReview,
              "all " + std::to_string(counts.planned) + " tiles are background",
              result);
    return;
  }
  result.coverage = Part{.count = counts.scored, .whole = due}.share();
  if (result.coverage < options.min_coverage) {
    AddReason(VerdictReason::kLowCoverage, ScanVerdict::kReview,
              Counted({.count = counts.scored, .whole = due}, "scored") +
                  ", at least " + FormatShortest(options.min_coverage),
              result);
  }
  const Part unreadable = {.count = counts.failed + counts.blurred_or_dark,
                           .whole = due};
  const Part unseen = {.count = due - counts.scored + counts.blurred_or_dark,
                       .whole = due};
  if (unreadable.Reaches(options.rescan_unreadable_share)) {
    AddReason(VerdictReason::kUnreadable, ScanVerdict::kRescan,
              Counted(unreadable, "unreadable") +
                  Limit(options.rescan_unreadable_share),
              result);
  } else if (unseen.Reaches(options.review_unseen_share)) {
    AddReason(VerdictReason::kUnreadable, ScanVerdict::kReview,
              Counted(unseen, "not scored or unreadable") +
                  Limit(options.review_unseen_share),
              result);
  }
}

void JudgeTiles(const SlideCounts& counts, const SlideVerdictOptions& options,
                SlideVerdict& result) {
  const auto judge = [&](VerdictReason reason, ScanVerdict verdict,
                         int64_t count, double limit, std::string_view what) {
    const Part part = {.count = count, .whole = counts.scored};
    if (!part.Reaches(limit)) return;
    AddReason(reason, verdict, Counted(part, what) + Limit(limit), result);
  };
  judge(VerdictReason::kBlurred, ScanVerdict::kRescan, counts.blurred,
        options.rescan_blurred_share, "blurred");
  judge(VerdictReason::kTooDark, ScanVerdict::kRescan, counts.too_dark,
        options.rescan_dark_share, "too dark");
  judge(VerdictReason::kPale, ScanVerdict::kReview, counts.pale,
        options.review_pale_share, "pale");
  judge(VerdictReason::kArtefacts, ScanVerdict::kReview, counts.artefact,
        options.review_artefact_share, "with artefacts");
}

void JudgeAmount(const SlideCounts& counts, const SlideVerdictOptions& options,
                 SlideVerdict& result) {
  if (counts.cells.has_value() && *counts.cells < options.min_cells) {
    AddReason(VerdictReason::kFewCells, ScanVerdict::kReview,
              std::to_string(*counts.cells) + " cells found, at least " +
                  std::to_string(options.min_cells),
              result);
  }
  if (counts.covered_mm2.has_value() &&
      *counts.covered_mm2 < options.min_covered_mm2) {
    AddReason(VerdictReason::kSmallArea, ScanVerdict::kReview,
              FormatShortest(*counts.covered_mm2) + " mm2 scored, at least " +
                  FormatShortest(options.min_covered_mm2),
              result);
  }
}

}  // namespace

std::string_view ScanVerdictName(ScanVerdict verdict) {
  switch (verdict) {
    case ScanVerdict::kOk:
      return "OK";
    case ScanVerdict::kReview:
      return "REVIEW";
    case ScanVerdict::kRescan:
      return "RESCAN";
  }
  return "";
}

std::string_view ReasonCode(VerdictReason reason) {
  switch (reason) {
    case VerdictReason::kNothingToScore:
      return "nothing_to_score";
    case VerdictReason::kLowCoverage:
      return "low_coverage";
    case VerdictReason::kUnreadable:
      return "unreadable";
    case VerdictReason::kBlurred:
      return "blurred";
    case VerdictReason::kTooDark:
      return "too_dark";
    case VerdictReason::kPale:
      return "pale";
    case VerdictReason::kArtefacts:
      return "artefacts";
    case VerdictReason::kFewCells:
      return "few_cells";
    case VerdictReason::kSmallArea:
      return "small_area";
  }
  return "";
}

StatusOr<SlideVerdict> JudgeSlide(const SlideCounts& counts,
                                  const SlideVerdictOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckCounts(counts));
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  SlideVerdict result;
  JudgeCoverage(counts, options, result);
  JudgeTiles(counts, options, result);
  JudgeAmount(counts, options, result);
  return result;
}

std::string VerdictLine(const SlideVerdict& verdict) {
  std::string line(ScanVerdictName(verdict.verdict));
  std::string_view separator = ": ";
  for (const ReasonText& reason : verdict.reasons) {
    line += separator;
    line += reason.text;
    separator = "; ";
  }
  return line;
}

}  // namespace cyto8
