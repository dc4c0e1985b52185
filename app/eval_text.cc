// SPDX-License-Identifier: Apache-2.0
// Tables for people; see eval_report.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/console.h"
#include "app/eval_report.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

using Row = std::vector<std::string>;

constexpr int kFigureDecimals = 3;

struct CocoLine {
  bool is_precision;
  double iou;  // 0: the mean over all.
  const char* area;
  int limit;  // index into max_detections; -1: 100, as summarize() says.
};

constexpr std::array<CocoLine, 12> kCocoLines = {{{true, 0, "all", -1},
                                                  {true, 0.5, "all", 2},
                                                  {true, 0.75, "all", 2},
                                                  {true, 0, "small", 2},
                                                  {true, 0, "medium", 2},
                                                  {true, 0, "large", 2},
                                                  {false, 0, "all", 0},
                                                  {false, 0, "all", 1},
                                                  {false, 0, "all", 2},
                                                  {false, 0, "small", 2},
                                                  {false, 0, "medium", 2},
                                                  {false, 0, "large", 2}}};

std::string LimitText(const CocoLine& line, const EvalSettings& settings) {
  if (line.limit < 0) return "100";
  const int64_t limit =
      settings.max_detections[static_cast<size_t>(line.limit)];
  return limit == kAllDetections ? "all" : std::to_string(limit);
}

std::string CocoText(const CocoLine& line, double value,
                     const EvalSettings& settings) {
  const std::string iou = line.iou == 0 ? std::string("0.50:0.95")
                                        : FormatFixed(line.iou, /*decimals=*/2);
  return fmt::format(
      " {:<18} {} @[ IoU={:<9} | area={:>6} | maxDets={:>3} ] = {}\n",
      line.is_precision ? "Average Precision" : "Average Recall",
      line.is_precision ? "(AP)" : "(AR)", iou, line.area,
      LimitText(line, settings), FormatFixed(value, kFigureDecimals));
}

std::string ShownInterval(const std::optional<Interval>& interval) {
  if (!interval || interval->resamples == 0) return "-";
  return ShownFigure(interval->low) + "-" + ShownFigure(interval->high);
}

std::string LevelHeading(const EvalReport& report, size_t level) {
  return LevelName(report.options.settings,
                   report.figures.class_outcomes.levels[level]);
}

// With many levels the first and the mean tell enough.
constexpr size_t kMaxLevelColumns = 4;

size_t LevelColumns(const EvalReport& report) {
  const size_t levels = report.figures.class_outcomes.levels.size();
  return levels <= kMaxLevelColumns ? levels : 1;
}

Row Header(const EvalReport& report) {
  const bool intervals = report.options.settings.bootstrap.resamples > 0;
  const size_t levels = report.figures.class_outcomes.levels.size();
  Row row = {"", "truth", "found"};
  for (size_t level = 0; level < LevelColumns(report); ++level) {
    row.push_back(LevelHeading(report, level));
    if (intervals && level == 0) row.push_back("95 % interval");
  }
  if (levels > 1) row.push_back(MeanName(report.options.settings));
  if (levels > 1 && intervals) row.push_back("95 % interval");
  for (const char* name : {"recall", "best F1", "at score"}) {
    row.push_back(name);
  }
  return row;
}

Row TableRow(const EvalReport& report, const FigureRow& figures) {
  const bool intervals = report.options.settings.bootstrap.resamples > 0;
  Row row = {ShownName(figures.name), std::to_string(figures.truth),
             std::to_string(figures.found)};
  for (size_t level = 0; level < LevelColumns(report); ++level) {
    row.push_back(ShownFigure(figures.ap[level]));
    if (intervals && level == 0) {
      row.push_back(ShownInterval(figures.first_ap_interval));
    }
  }
  if (figures.ap.size() > 1) {
    row.push_back(ShownFigure(figures.mean_ap));
    if (intervals) row.push_back(ShownInterval(figures.mean_ap_interval));
  }
  row.push_back(ShownFigure(figures.recall));
  row.push_back(ShownFigure(figures.best_f1.f1));
  row.push_back(figures.best_f1.true_positives > 0
                    ? FormatFixed(figures.best_f1.score_cut, kFigureDecimals)
                    : "-");
  return row;
}

}  // namespace

std::string ShownName(const std::string& name) {
  constexpr size_t kMaxName = 28;
  std::string shown = Printable(name);
  if (shown.size() <= kMaxName) return shown;
  size_t end = kMaxName - 2;
  const auto continues = [&](size_t at) {
    return (static_cast<unsigned char>(shown[at]) & 0xC0) == 0x80;
  };
  while (end > 0 && continues(end)) --end;  // no half of a UTF-8 letter.
  return shown.substr(0, end) + "..";
}

std::string ShownFigure(double value) {
  return value == kUndefined ? "-" : FormatFixed(value, kFigureDecimals);
}

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("{:<{}}", row[0], widths[0]);
    for (size_t i = 1; i < row.size(); ++i) {
      text += fmt::format("  {:>{}}", row[i], widths[i]);
    }
    text += "\n";
  }
  return text;
}

std::string CocoLines(const std::array<double, 12>& stats,
                      const EvalSettings& settings) {
  std::string text;
  for (size_t i = 0; i < stats.size(); ++i) {
    text += CocoText(kCocoLines[i], stats[i], settings);
  }
  return text;
}

std::string EvalText(const EvalReport& report) {
  const EvalFigures& figures = report.figures;
  std::vector<Row> rows = {Header(report)};
  for (const FigureRow& row : figures.classes) {
    rows.push_back(TableRow(report, row));
  }
  rows.push_back(TableRow(report, figures.mean));
  for (const FigureRow& row : figures.groups) {
    rows.push_back(TableRow(report, row));
    rows.back()[0] = "group " + rows.back()[0];
  }
  std::string text;
  if (report.options.settings.style == EvalStyle::kCoco) {
    text = CocoLines(*figures.mean.stats, report.options.settings) + "\n";
  }
  text += AlignedTable(rows) + "\n";
  for (const std::string& line : report.conventions) {
    text += Printable(line) + "\n";
  }
  if (report.options.min_map) text += GateText(report) + "\n";
  return text + fmt::format("{}\n", kResearchNotice);
}

std::string GateText(const EvalReport& report) {
  return "gate: " + LevelHeading(report, 0) + ", mean of classes, = " +
         FormatFixed(report.figures.mean.ap[0], kFigureDecimals) +
         ", demanded " + FormatShortest(*report.options.min_map) + ": " +
         (GatePassed(report) ? "passed" : "failed");
}

bool GatePassed(const EvalReport& report) {
  return !report.options.min_map ||
         report.figures.mean.ap[0] >= *report.options.min_map;
}

}  // namespace cyto8
