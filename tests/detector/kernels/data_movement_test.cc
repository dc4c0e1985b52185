// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/data_movement.h.
#include "detector/kernels/data_movement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

using Ints = std::vector<int32_t>;
constexpr int64_t kIntBytes = 4;

TEST(TransposeTest, EveryPermutationOfEverySmallShape) {
  for (const TestShape& shape : AllShapes(4, 1, 3)) {
    TestShape permutation = Iota<int64_t>(shape.size());
    const Ints src = Iota<int32_t>(CountOf(shape));
    do {
      TestShape dst_shape;
      for (const int64_t axis : permutation) {
        dst_shape.push_back(shape[static_cast<size_t>(axis)]);
      }
      Ints dst(src.size(), -1);
      ASSERT_TRUE(Transpose({.src = shape,
                             .permutation = permutation,
                             .element_bytes = kIntBytes},
                            BytesOf(src), WritableBytesOf(dst))
                      .ok());
      for (size_t i = 0; i < dst.size(); ++i) {
        const TestShape dst_index = Unravel(i, dst_shape);
        TestShape src_index(shape.size());
        for (size_t a = 0; a < shape.size(); ++a) {
          src_index[static_cast<size_t>(permutation[a])] = dst_index[a];
        }
        ASSERT_EQ(dst[i], src[Ravel(src_index, shape)]);
      }
    } while (std::ranges::next_permutation(permutation).found);
  }
}

TEST(TransposeTest, WhatIsNoPermutationIsRefused) {
  const TestShape shape = {2, 3};
  const Ints src(6);
  const auto message = [&](const TestShape& permutation, size_t dst_count) {
    Ints dst(dst_count);
    return Transpose({.src = shape,
                      .permutation = permutation,
                      .element_bytes = kIntBytes},
                     BytesOf(src), WritableBytesOf(dst))
        .message();
  };
  EXPECT_EQ(message({1, 0}, 6), "");
  EXPECT_EQ(message({0}, 6), "permutation elements = 1: must be 2");
  EXPECT_EQ(message({0, 2}, 6), "permutation = 2: must be in [0, 1]");
  EXPECT_EQ(message({1, 1}, 6), "permutation: axis 1 twice");
  EXPECT_EQ(message({1, 0}, 5), "dst bytes = 20: must be 24");
}

// Sources [outer, size_i, inner], joined and taken apart again.
TEST(ConcatTest, SplitIsTheInverse) {
  for (int64_t outer = 1; outer <= 3; ++outer) {
    for (const TestShape& sizes : AllShapes(3, 0, 3)) {
      if (sizes.empty()) continue;
      constexpr int64_t kInner = 2;
      std::vector<Ints> parts;
      std::vector<std::span<const std::byte>> sources;
      for (size_t i = 0; i < sizes.size(); ++i) {
        parts.push_back(Iota(CountOf({outer, sizes[i], kInner}),
                             static_cast<int32_t>(1000 * i)));
      }
      for (const Ints& part : parts) sources.push_back(BytesOf(part));
      Ints expected;
      for (int64_t o = 0; o < outer; ++o) {
        for (size_t i = 0; i < sizes.size(); ++i) {
          const int64_t piece = sizes[i] * kInner;
          const auto begin = parts[i].begin() + o * piece;
          expected.insert(expected.end(), begin, begin + piece);
        }
      }
      Ints joined(expected.size(), -1);
      ASSERT_TRUE(Concat(outer, sources, WritableBytesOf(joined)).ok());
      ASSERT_EQ(joined, expected);

      std::vector<Ints> apart;
      for (const Ints& part : parts) apart.emplace_back(part.size(), -1);
      std::vector<std::span<std::byte>> targets;
      for (Ints& part : apart) targets.push_back(WritableBytesOf(part));
      ASSERT_TRUE(Split(outer, BytesOf(joined), targets).ok());
      EXPECT_EQ(apart, parts);
    }
  }
}

TEST(ConcatTest, PiecesOfOneByteWork) {
  const std::vector<uint8_t> a = {1, 2, 3}, b = {4, 5, 6};
  std::vector<uint8_t> dst(6);
  ASSERT_TRUE(
      Concat(3, std::vector<std::span<const std::byte>>{BytesOf(a), BytesOf(b)},
             WritableBytesOf(dst))
          .ok());
  EXPECT_EQ(dst, (std::vector<uint8_t>{1, 4, 2, 5, 3, 6}));
}

