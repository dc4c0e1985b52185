// SPDX-License-Identifier: Apache-2.0
// See outcomes.h.
#include "eval/outcomes.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {

Status CheckLevels(std::string_view name, std::span<const double> values,
                   double low, double high) {
  const std::string text(name);
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "count of " + text, static_cast<int64_t>(values.size()), 1, kMaxLevels));
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string entry = text + "[" + std::to_string(i) + "]";
    CYTO8_RETURN_IF_ERROR(CheckRange(entry, values[i], low, high));
    if (i == 0 || values[i] > values[i - 1]) continue;
    return InvalidArgument(entry + " = " + FormatShortest(values[i]) +
                           ": must be above the one before, " +
                           FormatShortest(values[i - 1]));
  }
  return OkStatus();
}

}  // namespace cyto8
