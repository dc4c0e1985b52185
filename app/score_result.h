// SPDX-License-Identifier: Apache-2.0
// What scoring found, as plain data: the words that the scoring job, the
// writers and the table share. Tested by tests/app/result_writer_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/mpp_source.h"
#include "base/detection.h"
#include "base/status.h"
#include "tiling/slide_verdict.h"

namespace cyto8 {

// Seconds of work on one image, by stage; summed over the threads that worked
// on it, so their total may exceed the time that passed.
struct StageSeconds {
  double read = 0;      // file: open, hash.
  double decode = 0;    // bytes to pixels.
  double resample = 0;  // to the scale of the model, and cutting tiles.
  double infer = 0;     // network.
  double boxes = 0;     // box decoding, suppression inside tiles.
  double merge = 0;     // across tiles.
  double write = 0;     // results and overlay.

  double total() const {
    return read + decode + resample + infer + boxes + merge + write;
  }
};

// How an input is known to the outside.
struct SlideIdentity {
  std::string path = {};  // as given; the id where that is anonymous.
  std::string id = {};    // folder name below slides/.
  int64_t image_id = 0;   // in COCO files.
};

enum class SlideOutcome { kDone, kPartial, kFailed, kHeld };

// "done", "partial", "failed", "held": as in result files.
constexpr std::string_view SlideOutcomeName(SlideOutcome outcome) {
  switch (outcome) {
    case SlideOutcome::kDone:
      return "done";
    case SlideOutcome::kPartial:
      return "partial";
    case SlideOutcome::kFailed:
      return "failed";
    case SlideOutcome::kHeld:
      break;
  }
  return "held";
}

// What is known of an image besides its cells.
struct SlideFacts {
  SlideIdentity identity = {};
  Status status = {};  // of this image; below, only `seconds` holds on failure.
  std::string sha256 = {};
  int64_t width_px = 0;
  int64_t height_px = 0;
  Mpp mpp = {};
  SlideCounts counts = {};  // of its tiles.
  SlideVerdict verdict = {};
  bool is_slide = false;   // read block by block, see tile_source.h.
  std::string notes = {};  // joined by "; ": what is no error, for a reader.
  int64_t attempts = 1;    // of scoring it, this one included.
  StageSeconds seconds = {};
};

struct SlideResult : SlideFacts {
  // In level-0 pixels, in the order of DetectionBefore; tiles are numbered by
  // row.
  std::vector<Detection> cells = {};
};

// What is kept of an image once its own files are written: small, so that a
// run may have 100,000 of them.
struct SlideSummary : SlideFacts {
  int64_t boxes = 0;
  std::vector<int64_t> cells_of_class = {};  // by class id - 1.
};

// kHeld if another worker has the image; kFailed also if no tile has a result.
inline SlideOutcome OutcomeOf(const SlideFacts& slide) {
  if (slide.status.code() == StatusCode::kUnavailable) {
    return SlideOutcome::kHeld;
  }
  if (!slide.status.ok()) return SlideOutcome::kFailed;
  if (slide.counts.failed == 0) return SlideOutcome::kDone;
  return slide.counts.scored > 0 ? SlideOutcome::kPartial
                                 : SlideOutcome::kFailed;
}

// Whether the image has boxes, be they none: a failed one has no number.
inline bool HasResult(const SlideFacts& slide) {
  const SlideOutcome outcome = OutcomeOf(slide);
  return outcome == SlideOutcome::kDone || outcome == SlideOutcome::kPartial;
}

// Why an image without a result has none.
inline std::string ErrorOf(const SlideFacts& slide) {
  if (HasResult(slide)) return "";
  return slide.status.ok() ? "no tile has a result" : slide.status.message();
}

inline void AddNote(std::string_view note, SlideFacts& slide) {
  if (!slide.notes.empty()) slide.notes += "; ";
  slide.notes += note;
}

// `classes`: of the model; class ids are in [1, classes].
inline SlideSummary Summarize(const SlideResult& slide, size_t classes) {
  SlideSummary summary;
  static_cast<SlideFacts&>(summary) = slide;
  if (!HasResult(slide)) return summary;
  summary.boxes = static_cast<int64_t>(slide.cells.size());
  summary.cells_of_class.resize(classes);
  for (const Detection& cell : slide.cells) {
    ++summary.cells_of_class[static_cast<size_t>(cell.class_id - 1)];
  }
  return summary;
}

}  // namespace cyto8
