// SPDX-License-Identifier: Apache-2.0
// A comparison as text for people and as JSON for programs. Pure. Tested by
// tests/app/compare_command_test.cc.
#pragma once

#include <string>
#include <vector>

#include "app/eval_figures.h"
#include "app/eval_settings.h"
#include "eval/bootstrap.h"

namespace cyto8 {

// One figure of both results; the difference is second minus first.
struct ComparedFigure {
  double first = kUndefined;
  double second = kUndefined;
  Difference difference = {};
};

struct ComparedRow {
  std::string name = {};
  int64_t truth = 0;
  ComparedFigure first_level = {};  // AP50, say.
  ComparedFigure mean = {};         // over the levels.
};

struct CompareReport {
  CompareCommandOptions options = {};
  std::vector<double> levels = {};
  std::vector<ComparedRow> rows = {};  // classes, then their mean.
  std::vector<ComparedRow> groups = {};
  std::vector<std::string> conventions = {};
};

std::string CompareText(const CompareReport& report);

// docs/formats.md, section 10. Ends in a line feed.
std::string CompareJson(const CompareReport& report);

}  // namespace cyto8
