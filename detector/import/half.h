// SPDX-License-Identifier: Apache-2.0
// Numbers in IEEE 754 binary16, as bits, exactly: subnormals, -0, infinities
// and NaN included. Tested by tests/detector/import/half_test.cc.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

namespace cyto8 {

// No two halves give the same bits.
inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t fraction = half & 0x3FFu;
  if (exponent == 0x1F) {
    return std::bit_cast<float>(sign | 0x7F800000u | fraction << 13);
  }
  if (exponent != 0) {
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  }
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -magnitude : magnitude;
}

// The half that gives `value` bit for bit; none if it would be rounded.
inline std::optional<uint16_t> ExactHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude_bits = bits & 0x7FFFFFFFu;
  const auto magnitude = std::bit_cast<float>(magnitude_bits);
  uint32_t half = 0x7C00u | (magnitude_bits >> 13 & 0x3FFu);
  if (magnitude < 0x1p-14f) {
    half = static_cast<uint32_t>(magnitude * 0x1p24f);
  } else if (magnitude < 0x1p16f) {
    half = (magnitude_bits >> 13) - (112u << 10);
  }
  const auto result = static_cast<uint16_t>(sign | half);
  if (std::bit_cast<uint32_t>(HalfToFloat(result)) != bits) return {};
  return result;
}

}  // namespace cyto8
