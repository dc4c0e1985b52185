// SPDX-License-Identifier: Apache-2.0
// Edit distance and the nearest word; see nearest_word.h.
#include "base/nearest_word.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace cyto8 {
namespace {

// Levenshtein distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestWord(std::string_view word,
                        std::span<const std::string_view> known) {
  // Longer input is no typing error, and would cost time.
  constexpr size_t kMaxLength = 100;
  if (word.size() > kMaxLength) return "";
  std::string_view best;
  size_t best_distance = kMaxLength;
  for (const std::string_view candidate : known) {
    const size_t distance = EditDistance(word, candidate);
    const size_t longer = std::max(word.size(), candidate.size());
    if (2 * distance <= longer && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return std::string(best);
}

std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> known) {
  const std::string nearest = NearestWord(word, known);
  return nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
}

}  // namespace cyto8
