// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/index_walk.h.
#include "detector/kernels/index_walk.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// Every offset of array 0, in the order of the walk.
template <size_t kArrays>
std::vector<int64_t> Offsets(const IndexWalk<kArrays>& walk, size_t array) {
  std::vector<int64_t> offsets;
  walk.ForEachRow([&](const std::array<int64_t, kArrays>& start) {
    for (int64_t i = 0; i < walk.inner().size; ++i) {
      offsets.push_back(start[array] + i * walk.inner().stride[array]);
    }
  });
  return offsets;
}

TEST(IndexWalkTest, VisitsEveryIndexOnceInRowMajorOrder) {
  for (const TestShape& shape : AllShapes(4, 0, 3)) {
    IndexWalk<2> walk;
    std::vector<int64_t> weights = {1000, 100, 10, 1};
    TestShape dense(shape.size());
    int64_t stride = 1;
    for (size_t a = shape.size(); a-- > 0; stride *= shape[a]) {
      dense[a] = stride;
    }
    for (size_t a = 0; a < shape.size(); ++a) {
      walk.AddInner({.size = shape[a], .stride = {dense[a], weights[a]}});
    }
    std::vector<int64_t> weighted;
    for (size_t i = 0; i < CountOf(shape); ++i) {
      const TestShape index = Unravel(i, shape);
      int64_t sum = 0;
      for (size_t a = 0; a < index.size(); ++a) sum += index[a] * weights[a];
      weighted.push_back(sum);
    }
    EXPECT_EQ(Offsets(walk, 0), Iota<int64_t>(CountOf(shape)));
    EXPECT_EQ(Offsets(walk, 1), weighted);
  }
}

TEST(IndexWalkTest, ContiguousAxesBecomeOne) {
  IndexWalk<1> walk;
  walk.AddInner({.size = 2, .stride = {12}});
  walk.AddInner({.size = 3, .stride = {4}});
  walk.AddInner({.size = 4, .stride = {1}});
  EXPECT_EQ(walk.inner().size, 24);
}

TEST(IndexWalkTest, WithoutAxesThereIsOneElement) {
  EXPECT_EQ(Offsets(IndexWalk<1>(), 0), std::vector<int64_t>{0});
}

}  // namespace
}  // namespace cyto8
