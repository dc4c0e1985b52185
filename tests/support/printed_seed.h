// SPDX-License-Identifier: Apache-2.0
// The seed of tests that try something else each time. Test code.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>

namespace cyto8 {

// What the environment's CYTO8_SEED says, else a fresh one; it is printed, so
// that a failure can be had again.
inline unsigned long PrintedSeed() {
  const char* text = std::getenv("CYTO8_SEED");
  const unsigned long seed = text != nullptr ? std::strtoul(text, nullptr, 10)
                                             : std::random_device()();
  std::cout << "CYTO8_SEED=" << seed << "\n";
  return seed;
}

}  // namespace cyto8
