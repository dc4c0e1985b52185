// SPDX-License-Identifier: Apache-2.0
// Checks of arrays of numbers that come from a model or from its calibration.
// Each returns kInvalidArgument with a message that names field, index and
// value. Tested by tests/quant/weight_rounding_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// "name = 3 values: must be 4".
Status CheckCount(std::string_view name, size_t count, int64_t expected);

// "name[1] = nan: must be finite".
Status CheckFinite(std::string_view name, std::span<const float> values);
Status CheckFinite(std::string_view name, std::span<const double> values);

// "name[1] = -2: must be finite and not negative".
Status CheckFiniteNonNegative(std::string_view name,
                              std::span<const double> values);

}  // namespace cyto8
