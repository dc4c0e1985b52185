// SPDX-License-Identifier: Apache-2.0
// Functions of one float that several kernels share. Accurate to a few units in
// the last place, without overflow on the way; NaN gives NaN. Tested by
// tests/detector/kernels/unary_test.cc.
#pragma once

#include <cmath>

namespace cyto8 {

// As std::exp, std::log and std::pow, but the same bits on every CPU: the C
// library takes others where it finds FMA.
float ExpF32(float x);
float LogF32(float x);
float PowF32(float base, float exponent);

inline float ReluF32(float x) { return x < 0 ? 0 : x; }

inline float Relu6F32(float x) { return x > 6 ? 6 : ReluF32(x); }

// The exponential is taken of a negative number, so it cannot overflow.
inline float SigmoidF32(float x) {
  const float e = ExpF32(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

inline float SoftplusF32(float x) {
  return ReluF32(x) + std::log1p(ExpF32(-std::abs(x)));
}

inline float SwishF32(float x) { return x * SigmoidF32(x); }

inline float HardSwishF32(float x) { return x * Relu6F32(x + 3) / 6; }

}  // namespace cyto8
