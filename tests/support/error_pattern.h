// SPDX-License-Identifier: Apache-2.0
// Pins a message of which a part may differ. Test code.
#pragma once

#include <cctype>
#include <regex>
#include <string>

namespace cyto8 {

// Whether all of `error` is `pattern`, a regular expression in which ".*" alone
// has a meaning: brackets and dots stand for themselves.
inline bool MatchesError(const std::string& error, const std::string& pattern) {
  std::string expression;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.compare(i, 2, ".*") == 0) {
      expression += ".*";
      ++i;
      continue;
    }
    const bool plain =
        std::isalnum(static_cast<unsigned char>(pattern[i])) != 0;
    expression += (plain ? "" : "\\") + std::string(1, pattern[i]);
  }
  return std::regex_match(error, std::regex(expression));
}

}  // namespace cyto8
