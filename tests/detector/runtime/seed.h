// SPDX-License-Identifier: Apache-2.0
// The seed of the random tests in this folder.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace cyto8 {

// 1, or what the environment's CYTO8_SEED says.
inline uint32_t Seed() {
  const char* text = std::getenv("CYTO8_SEED");
  if (text == nullptr) return 1;
  return static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace cyto8
