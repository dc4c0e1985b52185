// SPDX-License-Identifier: Apache-2.0
// See precision_recall.h.
#include "eval/precision_recall.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "eval/recall_sampler.h"

namespace cyto8 {
namespace {

constexpr double kCocoEpsilon = std::numeric_limits<double>::epsilon();

// np.linspace(0, 1, N): multiples of the rounded step. For the two N below the
// last one is 1.
template <size_t N>
constexpr std::array<double, N> Linspace01() {
  std::array<double, N> values = {};
  const double step = 1.0 / (N - 1);
  for (size_t i = 0; i < N; ++i) values[i] = static_cast<double>(i) * step;
  return values;
}

constexpr auto kCoco101Recalls = Linspace01<kCocoRecalls>();
constexpr auto kVoc11Recalls = Linspace01<11>();

enum class Outcome { kTruePositive, kFalsePositive, kIgnored };

Outcome OutcomeAt(const ClassOutcomes& outcomes, int level, size_t i) {
  if ((outcomes.true_positives[i] >> level & 1) != 0) {
    return Outcome::kTruePositive;
  }
  return (outcomes.ignored[i] >> level & 1) != 0 ? Outcome::kIgnored
                                                 : Outcome::kFalsePositive;
}

struct Counts {
  int64_t true_positives = 0;
  int64_t false_positives = 0;

  void Add(Outcome outcome) {
    true_positives += outcome == Outcome::kTruePositive ? 1 : 0;
    false_positives += outcome == Outcome::kFalsePositive ? 1 : 0;
  }
  int64_t found() const { return true_positives + false_positives; }
};

double Ratio(int64_t part, int64_t whole) {
  return whole == 0 ? kUndefined
                    : static_cast<double>(part) / static_cast<double>(whole);
}

// Calls visit(i, counts so far) for every true positive.
template <typename Visit>
void ForEachTruePositive(const ClassOutcomes& outcomes, int level,
                         const Visit& visit) {
  Counts counts;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    const Outcome outcome = OutcomeAt(outcomes, level, i);
    counts.Add(outcome);
    if (outcome == Outcome::kTruePositive) visit(i, counts);
  }
}

double SampledAverage(const ClassOutcomes& outcomes, int level,
                      std::span<const double> recalls, double epsilon) {
  RecallSampler sampler(recalls, epsilon);
  sampler.Reset(outcomes.truth_count);
  ForEachTruePositive(outcomes, level, [&](size_t, const Counts& counts) {
    sampler.Add(counts.true_positives, counts.false_positives);
  });
  return sampler.MeanEnvelope();
}

double WholeArea(const ClassOutcomes& outcomes, int level) {
  std::vector<double> precisions;  // at each true positive.
  ForEachTruePositive(outcomes, level, [&](size_t, const Counts& counts) {
    precisions.push_back(Ratio(counts.true_positives, counts.found()));
  });
  double envelope = 0;
  double sum = 0;
  for (size_t i = precisions.size(); i-- > 0;) {
    envelope = std::max(envelope, precisions[i]);
    sum += envelope;
  }
  return sum / static_cast<double>(outcomes.truth_count);
}

WorkingPoint MakePoint(double score_cut, const Counts& counts, int64_t truth) {
  const int64_t missed = truth - counts.true_positives;
  return {
      .score_cut = score_cut,
      .true_positives = counts.true_positives,
      .false_positives = counts.false_positives,
      .missed = missed,
      .precision = Ratio(counts.true_positives, counts.found()),
      .recall = Ratio(counts.true_positives, truth),
      .f1 = Ratio(2 * counts.true_positives,
                  2 * counts.true_positives + counts.false_positives + missed)};
}

Counts CountsAtScore(const ClassOutcomes& outcomes, int level,
                     double score_cut) {
  Counts counts;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    if (outcomes.scores[i] < score_cut) break;
    counts.Add(OutcomeAt(outcomes, level, i));
  }
  return counts;
}

// Calls visit(score, counts) for each cut that makes a difference: the scores
// of counted detections, falling.
template <typename Visit>
void ForEachCut(const ClassOutcomes& outcomes, int level, const Visit& visit) {
  Counts counts;
  int64_t visited = 0;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    counts.Add(OutcomeAt(outcomes, level, i));
    const bool ends = i + 1 == outcomes.scores.size() ||
                      outcomes.scores[i + 1] != outcomes.scores[i];
    if (!ends || counts.found() == visited) continue;
    visited = counts.found();
    visit(outcomes.scores[i], counts);
  }
}

constexpr double kNoCut = std::numeric_limits<double>::infinity();

}  // namespace

const std::array<double, kCocoRecalls>& CocoRecallThresholds() {
  return kCoco101Recalls;
}