TEST(ConcatTest, SizesThatDoNotFitAreRefused) {
  const std::vector<std::byte> a(6), b(4);
  std::vector<std::byte> dst(10);
  const std::vector<std::span<const std::byte>> sources = {a, b};
  EXPECT_EQ(Concat(4, sources, dst).message(),
            "part bytes modulo outer = 2: must be in [0, 0]");
  EXPECT_EQ(Concat(2, sources, std::span(dst).first(8)).message(),
            "whole bytes = 8: must be 10");
  EXPECT_EQ(Concat(0, sources, dst).message(),
            "part bytes modulo outer = 6: must be in [0, 0]");
  EXPECT_EQ(Concat(-1, sources, dst).code(), StatusCode::kInvalidArgument);
}

// For every element of the result where it comes from, by the definition.
void ExpectLiteralSlice(const TestShape& shape, const SliceSpec& slice) {
  const Ints src = Iota<int32_t>(CountOf(shape));
  const TestShape count(slice.count.begin(),
                        slice.count.begin() + static_cast<int>(shape.size()));
  Ints dst(CountOf(count), -1);
  const Status status =
      Slice({.src = shape, .slice = slice, .element_bytes = kIntBytes},
            BytesOf(src), WritableBytesOf(dst));
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (size_t i = 0; i < dst.size(); ++i) {
    TestShape index = Unravel(i, count);
    for (size_t a = 0; a < shape.size(); ++a) {
      index[a] = slice.begin[a] + index[a] * slice.stride[a];
    }
    ASSERT_EQ(dst[i], src[Ravel(index, shape)]);
  }
}

TEST(SliceTest, EverySmallStridedSliceTakesTheRightElements) {
  const TestShape shape = {4, 3};
  for (int64_t begin = -5; begin <= 5; ++begin) {
    for (int64_t end = -5; end <= 5; ++end) {
      for (const int64_t stride : {-3, -2, -1, 1, 2, 3}) {
        const auto slice = ResolveStridedSlice(shape, TestShape{begin, end},
                                               TestShape{end, begin},
                                               TestShape{stride, -stride}, {});
        ASSERT_TRUE(slice.ok());
        ExpectLiteralSlice(shape, *slice);
      }
    }
  }
}

TEST(SliceTest, AScalarIsItsOwnSlice) {
  ExpectLiteralSlice({}, *ResolveSlice({}, {}, {}));
}

TEST(SliceTest, ASliceOfAnotherShapeIsRefused) {
  const TestShape shape = {4};
  const TestShape other = {9};
  const Ints src(4);
  const auto message = [&](const SliceSpec& slice) {
    Ints dst(2);
    return Slice({.src = shape, .slice = slice, .element_bytes = kIntBytes},
                 BytesOf(src), WritableBytesOf(dst))
        .message();
  };
  EXPECT_EQ(message(*ResolveSlice(shape, TestShape{2}, TestShape{2})), "");
  EXPECT_EQ(message(*ResolveSlice({}, {}, {})),
            "rank of slice = 0: must be in [1, 1]");
  EXPECT_EQ(message(*ResolveSlice(other, TestShape{6}, TestShape{2})),
            "slice begin = 6: must be in [0, 3]");
  EXPECT_EQ(message(*ResolveSlice(other, TestShape{3}, TestShape{2})),
            "slice end = 4: must be in [0, 3]");
  EXPECT_EQ(message(*ResolveSlice(other, TestShape{0}, TestShape{9})),
            "slice count = 9: must be in [0, 4]");
}

TEST(TileTest, EverySmallShapeAndMultiple) {
  for (const TestShape& shape : AllShapes(3, 0, 3)) {
    for (const TestShape& multiples : AllShapes(3, 0, 3)) {
      if (multiples.size() != shape.size()) continue;
      const Ints src = Iota<int32_t>(CountOf(shape));
      TestShape dst_shape;
      for (size_t a = 0; a < shape.size(); ++a) {
        dst_shape.push_back(shape[a] * multiples[a]);
      }
      Ints dst(CountOf(dst_shape), -1);
      ASSERT_TRUE(Tile({.src = shape,
                        .multiples = multiples,
                        .element_bytes = kIntBytes},
                       BytesOf(src), WritableBytesOf(dst))
                      .ok());
      for (size_t i = 0; i < dst.size(); ++i) {
        TestShape index = Unravel(i, dst_shape);
        for (size_t a = 0; a < shape.size(); ++a) index[a] %= shape[a];
        ASSERT_EQ(dst[i], src[Ravel(index, shape)]);
      }
    }
  }
}

