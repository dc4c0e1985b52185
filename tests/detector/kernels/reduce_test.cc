// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/reduce.h.
#include "detector/kernels/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// The axes whose bit is set.
TestShape AxesOf(unsigned bits, size_t rank) {
  TestShape axes;
  for (size_t a = 0; a < rank; ++a) {
    if ((bits >> a & 1) != 0) axes.push_back(static_cast<int64_t>(a));
  }
  return axes;
}

// For every element of the result the elements of the source, in order.
template <typename T>
std::vector<std::vector<T>> Groups(const TestShape& shape, unsigned bits,
                                   const std::vector<T>& src) {
  TestShape kept_shape;
  for (size_t a = 0; a < shape.size(); ++a) {
    if ((bits >> a & 1) == 0) kept_shape.push_back(shape[a]);
  }
  std::vector<std::vector<T>> groups(CountOf(kept_shape));
  for (size_t i = 0; i < src.size(); ++i) {
    const TestShape index = Unravel(i, shape);
    TestShape kept;
    for (size_t a = 0; a < shape.size(); ++a) {
      if ((bits >> a & 1) == 0) kept.push_back(index[a]);
    }
    groups[Ravel(kept, kept_shape)].push_back(src[i]);
  }
  return groups;
}

double Reduced(ReduceOp op, const std::vector<float>& values) {
  const double infinity = std::numeric_limits<double>::infinity();
  double sum = 0, product = 1, highest = -infinity, lowest = infinity;
  for (const float value : values) {
    const auto x = static_cast<double>(value);
    sum += x;
    product *= x;
    highest = std::max(highest, x);
    lowest = std::min(lowest, x);
  }
  switch (op) {
    case ReduceOp::kMean:
      return sum / static_cast<double>(values.size());
    case ReduceOp::kSum:
      return sum;
    case ReduceOp::kMax:
      return highest;
    case ReduceOp::kMin:
      return lowest;
    case ReduceOp::kProd:
      return product;
  }
  return 0;
}

void ExpectLiteral(ReduceOp op, const TestShape& shape, unsigned bits,
                   const std::vector<float>& src) {
  const auto groups = Groups(shape, bits, src);
  const TestShape axes = AxesOf(bits, shape.size());
  std::vector<float> dst(groups.size(), -99);
  ASSERT_TRUE(Reduce(op, {.src = shape, .axes = axes}, src, dst).ok());
  for (size_t i = 0; i < dst.size(); ++i) {
    const auto expected = static_cast<float>(Reduced(op, groups[i]));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(dst[i]));
    } else {
      ASSERT_EQ(dst[i], expected) << ReduceOpName(op) << " axes " << bits;
    }
  }
}

constexpr ReduceOp kAllOps[] = {ReduceOp::kMean, ReduceOp::kSum, ReduceOp::kMax,
                                ReduceOp::kMin, ReduceOp::kProd};

