// SPDX-License-Identifier: Apache-2.0
// One precision-recall curve as a picture (SVG) and as numbers (CSV), and a
// file name for it whatever the class is called. Pure. Tested by
// tests/app/pr_curve_text_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "eval/outcomes.h"

namespace cyto8 {

struct CurveTitle {
  std::string name = {};   // of the class or group; any text.
  std::string level = {};  // "AP50".
  double average_precision = kUndefined;
};

// Self-contained, 640 x 480, one line: the envelope of the precision over the
// recall at 101 recalls, as COCO samples it. The legend has name, figure,
// truth and detections; text is escaped.
std::string PrCurveSvg(const CurveTitle& title, const ClassOutcomes& outcomes,
                       int level);

// score,true_positives,false_positives,recall,precision,envelope: a line for
// each counted detection by falling score. recall is empty without truth.
std::string PrCurveCsv(const ClassOutcomes& outcomes, int level);

// "class-3-ASC-US": kind, number, name; bytes of the name outside
// [A-Za-z0-9._-] become '_', at most 60 are kept.
std::string PrCurveFileStem(std::string_view kind, int64_t number,
                            std::string_view name);

}  // namespace cyto8
