// SPDX-License-Identifier: Apache-2.0
// The report for programs; see eval_report.h.
#include <nlohmann/json.hpp>

#include "app/eval_report.h"
#include "base/version.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;

const char* StyleName(EvalStyle style) {
  switch (style) {
    case EvalStyle::kOwn:
      return "default";
    case EvalStyle::kCoco:
      return "coco";
    case EvalStyle::kVoc:
      return "voc";
  }
  return "";
}

Json StatsJson(const std::array<double, 12>& stats) {
  Json json = Json::object();
  for (size_t i = 0; i < stats.size(); ++i) {
    json[std::string(kCocoStatNames[i])] = stats[i];
  }
  return json;
}

Json LevelsJson(const FigureRow& row, const EvalReport& report) {
  Json levels = Json::object();
  for (size_t level = 0; level < row.ap.size(); ++level) {
    levels[LevelName(report.options.settings,
                     report.figures.class_outcomes.levels[level])] =
        row.ap[level];
  }
  return levels;
}

// pycocotools' twelve; else what there is by the same pattern.
Json OverallJson(const EvalReport& report) {
  const FigureRow& mean = report.figures.mean;
  if (mean.stats) return StatsJson(*mean.stats);
  Json json = {{"mAP", mean.mean_ap}};
  json.update(LevelsJson(mean, report));
  return json;
}

Json IntervalJson(const Interval& interval) {
  return {{"low", interval.low},
          {"high", interval.high},
          {"resamples", interval.resamples}};
}

Json BestJson(const WorkingPoint& point) {
  if (point.true_positives == 0) return nullptr;
  return {{"score", point.score_cut},
          {"precision", point.precision},
          {"recall", point.recall},
          {"f1", point.f1}};
}

Json RowJson(const FigureRow& row, const EvalReport& report) {
  Json json = {{"name", row.name}};
  if (row.class_id != kAllClasses) json["id"] = row.class_id;
  json["truth"] = row.truth;
  json["detections"] = row.found;
  json["true_positives"] = row.true_positives;
  json["false_positives"] = row.false_positives;
  json["AP"] = row.mean_ap;
  json["AP_by_level"] = LevelsJson(row, report);
  json["recall"] = row.recall;
  json["best_f1"] = BestJson(row.best_f1);
  if (row.stats) json["stats"] = StatsJson(*row.stats);
  if (row.mean_ap_interval) {
    json["AP_interval"] = IntervalJson(*row.mean_ap_interval);
    json["first_level_AP_interval"] = IntervalJson(*row.first_ap_interval);
  }
  return json;
}

Json RowsJson(const std::vector<FigureRow>& rows, const EvalReport& report) {
  Json json = Json::array();
  for (const FigureRow& row : rows) json.push_back(RowJson(row, report));
  return json;
}

Json CountsJson(const EvalCounts& counts, const LeftOut& left_out) {
  return {{"images", counts.images},
          {"truth", counts.truth},
          {"crowds", counts.crowds},
          {"truth_partly_outside", counts.partly_outside},
          {"truth_without_extent", counts.without_extent},
          {"truth_in_border", left_out.truth_in_border},
          {"detections_read", counts.found_read},
          {"detections", counts.found},
          {"detections_outside", counts.found_outside},
          {"detections_in_border", left_out.found_in_border},
          {"detections_of_unknown_class", left_out.found_of_unknown_class},
          {"images_without_result", counts.missing_images},
          {"images_without_truth", counts.extra_images}};
}

Json GateJson(const EvalReport& report) {
  return {{"figure", LevelName(report.options.settings,
                               report.figures.class_outcomes.levels[0]) +
                         ", mean of classes"},
          {"value", report.figures.mean.ap[0]},
          {"demanded", *report.options.min_map},
          {"passed", GatePassed(report)}};
}

}  // namespace

std::string EvalJson(const EvalReport& report) {
  const EvalFigures& figures = report.figures;
  Json json = {{"format", "cyto8-eval"},
               {"version", 1},
               {"notice", kResearchNotice},
               {"truth", report.options.truth},
               {"predictions", report.options.predictions},
               {"style", StyleName(report.options.settings.style)}};
  json["stats"] = OverallJson(report);
  json["stat_names"] = Json::array();
  for (const auto& [name, value] : json["stats"].items()) {
    json["stat_names"].push_back(name);
  }
  json["mean"] = RowJson(figures.mean, report);
  json["mean"].erase("best_f1");
  json["mean"].erase("stats");
  json["classes"] = RowsJson(figures.classes, report);
  json["groups"] = RowsJson(figures.groups, report);
  json["counts"] = CountsJson(report.counts, figures.class_outcomes.left_out);
  if (report.options.min_map) json["gate"] = GateJson(report);
  json["conventions"] = report.conventions;
  return json.dump(/*indent=*/2, /*indent_char=*/' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

}  // namespace cyto8
