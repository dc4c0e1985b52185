// SPDX-License-Identifier: Apache-2.0
// See truth_index.h.
#include "eval/truth_index.h"

#include <algorithm>

namespace cyto8 {

void TruthIndex::Reset(std::span<const double> left,
                       std::span<const double> right) {
  items_.clear();
  for (size_t i = 0; i < left.size(); ++i) {
    items_.push_back({.left = left[i],
                      .right = right[i],
                      .position = static_cast<int32_t>(i)});
  }
  std::ranges::sort(items_, {}, &Item::left);
  double furthest = items_.empty() ? 0 : items_.front().right;
  for (Item& item : items_) {
    furthest = std::max(furthest, item.right);
    item.furthest_right = furthest;
  }
}

size_t TruthIndex::FirstReaching(double left) const {
  const auto first =
      std::ranges::lower_bound(items_, left, {}, &Item::furthest_right);
  return static_cast<size_t>(first - items_.begin());
}

}  // namespace cyto8
