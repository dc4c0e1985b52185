// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word closest to a mistyped one. Tested by
// tests/base/nearest_word_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cyto8 {

// The word of `known` with the fewest single-character edits to `word`, the
// first of equals; empty if none is within half of the longer length.
std::string NearestWord(std::string_view word,
                        std::span<const std::string_view> known);

// "; did you mean \"x\"?", or nothing.
std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> known);

}  // namespace cyto8
