// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/strided_copy.h.
#include "detector/kernels/strided_copy.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// A 3 x 2 matrix turned into its 2 x 3 transpose, of elements of any size.
std::vector<uint8_t> Transposed(int64_t element_bytes) {
  const auto src = Iota<uint8_t>(static_cast<size_t>(6 * element_bytes));
  std::vector<uint8_t> dst(src.size());
  IndexWalk<2> walk;
  walk.AddInner({.size = 2, .stride = {3, 1}});
  walk.AddInner({.size = 3, .stride = {1, 2}});
  StridedCopy(walk, element_bytes, BytesOf(src).data(),
              WritableBytesOf(dst).data());
  return dst;
}

TEST(StridedCopyTest, MovesElementsOfAnySize) {
  for (int64_t bytes = 1; bytes <= 16; ++bytes) {
    const std::vector<uint8_t> dst = Transposed(bytes);
    const std::vector<int64_t> order = {0, 2, 4, 1, 3, 5};
    for (size_t i = 0; i < dst.size(); ++i) {
      const int64_t element = order[i / static_cast<size_t>(bytes)];
      EXPECT_EQ(dst[i], element * bytes + static_cast<int64_t>(i) % bytes);
    }
  }
}

TEST(StridedCopyTest, DenseArraysAreOneCopy) {
  const auto src = Iota<int32_t>(24);
  std::vector<int32_t> dst(24);
  IndexWalk<2> walk;
  walk.AddInner({.size = 4, .stride = {6, 6}});
  walk.AddInner({.size = 6, .stride = {1, 1}});
  StridedCopy(walk, 4, BytesOf(src).data(), WritableBytesOf(dst).data());
  EXPECT_EQ(dst, src);
}

}  // namespace
}  // namespace cyto8
