// SPDX-License-Identifier: Apache-2.0
// Tests of base/slice_spec.h.
#include "base/slice_spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace cyto8 {
namespace {

using Ints = std::vector<int64_t>;

StatusOr<SliceSpec> Resolve(const Ints& shape, const Ints& begin,
                            const Ints& end, const Ints& strides,
                            const SliceMasks& masks = {}) {
  return ResolveStridedSlice(shape, begin, end, strides, masks);
}

Ints ResultShape(const SliceSpec& spec) {
  return Ints(spec.ResultShape().begin(), spec.ResultShape().end());
}

// The elements of 0, 1, 2, ... in `shape` that the slice takes, in order.
Ints Elements(const Ints& shape, const SliceSpec& spec) {
  Ints elements = {0};
  for (size_t a = 0; a < shape.size(); ++a) {
    Ints longer;
    for (const int64_t element : elements) {
      for (int64_t j = 0; j < spec.count[a]; ++j) {
        longer.push_back(element * shape[a] + spec.begin[a] +
                         j * spec.stride[a]);
      }
    }
    elements = longer;
  }
  return elements;
}

// Indices that Python's x[begin:end:stride] takes of a list of `dim`.
Ints PythonSlice(int64_t dim, int64_t begin, int64_t end, int64_t stride) {
  const int64_t low = stride > 0 ? 0 : -1;
  const int64_t high = stride > 0 ? dim : dim - 1;
  const auto bound = [&](int64_t x) {
    return std::clamp(x < 0 ? x + dim : x, low, high);
  };
  Ints indices;
  for (int64_t i = bound(begin); stride > 0 ? i < bound(end) : i > bound(end);
       i += stride) {
    indices.push_back(i);
  }
  return indices;
}

TEST(StridedSliceTest, EverySliceOfOneAxisEqualsPython) {
  for (int64_t dim = 0; dim <= 4; ++dim) {
    for (int64_t begin = -6; begin <= 6; ++begin) {
      for (int64_t end = -6; end <= 6; ++end) {
        for (const int64_t stride : {-3, -2, -1, 1, 2, 3}) {
          const auto spec = Resolve({dim}, {begin}, {end}, {stride});
          ASSERT_TRUE(spec.ok());
          EXPECT_EQ(Elements({dim}, *spec),
                    PythonSlice(dim, begin, end, stride))
              << dim << ": " << begin << " " << end << " " << stride;
        }
      }
    }
  }
}

TEST(StridedSliceTest, MaskedBoundsReachBothEnds) {
  EXPECT_EQ(Elements({5}, *Resolve({5}, {3}, {1}, {2}, {.begin = 1, .end = 1})),
            (Ints{0, 2, 4}));
  EXPECT_EQ(
      Elements({5}, *Resolve({5}, {3}, {1}, {-2}, {.begin = 1, .end = 1})),
      (Ints{4, 2, 0}));
  EXPECT_EQ(Elements({5}, *Resolve({5}, {3}, {1}, {1}, {.end = 1})),
            (Ints{3, 4}));
}

// What tf.strided_slice(np.arange(24).reshape(2, 3, 4), begin, end, strides,
// masks) gives.
struct TensorFlowCase {
  Ints begin, end, strides;
  SliceMasks masks;
  Ints result_shape, elements;
};

const Ints kShape = {2, 3, 4};

std::vector<TensorFlowCase> TensorFlowCases() {
  return {
      {{0, -1, 0},
       {2, 0, 4},
       {1, -1, 2},
       {},
       {2, 2, 2},
       {8, 10, 4, 6, 20, 22, 16, 18}},
      {{1, 0},
       {0, 2},
       {1, 1},
       {.ellipsis = 2, .shrink_axis = 1},
       {3, 4},
       {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {{0, 0, 1},
       {0, 0, 3},
       {1, 1, 1},
       {.ellipsis = 1, .new_axis = 2},
       {2, 3, 1, 2},
       {1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22}},
      {{-1, 5, 3},
       {0, -9, 0},
       {1, -1, -2},
       {.begin = 2, .end = 6, .shrink_axis = 1},
       {3, 2},
       {23, 21, 19, 17, 15, 13}},
      {{1, 1},
       {9, 9},
       {2, 1},
       {.begin = 1, .shrink_axis = 1},
       {2, 4},
       {16, 17, 18, 19, 20, 21, 22, 23}},
      {{0, 0, 0, 0},
       {1, 0, 0, 2},
       {1, 1, 1, 1},
       {.ellipsis = 2, .new_axis = 4},
       {1, 3, 1, 2},
       {0, 1, 4, 5, 8, 9}},
      {{0, 2}, {2, 2}, {1, 1}, {}, {2, 0, 4}, {}},
  };
}

TEST(StridedSliceTest, MasksTogetherEqualTensorFlow) {
  for (const TensorFlowCase& c : TensorFlowCases()) {
    const auto spec = Resolve(kShape, c.begin, c.end, c.strides, c.masks);
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    EXPECT_EQ(ResultShape(*spec), c.result_shape);
    EXPECT_EQ(Elements(kShape, *spec), c.elements);
  }
}

TEST(StridedSliceTest, AxesThatNoEntryNamesAreWhole) {
  const auto spec = Resolve(kShape, {1}, {2}, {1});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(ResultShape(*spec), (Ints{1, 3, 4}));
}

TEST(StridedSliceTest, AnEllipsisMayStandForNoAxis) {
  const auto spec =
      Resolve({2, 3}, {0, 0, 1}, {1, 0, 3}, {1, 1, 1}, {.ellipsis = 2});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(ResultShape(*spec), (Ints{1, 2}));
}

TEST(StridedSliceTest, TheEllipsisComesBeforeTheOtherMasks) {
  const auto spec = Resolve({2, 3}, {0}, {0}, {1},
                            {.ellipsis = 1, .new_axis = 1, .shrink_axis = 1});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(ResultShape(*spec), (Ints{2, 3}));
}

TEST(StridedSliceTest, ANewAxisComesBeforeShrinking) {
  const auto spec =
      Resolve({2, 3}, {0}, {0}, {1}, {.new_axis = 1, .shrink_axis = 1});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(ResultShape(*spec), (Ints{1, 2, 3}));
}

TEST(StridedSliceTest, UnknownDimensionsStayUnknownUnlessShrunk) {
  const auto spec = Resolve({-1, -1, 6}, {0, 0, 2}, {1, 0, 5}, {1, 1, 1},
                            {.end = 2, .shrink_axis = 1});
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(ResultShape(*spec), (Ints{-1, 3}));
}

TEST(StridedSliceTest, FarBoundsDoNotOverflow) {
  const int64_t low = std::numeric_limits<int64_t>::min();
  const int64_t high = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Elements({3}, *Resolve({3}, {low}, {high}, {1})), (Ints{0, 1, 2}));
  EXPECT_EQ(Elements({3}, *Resolve({3}, {high}, {low}, {-1})), (Ints{2, 1, 0}));
  EXPECT_EQ(Elements({3}, *Resolve({3}, {low}, {high}, {high})), (Ints{0}));
  EXPECT_EQ(Elements({3}, *Resolve({3}, {high}, {low}, {low})), (Ints{2}));
}

TEST(StridedSliceTest, WhatTensorFlowRefusesIsRefused) {
  const auto message = [](const Ints& begin, const Ints& strides,
                          const SliceMasks& masks) {
    return Resolve({2, 3}, begin, begin, strides, masks).status().message();
  };
  EXPECT_EQ(message({0, 0}, {1, 0}, {}), "strides[1] = 0: must not be 0");
  EXPECT_EQ(message({0, 3}, {1, 1}, {.shrink_axis = 2}),
            "begin[1] = 3: must be in [-3, 2]");
  EXPECT_EQ(message({0, -4}, {1, 1}, {.shrink_axis = 2}),
            "begin[1] = -4: must be in [-3, 2]");
  EXPECT_EQ(message({0}, {-1}, {.shrink_axis = 1}),
            "strides[0] = -1: must be positive where the axis is shrunk");
  EXPECT_EQ(message({0, 0, 0}, {1, 1, 1}, {}),
            "begin[2] names an axis that the source does not have");
  EXPECT_EQ(message({0, 0}, {1, 1}, {.ellipsis = 3}),
            "ellipsis_mask = 3: must name at most one entry");
}

TEST(StridedSliceTest, EntriesMustBeEquallyMany) {
  EXPECT_EQ(Resolve({2}, {0}, {1, 1}, {1}).status().message(),
            "entries of end = 2: must be in [1, 1]");
  EXPECT_EQ(Resolve({2}, {0}, {1}, {}).status().message(),
            "entries of strides = 0: must be in [1, 1]");
}

TEST(StridedSliceTest, RanksAboveTheLimitAreRefused) {
  EXPECT_EQ(Resolve(Ints(9, 1), {}, {}, {}).status().message(),
            "rank = 9: must be in [0, 8]");
  EXPECT_EQ(
      Resolve(Ints(8, 1), {0}, {0}, {1}, {.new_axis = 1}).status().message(),
      "rank of the slice = 9: must be in [0, 8]");
  EXPECT_EQ(Resolve({1}, Ints(17), Ints(17), Ints(17)).status().message(),
            "entries of begin = 17: must be in [0, 16]");
}

TEST(SliceTest, EverySliceOfOneAxis) {
  for (int64_t dim = 0; dim <= 4; ++dim) {
    for (int64_t begin = -1; begin <= 5; ++begin) {
      for (int64_t size = -2; size <= 5; ++size) {
        const Ints shape = {dim}, first = {begin}, count = {size};
        const auto spec = ResolveSlice(shape, first, count);
        const int64_t taken = size == -1 ? dim - begin : size;
        const bool fits =
            begin >= 0 && begin <= dim && size >= -1 && begin + taken <= dim;
        ASSERT_EQ(spec.ok(), fits) << dim << " " << begin << " " << size;
        if (!fits) continue;
        EXPECT_EQ(ResultShape(*spec), Ints{taken});
        EXPECT_EQ(Elements(shape, *spec),
                  PythonSlice(dim, begin, begin + taken, 1));
      }
    }
  }
}

TEST(SliceTest, AnUnknownDimensionIsTheSizeOrUnknown) {
  const Ints shape = {-1, -1}, begin = {1, 0}, size = {4, -1};
  EXPECT_EQ(ResultShape(*ResolveSlice(shape, begin, size)), (Ints{4, -1}));
}

TEST(SliceTest, ErrorsNameTheField) {
  const Ints shape = {4}, begin = {2}, size = {3}, far = {5};
  EXPECT_EQ(ResolveSlice(shape, begin, size).status().message(),
            "size[0] = 3: must be in [-1, 2]");
  EXPECT_EQ(ResolveSlice(shape, far, size).status().message(),
            "begin[0] = 5: must be in [0, 4]");
  EXPECT_EQ(ResolveSlice(shape, {}, size).status().message(),
            "entries of begin = 0: must be in [1, 1]");
}

}  // namespace
}  // namespace cyto8
