// SPDX-License-Identifier: Apache-2.0
// Element-wise functions of two operands, with NumPy broadcasting. Tested by
// tests/detector/kernels/binary_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// Integer overflow wraps; integer division by zero is an error.
enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,  // integers: rounded towards zero.
  kFloorDiv,
  kFloorMod,  // the sign of the divisor, as in Python.
  kMaximum,   // NaN if an operand is NaN.
  kMinimum,   // likewise.
  kPow,       // integers: a negative exponent is an error.
  kSquaredDifference,
};

enum class CompareOp {
  kGreater,
  kGreaterEqual,
  kLess,
  kLessEqual,
  kEqual,
  kNotEqual,
};

enum class LogicalOp { kAnd, kOr };

std::string_view BinaryOpName(BinaryOp op);  // "add", ...

// The shapes of both operands; dst has the shape that they broadcast to. Views:
// they need to live during the call only.
struct BinaryShape {
  std::span<const int64_t> a;
  std::span<const int64_t> b;
};

// dst = op(a, b). dst may be an operand of dst's shape. kInvalidArgument if the
// shapes do not broadcast or sizes do not fit. Thread-safe.
Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const float> a,
              std::span<const float> b, std::span<float> dst);
Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const int32_t> a,
              std::span<const int32_t> b, std::span<int32_t> dst);
Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const int64_t> a,
              std::span<const int64_t> b, std::span<int64_t> dst);

// dst = 1 where the comparison holds, else 0. uint8_t also serves booleans.
Status Compare(CompareOp op, const BinaryShape& shape, std::span<const float> a,
               std::span<const float> b, std::span<uint8_t> dst);
Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const int32_t> a, std::span<const int32_t> b,
               std::span<uint8_t> dst);
Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const int64_t> a, std::span<const int64_t> b,
               std::span<uint8_t> dst);
Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const uint8_t> a, std::span<const uint8_t> b,
               std::span<uint8_t> dst);

// Of booleans: 0 is false, all else true; results are 0 and 1.
Status Logical(LogicalOp op, const BinaryShape& shape,
               std::span<const uint8_t> a, std::span<const uint8_t> b,
               std::span<uint8_t> dst);

}  // namespace cyto8
