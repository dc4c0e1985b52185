// SPDX-License-Identifier: Apache-2.0
// Numbers to text and back, the same in every locale. Tested by
// tests/base/numbers_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// Decimals after the point in result files (docs/formats.md).
inline constexpr int kBoxDecimals = 2;
inline constexpr int kScoreDecimals = 6;
inline constexpr int kSecondsDecimals = 3;

// Fixed notation, round half to even of the exact binary value; "-0.00" is
// written "0.00". NaN and infinities give "nan", "inf", "-inf".
std::string FormatFixed(double value, int decimals);

// The shortest text that reads back as the same value ("0.1", "1e+300").
std::string FormatShortest(double value);

// The whole text must be one finite number; a leading '+' is refused.
StatusOr<double> ParseDouble(std::string_view text);
StatusOr<int64_t> ParseInt64(std::string_view text);

}  // namespace cyto8
