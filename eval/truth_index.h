// SPDX-License-Identifier: Apache-2.0
// The truth of one group by its left edge, so that a detection is compared with
// its neighbours only: of 100 cells in a field that is some 10. Tested by
// tests/eval/truth_index_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cyto8 {

// Keeps its memory from one group to the next. Positions are int32_t indices
// into the spans of Reset.
class TruthIndex {
 public:
  // Item i spans [left[i], right[i]].
  void Reset(std::span<const double> left, std::span<const double> right);

  // Calls visit(position) for all items that share a point with [left, right],
  // in no order. O(log n) and those items, if widths are alike.
  template <typename Visit>
  void ForEachNear(double left, double right, const Visit& visit) const {
    for (size_t i = FirstReaching(left); i < items_.size(); ++i) {
      if (items_[i].left > right) return;
      if (items_[i].right >= left) visit(items_[i].position);
    }
  }

 private:
  struct Item {
    double left = 0;
    double right = 0;
    double furthest_right = 0;  // of this item and all before.
    int32_t position = 0;
  };

  // Of the first item that reaches `left`, all before end further left.
  size_t FirstReaching(double left) const;

  std::vector<Item> items_;  // by left.
};

}  // namespace cyto8
