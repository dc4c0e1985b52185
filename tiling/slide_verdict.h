// SPDX-License-Identifier: Apache-2.0
// Whether a slide was looked at well enough: OK, REVIEW or RESCAN, with
// reasons, from counts of tiles. Says nothing about cells. Pure arithmetic.
// Tested by tests/tiling/slide_verdict_test.cc.
//
// A tile that failed, or that nobody got to, is never a negative: it lowers the
// coverage. Whoever prints a category asks may_be_negative first: only a slide
// that is OK may be called NILM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cyto8 {

// Tiles of one slide. Whatever is planned and in none of background, scored and
// failed was not reached.
struct SlideCounts {
  int64_t planned = 0;
  int64_t background = 0;  // skipped: empty glass.
  int64_t scored = 0;
  int64_t failed = 0;
  // Of the scored ones, tile_quality.h; a tile may be several.
  int64_t blurred = 0;
  int64_t too_dark = 0;
  int64_t blurred_or_dark = 0;
  int64_t pale = 0;
  int64_t artefact = 0;
  // Of what was scored; unknown without a scale.
  std::optional<double> covered_mm2 = std::nullopt;
  // What the model found; unknown if it looks for some kinds of cells only.
  std::optional<int64_t> cells = std::nullopt;
};

// Shares are in [0, 1]. REVIEW at or above a review_ share, below a min_ value;
// RESCAN at or above a rescan_ share.
struct SlideVerdictOptions {
  double min_coverage = 0.98;
  // Not scored, blurred or too dark, of all tiles that were to be scored. At
  // most 0.3: above, no slide is OK, whatever else is asked.
  double review_unseen_share = 0.10;
  // Failed, blurred or too dark, likewise.
  double rescan_unreadable_share = 0.30;
  // Of the scored ones.
  double rescan_blurred_share = 0.25;
  double rescan_dark_share = 0.25;
  double review_pale_share = 0.50;
  double review_artefact_share = 0.25;
  // 0: not asked. For liquid-based preparations The Bethesda System names
  // about 5000 well-preserved squamous cells; that is a hint for who sets it,
  // detections are not such a count.
  int64_t min_cells = 0;
  double min_covered_mm2 = 0;  // 0: not asked.
};

enum class ScanVerdict { kOk, kReview, kRescan };

// "OK", "REVIEW", "RESCAN".
std::string_view ScanVerdictName(ScanVerdict verdict);

enum class VerdictReason {
  kNothingToScore,
  kLowCoverage,
  kUnreadable,
  kBlurred,
  kTooDark,
  kPale,
  kArtefacts,
  kFewCells,
  kSmallArea,
};

// "nothing_to_score", "low_coverage", "unreadable", "blurred", "too_dark",
// "pale", "artefacts", "few_cells", "small_area"; stable, for programs.
std::string_view ReasonCode(VerdictReason reason);

struct ReasonText {
  VerdictReason reason = VerdictReason::kNothingToScore;
  ScanVerdict verdict =
      ScanVerdict::kReview;  // what this reason alone leads to.
  std::string text = {};     // with the numbers and the limit.
};

struct SlideVerdict {
  ScanVerdict verdict = ScanVerdict::kOk;  // the worst of the reasons.
  // scored / (planned - background); 1 if nothing was to be scored.
  double coverage = 1;
  std::vector<ReasonText> reasons = {};  // in the order of VerdictReason.

  bool may_be_negative() const { return verdict == ScanVerdict::kOk; }
};

// kInvalidArgument names a count that is negative or larger than what it is
// part of, and an option outside its range.
StatusOr<SlideVerdict> JudgeSlide(const SlideCounts& counts,
                                  const SlideVerdictOptions& options = {});

// "OK", or "REVIEW: text; text".
std::string VerdictLine(const SlideVerdict& verdict);

}  // namespace cyto8
