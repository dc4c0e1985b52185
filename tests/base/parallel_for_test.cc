// SPDX-License-Identifier: Apache-2.0
// Tests of base/parallel_for.h.
#include "base/parallel_for.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace cyto8 {
namespace {

TEST(SerialForTest, CallsTheBodyOnceForEveryIndexInOrder) {
  SerialFor serial;
  ParallelFor& executor = serial;
  for (int64_t count = 0; count <= 10; ++count) {
    std::vector<int64_t> expected(static_cast<size_t>(count));
    std::iota(expected.begin(), expected.end(), 0);
    std::vector<int64_t> seen;
    executor.Run(count, [&](int64_t i) { seen.push_back(i); });
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace cyto8
