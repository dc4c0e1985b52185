// SPDX-License-Identifier: Apache-2.0
// From outcomes to figures: precision-recall curves, average precision in three
// schools, working points, FROC. `level` is an index into Outcomes::levels.
// Pure and thread-safe. Tested by tests/eval/precision_recall_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/outcomes.h"

namespace cyto8 {

// Which area under the curve.
enum class Interpolation {
  kCoco101,   // pycocotools: mean over np.linspace(0, 1, 101).
  kVoc11,     // VOC 2007: mean over np.linspace(0, 1, 11).
  kAllPoint,  // VOC 2010: the whole area under the envelope.
};

inline constexpr int kCocoRecalls = 101;

// np.linspace(0, 1, 101), bit for bit: [35] is 0.35000000000000003.
const std::array<double, kCocoRecalls>& CocoRecallThresholds();

// In [0, 1]; kUndefined without truth, 0 with truth and without detections.
// kCoco101 takes tp / (tp + fp + 2^-52) for the precision, as pycocotools does,
// so a class of one box that is found has 0.9999999999999998.
double AveragePrecision(const ClassOutcomes& outcomes, int level,
                        Interpolation interpolation);

// Share of the truth that any detection found; kUndefined without truth.
double FinalRecall(const ClassOutcomes& outcomes, int level);

// The mean of the defined values (above kUndefined), or kUndefined.
double MeanOfDefined(std::span<const double> values);

// The curve of pycocotools: at each recall threshold the highest precision at
// this recall or a higher one, and the score where the recall is first reached
// (both 0 where it never is). All kUndefined without truth.
struct SampledCurve {
  std::array<double, kCocoRecalls> precisions = {};
  std::array<double, kCocoRecalls> scores = {};
};
SampledCurve SampleCurve(const ClassOutcomes& outcomes, int level);

// After each counted (not ignored) detection. Detections of equal score have a
// point each: cutting at a score means the last of them.
struct CurvePoint {
  double score = 0;
  int64_t true_positives = 0;  // of this and all before.
  int64_t false_positives = 0;
  double recall = 0;     // kUndefined without truth.
  double precision = 0;  // as counted.
  double envelope = 0;   // the highest precision here or further right.
};
std::vector<CurvePoint> PrecisionRecallCurve(const ClassOutcomes& outcomes,
                                             int level);

// Counts over the detections with score >= cut. precision is kUndefined without
// counted detections, recall without truth, f1 = 2 tp / (2 tp + fp + missed)
// without both.
struct WorkingPoint {
  double score_cut = 0;
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t missed = 0;
  double precision = kUndefined;
  double recall = kUndefined;
  double f1 = kUndefined;
};
WorkingPoint PointAtScore(const ClassOutcomes& outcomes, int level,
                          double score_cut);

// The sum over classes (micro average): counts added, ratios taken afterwards.
WorkingPoint PointAtScore(std::span<const ClassOutcomes> classes, int level,
                          double score_cut);

// The cut at the score of a counted detection with the highest F1, on ties the
// highest such score; without counted detections a cut of +infinity.
WorkingPoint BestF1Point(const ClassOutcomes& outcomes, int level);

// Free-response ROC: for each allowed rate of false positives per image the
// cut with the highest recall among the cuts at or below the rate. score_cut is
// +infinity where nothing may be found. image_count >= 1.
struct FrocPoint {
  double allowed_rate = 0;  // false positives per image.
  double rate = 0;          // reached.
  double recall = kUndefined;
  double score_cut = 0;
};
inline constexpr std::array kFrocRates = {0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0};
std::vector<FrocPoint> Froc(const ClassOutcomes& outcomes, int level,
                            int64_t image_count,
                            std::span<const double> allowed_rates = kFrocRates);

}  // namespace cyto8