TEST(TileTest, NegativeMultiplesAreRefused) {
  const TestShape shape = {2}, multiples = {-1};
  const Ints src(2);
  EXPECT_EQ(
      Tile({.src = shape, .multiples = multiples, .element_bytes = kIntBytes},
           BytesOf(src), {})
          .code(),
      StatusCode::kInvalidArgument);
}

TEST(PadTest, EverySmallShapeAndPadding) {
  for (const TestShape& shape : AllShapes(2, 0, 3)) {
    for (const TestShape& paddings : AllShapes(4, 0, 2)) {
      if (paddings.size() != 2 * shape.size()) continue;
      const Ints src = Iota<int32_t>(CountOf(shape));
      const Ints value = {-7};
      TestShape dst_shape;
      for (size_t a = 0; a < shape.size(); ++a) {
        dst_shape.push_back(shape[a] + paddings[2 * a] + paddings[2 * a + 1]);
      }
      Ints dst(CountOf(dst_shape), -1);
      ASSERT_TRUE(
          Pad({.src = shape, .paddings = paddings, .value = BytesOf(value)},
              BytesOf(src), WritableBytesOf(dst))
              .ok());
      for (size_t i = 0; i < dst.size(); ++i) {
        TestShape index = Unravel(i, dst_shape);
        bool inside = true;
        for (size_t a = 0; a < shape.size(); ++a) {
          index[a] -= paddings[2 * a];
          inside = inside && index[a] >= 0 && index[a] < shape[a];
        }
        ASSERT_EQ(dst[i], inside ? src[Ravel(index, shape)] : -7);
      }
    }
  }
}

TEST(PadTest, NegativePaddingsAreRefused) {
  const TestShape shape = {2}, paddings = {0, -1};
  const Ints src(2), value(1);
  EXPECT_EQ(Pad({.src = shape, .paddings = paddings, .value = BytesOf(value)},
                BytesOf(src), {})
                .message(),
            "padding = -1: must be in [0, 9223372036854775807]");
}

// tf.gather(np.arange(24).reshape(2, 3, 4), [[2, 0], [1, 1]], axis=1,
// batch_dims=1)
TEST(GatherTest, WithBatchDimsEqualsTensorFlow) {
  const Ints params = Iota<int32_t>(24), indices = {2, 0, 1, 1};
  const std::vector<int64_t> wide = {2, 0, 1, 1};
  const GatherShape shape = {
      .batch = 2, .outer = 1, .axis = 3, .count = 2, .inner_bytes = 16};
  const Ints expected = {8,  9,  10, 11, 0,  1,  2,  3,
                         16, 17, 18, 19, 16, 17, 18, 19};
  Ints dst(16);
  ASSERT_TRUE(
      Gather(shape, BytesOf(params), indices, WritableBytesOf(dst)).ok());
  EXPECT_EQ(dst, expected);
  std::ranges::fill(dst, -1);
  ASSERT_TRUE(Gather(shape, BytesOf(params), wide, WritableBytesOf(dst)).ok());
  EXPECT_EQ(dst, expected);
}

TEST(GatherTest, EveryOuterAxisUsesTheSameIndices) {
  const Ints params = Iota<int32_t>(12), indices = {1, 0, 1};
  Ints dst(9);
  ASSERT_TRUE(Gather({.outer = 3, .axis = 4, .count = 3, .inner_bytes = 4},
                     BytesOf(params), indices, WritableBytesOf(dst))
                  .ok());
  EXPECT_EQ(dst, (Ints{1, 0, 1, 5, 4, 5, 9, 8, 9}));
}

TEST(GatherTest, IndicesOutOfRangeAreRefused) {
  const Ints params(3);
  for (const int32_t wrong : {-1, 3}) {
    Ints dst(1);
    EXPECT_EQ(Gather({.axis = 3, .count = 1, .inner_bytes = 4}, BytesOf(params),
                     Ints{wrong}, WritableBytesOf(dst))
                  .message(),
              "index = " + std::to_string(wrong) + ": must be in [0, 2]");
  }
}

