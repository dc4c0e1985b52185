// SPDX-License-Identifier: Apache-2.0
// Comparisons to text and JSON; see compare_report.h.
#include "app/compare_report.h"

#include <nlohmann/json.hpp>

#include "app/console.h"
#include "app/eval_report.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

std::string Signed(double value) {
  constexpr int kDecimals = 3;
  const std::string text = FormatFixed(value, kDecimals);
  return value > 0 ? "+" + text : text;
}

void AddCells(const ComparedFigure& figure, Row& row) {
  const Interval& interval = figure.difference.interval;
  row.push_back(ShownFigure(figure.first));
  row.push_back(ShownFigure(figure.second));
  if (interval.resamples == 0) {
    row.insert(row.end(), {"-", "-", "-"});
    return;
  }
  row.push_back(Signed(interval.value));
  row.push_back(Signed(interval.low) + " to " + Signed(interval.high));
  row.emplace_back(VerdictName(figure.difference.verdict));
}

Row RowText(const ComparedRow& compared, bool many_levels) {
  Row row = {ShownName(compared.name), std::to_string(compared.truth)};
  AddCells(compared.first_level, row);
  if (many_levels) AddCells(compared.mean, row);
  return row;
}

Row Header(const CompareReport& report) {
  const EvalSettings& settings = report.options.settings;
  Row row = {"", "truth"};
  const auto add = [&](const std::string& name) {
    row.insert(row.end(),
               {"A " + name, "B " + name, "B - A", "95 % interval", "B is"});
  };
  add(LevelName(settings, report.levels[0]));
  if (report.levels.size() > 1) add(MeanName(settings));
  return row;
}

Json FigureJson(const ComparedFigure& figure) {
  const Interval& interval = figure.difference.interval;
  Json json = {{"a", figure.first}, {"b", figure.second}};
  json["resamples"] = interval.resamples;
  if (interval.resamples > 0) {
    json["difference"] = interval.value;
    json["low"] = interval.low;
    json["high"] = interval.high;
    json["share_above_zero"] = figure.difference.share_above_zero;
  }
  json["verdict"] = VerdictName(figure.difference.verdict);
  return json;
}

Json RowsJson(const std::vector<ComparedRow>& rows,
              const CompareReport& report) {
  Json json = Json::array();
  if (rows.empty()) return json;
  const std::string first =
      LevelName(report.options.settings, report.levels[0]);
  for (const ComparedRow& row : rows) {
    json.push_back({{"name", row.name},
                    {"truth", row.truth},
                    {first, FigureJson(row.first_level)},
                    {"AP", FigureJson(row.mean)}});
  }
  return json;
}

std::string DifferencesText(const CompareReport& report) {
  const bool many_levels = report.levels.size() > 1;
  std::vector<Row> rows = {Header(report)};
  for (const ComparedRow& row : report.rows) {
    rows.push_back(RowText(row, many_levels));
  }
  for (const ComparedRow& row : report.groups) {
    rows.push_back(RowText(row, many_levels));
    rows.back()[0] = "group " + rows.back()[0];
  }
  return AlignedTable(rows) + "\n";
}

std::string AgreementText(const CompareReport& report) {
  std::vector<Row> rows = {{"", "truth", "found", "AP50", "95 % interval"}};
  for (const AgreementRow& row : report.agreement) {
    const bool exists = row.interval.resamples > 0;
    rows.push_back({"group " + ShownName(row.name), std::to_string(row.truth),
                    std::to_string(row.found), ShownFigure(row.ap50),
                    exists ? ShownFigure(row.interval.low) + "-" +
                                 ShownFigure(row.interval.high)
                           : "-"});
  }
  return "B against what A finds with score >= " +
         FormatShortest(report.options.agreement_score) + "\n" +
         AlignedTable(rows) + "\n";
}

std::string GateLine(const GateResult& gate) {
  constexpr int kDecimals = 4;
  return "gate: " + gate.figure + " = " +
         (gate.value ? FormatFixed(*gate.value, kDecimals) : "-") +
         ", demanded at " + (gate.is_most ? "most " : "least ") +
         FormatShortest(gate.demanded) + ": " +
         (gate.passed ? "passed" : "failed");
}

Json AgreementJson(const std::vector<AgreementRow>& rows) {
  Json json = Json::array();
  for (const AgreementRow& row : rows) {
    json.push_back({{"name", row.name},
                    {"truth", row.truth},
                    {"detections", row.found},
                    {"AP50", row.ap50},
                    {"AP50_interval",
                     {{"low", row.interval.low},
                      {"high", row.interval.high},
                      {"resamples", row.interval.resamples}}}});
  }
  return json;
}

Json GatesJson(const std::vector<GateResult>& gates) {
  Json json = Json::array();
  for (const GateResult& gate : gates) {
    json.push_back({{"figure", gate.figure},
                    {"value", gate.value ? Json(*gate.value) : Json()},
                    {"demanded", gate.demanded},
                    {"passed", gate.passed}});
  }
  return json;
}

}  // namespace

std::string CompareText(const CompareReport& report) {
  std::string text = "A: " + Printable(report.options.first) +
                     "\nB: " + Printable(report.options.second) + "\n\n";
  if (!report.levels.empty()) text += DifferencesText(report);
  if (!report.agreement.empty()) text += AgreementText(report);
  for (const std::string& line : report.conventions) {
    text += Printable(line) + "\n";
  }
  for (const GateResult& gate : report.gates) {
    text += Printable(GateLine(gate)) + "\n";
  }
  return text + std::string(kResearchNotice) + "\n";
}

std::string CompareJson(const CompareReport& report) {
  const Json json = {{"format", "cyto8-compare"},
                     {"version", 1},
                     {"notice", kResearchNotice},
                     {"truth", report.options.truth},
                     {"a", report.options.first},
                     {"b", report.options.second},
                     {"classes", RowsJson(report.rows, report)},
                     {"groups", RowsJson(report.groups, report)},
                     {"agreement_score", report.options.agreement_score},
                     {"agreement", AgreementJson(report.agreement)},
                     {"gates", GatesJson(report.gates)},
                     {"conventions", report.conventions}};
  return json.dump(/*indent=*/2, /*indent_char=*/' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

}  // namespace cyto8
