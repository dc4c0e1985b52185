// SPDX-License-Identifier: Apache-2.0
// Figures against demands; see compare_gates.h.
#include "app/compare_gates.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/nearest_word.h"

namespace cyto8 {
namespace {

// A demand of 0.3 points is met by 0.827 - 0.824.
constexpr double kRounding = 1e-9;

Status CheckNames(std::string_view flag, std::span<const FigureDemand> demands,
                  std::span<const std::string_view> names) {
  for (const FigureDemand& demand : demands) {
    if (std::ranges::count(names, demand.name) > 0) continue;
    return InvalidArgument(std::string(flag) + ": there is no group \"" +
                           demand.name + "\"" + DidYouMean(demand.name, names));
  }
  return OkStatus();
}

// A group of this name hides the mean.
const ComparedRow& ComparedOf(const CompareReport& report,
                              const std::string& name) {
  const auto row = std::ranges::find(report.groups, name, &ComparedRow::name);
  return row == report.groups.end() ? report.rows.back() : *row;
}

GateResult DropResult(const CompareReport& report, const FigureDemand& demand) {
  constexpr double kPoints = 100;
  const ComparedRow& row = ComparedOf(report, demand.name);
  const bool is_mean = &row == &report.rows.back();
  GateResult gate = {
      .figure = "drop of " +
                LevelName(report.options.settings, report.levels[0]) + ", " +
                (is_mean ? "" : "group ") + row.name + ", in points",
      .demanded = demand.value,
      .is_most = true};
  const ComparedFigure& figure = row.first_level;
  if (figure.first == kUndefined || figure.second == kUndefined) return gate;
  gate.value = (figure.first - figure.second) * kPoints;
  gate.passed = *gate.value <= demand.value + kRounding;
  return gate;
}

GateResult AgreementResult(const CompareReport& report,
                           const FigureDemand& demand) {
  const auto row =
      std::ranges::find(report.agreement, demand.name, &AgreementRow::name);
  GateResult gate = {.figure = "agreement AP50, group " + demand.name,
                     .demanded = demand.value};
  if (row == report.agreement.end() || row->ap50 == kUndefined) return gate;
  gate.value = row->ap50;
  gate.passed = row->ap50 >= demand.value - kRounding;
  return gate;
}

}  // namespace

Status CheckDemands(const CompareCommandOptions& options,
                    std::span<const ClassGroup> groups) {
  std::vector<std::string_view> names;
  for (const ClassGroup& group : groups) names.push_back(group.name);
  CYTO8_RETURN_IF_ERROR(
      CheckNames("--min-agreement", options.min_agreement, names));
  names.emplace_back(kMeanOfClasses);
  return CheckNames("--max-drop", options.max_drop, names);
}

std::vector<GateResult> GateResults(const CompareReport& report) {
  std::vector<GateResult> gates;
  for (const FigureDemand& demand : report.options.max_drop) {
    gates.push_back(DropResult(report, demand));
  }
  for (const FigureDemand& demand : report.options.min_agreement) {
    gates.push_back(AgreementResult(report, demand));
  }
  return gates;
}

}  // namespace cyto8
