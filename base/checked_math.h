// SPDX-License-Identifier: Apache-2.0
// Arithmetic and range checks for numbers that come from files: an overflow or
// a value out of range is an error that names the field. Tested by
// tests/base/checked_math_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// kInvalidArgument if the exact result does not fit in int64_t.
StatusOr<int64_t> CheckedAdd(int64_t a, int64_t b);
StatusOr<int64_t> CheckedMul(int64_t a, int64_t b);

// The product of all factors, 1 for none; kInvalidArgument on overflow or if a
// factor is negative.
StatusOr<int64_t> CheckedProduct(std::span<const int64_t> factors);

// "name = value: must be in [low, high]" unless low <= value <= high.
Status CheckRange(std::string_view name, int64_t value, int64_t low,
                  int64_t high);
// The same for numbers; NaN and infinity are always refused.
Status CheckRange(std::string_view name, double value, double low, double high);

}  // namespace cyto8