TEST(ReduceTest, EverySmallShapeAndEveryAxesEqualTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const TestShape& shape : AllShapes(4, 0, 3)) {
    const std::vector<float> src = random.Floats(CountOf(shape));
    for (unsigned bits = 0; bits < 1u << shape.size(); ++bits) {
      for (const ReduceOp op : kAllOps) {
        ExpectLiteral(op, shape, bits, src);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ReduceTest, LongAxesEqualTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const TestShape shape = {2, 65, 3, 130};
  const std::vector<float> src = random.Floats(CountOf(shape));
  for (unsigned bits = 0; bits < 16; ++bits) {
    ExpectLiteral(ReduceOp::kMean, shape, bits, src);
    ExpectLiteral(ReduceOp::kMax, shape, bits, src);
  }
}

TEST(ReduceTest, NegativeAxesCountFromTheEnd) {
  const TestShape shape = {2, 3}, axes = {-1};
  std::vector<float> dst(2);
  ASSERT_TRUE(
      Reduce(ReduceOp::kSum, {.src = shape, .axes = axes}, Iota<float>(6), dst)
          .ok());
  EXPECT_EQ(dst, (std::vector<float>{3, 12}));
}

TEST(ReduceTest, MaxAndMinPassNanOn) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const TestShape shape = {3}, axes = {0};
  for (const ReduceOp op : {ReduceOp::kMax, ReduceOp::kMin}) {
    for (const std::vector<float>& src :
         {std::vector<float>{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}}) {
      std::vector<float> dst(1);
      ASSERT_TRUE(Reduce(op, {.src = shape, .axes = axes}, src, dst).ok());
      EXPECT_TRUE(std::isnan(dst[0]));
    }
  }
}

template <typename T>
class ReduceIntTest : public testing::Test {};
using IntTypes = testing::Types<int32_t, int64_t>;
TYPED_TEST_SUITE(ReduceIntTest, IntTypes);

template <typename T>
T ReduceAll(ReduceOp op, const std::vector<T>& src) {
  const TestShape shape = {static_cast<int64_t>(src.size())}, axes = {0};
  std::vector<T> dst(1);
  EXPECT_TRUE(Reduce(op, {.src = shape, .axes = axes}, std::span<const T>(src),
                     std::span<T>(dst))
                  .ok());
  return dst[0];
}

TYPED_TEST(ReduceIntTest, EqualsTheDefinition) {
  const std::vector<TypeParam> src = {-3, 5, -4, 7};
  EXPECT_EQ(ReduceAll(ReduceOp::kSum, src), 5);
  EXPECT_EQ(ReduceAll(ReduceOp::kProd, src), 420);
  EXPECT_EQ(ReduceAll(ReduceOp::kMax, src), 7);
  EXPECT_EQ(ReduceAll(ReduceOp::kMin, src), -4);
}

// tf.reduce_mean([-3, -4]) is -3.
TYPED_TEST(ReduceIntTest, MeanIsRoundedTowardsZero) {
  EXPECT_EQ(ReduceAll<TypeParam>(ReduceOp::kMean, {-3, -4}), -3);
  EXPECT_EQ(ReduceAll<TypeParam>(ReduceOp::kMean, {3, 4}), 3);
}

TYPED_TEST(ReduceIntTest, NothingGivesTheNeutralElement) {
  using Bounds = std::numeric_limits<TypeParam>;
  const std::vector<TypeParam> none;
  EXPECT_EQ(ReduceAll(ReduceOp::kSum, none), 0);
  EXPECT_EQ(ReduceAll(ReduceOp::kMean, none), 0);
  EXPECT_EQ(ReduceAll(ReduceOp::kProd, none), 1);
  EXPECT_EQ(ReduceAll(ReduceOp::kMax, none), Bounds::min());
  EXPECT_EQ(ReduceAll(ReduceOp::kMin, none), Bounds::max());
}

TYPED_TEST(ReduceIntTest, SumsWrap) {
  using Bounds = std::numeric_limits<TypeParam>;
  EXPECT_EQ(ReduceAll<TypeParam>(ReduceOp::kSum, {Bounds::max(), 1}),
            Bounds::min());
}

TEST(LogicalReduceTest, AllAndAnyOfEveryPattern) {
  const TestShape shape = {2, 3}, axes = {1};
  for (unsigned pattern = 0; pattern < 64; ++pattern) {
    std::vector<uint8_t> src;
    for (unsigned bit = 0; bit < 6; ++bit) {
      src.push_back((pattern >> bit & 1) != 0 ? 7 : 0);
    }
    std::vector<uint8_t> all(2), any(2);
    const ReduceShape reduce = {.src = shape, .axes = axes};
    ASSERT_TRUE(LogicalReduce(LogicalReduceOp::kAll, reduce, src, all).ok());
    ASSERT_TRUE(LogicalReduce(LogicalReduceOp::kAny, reduce, src, any).ok());
    const unsigned low = pattern & 7, high = pattern >> 3;
    EXPECT_EQ(all, (std::vector<uint8_t>{low == 7, high == 7}));
    EXPECT_EQ(any, (std::vector<uint8_t>{low != 0, high != 0}));
  }
}

TEST(LogicalReduceTest, NothingGivesTheNeutralElement) {
  const TestShape shape = {0}, axes = {0};
  std::vector<uint8_t> dst = {99};
  const ReduceShape reduce = {.src = shape, .axes = axes};
  ASSERT_TRUE(LogicalReduce(LogicalReduceOp::kAll, reduce, {}, dst).ok());
  EXPECT_EQ(dst[0], 1);
  ASSERT_TRUE(LogicalReduce(LogicalReduceOp::kAny, reduce, {}, dst).ok());
  EXPECT_EQ(dst[0], 0);
}

TEST(ReduceTest, AxesOutOfRangeOrTwiceAreRefused) {
  const TestShape shape = {2, 3};
  const auto message = [&](const TestShape& axes) {
    std::vector<float> dst(2);
    return Reduce(ReduceOp::kSum, {.src = shape, .axes = axes}, Iota<float>(6),
                  dst)
        .message();
  };
  EXPECT_EQ(message({2}), "axis = 2: must be in [-2, 1]");
  EXPECT_EQ(message({-3}), "axis = -3: must be in [-2, 1]");
  EXPECT_EQ(message({1, -1}), "axis = -1: named twice");
  EXPECT_EQ(message({0}), "dst elements = 2: must be 3");
}

template <typename T, typename I>
std::vector<I> ArgMaxOf(const ArgMaxShape& shape, const std::vector<T>& src) {
  std::vector<I> dst(CountOf({shape.outer, shape.inner}));
  EXPECT_TRUE(ArgMax(shape, std::span<const T>(src), std::span<I>(dst)).ok());
  return dst;
}

template <typename T>
class ArgMaxTest : public testing::Test {};
using ArgMaxTypes = testing::Types<float, int32_t, int64_t>;
TYPED_TEST_SUITE(ArgMaxTest, ArgMaxTypes);

TYPED_TEST(ArgMaxTest, FindsTheFirstLargest) {
  const std::vector<TypeParam> src = {3, 9, 9, 1, 5, 2, 5, 0};
  EXPECT_EQ((ArgMaxOf<TypeParam, int32_t>({.outer = 2, .axis = 4}, src)),
            (std::vector<int32_t>{1, 0}));
  EXPECT_EQ((ArgMaxOf<TypeParam, int64_t>({.axis = 4, .inner = 2}, src)),
            (std::vector<int64_t>{1, 0}));
}

TEST(ArgMaxTest, NanWinsOnlyAsTheFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ((ArgMaxOf<float, int32_t>({.axis = 3}, {1, nan, 2})),
            std::vector<int32_t>{2});
}

TEST(ArgMaxTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<float> src(6);
  std::vector<int32_t> dst(2);
  const auto message = [&](const ArgMaxShape& shape) {
    return ArgMax(shape, std::span<const float>(src), std::span<int32_t>(dst))
        .message();
  };
  EXPECT_EQ(message({.axis = 0}), "axis size = 0: must be in [1, 2147483647]");
  EXPECT_EQ(message({.axis = 5}), "src elements = 6: must be 5");
  EXPECT_EQ(message({.axis = 6}), "dst elements = 2: must be 1");
}

}  // namespace
}  // namespace cyto8