TEST(FillTest, WritesAnyElementSize) {
  for (size_t bytes = 1; bytes <= 16; ++bytes) {
    const auto value = Iota<uint8_t>(bytes, 1);
    std::vector<uint8_t> dst(3 * bytes);
    ASSERT_TRUE(Fill(BytesOf(value), WritableBytesOf(dst)).ok());
    for (size_t i = 0; i < dst.size(); ++i) {
      EXPECT_EQ(dst[i], value[i % bytes]);
    }
  }
}

TEST(FillTest, SizesThatDoNotFitAreRefused) {
  const std::vector<std::byte> value(4);
  std::vector<std::byte> dst(6);
  EXPECT_EQ(Fill(value, dst).message(), "dst bytes = 6: must be 4");
  EXPECT_EQ(Fill({}, dst).message(), "element_bytes = 0: must be in [1, 16]");
}

TEST(BroadcastToTest, EveryPairOfSmallShapes) {
  for (const TestShape& src_shape : AllShapes(3, 0, 3)) {
    for (const TestShape& dst_shape : AllShapes(3, 0, 3)) {
      const size_t rank = src_shape.size();
      bool fits = rank <= dst_shape.size();
      for (size_t a = 0; fits && a < rank; ++a) {
        const int64_t to = dst_shape[dst_shape.size() - rank + a];
        fits = src_shape[a] == 1 || src_shape[a] == to;
      }
      const Ints src = Iota<int32_t>(CountOf(src_shape));
      Ints dst(CountOf(dst_shape), -1);
      const Status status = BroadcastTo(
          {.src = src_shape, .dst = dst_shape, .element_bytes = kIntBytes},
          BytesOf(src), WritableBytesOf(dst));
      ASSERT_EQ(status.ok(), fits);
      for (size_t i = 0; fits && i < dst.size(); ++i) {
        const TestShape index = Unravel(i, dst_shape);
        TestShape own;
        for (size_t a = 0; a < rank; ++a) {
          const size_t at = dst_shape.size() - rank + a;
          own.push_back(src_shape[a] == 1 ? 0 : index[at]);
        }
        ASSERT_EQ(dst[i], src[Ravel(own, src_shape)]);
      }
    }
  }
}

TEST(SelectTest, BroadcastsAllThreeOperands) {
  const std::vector<uint8_t> condition = {1, 0};  // [2, 1]
  const Ints then = {1, 2, 3}, otherwise = {-1};  // [3], []
  const TestShape condition_shape = {2, 1}, then_shape = {3};
  Ints dst(6);
  ASSERT_TRUE(Select({.condition = condition_shape,
                      .then = then_shape,
                      .otherwise = {},
                      .element_bytes = kIntBytes},
                     condition, BytesOf(then), BytesOf(otherwise),
                     WritableBytesOf(dst))
                  .ok());
  EXPECT_EQ(dst, (Ints{1, 2, 3, -1, -1, -1}));
}

TEST(SelectTest, PicksElementByElement) {
  const std::vector<uint8_t> condition = {1, 0, 0, 255};
  const std::vector<int64_t> then = {1, 2, 3, 4}, otherwise = {5, 6, 7, 8};
  const TestShape shape = {4};
  std::vector<int64_t> dst(4);
  ASSERT_TRUE(Select({.condition = shape,
                      .then = shape,
                      .otherwise = shape,
                      .element_bytes = 8},
                     condition, BytesOf(then), BytesOf(otherwise),
                     WritableBytesOf(dst))
                  .ok());
  EXPECT_EQ(dst, (std::vector<int64_t>{1, 6, 7, 4}));
}

TEST(SelectTest, ShapesThatDoNotBroadcastAreRefused) {
  const TestShape two = {2}, three = {3};
  const std::vector<uint8_t> condition(2);
  const Ints values(3);
  EXPECT_EQ(Select({.condition = two,
                    .then = three,
                    .otherwise = three,
                    .element_bytes = kIntBytes},
                   condition, BytesOf(values), BytesOf(values), {})
                .message(),
            "axis -1 of an operand = 3: must be 1 or 2");
}

TEST(DataMovementTest, RanksAboveTheLimitAreRefused) {
  const TestShape shape(9, 1);
  const std::vector<std::byte> src(1);
  std::vector<std::byte> dst(1);
  EXPECT_EQ(
      Tile({.src = shape, .multiples = shape, .element_bytes = 1}, src, dst)
          .message(),
      "rank of src = 9: must be in [0, 8]");
}

}  // namespace
}  // namespace cyto8
