// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/add_n.h.
#include "detector/kernels/add_n.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

template <typename T>
using Operands = std::vector<std::span<const T>>;

TEST(AddNTest, SumsFromLeftToRight) {
  const std::vector<float> a = {1e8f, 1}, b = {-1e8f, 2}, c = {1, 3};
  std::vector<float> dst(2);
  ASSERT_TRUE(AddN(Operands<float>{a, b, c}, dst).ok());
  EXPECT_EQ(dst, (std::vector<float>{1, 6}));
}

TEST(AddNTest, OneOperandIsCopied) {
  const std::vector<int32_t> a = {4, 5};
  std::vector<int32_t> dst(2);
  ASSERT_TRUE(AddN(Operands<int32_t>{a}, dst).ok());
  EXPECT_EQ(dst, a);
}

TEST(AddNTest, TheResultMayBeAnOperand) {
  std::vector<float> a = {1, 2};
  const std::vector<float> b = {10, 20};
  ASSERT_TRUE(AddN(Operands<float>{b, a}, a).ok());
  EXPECT_EQ(a, (std::vector<float>{11, 22}));
}

TEST(AddNTest, IntegersWrap) {
  const std::vector<int32_t> a = {std::numeric_limits<int32_t>::max()}, b = {1};
  std::vector<int32_t> dst(1);
  ASSERT_TRUE(AddN(Operands<int32_t>{a, b}, dst).ok());
  EXPECT_EQ(dst[0], std::numeric_limits<int32_t>::min());
  const std::vector<int64_t> c = {std::numeric_limits<int64_t>::max()}, d = {1};
  std::vector<int64_t> wide(1);
  ASSERT_TRUE(AddN(Operands<int64_t>{c, d}, wide).ok());
  EXPECT_EQ(wide[0], std::numeric_limits<int64_t>::min());
}

TEST(AddNTest, NoOperandOrAnotherSizeIsRefused) {
  const std::vector<float> a(2), b(3);
  std::vector<float> dst(2);
  EXPECT_EQ(AddN(Operands<float>{}, dst).message(),
            "operands = 0: must be in [1, 1073741824]");
  EXPECT_EQ(AddN(Operands<float>{a, b}, dst).message(),
            "operand elements = 3: must be 2");
}

TEST(WeightedSumTest, OneWeightPerOperand) {
  const std::vector<float> a = {1, 2, 3, 4}, b = {10, 20, 30, 40};
  std::vector<float> dst(4);
  ASSERT_TRUE(WeightedSumF32(/*channels=*/2, std::vector<float>{2, 0.5f},
                             Operands<float>{a, b}, dst)
                  .ok());
  EXPECT_EQ(dst, (std::vector<float>{7, 14, 21, 28}));
}

TEST(WeightedSumTest, OneWeightPerOperandAndChannel) {
  const std::vector<float> a = {1, 2, 3, 4}, b = {10, 20, 30, 40};
  std::vector<float> dst(4);
  ASSERT_TRUE(WeightedSumF32(/*channels=*/2, std::vector<float>{1, 2, 3, 4},
                             Operands<float>{a, b}, dst)
                  .ok());
  EXPECT_EQ(dst, (std::vector<float>{31, 84, 93, 168}));
}

TEST(WeightedSumTest, TheResultMayBeAnOperand) {
  std::vector<float> a = {1, 2};
  const std::vector<float> b = {10, 20};
  ASSERT_TRUE(WeightedSumF32(/*channels=*/1, std::vector<float>{3, 1},
                             Operands<float>{a, b}, a)
                  .ok());
  EXPECT_EQ(a, (std::vector<float>{13, 26}));
}

TEST(WeightedSumTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<float> a(6);
  std::vector<float> dst(6);
  const auto message = [&](int64_t channels, size_t weights) {
    return WeightedSumF32(channels, std::vector<float>(weights),
                          Operands<float>{a, a}, dst)
        .message();
  };
  EXPECT_EQ(message(3, 5), "weights elements = 5: must be 6");
  EXPECT_EQ(message(4, 8),
            "dst elements modulo channels = 2: must be in [0, 0]");
  EXPECT_EQ(message(0, 2), "channels = 0: must be in [1, 1073741824]");
}

}  // namespace
}  // namespace cyto8
