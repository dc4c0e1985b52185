// SPDX-License-Identifier: Apache-2.0
// Range (TensorFlow): start, start + delta, ... up to but without limit. Tested
// by tests/detector/kernels/range_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// The most numbers that a range may have.
inline constexpr int64_t kMaxRangeCount = int64_t{1} << 31;

// How many numbers there are. kInvalidArgument if delta is 0, points away from
// the limit, a number is not finite, or there are too many.
StatusOr<int64_t> RangeCount(int32_t start, int32_t limit, int32_t delta);
StatusOr<int64_t> RangeCount(int64_t start, int64_t limit, int64_t delta);
StatusOr<int64_t> RangeCount(float start, float limit, float delta);

// dst[i] = start + i * delta, in the type itself; integers wrap.
void Range(int32_t start, int32_t delta, std::span<int32_t> dst);
void Range(int64_t start, int64_t delta, std::span<int64_t> dst);
void Range(float start, float delta, std::span<float> dst);

}  // namespace cyto8
