// SPDX-License-Identifier: Apache-2.0
// Checked arithmetic; see checked_math.h.
#include "base/checked_math.h"

#include <string>

#include "base/numbers.h"

namespace cyto8 {

StatusOr<int64_t> CheckedAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    return InvalidArgument(std::to_string(a) + " + " + std::to_string(b) +
                           " overflows 64 bits");
  }
  return sum;
}

StatusOr<int64_t> CheckedMul(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    return InvalidArgument(std::to_string(a) + " * " + std::to_string(b) +
                           " overflows 64 bits");
  }
  return product;
}

StatusOr<int64_t> CheckedProduct(std::span<const int64_t> factors) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (factor < 0) {
      return InvalidArgument("dimension = " + std::to_string(factor) +
                             ": must not be negative");
    }
    CYTO8_ASSIGN_OR_RETURN(product, CheckedMul(product, factor));
  }
  return product;
}

Status CheckRange(std::string_view name, int64_t value, int64_t low,
                  int64_t high) {
  if (value >= low && value <= high) return OkStatus();
  return InvalidArgument(std::string(name) + " = " + std::to_string(value) +
                         ": must be in [" + std::to_string(low) + ", " +
                         std::to_string(high) + "]");
}

Status CheckRange(std::string_view name, double value, double low,
                  double high) {
  if (value >= low && value <= high) return OkStatus();  // false for NaN.
  return InvalidArgument(std::string(name) + " = " + FormatShortest(value) +
                         ": must be in [" + FormatShortest(low) + ", " +
                         FormatShortest(high) + "]");
}

}  // namespace cyto8
