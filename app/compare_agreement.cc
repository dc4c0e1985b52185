// SPDX-License-Identifier: Apache-2.0
// What A finds becomes the truth; see compare_agreement.h.
#include "app/compare_agreement.h"

#include <algorithm>
#include <utility>

#include "app/eval_figures.h"
#include "base/numbers.h"
#include "eval/bootstrap.h"

namespace cyto8 {
namespace {

constexpr double kAgreementIou = 0.5;

// One class, as TruthOfGroup has it.
TruthSet TruthOfFound(std::span<const EvalImage> images,
                      std::span<const FoundBox> pooled, const std::string& name,
                      double agreement_score) {
  constexpr int64_t kGroupClassId = 1;
  TruthSet truth = {.images = {images.begin(), images.end()},
                    .classes = {{.id = kGroupClassId, .name = name}}};
  for (const FoundBox& found : pooled) {
    if (found.score < agreement_score) continue;
    truth.boxes.push_back({.id = std::ssize(truth.boxes) + 1,
                           .image_id = found.image_id,
                           .class_id = kGroupClassId,
                           .box = found.box,
                           .area = found.box.width * found.box.height});
  }
  return truth;
}

StatusOr<AgreementRow> RowOf(const TruthSet& truth,
                             std::span<const FoundBox> pooled,
                             const ClassGroup& group,
                             const EvalSettings& settings) {
  CYTO8_ASSIGN_OR_RETURN(const Outcomes outcomes,
                         EvaluateClasses(truth, pooled, settings));
  const FigureRow figures = GroupRows(outcomes, {{group}}, settings)[0];
  AgreementRow row = {.name = group.name,
                      .truth = figures.truth,
                      .found = figures.found,
                      .ap50 = figures.ap[0]};
  if (settings.bootstrap.resamples == 0) return row;
  CYTO8_ASSIGN_OR_RETURN(const FigureTable<Interval> intervals,
                         Bootstrap(outcomes, settings.bootstrap));
  row.interval = intervals.class_first_level_ap[0];
  return row;
}

std::string LowestScore(std::span<const FoundBox> found) {
  constexpr int kDecimals = 3;
  const auto lowest = std::ranges::min_element(found, {}, &FoundBox::score);
  return lowest == found.end() ? "-" : FormatFixed(lowest->score, kDecimals);
}

}  // namespace

EvalSettings AgreementSettings(const EvalSettings& settings) {
  return {.iou_thresholds = {kAgreementIou},
          .min_score = settings.min_score,
          .groups = settings.groups,
          .allow_missing = settings.allow_missing,
          .bootstrap = settings.bootstrap};
}

StatusOr<std::vector<AgreementRow>> MeasureAgreement(
    std::span<const EvalImage> images, std::span<const FoundBox> first,
    std::span<const FoundBox> second, std::span<const ClassGroup> groups,
    const CompareCommandOptions& options) {
  const EvalSettings settings = AgreementSettings(options.settings);
  std::vector<AgreementRow> rows;
  for (const ClassGroup& group : groups) {
    CYTO8_ASSIGN_OR_RETURN(const std::vector<FoundBox> of_first,
                           FoundOfGroup(first, group));
    CYTO8_ASSIGN_OR_RETURN(const std::vector<FoundBox> of_second,
                           FoundOfGroup(second, group));
    const TruthSet truth =
        TruthOfFound(images, of_first, group.name, options.agreement_score);
    CYTO8_ASSIGN_OR_RETURN(AgreementRow row,
                           RowOf(truth, of_second, group, settings));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string AgreementConvention(std::span<const FoundBox> first,
                                std::span<const FoundBox> second,
                                double agreement_score) {
  return "agreement: by group, truth is what A finds with score >= " +
         FormatShortest(agreement_score) +
         "; all that B finds; IoU >= " + FormatShortest(kAgreementIou) +
         ", 101-point AP; lowest scores: A " + LowestScore(first) + ", B " +
         LowestScore(second);
}

}  // namespace cyto8
