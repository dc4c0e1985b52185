// SPDX-License-Identifier: Apache-2.0
// Numbers to text and back; see numbers.h.
#include "base/numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace cyto8 {
namespace {

// The longest fixed double has 309 digits before and `decimals` after the
// point; decimals are ours and small.
using Buffer = std::array<char, 400>;

template <typename T>
StatusOr<T> ParseWhole(std::string_view text, const char* kind) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) {
    return InvalidArgument("\"" + std::string(text) + "\": must be " + kind);
  }
  return value;
}

bool IsMinusZero(std::string_view text) {
  return text.starts_with('-') &&
         text.find_first_not_of("-0.") == std::string_view::npos;
}

}  // namespace

std::string FormatFixed(double value, int decimals) {
  Buffer buffer;
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    std::chars_format::fixed, decimals);
  std::string text(buffer.data(), result.ptr);
  return IsMinusZero(text) ? text.substr(1) : text;
}

std::string FormatShortest(double value) {
  Buffer buffer;
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), result.ptr);
}

StatusOr<double> ParseDouble(std::string_view text) {
  CYTO8_ASSIGN_OR_RETURN(const double value,
                         ParseWhole<double>(text, "a number"));
  if (!std::isfinite(value)) {
    return InvalidArgument("\"" + std::string(text) +
                           "\": must be a finite number");
  }
  return value;
}

StatusOr<int64_t> ParseInt64(std::string_view text) {
  return ParseWhole<int64_t>(text, "a whole number");
}

}  // namespace cyto8
