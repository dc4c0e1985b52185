// SPDX-License-Identifier: Apache-2.0
// The bytes of a qc.json.
#include "app/qc_json.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(QcJsonTest, SaysWhatTheVerdictRestsOn) {
  SlideFacts slide;
  slide.identity.id = "x-1";
  slide.counts = {.planned = 10,
                  .background = 2,
                  .scored = 6,
                  .failed = 2,
                  .blurred = 1,
                  .blurred_or_dark = 1,
                  .pale = 3};
  slide.verdict = JudgeSlide(slide.counts).value();
  EXPECT_EQ(QcJson(slide), R"({
  "format": "cyto8-qc",
  "version": 1,
  "notice": "Research software. Not a medical device. Not for diagnosis, screening or triage. Findings must be reviewed by a qualified cytologist.",
  "slide": "x-1",
  "scan": "RESCAN",
  "coverage": 0.75,
  "reasons": [
    {
      "code": "low_coverage",
      "scan": "REVIEW",
      "text": "6 of 8 tiles scored (0.7500), at least 0.98"
    },
    {
      "code": "unreadable",
      "scan": "RESCAN",
      "text": "3 of 8 tiles unreadable (0.3750), limit 0.3"
    },
    {
      "code": "pale",
      "scan": "REVIEW",
      "text": "3 of 6 tiles pale (0.5000), limit 0.5"
    }
  ],
  "tiles": {
    "planned": 10,
    "background": 2,
    "scored": 6,
    "failed": 2,
    "blurred": 1,
    "too_dark": 0,
    "pale": 3,
    "artefact": 0
  },
  "covered_mm2": null
}
)");
}

}  // namespace
}  // namespace cyto8
