// SPDX-License-Identifier: Apache-2.0
// An evaluation as text for people and as JSON for programs. Both carry the
// conventions beside the figures, because a figure without them cannot be
// compared. Pure. Tested by tests/app/eval_command_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "app/class_groups.h"
#include "app/eval_figures.h"
#include "app/eval_settings.h"

namespace cyto8 {

// What went into the figures.
struct EvalCounts {
  int64_t images = 0;
  int64_t truth = 0;   // boxes, crowds included.
  int64_t crowds = 0;  // of them.
  int64_t partly_outside = 0;
  int64_t without_extent = 0;
  int64_t found_read = 0;  // detections in the file.
  int64_t found = 0;       // of them, evaluated.
  int64_t found_outside = 0;
  int64_t missing_images = 0;  // left out: without a result,
  int64_t extra_images = 0;    // or without truth.
};

struct EvalReport {
  EvalCommandOptions options = {};
  EvalCounts counts = {};
  EvalFigures figures = {};
  std::vector<std::string> conventions = {};
};

// One line each: matching, interpolation, limits, join, groups, border, what
// was left out, intervals. `classes` name the members of groups.
std::vector<std::string> Conventions(const EvalSettings& settings,
                                     const EvalCounts& counts,
                                     const LeftOut& left_out,
                                     const std::string& joined_by,
                                     std::span<const ClassGroup> groups,
                                     std::span<const EvalClass> classes);

// The twelve lines of pycocotools' summarize(), word for word.
std::string CocoLines(const std::array<double, 12>& stats,
                      const EvalSettings& settings);

// In style kCoco the twelve lines first; then the table, the conventions and
// the notice. Names are shortened and shown without control characters.
std::string EvalText(const EvalReport& report);

// The gate: 0.512 of AP50, say, against what was demanded.
std::string GateText(const EvalReport& report);
bool GatePassed(const EvalReport& report);

// docs/formats.md, section 10. Ends in a line feed.
std::string EvalJson(const EvalReport& report);

// A table of text: columns aligned, the first to the left.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);
// A name of at most 28 bytes without control characters.
std::string ShownName(const std::string& name);
// "0.512", or "-" for kUndefined.
std::string ShownFigure(double value);

}  // namespace cyto8
