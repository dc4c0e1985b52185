// SPDX-License-Identifier: Apache-2.0
// The gates of a comparison: how far AP may fall from A to B (--max-drop), and
// how well B must agree with A (--min-agreement). Pure. Tested by
// tests/app/compare_command_test.cc.
#pragma once

#include <span>
#include <vector>

#include "app/class_groups.h"
#include "app/compare_report.h"
#include "app/eval_settings.h"
#include "base/status.h"

namespace cyto8 {

// kInvalidArgument, with the nearest name, if a demand names no group that is
// evaluated (nor, in --max-drop, kMeanOfClasses).
Status CheckDemands(const CompareCommandOptions& options,
                    std::span<const ClassGroup> groups);

// What came of every demand; the names have been checked. A figure that does
// not exist, for want of truth, fails: nothing shows that it holds.
std::vector<GateResult> GateResults(const CompareReport& report);

}  // namespace cyto8
