// SPDX-License-Identifier: Apache-2.0
// Environment variables as a value; see environment.h.
#include "app/environment.h"

#include <string_view>

namespace cyto8 {

Environment EnvironmentOf(const char* const* words) {
  Environment environment;
  for (; words != nullptr && *words != nullptr; ++words) {
    const std::string_view word = *words;
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
  return environment;
}

}  // namespace cyto8
