// SPDX-License-Identifier: Apache-2.0
// Sums of many operands; see add_n.h.
#include "detector/kernels/add_n.h"

#include <algorithm>
#include <type_traits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

// There is an operand, and all are of dst's size.
template <typename T>
Status CheckOperands(std::span<const std::span<const T>> src, size_t dst) {
  const auto count = static_cast<int64_t>(src.size());
  CYTO8_RETURN_IF_ERROR(CheckRange("operands", count, 1, int64_t{1} << 30));
  for (const std::span<const T> operand : src) {
    CYTO8_RETURN_IF_ERROR(
        CheckSize("operand", operand.size(), {static_cast<int64_t>(dst)}));
  }
  return OkStatus();
}

// Element by element, so that dst may be an operand.
template <typename T>
Status AddAll(std::span<const std::span<const T>> src, std::span<T> dst) {
  using Sum =
      typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                  std::type_identity<T>>::type;
  CYTO8_RETURN_IF_ERROR(CheckOperands(src, dst.size()));
  for (size_t i = 0; i < dst.size(); ++i) {
    auto sum = static_cast<Sum>(src[0][i]);
    for (size_t k = 1; k < src.size(); ++k) sum += static_cast<Sum>(src[k][i]);
    dst[i] = static_cast<T>(sum);
  }
  return OkStatus();
}

}  // namespace

Status AddN(std::span<const std::span<const float>> src, std::span<float> dst) {
  return AddAll(src, dst);
}

Status AddN(std::span<const std::span<const int32_t>> src,
            std::span<int32_t> dst) {
  return AddAll(src, dst);
}

Status AddN(std::span<const std::span<const int64_t>> src,
            std::span<int64_t> dst) {
  return AddAll(src, dst);
}

Status WeightedSumF32(int64_t channels, std::span<const float> weights,
                      std::span<const std::span<const float>> src,
                      std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckOperands(src, dst.size()));
  CYTO8_RETURN_IF_ERROR(CheckRange("channels", channels, 1, int64_t{1} << 30));
  const auto operands = static_cast<int64_t>(src.size());
  const bool per_channel = weights.size() != src.size();
  if (per_channel) {
    CYTO8_RETURN_IF_ERROR(
        CheckSize("weights", weights.size(), {operands, channels}));
  }
  const auto columns = static_cast<size_t>(channels);
  CYTO8_RETURN_IF_ERROR(CheckRange("dst elements modulo channels",
                                   static_cast<int64_t>(dst.size() % columns),
                                   0, 0));
  // The weight of operand k, channel c is at k * step + c * per_channel.
  const size_t step = per_channel ? columns : 1;
  for (size_t i = 0; i < dst.size(); ++i) {
    const size_t column = per_channel ? i % columns : 0;
    float sum = 0;
    for (size_t k = 0; k < src.size(); ++k) {
      sum += weights[k * step + column] * src[k][i];
    }
    dst[i] = sum;
  }
  return OkStatus();
}

}  // namespace cyto8
