// SPDX-License-Identifier: Apache-2.0
// Calls the evaluators and gathers; see eval_figures.h.
#include "app/eval_figures.h"

#include <cmath>
#include <limits>
#include <utility>

#include "base/numbers.h"
#include "eval/centre_evaluator.h"
#include "eval/voc_evaluator.h"

namespace cyto8 {
namespace {

CocoOptions OptionsOfCoco(const EvalSettings& settings) {
  return {.max_detections = settings.max_detections,
          .iou_thresholds = settings.iou_thresholds,
          .use_classes = !settings.class_agnostic,
          .id_zero_counts_as_missed = settings.style == EvalStyle::kCoco,
          .ignore_border_px = settings.ignore_border_px};
}

bool UsesCocoRule(const EvalSettings& settings) {
  return settings.match == EvalMatch::kIou && settings.style != EvalStyle::kVoc;
}

FigureRow RowOf(const ClassOutcomes& outcomes, int levels,
                Interpolation interpolation) {
  FigureRow row = {.class_id = outcomes.class_id,
                   .truth = outcomes.truth_count,
                   .found = static_cast<int64_t>(outcomes.scores.size())};
  for (int level = 0; level < levels; ++level) {
    row.ap.push_back(AveragePrecision(outcomes, level, interpolation));
  }
  row.mean_ap = MeanOfDefined(row.ap);
  row.recall = FinalRecall(outcomes, /*level=*/0);
  const WorkingPoint all = PointAtScore(
      outcomes, /*level=*/0, -std::numeric_limits<double>::infinity());
  row.true_positives = all.true_positives;
  row.false_positives = all.false_positives;
  row.best_f1 = BestF1Point(outcomes, /*level=*/0);
  return row;
}

std::vector<FigureRow> RowsOf(const Outcomes& outcomes,
                              const EvalSettings& settings) {
  std::vector<FigureRow> rows;
  for (const ClassOutcomes& entry : outcomes.classes) {
    rows.push_back(RowOf(entry, static_cast<int>(outcomes.levels.size()),
                         settings.interpolation));
  }
  return rows;
}

std::string ClassName(int64_t id, std::span<const EvalClass> classes) {
  for (const EvalClass& entry : classes) {
    if (entry.id == id) return entry.name;
  }
  return "all classes";
}

// Our own style has no quirk: the mean over all detections, whatever their cap.
StatusOr<std::array<double, 12>> Stats(const CocoResult& result,
                                       std::optional<int64_t> class_index,
                                       const EvalSettings& settings) {
  CYTO8_ASSIGN_OR_RETURN(auto stats, CocoStats(result, class_index));
  if (settings.style != EvalStyle::kCoco) {
    stats[0] = MeanAveragePrecision(result, /*iou_threshold=*/{}, class_index);
  }
  return stats;
}

Status AddStats(const CocoResult& result, const EvalSettings& settings,
                EvalFigures& figures) {
  CYTO8_ASSIGN_OR_RETURN(figures.mean.stats,
                         Stats(result, /*class_index=*/std::nullopt, settings));
  for (size_t i = 0; i < figures.classes.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(figures.classes[i].stats,
                           Stats(result, static_cast<int64_t>(i), settings));
  }
  return OkStatus();
}

void AddIntervals(const FigureTable<Interval>& table,
                  std::vector<FigureRow>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].first_ap_interval = table.class_first_level_ap[i];
    rows[i].mean_ap_interval = table.class_ap[i];
  }
}

Status AddBootstrap(const EvalSettings& settings, EvalFigures& figures) {
  if (settings.bootstrap.resamples == 0) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const FigureTable<Interval> classes,
                         Bootstrap(figures.class_outcomes, settings.bootstrap));
  AddIntervals(classes, figures.classes);
  figures.mean.first_ap_interval = classes.first_level_ap;
  figures.mean.mean_ap_interval = classes.ap;
  if (figures.groups.empty()) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const FigureTable<Interval> groups,
                         Bootstrap(figures.group_outcomes, settings.bootstrap));
  AddIntervals(groups, figures.groups);
  return OkStatus();
}

StatusOr<Outcomes> EvaluateByVoc(const TruthSet& truth,
                                 std::span<const FoundBox> found,
                                 const EvalSettings& settings) {
  return EvaluateVoc(truth, found,
                     {.iou_thresholds = settings.iou_thresholds,
                      .plus_one = settings.plus_one,
                      .strict = settings.iou_above,
                      .use_classes = !settings.class_agnostic,
                      .ignore_border_px = settings.ignore_border_px});
}

StatusOr<Outcomes> EvaluateByCentres(const TruthSet& truth,
                                     std::span<const FoundBox> found,
                                     const EvalSettings& settings) {
  return EvaluateCentres(truth, found,
                         {.distances_px = {settings.distance_px},
                          .use_classes = !settings.class_agnostic,
                          .ignore_border_px = settings.ignore_border_px});
}

void AddRows(const TruthSet& truth, const Outcomes& outcomes,
             const EvalSettings& settings, EvalFigures& figures) {
  figures.classes = ClassRows(outcomes, truth.classes, settings);
  figures.mean = MeanRow(figures.classes, outcomes.levels.size());
}

