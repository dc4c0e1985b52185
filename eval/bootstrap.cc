// SPDX-License-Identifier: Apache-2.0
// A block of resamples is done at once: an image has a row of weights, one for
// each resample of the block, so that a false positive, the usual case, is one
// addition of short vectors. See bootstrap.h.
#include "eval/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/checked_math.h"
#include "eval/precision_recall.h"
#include "eval/recall_sampler.h"

namespace cyto8 {
namespace {

constexpr size_t kLanes = 16;
// Keeps the sum of the weights of one class far from 2^32.
constexpr int64_t kMaxFound = 100'000'000;
// Of one figure in one resample each: 0.8 GB.
constexpr int64_t kMaxSamples = 100'000'000;

using Lanes = std::array<uint32_t, kLanes>;

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  Random(uint64_t seed, uint64_t stream) : state_(seed) {
    state_ = Next() + stream;
    state_ = Next();
  }

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // In [0, count), each equally likely.
  uint64_t Below(uint64_t count) {
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    const uint64_t fair = kMost - kMost % count;  // a multiple of count.
    uint64_t drawn = Next();
    while (drawn >= fair) drawn = Next();
    return drawn % count;
  }

 private:
  uint64_t state_;
};

// The figures of FigureTable in a row: ap, first_level_ap, then both of each
// class.
constexpr size_t kOverallFigures = 2;

size_t FigureCount(const Outcomes& outcomes) {
  return kOverallFigures + 2 * outcomes.classes.size();
}

template <typename Figure>
FigureTable<Figure> MakeTable(std::vector<Figure> figures) {
  FigureTable<Figure> table = {.ap = std::move(figures[0]),
                               .first_level_ap = std::move(figures[1])};
  for (size_t i = kOverallFigures; i < figures.size(); i += 2) {
    table.class_ap.push_back(std::move(figures[i]));
    table.class_first_level_ap.push_back(std::move(figures[i + 1]));
  }
  return table;
}

// From the average precisions of one resample, class by class and level by
// level, to its figures.
std::vector<double> Summarise(const std::vector<double>& class_level_ap,
                              size_t levels) {
  std::vector<double> figures(kOverallFigures);
  std::vector<double> first_levels;
  for (size_t i = 0; i < class_level_ap.size(); i += levels) {
    const auto of_class = std::span(class_level_ap).subspan(i, levels);
    figures.push_back(MeanOfDefined(of_class));
    figures.push_back(of_class[0]);
    first_levels.push_back(of_class[0]);
  }
  figures[0] = MeanOfDefined(class_level_ap);
  figures[1] = MeanOfDefined(first_levels);
  return figures;
}

// The images as they are.
std::vector<double> PlainFigures(const Outcomes& outcomes) {
  std::vector<double> values;
  for (const ClassOutcomes& of_class : outcomes.classes) {
    for (size_t level = 0; level < outcomes.levels.size(); ++level) {
      values.push_back(AveragePrecision(of_class, static_cast<int>(level),
                                        Interpolation::kCoco101));
    }
  }
  return Summarise(values, outcomes.levels.size());
}

// One block of resamples.
class Block {
 public:
  Block(const Outcomes& outcomes, uint64_t seed, int64_t first_resample)
      : outcomes_(outcomes),
        weights_(outcomes.image_ids.size()),
        samplers_(kLanes, RecallSampler(CocoRecallThresholds(), kEpsilon)) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      Random random(seed, static_cast<uint64_t>(first_resample) + lane);
      for (size_t i = 0; i < weights_.size(); ++i) {
        ++weights_[random.Below(weights_.size())][lane];
      }
    }
  }

  // The figures of each lane.
  std::array<std::vector<double>, kLanes> Figures() {
    std::array<std::vector<double>, kLanes> values;
    for (const ClassOutcomes& of_class : outcomes_.classes) {
      const Lanes truth_counts = TruthCounts(of_class);
      for (size_t level = 0; level < outcomes_.levels.size(); ++level) {
        Walk(of_class, level, truth_counts);
        for (size_t lane = 0; lane < kLanes; ++lane) {
          values[lane].push_back(truth_counts[lane] == 0
                                     ? kUndefined
                                     : samplers_[lane].MeanEnvelope());
        }
      }
    }
    for (std::vector<double>& of_lane : values) {
      of_lane = Summarise(of_lane, outcomes_.levels.size());
    }
    return values;
  }

 private:
  static constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

  Lanes TruthCounts(const ClassOutcomes& of_class) const {
    Lanes counts = {};
    for (const ImageTruths& truths : of_class.truths) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        counts[lane] +=
            static_cast<uint32_t>(truths.count) * weights_[truths.image][lane];
      }
    }
    return counts;
  }

  // Leaves the curve of each lane in its sampler.
  void Walk(const ClassOutcomes& of_class, size_t level,
            const Lanes& truth_counts) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      samplers_[lane].Reset(std::max(truth_counts[lane], 1U));
    }
    Lanes true_positives = {};
    Lanes false_positives = {};
    const uint64_t bit = uint64_t{1} << level;
    for (size_t i = 0; i < of_class.images.size(); ++i) {
      if ((of_class.ignored[i] & bit) != 0) continue;
      const Lanes& weights = weights_[of_class.images[i]];
      const bool is_true = (of_class.true_positives[i] & bit) != 0;
      Lanes& counts = is_true ? true_positives : false_positives;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        counts[lane] += weights[lane];
      }
      if (!is_true) continue;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        if (weights[lane] == 0) continue;  // nothing new to say.
        samplers_[lane].Add(true_positives[lane], false_positives[lane]);
      }
    }
  }

  const Outcomes& outcomes_;
  std::vector<Lanes> weights_;  // by rank of the image.
  std::vector<RecallSampler> samplers_;
};

