// SPDX-License-Identifier: Apache-2.0
// How far the figures would spread with other images of the same kind:
// percentile intervals by resampling whole images (Efron), for one result and
// for the difference of two on the same images. Tested by
// tests/eval/bootstrap_test.cc.
//
// Matching is done once: drawing an image k times gives its truth and its
// detections the weight k, and a resample walks the detections, sorted once,
// adding weights. That equals evaluating k copies of the image as long as no
// detections of one class and image have equal scores.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/outcomes.h"

namespace cyto8 {

inline constexpr int64_t kMaxResamples = 1'000'000;

// Resample i draws, from a generator of our own started with seed and i, as
// many images as there are; so it is the same on every machine, for every class
// and for both results of a comparison.
struct BootstrapOptions {
  int64_t resamples = 1000;  // in [1, kMaxResamples].
  double confidence = 0.95;  // in [0.001, 0.999].
  uint64_t seed = 1;
};

// The percentiles (1 -+ confidence) / 2 of the resamples in which the figure
// exists, linear between ranks as in numpy.percentile. All kUndefined if the
// figure itself or all its resamples do not exist.
struct Interval {
  double value = kUndefined;  // of the images as they are.
  double low = kUndefined;
  double high = kUndefined;
  int64_t resamples = 0;  // in which the figure exists.
};

enum class Verdict {
  kSame,    // 0 lies in the interval (ends included), or there is none.
  kBetter,  // the interval lies above 0.
  kWorse,   // below 0.
};
std::string_view VerdictName(Verdict verdict);  // "same", "better", "worse".

// Second minus first, in the same resamples.
struct Difference {
  Interval interval = {};       // a difference may be -1: resamples tells.
  double share_above_zero = 0;  // of the resamples.
  Verdict verdict = Verdict::kSame;
};

// Average precisions as of COCO (101 points). Classes without truth in a
// resample are left out of its means.
template <typename Figure>
struct FigureTable {
  Figure ap = {};                     // mean over levels and classes.
  Figure first_level_ap = {};         // mean over classes: AP50 by default.
  std::vector<Figure> class_ap = {};  // as Outcomes::classes.
  std::vector<Figure> class_first_level_ap = {};
};

// kInvalidArgument if an option is outside its range or there is no image.
// Time: O(resamples * levels * detections), some 10^9 per second.
StatusOr<FigureTable<Interval>> Bootstrap(const Outcomes& outcomes,
                                          const BootstrapOptions& options = {});

// Also kInvalidArgument unless both have the same images, classes, levels and
// truth.
StatusOr<FigureTable<Difference>> BootstrapDifference(
    const Outcomes& first, const Outcomes& second,
    const BootstrapOptions& options = {});

}  // namespace cyto8
