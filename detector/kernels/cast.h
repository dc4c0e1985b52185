// SPDX-License-Identifier: Apache-2.0
// Cast (TensorFlow) between all element types; a boolean is one byte. Tested by
// tests/detector/kernels/cast_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/data_type.h"
#include "base/status.h"

namespace cyto8 {

// Float to integer truncates, saturates at the type's bounds, and makes NaN 0;
// integer to integer wraps; to boolean is "not zero"; from boolean gives 0 or
// 1. Spans are aligned for their type and do not overlap. Thread-safe.
Status Cast(DataType from, std::span<const std::byte> src, DataType to,
            std::span<std::byte> dst);

}  // namespace cyto8
