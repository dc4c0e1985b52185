// SPDX-License-Identifier: Apache-2.0
// What `cyto8 eval` and `cyto8 compare` were asked for, as plain data; the
// flags are in eval_command_line.cc. Tested by tests/app/eval_command_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "eval/bootstrap.h"
#include "eval/coco_evaluator.h"
#include "eval/precision_recall.h"

namespace cyto8 {

enum class EvalStyle {
  kOwn,   // strict reading, COCO's figures over all detections.
  kCoco,  // pycocotools 2.0.11 to the letter.
  kVoc,   // strict reading, VOC's match rule and interpolation.
};

enum class EvalMatch { kIou, kCentre };

// Which figures, by which conventions.
struct EvalSettings {
  EvalStyle style = EvalStyle::kOwn;
  EvalMatch match = EvalMatch::kIou;
  std::vector<double> iou_thresholds = CocoIouThresholds();
  double distance_px = 20;  // of kCentre.
  // Three rising values; the last one is that of the tables.
  std::vector<int64_t> max_detections = {1, 10, kAllDetections};
  Interpolation interpolation = Interpolation::kCoco101;
  bool plus_one = false;   // of kVoc.
  bool iou_above = false;  // of kVoc: IoU > threshold, not >=.
  bool class_agnostic = false;
  double ignore_border_px = 0;
  std::optional<double> min_score = std::nullopt;  // kept are scores above it.
  std::vector<std::string> groups = {};  // "name=class,class"; else defaults.
  bool allow_missing = false;  // images without a result are left out.
  // resamples = 0: no intervals.
  BootstrapOptions bootstrap = {.resamples = 0};
};

struct EvalCommandOptions {
  std::string truth = {};
  std::string predictions = {};
  std::string json = {};                         // file; empty: none.
  std::string curves = {};                       // folder; empty: none.
  std::optional<double> min_map = std::nullopt;  // the gate.
  EvalSettings settings = {};
  Limits limits = {};
};

// What a gate asks of one figure, by the name of its group.
struct FigureDemand {
  std::string name = {};
  double value = 0;
};

// In --max-drop: the mean over classes.
inline constexpr const char* kMeanOfClasses = "mAP";

struct CompareCommandOptions {
  std::string truth = {};  // empty: agreement alone.
  std::string first = {};
  std::string second = {};
  std::string json = {};         // file; empty: none.
  double agreement_score = 0.3;  // what A finds from here on is truth for B.
  // The gates: points (1/100) that the first level's AP may fall from A to B,
  // and the least AP50 of B against what A finds.
  std::vector<FigureDemand> max_drop = {};
  std::vector<FigureDemand> min_agreement = {};
  EvalSettings settings = {};
  Limits limits = {};
};

}  // namespace cyto8