// For each figure its value in each resample.
std::vector<std::vector<double>> Resample(const Outcomes& outcomes,
                                          const BootstrapOptions& options) {
  std::vector<std::vector<double>> samples(FigureCount(outcomes));
  constexpr auto kStep = static_cast<int64_t>(kLanes);
  for (int64_t first = 0; first < options.resamples; first += kStep) {
    const auto block = Block(outcomes, options.seed, first).Figures();
    const int64_t wanted = std::min(kStep, options.resamples - first);
    for (int64_t lane = 0; lane < wanted; ++lane) {
      for (size_t i = 0; i < samples.size(); ++i) {
        samples[i].push_back(block[lane][i]);
      }
    }
  }
  return samples;
}

// numpy.percentile(sorted, 100 * share), linear.
double Percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = at - std::floor(at);
  return sorted[below] + (sorted[above] - sorted[below]) * part;
}

Interval MakeInterval(double value, std::vector<double> defined,
                      double confidence) {
  if (defined.empty()) return {};
  std::ranges::sort(defined);
  return {.value = value,
          .low = Percentile(defined, (1 - confidence) / 2),
          .high = Percentile(defined, (1 + confidence) / 2),
          .resamples = std::ssize(defined)};
}

Interval IntervalOf(double value, std::vector<double> samples,
                    double confidence) {
  if (value <= kUndefined) return {};
  std::erase_if(samples, [](double sample) { return sample <= kUndefined; });
  return MakeInterval(value, std::move(samples), confidence);
}

struct Pair {
  double first = 0;
  double second = 0;
  bool IsDefined() const { return first > kUndefined && second > kUndefined; }
};

Difference DifferenceOf(const Pair& values, const std::vector<Pair>& samples,
                        double confidence) {
  if (!values.IsDefined()) return {};
  std::vector<double> differences;
  for (const Pair& pair : samples) {
    if (pair.IsDefined()) differences.push_back(pair.second - pair.first);
  }
  if (differences.empty()) return {};
  const auto above =
      std::ranges::count_if(differences, [](double d) { return d > 0; });
  Difference result = {.share_above_zero =
                           static_cast<double>(above) /
                           static_cast<double>(differences.size())};
  result.interval = MakeInterval(values.second - values.first,
                                 std::move(differences), confidence);
  if (result.interval.low > 0) result.verdict = Verdict::kBetter;
  if (result.interval.high < 0) result.verdict = Verdict::kWorse;
  return result;
}

Status CheckInput(const Outcomes& outcomes, const BootstrapOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("resamples", options.resamples, 1, kMaxResamples));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("confidence", options.confidence, 0.001, 0.999));
  constexpr int64_t kMostImages = std::numeric_limits<int32_t>::max();
  CYTO8_RETURN_IF_ERROR(
      CheckRange("images", std::ssize(outcomes.image_ids), 1, kMostImages));
  for (const ClassOutcomes& of_class : outcomes.classes) {
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "detections of a class", std::ssize(of_class.scores), 0, kMaxFound));
  }
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t samples,
      CheckedMul(options.resamples,
                 static_cast<int64_t>(FigureCount(outcomes))));
  return CheckRange("resamples times figures", samples, 1, kMaxSamples);
}

bool HasSameTruth(const ClassOutcomes& a, const ClassOutcomes& b) {
  return a.class_id == b.class_id &&
         std::ranges::equal(a.truths, b.truths,
                            [](const ImageTruths& x, const ImageTruths& y) {
                              return x.image == y.image && x.count == y.count;
                            });
}

Status CheckComparable(const Outcomes& a, const Outcomes& b) {
  const std::string_view differing =
      a.image_ids != b.image_ids ? "images"
      : a.levels != b.levels     ? "levels"
      : !std::ranges::equal(a.classes, b.classes, HasSameTruth)
          ? "classes or truth"
          : "";
  if (differing.empty()) return OkStatus();
  return InvalidArgument("the two results to be compared have not the same " +
                         std::string(differing));
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "same";
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
  }
  return "";
}

StatusOr<FigureTable<Interval>> Bootstrap(const Outcomes& outcomes,
                                          const BootstrapOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckInput(outcomes, options));
  const std::vector<double> values = PlainFigures(outcomes);
  std::vector<std::vector<double>> samples = Resample(outcomes, options);
  std::vector<Interval> intervals;
  for (size_t i = 0; i < values.size(); ++i) {
    intervals.push_back(
        IntervalOf(values[i], std::move(samples[i]), options.confidence));
  }
  return MakeTable(std::move(intervals));
}

StatusOr<FigureTable<Difference>> BootstrapDifference(
    const Outcomes& first, const Outcomes& second,
    const BootstrapOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckInput(first, options));
  CYTO8_RETURN_IF_ERROR(CheckInput(second, options));
  CYTO8_RETURN_IF_ERROR(CheckComparable(first, second));
  const std::vector<double> first_values = PlainFigures(first);
  const std::vector<double> second_values = PlainFigures(second);
  const auto first_samples = Resample(first, options);
  const auto second_samples = Resample(second, options);
  std::vector<Difference> differences;
  for (size_t i = 0; i < first_values.size(); ++i) {
    std::vector<Pair> pairs;
    for (size_t j = 0; j < first_samples[i].size(); ++j) {
      pairs.push_back(
          {.first = first_samples[i][j], .second = second_samples[i][j]});
    }
    differences.push_back(
        DifferenceOf({.first = first_values[i], .second = second_values[i]},
                     pairs, options.confidence));
  }
  return MakeTable(std::move(differences));
}

}  // namespace cyto8
