// SPDX-License-Identifier: Apache-2.0
// From truth and detections to every figure of an evaluation, in the style that
// was asked for, with the conventions beside them. Pure: no files, no text
// layout. Tested by tests/app/eval_command_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/class_groups.h"
#include "app/eval_settings.h"
#include "base/status.h"
#include "eval/bootstrap.h"
#include "eval/dataset.h"
#include "eval/outcomes.h"
#include "eval/precision_recall.h"

namespace cyto8 {

// One line of the table. What does not exist is kUndefined.
struct FigureRow {
  std::string name = {};
  int64_t class_id = kAllClasses;  // of a class; groups have none.
  int64_t truth = 0;               // boxes that count.
  int64_t found = 0;               // detections that were matched.
  std::vector<double> ap = {};     // one per level.
  double mean_ap = kUndefined;     // over the levels.
  // Of all detections, at the first level.
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  double recall = kUndefined;
  WorkingPoint best_f1 = {};                         // at the first level.
  std::optional<std::array<double, 12>> stats = {};  // as pycocotools.
  std::optional<Interval> first_ap_interval = {};
  std::optional<Interval> mean_ap_interval = {};
};

struct EvalFigures {
  FigureRow mean = {};  // over classes; counts are sums.
  std::vector<FigureRow> classes = {};
  std::vector<FigureRow> groups = {};
  // For curves: by class id; by place in `groups`.
  Outcomes class_outcomes = {};
  Outcomes group_outcomes = {};
};

// "AP50" for IoU 0.5, "AP@0.333" for others, "AP@20px" for a distance.
std::string LevelName(const EvalSettings& settings, double level);
// What the mean over all levels is called: "AP50:95", or "AP mean".
std::string MeanName(const EvalSettings& settings);

// The outcomes of one list of detections by the match rule of the settings,
// per class.
StatusOr<Outcomes> EvaluateClasses(const TruthSet& truth,
                                   std::span<const FoundBox> found,
                                   const EvalSettings& settings);

// The same for groups: one class of the result each, its id the place.
StatusOr<Outcomes> EvaluateGroups(const TruthSet& truth,
                                  std::span<const FoundBox> found,
                                  std::span<const ClassGroup> groups,
                                  const EvalSettings& settings);

// One row per class of the outcomes, named as the classes (kAllClasses: "all
// classes") or by place as the groups.
std::vector<FigureRow> ClassRows(const Outcomes& outcomes,
                                 std::span<const EvalClass> classes,
                                 const EvalSettings& settings);
std::vector<FigureRow> GroupRows(const Outcomes& outcomes,
                                 std::span<const ClassGroup> groups,
                                 const EvalSettings& settings);

// Counts added, figures averaged where they exist.
FigureRow MeanRow(const std::vector<FigureRow>& rows, size_t levels);

// Everything. kInvalidArgument for settings or numbers that the evaluators
// refuse.
StatusOr<EvalFigures> Evaluate(const TruthSet& truth,
                               std::span<const FoundBox> found,
                               std::span<const ClassGroup> groups,
                               const EvalSettings& settings);

}  // namespace cyto8
