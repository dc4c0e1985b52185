// SPDX-License-Identifier: Apache-2.0
// Both results through the same evaluation; see compare_command.h.
#include "app/compare_command.h"

#include <algorithm>
#include <utility>

#include "app/class_groups.h"
#include "app/compare_agreement.h"
#include "app/compare_gates.h"
#include "app/compare_report.h"
#include "app/console.h"
#include "app/eval_command.h"
#include "app/eval_figures.h"
#include "app/eval_input.h"
#include "app/eval_report.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

// Truth and both results, on the images that all of them have. Without a truth
// file the truth has the images and classes of A, and no boxes.
struct Inputs {
  TruthFile truth = {};
  Predictions first = {};
  Predictions second = {};
};

StatusOr<Inputs> ReadInputs(FileSystem& files,
                            const CompareCommandOptions& options) {
  const EvalSettings& settings = options.settings;
  Inputs inputs;
  CYTO8_ASSIGN_OR_RETURN(
      inputs.truth,
      options.truth.empty()
          ? ReadImagesOfRun(files, options.first, options.limits)
          : ReadTruth(files, options.truth, settings.style, options.limits));
  TruthSet& truth = inputs.truth.truth;
  const auto read = [&](const std::string& path) {
    return ReadPredictions(files, path, truth, settings, options.limits);
  };
  CYTO8_ASSIGN_OR_RETURN(inputs.first, read(options.first));
  CYTO8_ASSIGN_OR_RETURN(inputs.second, read(options.second));
  for (Predictions* from : {&inputs.first, &inputs.second}) {
    const std::vector<int64_t>& missing = from->missing_image_ids;
    LeaveOutImages(missing, truth);
    LeaveOutImages(missing, inputs.first.found);
    LeaveOutImages(missing, inputs.second.found);
  }
  return inputs;
}

struct Table {
  std::vector<FigureRow> first = {};
  std::vector<FigureRow> second = {};
  FigureTable<Difference> differences = {};
};

ComparedRow RowOf(const FigureRow& first, const FigureRow& second,
                  const Difference& first_level, const Difference& mean) {
  return {.name = first.name,
          .truth = first.truth,
          .first_level = {.first = first.ap[0],
                          .second = second.ap[0],
                          .difference = first_level},
          .mean = {.first = first.mean_ap,
                   .second = second.mean_ap,
                   .difference = mean}};
}

std::vector<ComparedRow> RowsOf(const Table& table) {
  std::vector<ComparedRow> rows;
  for (size_t i = 0; i < table.first.size(); ++i) {
    rows.push_back(RowOf(table.first[i], table.second[i],
                         table.differences.class_first_level_ap[i],
                         table.differences.class_ap[i]));
  }
  return rows;
}

// Returns what of A took no part.
StatusOr<LeftOut> CompareClasses(const Inputs& inputs, CompareReport& report) {
  if (report.options.truth.empty()) return LeftOut();
  const EvalSettings& settings = report.options.settings;
  const TruthSet& truth = inputs.truth.truth;
  CYTO8_ASSIGN_OR_RETURN(const Outcomes first,
                         EvaluateClasses(truth, inputs.first.found, settings));
  CYTO8_ASSIGN_OR_RETURN(const Outcomes second,
                         EvaluateClasses(truth, inputs.second.found, settings));
  Table table = {.first = ClassRows(first, truth.classes, settings),
                 .second = ClassRows(second, truth.classes, settings)};
  CYTO8_ASSIGN_OR_RETURN(
      table.differences,
      BootstrapDifference(first, second, settings.bootstrap));
  report.levels = first.levels;
  report.rows = RowsOf(table);
  report.rows.push_back(RowOf(MeanRow(table.first, first.levels.size()),
                              MeanRow(table.second, first.levels.size()),
                              table.differences.first_level_ap,
                              table.differences.ap));
  return first.left_out;
}

