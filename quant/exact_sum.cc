// SPDX-License-Identifier: Apache-2.0
// A small superaccumulator (Kulisch); see exact_sum.h. A limb takes 2^30
// addends of 33 bits before it could overflow.
#include "quant/exact_sum.h"

#include <cmath>

namespace cyto8 {
namespace {

constexpr int kLimbBits = 32;
constexpr int64_t kLimbMask = (int64_t{1} << kLimbBits) - 1;
constexpr int kMantissaBits = 53;

}  // namespace

void ExactSum::Add(double value) {
  if (!(std::abs(value) < std::ldexp(1.0, kHighestBit - 33))) return;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  auto mantissa = static_cast<int64_t>(std::ldexp(fraction, kMantissaBits));
  int bit = exponent - kMantissaBits - kLowestBit;
  if (bit < 0) {
    if (bit <= -kMantissaBits) return;
    mantissa /= int64_t{1} << -bit;  // cuts towards 0 for either sign.
    bit = 0;
  }
  const int64_t sign = mantissa < 0 ? -1 : 1;
  const auto magnitude = static_cast<uint64_t>(mantissa * sign);
  const int limb = bit / kLimbBits;
  const int shift = bit % kLimbBits;
  const uint64_t low = (magnitude & kLimbMask) << shift;
  const uint64_t high = (magnitude >> kLimbBits) << shift;
  const uint64_t middle = (low >> kLimbBits) + (high & kLimbMask);
  limbs_[limb] += sign * static_cast<int64_t>(low & kLimbMask);
  limbs_[limb + 1] += sign * static_cast<int64_t>(middle);
  limbs_[limb + 2] += sign * static_cast<int64_t>(high >> kLimbBits);
}

void ExactSum::Add(const ExactSum& other) {
  for (int i = 0; i < kLimbs; ++i) limbs_[i] += other.limbs_[i];
}

double ExactSum::Value() const {
  std::array<int64_t, kLimbs> limbs = limbs_;
  for (int i = 0; i + 1 < kLimbs; ++i) {
    limbs[i + 1] += limbs[i] >> kLimbBits;  // rounds down for either sign.
    limbs[i] &= kLimbMask;
  }
  double sum = 0;
  for (int i = kLimbs - 1; i >= 0; --i) {
    sum +=
        std::ldexp(static_cast<double>(limbs[i]), kLimbBits * i + kLowestBit);
  }
  return sum;
}

}  // namespace cyto8