double AveragePrecision(const ClassOutcomes& outcomes, int level,
                        Interpolation interpolation) {
  if (outcomes.truth_count == 0) return kUndefined;
  switch (interpolation) {
    case Interpolation::kCoco101:
      return SampledAverage(outcomes, level, kCoco101Recalls, kCocoEpsilon);
    case Interpolation::kVoc11:
      return SampledAverage(outcomes, level, kVoc11Recalls, /*epsilon=*/0);
    case Interpolation::kAllPoint:
      return WholeArea(outcomes, level);
  }
  return kUndefined;
}

double FinalRecall(const ClassOutcomes& outcomes, int level) {
  Counts counts;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    counts.Add(OutcomeAt(outcomes, level, i));
  }
  return Ratio(counts.true_positives, outcomes.truth_count);
}

double MeanOfDefined(std::span<const double> values) {
  double sum = 0;
  int64_t count = 0;
  for (const double value : values) {
    if (value <= kUndefined) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? kUndefined : sum / static_cast<double>(count);
}

SampledCurve SampleCurve(const ClassOutcomes& outcomes, int level) {
  SampledCurve curve;
  if (outcomes.truth_count == 0) {
    curve.precisions.fill(kUndefined);
    curve.scores.fill(kUndefined);
    return curve;
  }
  RecallSampler sampler(kCoco101Recalls, kCocoEpsilon);
  sampler.Reset(outcomes.truth_count);
  // Recall 0 is reached by the very first detection, whatever it is.
  if (!outcomes.scores.empty()) curve.scores[0] = outcomes.scores[0];
  ForEachTruePositive(outcomes, level, [&](size_t i, const Counts& counts) {
    const size_t before = sampler.Reached();
    sampler.Add(counts.true_positives, counts.false_positives);
    for (size_t recall = before; recall < sampler.Reached(); ++recall) {
      curve.scores[recall] = outcomes.scores[i];
    }
  });
  std::ranges::copy(sampler.Envelope(), curve.precisions.begin());
  return curve;
}

std::vector<CurvePoint> PrecisionRecallCurve(const ClassOutcomes& outcomes,
                                             int level) {
  std::vector<CurvePoint> points;
  Counts counts;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    const Outcome outcome = OutcomeAt(outcomes, level, i);
    if (outcome == Outcome::kIgnored) continue;
    counts.Add(outcome);
    points.push_back(
        {.score = outcomes.scores[i],
         .true_positives = counts.true_positives,
         .false_positives = counts.false_positives,
         .recall = Ratio(counts.true_positives, outcomes.truth_count),
         .precision = Ratio(counts.true_positives, counts.found())});
  }
  double envelope = 0;
  for (size_t i = points.size(); i-- > 0;) {
    envelope = std::max(envelope, points[i].precision);
    points[i].envelope = envelope;
  }
  return points;
}

WorkingPoint PointAtScore(const ClassOutcomes& outcomes, int level,
                          double score_cut) {
  return PointAtScore(std::span(&outcomes, 1), level, score_cut);
}

WorkingPoint PointAtScore(std::span<const ClassOutcomes> classes, int level,
                          double score_cut) {
  Counts sum;
  int64_t truth_count = 0;
  for (const ClassOutcomes& outcomes : classes) {
    const Counts counts = CountsAtScore(outcomes, level, score_cut);
    sum.true_positives += counts.true_positives;
    sum.false_positives += counts.false_positives;
    truth_count += outcomes.truth_count;
  }
  return MakePoint(score_cut, sum, truth_count);
}

WorkingPoint BestF1Point(const ClassOutcomes& outcomes, int level) {
  WorkingPoint best = MakePoint(kNoCut, {}, outcomes.truth_count);
  bool any = false;
  ForEachCut(outcomes, level, [&](double score, const Counts& counts) {
    const WorkingPoint point = MakePoint(score, counts, outcomes.truth_count);
    if (any && point.f1 <= best.f1) return;
    any = true;
    best = point;
  });
  return best;
}

std::vector<FrocPoint> Froc(const ClassOutcomes& outcomes, int level,
                            int64_t image_count,
                            std::span<const double> allowed_rates) {
  const auto images = static_cast<double>(image_count);
  std::vector<FrocPoint> points;
  for (const double rate : allowed_rates) {
    points.push_back({.allowed_rate = rate,
                      .recall = Ratio(0, outcomes.truth_count),
                      .score_cut = kNoCut});
  }
  ForEachCut(outcomes, level, [&](double score, const Counts& counts) {
    const double rate = static_cast<double>(counts.false_positives) / images;
    const double recall = Ratio(counts.true_positives, outcomes.truth_count);
    for (FrocPoint& point : points) {
      if (rate > point.allowed_rate || recall <= point.recall) continue;
      point.rate = rate;
      point.recall = recall;
      point.score_cut = score;
    }
  });
  return points;
}

}  // namespace cyto8