Status CompareGroups(const Inputs& inputs, std::span<const ClassGroup> groups,
                     CompareReport& report) {
  if (groups.empty() || report.options.truth.empty()) return OkStatus();
  const EvalSettings& settings = report.options.settings;
  const auto evaluate = [&](const Predictions& predictions) {
    return EvaluateGroups(inputs.truth.truth, predictions.found, groups,
                          settings);
  };
  CYTO8_ASSIGN_OR_RETURN(const Outcomes first, evaluate(inputs.first));
  CYTO8_ASSIGN_OR_RETURN(const Outcomes second, evaluate(inputs.second));
  Table table = {.first = GroupRows(first, groups, settings),
                 .second = GroupRows(second, groups, settings)};
  CYTO8_ASSIGN_OR_RETURN(
      table.differences,
      BootstrapDifference(first, second, settings.bootstrap));
  report.groups = RowsOf(table);
  return OkStatus();
}

std::vector<std::string> ConventionsOf(const Inputs& inputs,
                                       const LeftOut& left_out,
                                       std::span<const ClassGroup> groups,
                                       const CompareCommandOptions& options) {
  const TruthSet& truth = inputs.truth.truth;
  const EvalCounts counts = {
      .images = std::ssize(truth.images),
      .truth = std::ssize(truth.boxes),
      .crowds = std::ranges::count(truth.boxes, true, &TruthBox::is_crowd),
      .found_read = inputs.first.read + inputs.second.read,
      .found =
          std::ssize(inputs.first.found) + std::ssize(inputs.second.found)};
  std::string joined_by = "A: " + inputs.first.joined_by;
  joined_by += "; B: " + inputs.second.joined_by;
  std::vector<std::string> lines =
      Conventions(options.truth.empty() ? AgreementSettings(options.settings)
                                        : options.settings,
                  counts, left_out, joined_by, groups, truth.classes);
  if (!groups.empty()) {
    lines.push_back(AgreementConvention(inputs.first.found, inputs.second.found,
                                        options.agreement_score));
  }
  return lines;
}

StatusOr<CompareReport> Compare(const Inputs& inputs,
                                const CompareCommandOptions& options) {
  const TruthSet& truth = inputs.truth.truth;
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ClassGroup> groups,
                         ClassGroups(options.settings.groups,
                                     inputs.first.card_groups, truth.classes));
  CYTO8_RETURN_IF_ERROR(CheckDemands(options, groups));
  CompareReport report = {.options = options};
  CYTO8_ASSIGN_OR_RETURN(const LeftOut left_out,
                         CompareClasses(inputs, report));
  CYTO8_RETURN_IF_ERROR(CompareGroups(inputs, groups, report));
  CYTO8_ASSIGN_OR_RETURN(
      report.agreement, MeasureAgreement(truth.images, inputs.first.found,
                                         inputs.second.found, groups, options));
  report.gates = GateResults(report);
  report.conventions = ConventionsOf(inputs, left_out, groups, options);
  return report;
}

Status WriteReport(FileSystem& files, const CompareReport& report) {
  if (!report.options.json.empty()) {
    CYTO8_RETURN_IF_ERROR(
        WriteFileAtomically(files, report.options.json, CompareJson(report)));
  }
  return PrintData(CompareText(report));
}

ExitCode Fail(ExitCode code, const Status& status) {
  PrintMessage(status.message());
  return code;
}

}  // namespace

ExitCode RunCompare(FileSystem& files, const CompareCommandOptions& options) {
  std::vector<std::string> sources = {options.first, options.second};
  if (!options.truth.empty()) sources.push_back(options.truth);
  const Status target = CheckReportFile(files, options.json, sources);
  if (!target.ok()) return Fail(ExitCodeOf(target), target);
  const StatusOr<Inputs> inputs = ReadInputs(files, options);
  if (!inputs.ok()) {
    return Fail(ExitCodeOfInput(inputs.status()), inputs.status());
  }
  const StatusOr<CompareReport> report = Compare(*inputs, options);
  if (!report.ok()) return Fail(ExitCodeOf(report.status()), report.status());
  const Status written = WriteReport(files, *report);
  if (!written.ok()) return Fail(ExitCodeOf(written), written);
  return std::ranges::all_of(report->gates, &GateResult::passed)
             ? ExitCode::kWhole
             : ExitCode::kGateFailed;
}

}  // namespace cyto8
