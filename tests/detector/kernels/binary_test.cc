// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/binary.h.
#include "detector/kernels/binary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// The shape by NumPy's rule, from the last axis; none if there is none.
std::optional<TestShape> BroadcastOf(TestShape a, TestShape b) {
  while (a.size() < b.size()) a.insert(a.begin(), 1);
  while (b.size() < a.size()) b.insert(b.begin(), 1);
  TestShape result;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) return std::nullopt;
    result.push_back(a[i] == 1 ? b[i] : a[i]);
  }
  return result;
}

// Which element of an operand belongs to an index of the result.
size_t OperandIndex(const TestShape& index, const TestShape& operand) {
  TestShape own;
  const size_t extra = index.size() - operand.size();
  for (size_t a = 0; a < operand.size(); ++a) {
    own.push_back(operand[a] == 1 ? 0 : index[a + extra]);
  }
  return Ravel(own, operand);
}

template <typename T>
StatusOr<std::vector<T>> Apply(BinaryOp op, const std::vector<T>& a,
                               const std::vector<T>& b) {
  const TestShape shape_a = {static_cast<int64_t>(a.size())};
  const TestShape shape_b = {static_cast<int64_t>(b.size())};
  std::vector<T> dst(std::max(a.size(), b.size()));
  CYTO8_RETURN_IF_ERROR(Binary(op, {.a = shape_a, .b = shape_b},
                               std::span<const T>(a), std::span<const T>(b),
                               std::span<T>(dst)));
  return dst;
}

template <typename T>
std::vector<uint8_t> ApplyCompare(CompareOp op, const std::vector<T>& a,
                                  const std::vector<T>& b) {
  const TestShape shape = {static_cast<int64_t>(a.size())};
  std::vector<uint8_t> dst(a.size(), 99);
  EXPECT_TRUE(Compare(op, {.a = shape, .b = shape}, std::span<const T>(a),
                      std::span<const T>(b), dst)
                  .ok());
  return dst;
}

TEST(BinaryTest, EveryPairOfSmallShapesBroadcastsAsInNumPy) {
  int broadcasts = 0;
  for (const TestShape& a_shape : AllShapes(3, 1, 3)) {
    for (const TestShape& b_shape : AllShapes(3, 1, 3)) {
      const auto shape = BroadcastOf(a_shape, b_shape);
      const auto a = Iota<int32_t>(CountOf(a_shape), 100);
      const auto b = Iota<int32_t>(CountOf(b_shape), 3);
      std::vector<int32_t> dst(shape ? CountOf(*shape) : 1);
      const Status status =
          Binary(BinaryOp::kSub, {.a = a_shape, .b = b_shape}, a, b, dst);
      ASSERT_EQ(status.ok(), shape.has_value());
      if (!shape) continue;
      ++broadcasts;
      for (size_t i = 0; i < dst.size(); ++i) {
        const TestShape index = Unravel(i, *shape);
        ASSERT_EQ(dst[i], a[OperandIndex(index, a_shape)] -
                              b[OperandIndex(index, b_shape)]);
      }
    }
  }
  EXPECT_GT(broadcasts, 500);
}

TEST(BinaryTest, FloatOperatorsEqualTheirFormulas) {
  const std::vector<float> a = {7.5f, -7.5f, 7.5f, -7.5f};
  const std::vector<float> b = {2, 2, -2, -2};
  using Floats = std::vector<float>;
  EXPECT_EQ(*Apply(BinaryOp::kAdd, a, b), (Floats{9.5f, -5.5f, 5.5f, -9.5f}));
  EXPECT_EQ(*Apply(BinaryOp::kSub, a, b), (Floats{5.5f, -9.5f, 9.5f, -5.5f}));
  EXPECT_EQ(*Apply(BinaryOp::kMul, a, b), (Floats{15, -15, -15, 15}));
  EXPECT_EQ(*Apply(BinaryOp::kDiv, a, b),
            (Floats{3.75f, -3.75f, -3.75f, 3.75f}));
  EXPECT_EQ(*Apply(BinaryOp::kMaximum, a, b), (Floats{7.5f, 2, 7.5f, -2}));
  EXPECT_EQ(*Apply(BinaryOp::kMinimum, a, b), (Floats{2, -7.5f, -2, -7.5f}));
  EXPECT_EQ(*Apply(BinaryOp::kSquaredDifference, a, b),
            (Floats{30.25f, 90.25f, 90.25f, 30.25f}));
  EXPECT_EQ(*Apply(BinaryOp::kPow, {2, 9, -2}, Floats{3, 0.5f, 2}),
            (Floats{8, 3, 4}));
}

