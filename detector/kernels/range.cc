// SPDX-License-Identifier: Apache-2.0
// Arithmetic progressions; see range.h.
#include "detector/kernels/range.h"

#include <cmath>
#include <string>
#include <type_traits>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

// Differences of signed numbers, without overflow.
template <typename T>
StatusOr<int64_t> CountInts(T start, T limit, T delta) {
  if (delta == 0) {
    return InvalidArgument("range: delta = 0: must not be 0");
  }
  if (delta > 0 ? start > limit : start < limit) {
    return InvalidArgument("range: delta = " + std::to_string(delta) +
                           ": must point from start to limit");
  }
  const auto from = static_cast<uint64_t>(start);
  const auto to = static_cast<uint64_t>(limit);
  const auto step = static_cast<uint64_t>(delta);
  const uint64_t distance = delta > 0 ? to - from : from - to;
  const uint64_t stride = delta > 0 ? step : 0 - step;
  const uint64_t count = distance / stride + (distance % stride != 0 ? 1 : 0);
  if (count > static_cast<uint64_t>(kMaxRangeCount)) {
    return InvalidArgument("range: count = " + std::to_string(count) +
                           ": must be in [0, " +
                           std::to_string(kMaxRangeCount) + "]");
  }
  return static_cast<int64_t>(count);
}

template <typename T>
void FillInts(T start, T delta, std::span<T> dst) {
  using Unsigned = std::make_unsigned_t<T>;
  for (size_t i = 0; i < dst.size(); ++i) {
    dst[i] =
        static_cast<T>(static_cast<Unsigned>(start) +
                       static_cast<Unsigned>(i) * static_cast<Unsigned>(delta));
  }
}

}  // namespace

StatusOr<int64_t> RangeCount(int32_t start, int32_t limit, int32_t delta) {
  return CountInts<int64_t>(start, limit, delta);
}

StatusOr<int64_t> RangeCount(int64_t start, int64_t limit, int64_t delta) {
  return CountInts(start, limit, delta);
}

StatusOr<int64_t> RangeCount(float start, float limit, float delta) {
  if (delta == 0) {
    return InvalidArgument("range: delta = 0: must not be 0");
  }
  if (delta > 0 ? start > limit : start < limit) {
    return InvalidArgument("range: delta = " + FormatShortest(delta) +
                           ": must point from start to limit");
  }
  const float count = std::ceil(std::abs((limit - start) / delta));
  CYTO8_RETURN_IF_ERROR(CheckRange("range: count", static_cast<double>(count),
                                   0.0, static_cast<double>(kMaxRangeCount)));
  return static_cast<int64_t>(count);
}

void Range(int32_t start, int32_t delta, std::span<int32_t> dst) {
  FillInts(start, delta, dst);
}

void Range(int64_t start, int64_t delta, std::span<int64_t> dst) {
  FillInts(start, delta, dst);
}

void Range(float start, float delta, std::span<float> dst) {
  for (size_t i = 0; i < dst.size(); ++i) {
    dst[i] = start + static_cast<float>(i) * delta;
  }
}

}  // namespace cyto8
