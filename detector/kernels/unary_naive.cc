// SPDX-License-Identifier: Apache-2.0
// Unary operators of floats by plain loops; the specification of the operators.
// Tested by tests/detector/kernels/unary_test.cc.
#include <cmath>

#include "detector/kernels/scalar_f32.h"
#include "detector/kernels/unary.h"

namespace cyto8 {
namespace {

// Of SELU (Klambauer et al. 2017), as TensorFlow has them.
constexpr float kSeluScale = 1.0507009873554804934193349852946f;
constexpr float kSeluAlpha = 1.6732632423543772848170429916717f;

float EluF32(float x) { return x < 0 ? std::expm1(x) : x; }

float SeluF32(float x) {
  return kSeluScale * (x < 0 ? kSeluAlpha * std::expm1(x) : x);
}

template <typename Function>
void Apply(const float* src, float* dst, int64_t count, Function function) {
  for (int64_t i = 0; i < count; ++i) dst[i] = function(src[i]);
}

}  // namespace

// Long: one line per operator.
void UnaryF32Naive(UnaryOp op, float parameter, const float* src, float* dst,
                   int64_t count) {
  const auto apply = [&](auto function) { Apply(src, dst, count, function); };
  switch (op) {
    case UnaryOp::kRelu:
      return apply([](float x) { return ReluF32(x); });
    case UnaryOp::kRelu6:
      return apply([](float x) { return Relu6F32(x); });
    case UnaryOp::kLeakyRelu:
      return apply([=](float x) { return x < 0 ? parameter * x : x; });
    case UnaryOp::kElu:
      return apply(EluF32);
    case UnaryOp::kSelu:
      return apply(SeluF32);
    case UnaryOp::kSigmoid:
      return apply([](float x) { return SigmoidF32(x); });
    case UnaryOp::kTanh:
      return apply([](float x) { return std::tanh(x); });
    case UnaryOp::kSoftplus:
      return apply([](float x) { return SoftplusF32(x); });
    case UnaryOp::kSoftsign:
      return apply([](float x) { return x / (1 + std::abs(x)); });
    case UnaryOp::kExp:
      return apply([](float x) { return ExpF32(x); });
    case UnaryOp::kLog:
      return apply([](float x) { return LogF32(x); });
    case UnaryOp::kLog1p:
      return apply([](float x) { return std::log1p(x); });
    case UnaryOp::kSqrt:
      return apply([](float x) { return std::sqrt(x); });
    case UnaryOp::kRsqrt:
      return apply([](float x) { return 1 / std::sqrt(x); });
    case UnaryOp::kSquare:
      return apply([](float x) { return x * x; });
    case UnaryOp::kReciprocal:
      return apply([](float x) { return 1 / x; });
    case UnaryOp::kNeg:
      return apply([](float x) { return -x; });
    case UnaryOp::kAbs:
      return apply([](float x) { return std::abs(x); });
    case UnaryOp::kFloor:
      return apply([](float x) { return std::floor(x); });
    case UnaryOp::kCeil:
      return apply([](float x) { return std::ceil(x); });
    case UnaryOp::kRound:
      return apply([](float x) { return std::nearbyint(x); });
    case UnaryOp::kErf:
      return apply([](float x) { return std::erf(x); });
    case UnaryOp::kSwish:
      return apply([=](float x) { return x * SigmoidF32(parameter * x); });
    case UnaryOp::kHardSwish:
      return apply([](float x) { return HardSwishF32(x); });
    case UnaryOp::kMish:
      return apply([](float x) { return x * std::tanh(SoftplusF32(x)); });
  }
}

}  // namespace cyto8
