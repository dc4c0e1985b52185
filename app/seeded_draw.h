// SPDX-License-Identifier: Apache-2.0
// Draws from a seed, the same on every machine: SplitMix64 (Steele, Lea, Flood,
// 2014). Tested by tests/app/slide_scene_test.cc.
#pragma once

#include <cstdint>

namespace cyto8 {

class SeededDraw {
 public:
  explicit SeededDraw(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // In [0, count); count >= 1.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>(Next() % static_cast<uint64_t>(count));
  }
  // In [0, 1).
  double Share() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace cyto8
