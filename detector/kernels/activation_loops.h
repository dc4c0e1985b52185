// SPDX-License-Identifier: Apache-2.0
// Activations of whole vectors, for islands only (see native_vector.h). Tested
// by tests/detector/kernels/activation_f32_test.cc.
#pragma once

#include <cstdint>

#include "base/activation_kind.h"
#include "detector/kernels/native_vector.h"

namespace cyto8 {
namespace {

// 1 + exp(-x); x is cut to +-87, so that neither the power nor its reciprocal
// overflows. NaN stays NaN.
//   exp(-x) = 2^z = 2^n * 2^f with z = -x / ln 2, n whole, f in [-0.5, 0.5];
// the polynomial meets 2^f at the Chebyshev nodes. Relative error 3e-7 at
// x = 0, rising to 1.5e-6 at x = -87, where the float nearest to 1 / ln 2
// tells.
inline Vector OnePlusExpMinus(Vector x) {
  const Vector scale = Set(-1.44269504088896341f);
  const Vector cut = Max(Set(-87), Min(Set(87), x));
  const Vector n = Round(Mul(cut, scale));
  const Vector f = MulAdd(cut, scale, Sub(Set(0), n));
  Vector p = Set(0.00133908633f);
  p = MulAdd(p, f, Set(0.00967603177f));
  p = MulAdd(p, f, Set(0.0555035695f));
  p = MulAdd(p, f, Set(0.240221068f));
  p = MulAdd(p, f, Set(0.693147182f));
  p = MulAdd(p, f, Set(1.0f));
  return Add(TimesPowerOfTwo(p, n), Set(1));
}

inline Vector Sigmoid(Vector x) { return Reciprocal(OnePlusExpMinus(x)); }

inline Vector Swish(Vector x) { return Mul(x, Sigmoid(x)); }

// NaN stays NaN: it is the second operand of Max and Min.
inline Vector Relu(Vector x) { return Max(Set(0), x); }

inline Vector Relu6(Vector x) { return Min(Set(6), Relu(x)); }

inline Vector HardSwish(Vector x) {
  return Div(Mul(x, Relu6(Add(x, Set(3)))), Set(6));
}

// The same for several vectors, so that the choice is made once.
template <int kCount>
inline void Activate(Activation activation, Vector (&x)[kCount]) {
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      for (Vector& v : x) v = Relu(v);
      return;
    case Activation::kRelu6:
      for (Vector& v : x) v = Relu6(v);
      return;
    case Activation::kSwish:
      for (Vector& v : x) v = Swish(v);
      return;
    case Activation::kHardSwish:
      for (Vector& v : x) v = HardSwish(v);
      return;
    case Activation::kSigmoid:
      for (Vector& v : x) v = Sigmoid(v);
      return;
  }
}

// Activations of arrays.
inline void ActivateArray(Activation activation, const float* src, float* dst,
                          int64_t count) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    Vector x[4];
    for (int v = 0; v < 4; ++v) x[v] = Load(src + i + v * kLanes);
    Activate(activation, x);
    for (int v = 0; v < 4; ++v) Store(dst + i + v * kLanes, x[v]);
  }
  for (; i < count; i += kLanes) {
    const int64_t left = count - i;
    const Lanes lanes = FirstLanes(left < kLanes ? left : kLanes);
    Vector x[1] = {Load(src + i, lanes)};
    Activate(activation, x);
    Store(dst + i, x[0], lanes);
  }
}

}  // namespace
}  // namespace cyto8
