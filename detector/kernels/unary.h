// SPDX-License-Identifier: Apache-2.0
// Element-wise functions of one operand. Tested by
// tests/detector/kernels/unary_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// Formulas are those of TensorFlow; NaN gives NaN.
enum class UnaryOp {
  kRelu,       // max(x, 0); also of integers.
  kRelu6,      // min(max(x, 0), 6).
  kLeakyRelu,  // x < 0 ? parameter * x : x.
  kElu,        // x < 0 ? exp(x) - 1 : x.
  kSelu,       // 1.0507... * (x < 0 ? 1.6732... * (exp(x) - 1) : x).
  kSigmoid,    // 1 / (1 + exp(-x)), without overflow.
  kTanh,
  kSoftplus,  // log(1 + exp(x)), without overflow.
  kSoftsign,  // x / (1 + |x|).
  kExp,
  kLog,
  kLog1p,
  kSqrt,
  kRsqrt,
  kSquare,  // also of integers; overflow wraps.
  kReciprocal,
  kNeg,  // also of integers; overflow wraps.
  kAbs,  // also of integers; overflow wraps.
  kFloor,
  kCeil,
  kRound,  // half to even.
  kErf,
  kSwish,      // x * sigmoid(parameter * x).
  kHardSwish,  // x * relu6(x + 3) / 6.
  kMish,       // x * tanh(softplus(x)).
};

std::string_view UnaryOpName(UnaryOp op);  // "relu", ...

// dst[i] = op(src[i]). `parameter` is the slope of kLeakyRelu or the beta of
// kSwish; others ignore it. dst may be src. Thread-safe.
Status UnaryF32(UnaryOp op, float parameter, std::span<const float> src,
                std::span<float> dst);

// kInvalidArgument for an operator that is not defined for integers above.
Status UnaryInt(UnaryOp op, std::span<const int32_t> src,
                std::span<int32_t> dst);
Status UnaryInt(UnaryOp op, std::span<const int64_t> src,
                std::span<int64_t> dst);

// dst[i] = not src[i], of booleans: 0 is false, all else true.
Status LogicalNot(std::span<const uint8_t> src, std::span<uint8_t> dst);

// The same by a plain loop. Checks nothing.
void UnaryF32Naive(UnaryOp op, float parameter, const float* src, float* dst,
                   int64_t count);

}  // namespace cyto8