// tf.math.floordiv and floormod of the same numbers.
TEST(BinaryTest, FloatFloorDivisionEqualsTensorFlow) {
  const std::vector<float> a = {7.5f, -7.5f, 7.5f, -7.5f};
  const std::vector<float> b = {2, 2, -2, -2};
  EXPECT_EQ(*Apply(BinaryOp::kFloorDiv, a, b),
            (std::vector<float>{3, -4, -4, 3}));
  EXPECT_EQ(*Apply(BinaryOp::kFloorMod, a, b),
            (std::vector<float>{1.5f, 0.5f, -0.5f, -1.5f}));
}

TEST(BinaryTest, FloatDivisionByZeroIsInfinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(*Apply(BinaryOp::kDiv, {1, -1}, std::vector<float>{0, 0}),
            (std::vector<float>{infinity, -infinity}));
}

TEST(BinaryTest, MaximumAndMinimumPassNanOn) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const BinaryOp op : {BinaryOp::kMaximum, BinaryOp::kMinimum}) {
    const auto dst = Apply<float>(op, {nan, 1}, {1, nan});
    EXPECT_TRUE(std::isnan((*dst)[0]) && std::isnan((*dst)[1]));
  }
}

template <typename T>
class BinaryIntTest : public testing::Test {};
using IntTypes = testing::Types<int32_t, int64_t>;
TYPED_TEST_SUITE(BinaryIntTest, IntTypes);

// tf.math.floordiv, floormod and truncatediv of the same numbers.
TYPED_TEST(BinaryIntTest, DivisionsEqualTensorFlow) {
  using Ints = std::vector<TypeParam>;
  const Ints a = {7, -7, 7, -7};
  const Ints b = {3, 3, -3, -3};
  EXPECT_EQ(*Apply(BinaryOp::kFloorDiv, a, b), (Ints{2, -3, -3, 2}));
  EXPECT_EQ(*Apply(BinaryOp::kFloorMod, a, b), (Ints{1, 2, -2, -1}));
  EXPECT_EQ(*Apply(BinaryOp::kDiv, a, b), (Ints{2, -2, -2, 2}));
}

TYPED_TEST(BinaryIntTest, QuotientAndRestMakeTheDividend) {
  using Ints = std::vector<TypeParam>;
  for (TypeParam a = -9; a <= 9; ++a) {
    for (TypeParam b = -4; b <= 4; ++b) {
      if (b == 0) continue;
      const TypeParam quotient = (*Apply(BinaryOp::kFloorDiv, Ints{a}, {b}))[0];
      const TypeParam rest = (*Apply(BinaryOp::kFloorMod, Ints{a}, {b}))[0];
      EXPECT_EQ(quotient * b + rest, a);
      EXPECT_TRUE(b > 0 ? 0 <= rest && rest < b : b < rest && rest <= 0);
    }
  }
}

TYPED_TEST(BinaryIntTest, OtherOperatorsEqualTheirFormulas) {
  using Ints = std::vector<TypeParam>;
  const Ints a = {5, -5}, b = {2, 3};
  EXPECT_EQ(*Apply(BinaryOp::kAdd, a, b), (Ints{7, -2}));
  EXPECT_EQ(*Apply(BinaryOp::kSub, a, b), (Ints{3, -8}));
  EXPECT_EQ(*Apply(BinaryOp::kMul, a, b), (Ints{10, -15}));
  EXPECT_EQ(*Apply(BinaryOp::kMaximum, a, b), (Ints{5, 3}));
  EXPECT_EQ(*Apply(BinaryOp::kMinimum, a, b), (Ints{2, -5}));
  EXPECT_EQ(*Apply(BinaryOp::kSquaredDifference, a, b), (Ints{9, 64}));
  EXPECT_EQ(*Apply(BinaryOp::kPow, a, b), (Ints{25, -125}));
  EXPECT_EQ(*Apply(BinaryOp::kPow, Ints{0, 7}, {0, 0}), (Ints{1, 1}));
}

TYPED_TEST(BinaryIntTest, OverflowWraps) {
  using Ints = std::vector<TypeParam>;
  const TypeParam low = std::numeric_limits<TypeParam>::min();
  const TypeParam high = std::numeric_limits<TypeParam>::max();
  EXPECT_EQ(*Apply(BinaryOp::kAdd, Ints{high}, {1}), Ints{low});
  EXPECT_EQ(*Apply(BinaryOp::kSub, Ints{low}, {1}), Ints{high});
  EXPECT_EQ(*Apply(BinaryOp::kMul, Ints{high}, {2}), Ints{-2});
  EXPECT_EQ(*Apply(BinaryOp::kDiv, Ints{low}, {-1}), Ints{low});
  EXPECT_EQ(*Apply(BinaryOp::kFloorDiv, Ints{low}, {-1}), Ints{low});
  EXPECT_EQ(*Apply(BinaryOp::kFloorMod, Ints{low}, {-1}), Ints{0});
  EXPECT_EQ(*Apply(BinaryOp::kPow, Ints{2}, {high}), Ints{0});
}

