// SPDX-License-Identifier: Apache-2.0
// The merging of other packages as it is, faults included: SAHI 0.12.8,
// ensemble-boxes 1.0.9 and cv2.dnn of OpenCV 5.0. For comparison with results
// that others published, and to show where ours differ; nothing in the chain
// from tile to result uses it (that is tiling/detection_merger.h). Written from
// what the packages do; every loop is quadratic, as theirs are. Tested by
// tests/tiling/compatible_merge_test.cc against the packages' own answers.
//
// Indices are places in the input. All functions return kInvalidArgument for a
// coordinate beyond kMaxCoordinate, a box that ends before it starts, a score
// outside [0, 1] or a threshold that is not finite.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/detection.h"
#include "base/status.h"
#include "tiling/detection_merger.h"

namespace cyto8 {

// --- SAHI ---

struct SahiOptions {
  MergeMethod method = MergeMethod::kGreedyNmm;  // kNms, kNmm or kGreedyNmm.
  MergeMetric metric = MergeMetric::kIos;
  double threshold = 0.5;  // reached, not passed; 0 or less matches all pairs.
  bool class_agnostic = false;
};

struct SahiGroup {
  int64_t kept = 0;
  std::vector<int64_t> members = {};  // in the order of merging.
  friend bool operator==(const SahiGroup&, const SahiGroup&) = default;
};

struct SahiMerge {
  std::vector<Detection> detections = {};  // in SAHI's order.
  std::vector<SahiGroup> groups = {};      // one for each of these.
  // Members that failed the second test, against the box as grown so far: they
  // are in no output box.
  std::vector<int64_t> lost = {};
};

// NMSPostprocess, NMMPostprocess, GreedyNMMPostprocess with the numpy backend.
// The result depends on the order of the input (exact duplicates; NMM: any).
// Negative x_min and y_min become 0; kInvalidArgument for a negative end, as
// SAHI raises ValueError, and for any other method.
StatusOr<SahiMerge> MergeAsSahi(std::vector<Detection> detections,
                                const SahiOptions& options = {});

// --- ensemble-boxes ---

struct ScoredBox {
  Box box;
  double score = 0;
  int class_id = 0;
};

// conf_type; of a cluster of n boxes, from m of all lists.
enum class WbfScore {
  kAverage,      // "avg": the mean, times min(n, lists) / lists.
  kMaximum,      // "max".
  kModels,       // "box_and_model_avg": the mean, times m / lists.
  kAbsentModels  // "absent_model_aware_avg": the mean, times n / (n + lists -
                 // m).
};

struct EnsembleWbfOptions {
  double iou_threshold = 0.55;  // to be passed, as in the next two.
  WbfScore score = WbfScore::kAverage;
  double side_px = 1;  // what the coordinates are divided by on the way in, and
                       // multiplied by on the way out; the package clamps to 1.
};

// weighted_boxes_fusion, all weights 1. Class-aware, sums in float32. Among
// equal scores the package's order depends on the processor; here it is the
// reverse of the order of the input. Boxes without extent are left out.
StatusOr<std::vector<ScoredBox>> FuseAsEnsembleBoxes(
    std::span<const std::vector<Detection>> lists,
    const EnsembleWbfOptions& options = {});

enum class SoftDecay {
  kNone,      // hard suppression.
  kLinear,    // times 1 - IoU, where that is above the threshold.
  kGaussian,  // times exp(-IoU^2 / sigma), always.
};

struct SoftNmsOptions {
  SoftDecay decay = SoftDecay::kLinear;
  double iou_threshold = 0.5;
  double sigma = 0.5;  // above 0.
  double score_threshold = 0.001;
};

struct DecayedScore {
  int64_t index = 0;
  double score = 0;  // as decayed; the package returns the original one.
};

// nms (kNone; equal scores in the reverse of the order of the input, which is
// the package's up to 15 boxes a class) and soft_nms. Class by class, rising.
// kInvalidArgument without a box, where the package raises IndexError.
StatusOr<std::vector<DecayedScore>> SuppressAsEnsembleBoxes(
    std::span<const Detection> detections, double side_px,
    const SoftNmsOptions& options = {});

// --- OpenCV ---

struct OpenCvNmsOptions {
  float score_threshold = 0;  // both to be passed.
  float nms_threshold = 0.5F;
};

// NMSBoxes: the indices kept, by falling score, ties in the order of the input.
// Two boxes without extent match.
StatusOr<std::vector<int64_t>> SuppressAsOpenCv(
    std::span<const Detection> detections,
    const OpenCvNmsOptions& options = {});

// NMSBoxesBatched: class-aware, by moving every class to a place of its own.
StatusOr<std::vector<int64_t>> SuppressPerClassAsOpenCv(
    std::span<const Detection> detections,
    const OpenCvNmsOptions& options = {});

// softNMSBoxes; class-agnostic, in float32. kInvalidArgument for kNone and for
// coordinates that are not whole numbers.
StatusOr<std::vector<DecayedScore>> SoftSuppressAsOpenCv(
    std::span<const Detection> detections, const SoftNmsOptions& options = {});

}  // namespace cyto8
