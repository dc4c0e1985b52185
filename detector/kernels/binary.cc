// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of binary operators by operator; see binary.h. The loops
// are in binary_naive.h.
#include "detector/kernels/binary.h"

#include <string>

#include "detector/kernels/binary_naive.h"
#include "detector/kernels/broadcast.h"

namespace cyto8 {
namespace {

// The walk, once all sizes are known to fit.
StatusOr<IndexWalk<3>> CheckedWalk(const BinaryShape& shape, size_t a, size_t b,
                                   size_t dst) {
  CYTO8_ASSIGN_OR_RETURN(const BroadcastPlan<2> plan,
                         PlanBroadcast<2>({shape.a, shape.b}));
  CYTO8_RETURN_IF_ERROR(CheckSize("a", a, shape.a));
  CYTO8_RETURN_IF_ERROR(CheckSize("b", b, shape.b));
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst, plan.shape()));
  return plan.walk;
}

// Operands that integer operators have no result for.
template <typename T>
Status CheckRightOperand(BinaryOp op, std::span<const T> b) {
  const bool divides = op == BinaryOp::kDiv || op == BinaryOp::kFloorDiv ||
                       op == BinaryOp::kFloorMod;
  for (const T value : b) {
    if (divides && value == 0) {
      return InvalidArgument(std::string(BinaryOpName(op)) +
                             ": divisor = 0: must not be 0");
    }
    if (op == BinaryOp::kPow && value < 0) {
      return InvalidArgument("pow: exponent = " + std::to_string(value) +
                             ": must be at least 0 for integers");
    }
  }
  return OkStatus();
}

template <typename T>
Status BinaryOf(BinaryOp op, const BinaryShape& shape, std::span<const T> a,
                std::span<const T> b, std::span<T> dst) {
  CYTO8_ASSIGN_OR_RETURN(const IndexWalk<3> walk,
                         CheckedWalk(shape, a.size(), b.size(), dst.size()));
  if (dst.empty()) return OkStatus();
  if constexpr (std::is_integral_v<T>) {
    CYTO8_RETURN_IF_ERROR(CheckRightOperand(op, b));
  }
  VisitBinaryOp<T>(op, [&](auto function) {
    ApplyRows(walk, a.data(), b.data(), dst.data(), function);
  });
  return OkStatus();
}

template <typename T>
Status CompareOf(CompareOp op, const BinaryShape& shape, std::span<const T> a,
                 std::span<const T> b, std::span<uint8_t> dst) {
  CYTO8_ASSIGN_OR_RETURN(const IndexWalk<3> walk,
                         CheckedWalk(shape, a.size(), b.size(), dst.size()));
  if (dst.empty()) return OkStatus();
  VisitCompareOp<T>(op, [&](auto function) {
    ApplyRows(walk, a.data(), b.data(), dst.data(), function);
  });
  return OkStatus();
}

}  // namespace

std::string_view BinaryOpName(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return "add";
    case BinaryOp::kSub:
      return "sub";
    case BinaryOp::kMul:
      return "mul";
    case BinaryOp::kDiv:
      return "div";
    case BinaryOp::kFloorDiv:
      return "floor_div";
    case BinaryOp::kFloorMod:
      return "floor_mod";
    case BinaryOp::kMaximum:
      return "maximum";
    case BinaryOp::kMinimum:
      return "minimum";
    case BinaryOp::kPow:
      return "pow";
    case BinaryOp::kSquaredDifference:
      return "squared_difference";
  }
  return "unknown";
}

Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const float> a,
              std::span<const float> b, std::span<float> dst) {
  return BinaryOf(op, shape, a, b, dst);
}

Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const int32_t> a,
              std::span<const int32_t> b, std::span<int32_t> dst) {
  return BinaryOf(op, shape, a, b, dst);
}

Status Binary(BinaryOp op, const BinaryShape& shape, std::span<const int64_t> a,
              std::span<const int64_t> b, std::span<int64_t> dst) {
  return BinaryOf(op, shape, a, b, dst);
}

Status Compare(CompareOp op, const BinaryShape& shape, std::span<const float> a,
               std::span<const float> b, std::span<uint8_t> dst) {
  return CompareOf(op, shape, a, b, dst);
}

Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const int32_t> a, std::span<const int32_t> b,
               std::span<uint8_t> dst) {
  return CompareOf(op, shape, a, b, dst);
}

Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const int64_t> a, std::span<const int64_t> b,
               std::span<uint8_t> dst) {
  return CompareOf(op, shape, a, b, dst);
}

Status Compare(CompareOp op, const BinaryShape& shape,
               std::span<const uint8_t> a, std::span<const uint8_t> b,
               std::span<uint8_t> dst) {
  return CompareOf(op, shape, a, b, dst);
}

Status Logical(LogicalOp op, const BinaryShape& shape,
               std::span<const uint8_t> a, std::span<const uint8_t> b,
               std::span<uint8_t> dst) {
  CYTO8_ASSIGN_OR_RETURN(const IndexWalk<3> walk,
                         CheckedWalk(shape, a.size(), b.size(), dst.size()));
  if (dst.empty()) return OkStatus();
  const auto both = [](uint8_t x, uint8_t y) { return x != 0 && y != 0; };
  const auto either = [](uint8_t x, uint8_t y) { return x != 0 || y != 0; };
  if (op == LogicalOp::kAnd) {
    ApplyRows(walk, a.data(), b.data(), dst.data(), both);
  } else {
    ApplyRows(walk, a.data(), b.data(), dst.data(), either);
  }
  return OkStatus();
}

}  // namespace cyto8