Status AddClasses(const TruthSet& truth, std::span<const FoundBox> found,
                  const EvalSettings& settings, EvalFigures& figures) {
  if (!UsesCocoRule(settings)) {
    CYTO8_ASSIGN_OR_RETURN(figures.class_outcomes,
                           EvaluateClasses(truth, found, settings));
    AddRows(truth, figures.class_outcomes, settings, figures);
    return OkStatus();
  }
  CYTO8_ASSIGN_OR_RETURN(CocoResult result,
                         EvaluateCoco(truth, found, OptionsOfCoco(settings)));
  AddRows(truth, result.outcomes, settings, figures);
  CYTO8_RETURN_IF_ERROR(AddStats(result, settings, figures));
  figures.class_outcomes = std::move(result.outcomes);
  return OkStatus();
}

}  // namespace

std::string LevelName(const EvalSettings& settings, double level) {
  if (settings.match == EvalMatch::kCentre) {
    return "AP@" + FormatShortest(level) + "px";
  }
  constexpr double kRounding = 1e-9;  // 0.55 * 100 is 55.000000000000007.
  const double percent = std::round(level * 100);
  return std::abs(percent - level * 100) < kRounding
             ? "AP" + FormatShortest(percent)
             : "AP@" + FormatShortest(level);
}

std::string MeanName(const EvalSettings& settings) {
  return settings.iou_thresholds == CocoIouThresholds() ? "AP50:95" : "AP mean";
}

StatusOr<Outcomes> EvaluateClasses(const TruthSet& truth,
                                   std::span<const FoundBox> found,
                                   const EvalSettings& settings) {
  if (settings.match == EvalMatch::kCentre) {
    return EvaluateByCentres(truth, found, settings);
  }
  if (settings.style == EvalStyle::kVoc) {
    return EvaluateByVoc(truth, found, settings);
  }
  CocoOptions options = OptionsOfCoco(settings);
  options.max_detections = {settings.max_detections.back()};
  options.area_ranges.resize(1);  // "all".
  CYTO8_ASSIGN_OR_RETURN(CocoResult result,
                         EvaluateCoco(truth, found, options));
  return std::move(result.outcomes);
}

StatusOr<Outcomes> EvaluateGroups(const TruthSet& truth,
                                  std::span<const FoundBox> found,
                                  std::span<const ClassGroup> groups,
                                  const EvalSettings& settings) {
  Outcomes all;
  for (const ClassGroup& group : groups) {
    CYTO8_ASSIGN_OR_RETURN(const std::vector<FoundBox> pooled,
                           FoundOfGroup(found, group));
    CYTO8_ASSIGN_OR_RETURN(
        Outcomes one,
        EvaluateClasses(TruthOfGroup(truth, group), pooled, settings));
    all.levels = std::move(one.levels);
    all.image_ids = std::move(one.image_ids);
    one.classes[0].class_id = static_cast<int64_t>(all.classes.size());
    all.classes.push_back(std::move(one.classes[0]));
  }
  return all;
}

FigureRow MeanRow(const std::vector<FigureRow>& rows, size_t levels) {
  FigureRow mean = {.name = "mean of classes"};
  std::vector<double> recalls;
  std::vector<double> means;
  for (const FigureRow& row : rows) {
    mean.truth += row.truth;
    mean.found += row.found;
    mean.true_positives += row.true_positives;
    mean.false_positives += row.false_positives;
    recalls.push_back(row.recall);
    means.push_back(row.mean_ap);
  }
  for (size_t level = 0; level < levels; ++level) {
    std::vector<double> values;
    values.reserve(rows.size());
    for (const FigureRow& row : rows) values.push_back(row.ap[level]);
    mean.ap.push_back(MeanOfDefined(values));
  }
  mean.recall = MeanOfDefined(recalls);
  mean.mean_ap = MeanOfDefined(means);
  return mean;
}

std::vector<FigureRow> ClassRows(const Outcomes& outcomes,
                                 std::span<const EvalClass> classes,
                                 const EvalSettings& settings) {
  std::vector<FigureRow> rows = RowsOf(outcomes, settings);
  for (FigureRow& row : rows) row.name = ClassName(row.class_id, classes);
  return rows;
}

std::vector<FigureRow> GroupRows(const Outcomes& outcomes,
                                 std::span<const ClassGroup> groups,
                                 const EvalSettings& settings) {
  std::vector<FigureRow> rows = RowsOf(outcomes, settings);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].name = groups[i].name;
    rows[i].class_id = kAllClasses;
  }
  return rows;
}

StatusOr<EvalFigures> Evaluate(const TruthSet& truth,
                               std::span<const FoundBox> found,
                               std::span<const ClassGroup> groups,
                               const EvalSettings& settings) {
  EvalFigures figures;
  CYTO8_RETURN_IF_ERROR(AddClasses(truth, found, settings, figures));
  CYTO8_ASSIGN_OR_RETURN(figures.group_outcomes,
                         EvaluateGroups(truth, found, groups, settings));
  figures.groups = GroupRows(figures.group_outcomes, groups, settings);
  CYTO8_RETURN_IF_ERROR(AddBootstrap(settings, figures));
  return figures;
}

}  // namespace cyto8
