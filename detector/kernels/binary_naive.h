// SPDX-License-Identifier: Apache-2.0
// Binary operators by plain loops; the specification of the operators. A header
// because every element type has its own copy; only binary.cc includes it.
// Tested by tests/detector/kernels/binary_test.cc.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "detector/kernels/binary.h"
#include "detector/kernels/index_walk.h"
#include "detector/kernels/scalar_f32.h"

namespace cyto8 {

// Integers are computed without sign, because then overflow is defined.
template <typename T, typename Function>
T Wrapping(T x, T y, Function function) {
  if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(
        function(static_cast<Unsigned>(x), static_cast<Unsigned>(y)));
  } else {
    return function(x, y);
  }
}

// The divisor is not 0 if T is an integer; the lowest number / -1 wraps.
template <typename T>
T Divide(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    if (y == -1) return Wrapping<T>(0, x, [](auto a, auto b) { return a - b; });
  }
  return x / y;
}

template <typename T>
T FloorDivide(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    if (y == -1) return Divide(x, y);
    const T quotient = x / y;
    const bool rounded_up = x % y != 0 && (x < 0) != (y < 0);
    return rounded_up ? quotient - 1 : quotient;
  } else {
    return std::floor(x / y);
  }
}

template <typename T>
T FloorModulo(T x, T y) {
  T rest = 0;
  if constexpr (std::is_integral_v<T>) {
    rest = y == -1 ? 0 : x % y;
  } else {
    rest = std::fmod(x, y);
  }
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

// The exponent is not negative if T is an integer.
template <typename T>
T Power(T base, T exponent) {
  if constexpr (std::is_integral_v<T>) {
    const auto multiply = [](T x, T y) {
      return Wrapping(x, y, [](auto a, auto b) { return a * b; });
    };
    T result = 1;
    for (; exponent > 0; exponent /= 2) {
      if (exponent % 2 == 1) result = multiply(result, base);
      base = multiply(base, base);
    }
    return result;
  } else {
    return PowF32(base, exponent);
  }
}

// Calls visit(function) with the scalar function of the operator.
template <typename T, typename Visit>
void VisitBinaryOp(BinaryOp op, Visit visit) {
  const auto add = [](auto a, auto b) { return a + b; };
  const auto sub = [](auto a, auto b) { return a - b; };
  const auto mul = [](auto a, auto b) { return a * b; };
  const auto squared = [](auto a, auto b) { return (a - b) * (a - b); };
  switch (op) {
    case BinaryOp::kAdd:
      return visit([=](T x, T y) { return Wrapping(x, y, add); });
    case BinaryOp::kSub:
      return visit([=](T x, T y) { return Wrapping(x, y, sub); });
    case BinaryOp::kMul:
      return visit([=](T x, T y) { return Wrapping(x, y, mul); });
    case BinaryOp::kDiv:
      return visit([](T x, T y) { return Divide(x, y); });
    case BinaryOp::kFloorDiv:
      return visit([](T x, T y) { return FloorDivide(x, y); });
    case BinaryOp::kFloorMod:
      return visit([](T x, T y) { return FloorModulo(x, y); });
    case BinaryOp::kMaximum:  // x != x: NaN.
      return visit([](T x, T y) { return x > y || x != x ? x : y; });
    case BinaryOp::kMinimum:
      return visit([](T x, T y) { return x < y || x != x ? x : y; });
    case BinaryOp::kPow:
      return visit([](T x, T y) { return Power(x, y); });
    case BinaryOp::kSquaredDifference:
      return visit([=](T x, T y) { return Wrapping(x, y, squared); });
  }
}

template <typename T, typename Visit>
void VisitCompareOp(CompareOp op, Visit visit) {
  switch (op) {
    case CompareOp::kGreater:
      return visit([](T x, T y) { return x > y; });
    case CompareOp::kGreaterEqual:
      return visit([](T x, T y) { return x >= y; });
    case CompareOp::kLess:
      return visit([](T x, T y) { return x < y; });
    case CompareOp::kLessEqual:
      return visit([](T x, T y) { return x <= y; });
    case CompareOp::kEqual:
      return visit([](T x, T y) { return x == y; });
    case CompareOp::kNotEqual:
      return visit([](T x, T y) { return x != y; });
  }
}

// dst[i] = function(a[i * a_step], b[i * b_step]) for i in [0, axis.size). The
// frequent steps have loops of their own, which the compiler can vectorise.
template <typename T, typename Result, typename Function>
void ApplyRow(const WalkAxis<3>& axis, const T* a, const T* b, Result* dst,
              Function function) {
  const int64_t a_step = axis.stride[1];
  const int64_t b_step = axis.stride[2];
  if (a_step == 1 && b_step == 1) {
    for (int64_t i = 0; i < axis.size; ++i) dst[i] = function(a[i], b[i]);
  } else if (a_step == 1 && b_step == 0) {
    const T right = *b;
    for (int64_t i = 0; i < axis.size; ++i) dst[i] = function(a[i], right);
  } else {
    for (int64_t i = 0; i < axis.size; ++i) {
      dst[i] = function(a[i * a_step], b[i * b_step]);
    }
  }
}

// The whole walk; nothing may be empty.
template <typename T, typename Result, typename Function>
void ApplyRows(const IndexWalk<3>& walk, const T* a, const T* b, Result* dst,
               Function function) {
  const WalkAxis<3> inner = walk.inner();
  walk.ForEachRow([&](const std::array<int64_t, 3>& offsets) {
    ApplyRow(inner, a + offsets[1], b + offsets[2], dst + offsets[0], function);
  });
}

}  // namespace cyto8
