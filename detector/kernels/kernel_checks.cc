// SPDX-License-Identifier: Apache-2.0
// Checks of kernel operands; see kernel_checks.h.
#include "detector/kernels/kernel_checks.h"

#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

Status CheckCount(std::string_view name, std::string_view unit, size_t count,
                  std::span<const int64_t> dims) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t expected, CheckedProduct(dims));
  if (count == static_cast<size_t>(expected)) return OkStatus();
  return InvalidArgument(std::string(name) + " " + std::string(unit) + " = " +
                         std::to_string(count) + ": must be " +
                         std::to_string(expected));
}

}  // namespace

Status CheckSize(std::string_view name, size_t size,
                 std::span<const int64_t> dims) {
  return CheckCount(name, "elements", size, dims);
}

Status CheckSize(std::string_view name, size_t size,
                 std::initializer_list<int64_t> dims) {
  return CheckSize(name, size, std::span(dims.begin(), dims.size()));
}

Status CheckBytes(std::string_view name, size_t bytes,
                  std::initializer_list<int64_t> dims) {
  return CheckCount(name, "bytes", bytes, std::span(dims.begin(), dims.size()));
}

Status CheckShape(std::string_view name, std::span<const int64_t> shape) {
  if (shape.size() > static_cast<size_t>(kMaxRank)) {
    return CheckRange("rank of " + std::string(name),
                      static_cast<int64_t>(shape.size()), 0, kMaxRank);
  }
  return CheckedProduct(shape).status();
}

}  // namespace cyto8