TYPED_TEST(BinaryIntTest, DivisionByZeroIsAnError) {
  using Ints = std::vector<TypeParam>;
  const auto message = [](BinaryOp op) {
    return Apply(op, Ints{1, 2}, {1, 0}).status().message();
  };
  EXPECT_EQ(message(BinaryOp::kDiv), "div: divisor = 0: must not be 0");
  EXPECT_EQ(message(BinaryOp::kFloorDiv),
            "floor_div: divisor = 0: must not be 0");
  EXPECT_EQ(message(BinaryOp::kFloorMod),
            "floor_mod: divisor = 0: must not be 0");
  EXPECT_EQ(message(BinaryOp::kMul), "");
}

TYPED_TEST(BinaryIntTest, NegativeExponentIsAnError) {
  using Ints = std::vector<TypeParam>;
  EXPECT_EQ(Apply(BinaryOp::kPow, Ints{2}, {-1}).status().message(),
            "pow: exponent = -1: must be at least 0 for integers");
}

TYPED_TEST(BinaryIntTest, NothingDividedByZeroIsNothing) {
  using Ints = std::vector<TypeParam>;
  const TestShape none = {0}, one = {1};
  EXPECT_TRUE(Binary(BinaryOp::kDiv, {.a = none, .b = one},
                     std::span<const TypeParam>(),
                     std::span<const TypeParam>(Ints{0}),
                     std::span<TypeParam>())
                  .ok());
}

template <typename T>
class CompareTest : public testing::Test {};
using CompareTypes = testing::Types<float, int32_t, int64_t, uint8_t>;
TYPED_TEST_SUITE(CompareTest, CompareTypes);

TYPED_TEST(CompareTest, EveryOperatorEqualsItsName) {
  const std::vector<TypeParam> a = {1, 2, 3}, b = {2, 2, 2};
  using Bits = std::vector<uint8_t>;
  EXPECT_EQ(ApplyCompare(CompareOp::kGreater, a, b), (Bits{0, 0, 1}));
  EXPECT_EQ(ApplyCompare(CompareOp::kGreaterEqual, a, b), (Bits{0, 1, 1}));
  EXPECT_EQ(ApplyCompare(CompareOp::kLess, a, b), (Bits{1, 0, 0}));
  EXPECT_EQ(ApplyCompare(CompareOp::kLessEqual, a, b), (Bits{1, 1, 0}));
  EXPECT_EQ(ApplyCompare(CompareOp::kEqual, a, b), (Bits{0, 1, 0}));
  EXPECT_EQ(ApplyCompare(CompareOp::kNotEqual, a, b), (Bits{1, 0, 1}));
}

TEST(LogicalTest, AndAndOrTakeAnyOtherNumberForTrue) {
  const std::vector<uint8_t> a = {0, 0, 2, 2}, b = {0, 3, 0, 1};
  const TestShape shape = {4};
  std::vector<uint8_t> dst(4);
  ASSERT_TRUE(
      Logical(LogicalOp::kAnd, {.a = shape, .b = shape}, a, b, dst).ok());
  EXPECT_EQ(dst, (std::vector<uint8_t>{0, 0, 0, 1}));
  ASSERT_TRUE(
      Logical(LogicalOp::kOr, {.a = shape, .b = shape}, a, b, dst).ok());
  EXPECT_EQ(dst, (std::vector<uint8_t>{0, 1, 1, 1}));
}

TEST(BinaryTest, WorksInPlace) {
  std::vector<float> x = {1, 2, 3};
  const TestShape shape = {3};
  ASSERT_TRUE(Binary(BinaryOp::kMul, {.a = shape, .b = shape}, x, x, x).ok());
  EXPECT_EQ(x, (std::vector<float>{1, 4, 9}));
}

TEST(BinaryTest, SizesThatDoNotFitAreRefusedByName) {
  const TestShape shape = {3};
  const std::vector<float> right(3), wrong(2);
  std::vector<float> dst(3);
  const auto message = [&](const std::vector<float>& a,
                           const std::vector<float>& b, std::span<float> d) {
    return Binary(BinaryOp::kAdd, {.a = shape, .b = shape}, a, b, d).message();
  };
  EXPECT_EQ(message(wrong, right, dst), "a elements = 2: must be 3");
  EXPECT_EQ(message(right, wrong, dst), "b elements = 2: must be 3");
  EXPECT_EQ(message(right, right, {}), "dst elements = 0: must be 3");
}

}  // namespace
}  // namespace cyto8
