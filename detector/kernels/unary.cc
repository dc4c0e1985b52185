// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of unary operators, and those of integers and booleans;
// see unary.h.
#include "detector/kernels/unary.h"

#include <string>
#include <type_traits>

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

// Unsigned arithmetic, because its overflow is defined.
template <typename T, typename Function>
void ApplyWrapping(std::span<const T> src, std::span<T> dst,
                   Function function) {
  using Unsigned = std::make_unsigned_t<T>;
  for (size_t i = 0; i < src.size(); ++i) {
    dst[i] =
        static_cast<T>(function(static_cast<Unsigned>(src[i]), src[i] < 0));
  }
}

template <typename T>
Status UnaryOfInts(UnaryOp op, std::span<const T> src, std::span<T> dst) {
  using Unsigned = std::make_unsigned_t<T>;
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {static_cast<int64_t>(src.size())}));
  const auto relu = [](Unsigned x, bool below) { return below ? 0 : x; };
  const auto neg = [](Unsigned x, bool) { return 0 - x; };
  const auto abs = [](Unsigned x, bool below) { return below ? 0 - x : x; };
  const auto square = [](Unsigned x, bool) { return x * x; };
  switch (op) {
    case UnaryOp::kRelu:
      ApplyWrapping(src, dst, relu);
      return OkStatus();
    case UnaryOp::kNeg:
      ApplyWrapping(src, dst, neg);
      return OkStatus();
    case UnaryOp::kAbs:
      ApplyWrapping(src, dst, abs);
      return OkStatus();
    case UnaryOp::kSquare:
      ApplyWrapping(src, dst, square);
      return OkStatus();
    default:
      return InvalidArgument("operator = " + std::string(UnaryOpName(op)) +
                             ": of integers must be relu, square, neg or abs");
  }
}

}  // namespace

std::string_view UnaryOpName(UnaryOp op) {
  switch (op) {
    case UnaryOp::kRelu:
      return "relu";
    case UnaryOp::kRelu6:
      return "relu6";
    case UnaryOp::kLeakyRelu:
      return "leaky_relu";
    case UnaryOp::kElu:
      return "elu";
    case UnaryOp::kSelu:
      return "selu";
    case UnaryOp::kSigmoid:
      return "sigmoid";
    case UnaryOp::kTanh:
      return "tanh";
    case UnaryOp::kSoftplus:
      return "softplus";
    case UnaryOp::kSoftsign:
      return "softsign";
    case UnaryOp::kExp:
      return "exp";
    case UnaryOp::kLog:
      return "log";
    case UnaryOp::kLog1p:
      return "log1p";
    case UnaryOp::kSqrt:
      return "sqrt";
    case UnaryOp::kRsqrt:
      return "rsqrt";
    case UnaryOp::kSquare:
      return "square";
    case UnaryOp::kReciprocal:
      return "reciprocal";
    case UnaryOp::kNeg:
      return "neg";
    case UnaryOp::kAbs:
      return "abs";
    case UnaryOp::kFloor:
      return "floor";
    case UnaryOp::kCeil:
      return "ceil";
    case UnaryOp::kRound:
      return "round";
    case UnaryOp::kErf:
      return "erf";
    case UnaryOp::kSwish:
      return "swish";
    case UnaryOp::kHardSwish:
      return "hard_swish";
    case UnaryOp::kMish:
      return "mish";
  }
  return "unknown";
}

Status UnaryF32(UnaryOp op, float parameter, std::span<const float> src,
                std::span<float> dst) {
  const auto count = static_cast<int64_t>(src.size());
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst.size(), {count}));
  UnaryF32Naive(op, parameter, src.data(), dst.data(), count);
  return OkStatus();
}

Status UnaryInt(UnaryOp op, std::span<const int32_t> src,
                std::span<int32_t> dst) {
  return UnaryOfInts(op, src, dst);
}

Status UnaryInt(UnaryOp op, std::span<const int64_t> src,
                std::span<int64_t> dst) {
  return UnaryOfInts(op, src, dst);
}

Status LogicalNot(std::span<const uint8_t> src, std::span<uint8_t> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {static_cast<int64_t>(src.size())}));
  for (size_t i = 0; i < src.size(); ++i) dst[i] = src[i] == 0 ? 1 : 0;
  return OkStatus();
}

}  // namespace cyto8
