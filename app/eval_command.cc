// SPDX-License-Identifier: Apache-2.0
// Reads, evaluates, writes; see eval_command.h.
#include "app/eval_command.h"

#include <algorithm>
#include <utility>

#include "app/class_groups.h"
#include "app/console.h"
#include "app/eval_figures.h"
#include "app/eval_input.h"
#include "app/eval_report.h"
#include "app/pr_curve_text.h"
#include "app/real_path.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

// Style kCoco knows no groups of its own; those of flags it takes.
StatusOr<std::vector<ClassGroup>> GroupsOf(const EvalSettings& settings,
                                           const Predictions& predictions,
                                           const TruthSet& truth) {
  if (settings.style == EvalStyle::kCoco && settings.groups.empty()) {
    return std::vector<ClassGroup>();
  }
  return ClassGroups(settings.groups, predictions.card_groups, truth.classes);
}

EvalCounts CountsOf(const TruthFile& file, const Predictions& predictions) {
  return {
      .images = std::ssize(file.truth.images),
      .truth = std::ssize(file.truth.boxes),
      .crowds = std::ranges::count(file.truth.boxes, true, &TruthBox::is_crowd),
      .partly_outside = file.partly_outside,
      .without_extent = file.without_extent,
      .found_read = predictions.read,
      .found = std::ssize(predictions.found),
      .found_outside = predictions.outside,
      .missing_images = std::ssize(predictions.missing_image_ids),
      .extra_images = predictions.extra_images};
}

StatusOr<EvalReport> MakeReport(const TruthFile& file,
                                const Predictions& predictions,
                                const EvalCommandOptions& options) {
  const TruthSet& truth = file.truth;
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ClassGroup> groups,
                         GroupsOf(options.settings, predictions, truth));
  EvalReport report = {.options = options,
                       .counts = CountsOf(file, predictions)};
  CYTO8_ASSIGN_OR_RETURN(report.figures, Evaluate(truth, predictions.found,
                                                  groups, options.settings));
  report.conventions = Conventions(
      options.settings, report.counts, report.figures.class_outcomes.left_out,
      predictions.joined_by, groups, truth.classes);
  return report;
}

Status WriteCurves(FileSystem& files, const std::string& stem,
                   const CurveTitle& title, const ClassOutcomes& outcomes) {
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(
      files, stem + ".svg", PrCurveSvg(title, outcomes, /*level=*/0)));
  return WriteFileAtomically(files, stem + ".csv",
                             PrCurveCsv(outcomes, /*level=*/0));
}

Status WriteAllCurves(FileSystem& files, const EvalReport& report) {
  const std::string& folder = report.options.curves;
  const EvalFigures& figures = report.figures;
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, folder));
  const auto write = [&](const char* kind, int64_t number, const FigureRow& row,
                         const ClassOutcomes& outcomes) {
    return WriteCurves(files,
                       folder + "/" + PrCurveFileStem(kind, number, row.name),
                       {.name = row.name,
                        .level = LevelName(report.options.settings,
                                           figures.class_outcomes.levels[0]),
                        .average_precision = row.ap[0]},
                       outcomes);
  };
  for (size_t i = 0; i < figures.classes.size(); ++i) {
    const FigureRow& row = figures.classes[i];
    CYTO8_RETURN_IF_ERROR(
        write("class", row.class_id, row, figures.class_outcomes.classes[i]));
  }
  for (size_t i = 0; i < figures.groups.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(write("group", static_cast<int64_t>(i) + 1,
                                figures.groups[i],
                                figures.group_outcomes.classes[i]));
  }
  return OkStatus();
}

Status WriteReport(FileSystem& files, const EvalReport& report) {
  if (!report.options.curves.empty()) {
    CYTO8_RETURN_IF_ERROR(WriteAllCurves(files, report));
  }
  if (!report.options.json.empty()) {
    CYTO8_RETURN_IF_ERROR(
        WriteFileAtomically(files, report.options.json, EvalJson(report)));
  }
  return PrintData(EvalText(report));
}

ExitCode Fail(ExitCode code, const Status& status) {
  PrintMessage(status.message());
  return code;
}

}  // namespace

Status CheckReportFile(FileSystem& files, const std::string& path,
                       std::span<const std::string> inputs) {
  if (path.empty()) return OkStatus();
  const auto holds = [real = RealPath(path)](const std::string& input) {
    return LiesIn(real, RealPath(input));
  };
  if (std::ranges::any_of(inputs, holds)) {
    return InvalidArgument("--json: " + path + ": is an input");
  }
  const StatusOr<int> file = files.OpenForReading(path);
  const StatusCode code = file.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kPermissionDenied) {
    return OkStatus();  // writing will tell.
  }
  CYTO8_RETURN_IF_ERROR(file.status());
  const StatusOr<FileInfo> info = files.Stat(*file, path);
  CYTO8_RETURN_IF_ERROR(files.Close(*file, path));
  CYTO8_RETURN_IF_ERROR(info.status());
  if (info->is_regular) return OkStatus();
  return InvalidArgument("--json: " + path + ": is not a regular file");
}

ExitCode ExitCodeOfInput(const Status& status) {
  return status.code() == StatusCode::kNotFound ||
                 status.code() == StatusCode::kPermissionDenied
             ? ExitCode::kNoInput
             : ExitCodeOf(status);
}

ExitCode RunEval(FileSystem& files, const EvalCommandOptions& options) {
  const Status target = CheckReportFile(files, options.json,
                                        {{options.truth, options.predictions}});
  if (!target.ok()) return Fail(ExitCodeOf(target), target);
  StatusOr<TruthFile> file =
      ReadTruth(files, options.truth, options.settings.style, options.limits);
  if (!file.ok()) return Fail(ExitCodeOfInput(file.status()), file.status());
  StatusOr<Predictions> predictions =
      ReadPredictions(files, options.predictions, file->truth, options.settings,
                      options.limits);
  if (!predictions.ok()) {
    return Fail(ExitCodeOfInput(predictions.status()), predictions.status());
  }
  LeaveOutImages(predictions->missing_image_ids, file->truth);
  const StatusOr<EvalReport> report = MakeReport(*file, *predictions, options);
  if (!report.ok()) return Fail(ExitCodeOf(report.status()), report.status());
  const Status written = WriteReport(files, *report);
  if (!written.ok()) return Fail(ExitCodeOf(written), written);
  return GatePassed(*report) ? ExitCode::kWhole : ExitCode::kGateFailed;
}

}  // namespace cyto8
