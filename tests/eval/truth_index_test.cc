// SPDX-License-Identifier: Apache-2.0
// Tests of eval/truth_index.h against looking at everything.
#include "eval/truth_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace cyto8 {
namespace {

TEST(TruthIndexTest, FindsAllThatShareAPointAndNoOther) {
  TruthIndex index;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<double> left;
    std::vector<double> right;
    for (auto count = random() % 8; count > 0; --count) {
      left.push_back(static_cast<double>(random() % 10));
      right.push_back(left.back() + static_cast<double>(random() % 6));
    }
    index.Reset(left, right);
    for (int from = -1; from < 16; ++from) {
      for (int to = from; to < 17; ++to) {
        std::vector<int32_t> expected;
        for (size_t i = 0; i < left.size(); ++i) {
          if (left[i] > to || right[i] < from) continue;
          expected.push_back(static_cast<int32_t>(i));
        }
        std::vector<int32_t> found;
        index.ForEachNear(from, to, [&](int32_t i) { found.push_back(i); });
        std::ranges::sort(found);
        ASSERT_EQ(found, expected);
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
