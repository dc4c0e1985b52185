// SPDX-License-Identifier: Apache-2.0
// A comparison as text for people and as JSON for programs. Pure. Tested by
// tests/app/compare_command_test.cc.
#pragma once

#include <cstdint>
#include <optional>
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

// What B finds of one group against what A finds; see compare_agreement.h.
struct AgreementRow {
  std::string name = {};
  int64_t truth = 0;  // of A.
  int64_t found = 0;  // of B.
  double ap50 = kUndefined;
  Interval interval = {};  // of ap50; resamples = 0: none.
};

// One demand and what came of it; see compare_gates.h.
struct GateResult {
  std::string figure = {};
  std::optional<double> value = {};  // none: the figure does not exist.
  double demanded = 0;
  bool is_most = false;  // the value may be at most what is demanded.
  bool passed = false;
};

struct CompareReport {
  CompareCommandOptions options = {};
  // Empty without truth, as are rows and groups.
  std::vector<double> levels = {};
  std::vector<ComparedRow> rows = {};  // classes, then their mean.
  std::vector<ComparedRow> groups = {};
  std::vector<AgreementRow> agreement = {};  // by group.
  std::vector<GateResult> gates = {};
  std::vector<std::string> conventions = {};
};

std::string CompareText(const CompareReport& report);

// docs/formats.md, section 10. Ends in a line feed.
std::string CompareJson(const CompareReport& report);

}  // namespace cyto8
