// SPDX-License-Identifier: Apache-2.0
// What every kernel's dispatch file checks before pointers are touched. Tested
// by tests/detector/kernels/kernel_checks_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// The greatest side, kernel, stride, dilation or pad of a window: no index that
// is made of them overflows.
inline constexpr int64_t kMaxWindowNumber = int64_t{1} << 30;

// Kernels keep indices in arrays of this size. Same as Limits::max_rank.
inline constexpr int64_t kMaxRank = 8;

// The element counts of a kernel's operands agree with the shape struct: the
// product of `dims` is `size`, or kInvalidArgument
// ("src elements = 5: must be 6").
Status CheckSize(std::string_view name, size_t size,
                 std::span<const int64_t> dims);
Status CheckSize(std::string_view name, size_t size,
                 std::initializer_list<int64_t> dims);
// The same for raw memory ("src bytes = 5: must be 6").
Status CheckBytes(std::string_view name, size_t bytes,
                  std::initializer_list<int64_t> dims);

// "rank of name = 9: must be in [0, 8]"; also refuses negative dimensions and
// products that overflow.
Status CheckShape(std::string_view name, std::span<const int64_t> shape);

}  // namespace cyto8
