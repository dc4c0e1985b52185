// SPDX-License-Identifier: Apache-2.0
// Exponentials and logarithms of floats, worked out in double by nothing but
// IEEE operations; see scalar_f32.h. What a double misses is 2^-29 of what a
// float does, so results are the nearest float but for the rarest ties.
#include "detector/kernels/scalar_f32.h"

#include <bit>
#include <cstdint>
#include <limits>

namespace cyto8 {
namespace {

constexpr double kLn2 = 0.693147180559945309417;

// 2^n, -1022 <= n <= 1023.
double PowerOfTwo(int64_t n) { return std::bit_cast<double>((n + 1023) << 52); }

// e^x, |x| <= 700: 2^n e^r by Taylor, |r| <= 0.35.
double Exp(double x) {
  constexpr double kLn2High = 0x1.62e42fee00000p-1;  // n times it is exact.
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr double kRounds = 0x1.8p52;
  constexpr int kTerms = 14;
  const double n = (x * (1 / kLn2) + kRounds) - kRounds;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1;
  for (int i = kTerms; i > 0; --i) sum = 1 + sum * r / i;
  return sum * PowerOfTwo(static_cast<int64_t>(n));
}

// ln x for a finite x > 0 that was a float: x = 2^n m, m in [0.7, 1.4],
// ln m = 2 artanh((m - 1) / (m + 1)).
double Log(double x) {
  constexpr double kRootHalf = 0.707106781186547524;
  constexpr int kTerms = 12;
  int n = 0;
  double m = std::frexp(x, &n);
  if (m < kRootHalf) {
    m *= 2;
    --n;
  }
  const double s = (m - 1) / (m + 1);
  double sum = 0;
  for (int i = kTerms; i >= 0; --i) sum = sum * (s * s) + 1.0 / (2 * i + 1);
  return n * kLn2 + 2 * s * sum;
}

bool IsFinite(float x) {
  return std::abs(x) <= std::numeric_limits<float>::max();
}

// Of a finite x; floats above 2^24 are whole and even.
bool IsWhole(float x) { return x == std::floor(x); }
bool IsOdd(float x) { return IsWhole(x) && !IsWhole(x / 2); }

}  // namespace

float ExpF32(float x) {
  constexpr float kFar = 200;  // beyond the float range on both sides.
  if (x != x) return x;
  const float bounded = x < kFar ? x : kFar;
  return static_cast<float>(
      Exp(static_cast<double>(bounded > -kFar ? bounded : -kFar)));
}

float LogF32(float x) {
  if (!(x > 0 && IsFinite(x))) return std::log(x);  // a special value.
  return static_cast<float>(Log(static_cast<double>(x)));
}

float PowF32(float base, float exponent) {
  constexpr double kFar = 200;
  const bool special = base == 0 || !IsFinite(base) || !IsFinite(exponent) ||
                       (base < 0 && !IsWhole(exponent));
  if (special) return std::pow(base, exponent);
  const double log = static_cast<double>(exponent) *
                     Log(static_cast<double>(std::abs(base)));
  const double bounded = log < kFar ? log : kFar;
  const auto power =
      static_cast<float>(Exp(bounded > -kFar ? bounded : -kFar));
  return base < 0 && IsOdd(exponent) ? -power : power;
}

}  // namespace cyto8
