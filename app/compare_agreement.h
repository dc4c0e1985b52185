// SPDX-License-Identifier: Apache-2.0
// Whether B finds what A finds, group by group: INT8 against FP32, say. Pure.
// Tested by tests/app/compare_command_test.cc.
//
// Figures against labels hide a small loss of fidelity in their noise, since
// the model errs on many labels; against what A finds, A itself has AP 1.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/class_groups.h"
#include "app/compare_report.h"
#include "app/eval_settings.h"
#include "base/status.h"
#include "eval/dataset.h"

namespace cyto8 {

// By these settings agreement is measured, whatever else is asked for: IoU 0.5,
// 101 points, all detections, no border.
EvalSettings AgreementSettings(const EvalSettings& settings);

// One row per group. Both results are pooled by FoundOfGroup; what is left of A
// with at least options.agreement_score is the truth, all that is left of B is
// evaluated against it. `images` says which images there are. Without resamples
// there are no intervals.
StatusOr<std::vector<AgreementRow>> MeasureAgreement(
    std::span<const EvalImage> images, std::span<const FoundBox> first,
    std::span<const FoundBox> second, std::span<const ClassGroup> groups,
    const CompareCommandOptions& options);

// The convention in words, with the lowest score that each result holds: B cut
// at a higher score than A finds less of it.
std::string AgreementConvention(std::span<const FoundBox> first,
                                std::span<const FoundBox> second,
                                double agreement_score);

}  // namespace cyto8
