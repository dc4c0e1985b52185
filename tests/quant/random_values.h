// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same with every standard library.
#pragma once

#include <cmath>
#include <cstdint>

namespace cyto8 {

class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : state_(seed) {}

  double Uniform(double low, double high) {  // SplitMix64.
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    return low + (high - low) * static_cast<double>(z >> 11) * 0x1p-53;
  }

  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(0, 1)));
    return radius * std::cos(6.283185307179586 * Uniform(0, 1));
  }

  double Swish() {  // of a normal variable of deviation 2.
    const double x = 2 * Normal();
    return x / (1 + std::exp(-x));
  }

 private:
  uint64_t state_;
};

}  // namespace cyto8
