// SPDX-License-Identifier: Apache-2.0
// A sum of doubles that does not depend on their order: a fixed-point number
// wide enough for every sum of float values and of their squares. Tested by
// tests/quant/exact_sum_test.cc.
#pragma once

#include <array>
#include <cstdint>

namespace cyto8 {

// Addends are cut off below 2^kLowestBit, each on its own, so even that does
// not depend on the order. At most 2^30 addends.
class ExactSum {
 public:
  static constexpr int kLowestBit = -192;
  static constexpr int kHighestBit = 352;

  // |value| must be below 2^(kHighestBit - 33); others, NaN too, are left out.
  void Add(double value);
  void Add(const ExactSum& other);

  // The sum, with a relative error of some 2^-52.
  double Value() const;

 private:
  static constexpr int kLimbs = (kHighestBit - kLowestBit) / 32;

  // Digits of base 2^32, least first, not yet carried.
  std::array<int64_t, kLimbs> limbs_ = {};
};

}  // namespace cyto8
