// SPDX-License-Identifier: Apache-2.0
// Conversions between element types; see cast.h.
#include "detector/kernels/cast.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

// One byte, told apart from uint8_t.
struct Boolean {
  uint8_t byte;
};

// 2^k is a float exactly, where the highest integer often is not.
template <typename To>
To SaturatedFromFloat(float value) {
  using Bounds = std::numeric_limits<To>;
  const float above = std::ldexp(1.0f, Bounds::digits);
  if (std::isnan(value)) return 0;
  if (value >= above) return Bounds::max();
  if (value <= static_cast<float>(Bounds::min())) return Bounds::min();
  return static_cast<To>(value);
}

template <typename To, typename From>
To Convert(From value) {
  if constexpr (std::is_same_v<From, Boolean>) {
    return Convert<To>(static_cast<uint8_t>(value.byte != 0));
  } else if constexpr (std::is_same_v<To, Boolean>) {
    return Boolean{static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_same_v<From, float> && std::is_integral_v<To>) {
    return SaturatedFromFloat<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// Calls visit with a value of the C++ type that a DataType means.
template <typename Visit>
void VisitType(DataType type, Visit visit) {
  switch (type) {
    case DataType::kFloat32:
      return visit(float{});
    case DataType::kInt32:
      return visit(int32_t{});
    case DataType::kInt64:
      return visit(int64_t{});
    case DataType::kUint8:
      return visit(uint8_t{});
    case DataType::kInt8:
      return visit(int8_t{});
    case DataType::kInt16:
      return visit(int16_t{});
    case DataType::kBool:
      return visit(Boolean{});
  }
}

}  // namespace

Status Cast(DataType from, std::span<const std::byte> src, DataType to,
            std::span<std::byte> dst) {
  const int64_t from_bytes = ByteSize(from);
  const auto count = static_cast<int64_t>(src.size()) / from_bytes;
  CYTO8_RETURN_IF_ERROR(CheckBytes("src", src.size(), {count, from_bytes}));
  CYTO8_RETURN_IF_ERROR(CheckBytes("dst", dst.size(), {count, ByteSize(to)}));
  VisitType(from, [&]<typename From>(From) {
    VisitType(to, [&]<typename To>(To) {
      const auto* in = reinterpret_cast<const From*>(src.data());
      auto* out = reinterpret_cast<To*>(dst.data());
      for (int64_t i = 0; i < count; ++i) out[i] = Convert<To>(in[i]);
    });
  });
  return OkStatus();
}

}  // namespace cyto8
