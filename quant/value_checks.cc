// SPDX-License-Identifier: Apache-2.0
// See value_checks.h.
#include "quant/value_checks.h"

#include <cmath>
#include <string>

#include "base/numbers.h"

namespace cyto8 {
namespace {

Status BadValue(std::string_view name, size_t index, double value,
                std::string_view rule) {
  return InvalidArgument(std::string(name) + "[" + std::to_string(index) +
                         "] = " + FormatShortest(value) + ": must be " +
                         std::string(rule));
}

template <typename T>
Status CheckAllFinite(std::string_view name, std::span<const T> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return BadValue(name, i, values[i], "finite");
    }
  }
  return OkStatus();
}

}  // namespace

Status CheckCount(std::string_view name, size_t count, int64_t expected) {
  if (static_cast<int64_t>(count) == expected) return OkStatus();
  return InvalidArgument(std::string(name) + " = " + std::to_string(count) +
                         " values: must be " + std::to_string(expected));
}

Status CheckFinite(std::string_view name, std::span<const float> values) {
  return CheckAllFinite(name, values);
}

Status CheckFinite(std::string_view name, std::span<const double> values) {
  return CheckAllFinite(name, values);
}

Status CheckFiniteNonNegative(std::string_view name,
                              std::span<const double> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]) || values[i] < 0) {
      return BadValue(name, i, values[i], "finite and not negative");
    }
  }
  return OkStatus();
}

}  // namespace cyto8
