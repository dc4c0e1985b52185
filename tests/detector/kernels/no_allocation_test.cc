// SPDX-License-Identifier: Apache-2.0
// No kernel touches the heap: every allocation of this program is counted.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "detector/kernels/add_n.h"
#include "detector/kernels/binary.h"
#include "detector/kernels/cast.h"
#include "detector/kernels/conv2d_f32.h"
#include "detector/kernels/data_movement.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/matmul_f32.h"
#include "detector/kernels/normalize_u8_f32.h"
#include "detector/kernels/per_channel_f32.h"
#include "detector/kernels/pool_f32.h"
#include "detector/kernels/range.h"
#include "detector/kernels/reduce.h"
#include "detector/kernels/resize.h"
#include "detector/kernels/softmax_f32.h"
#include "detector/kernels/squeeze_excite_f32.h"
#include "detector/kernels/unary.h"
#include "tests/detector/kernels/kernel_test_support.h"
#include "tests/support/allocation_counter.h"

namespace cyto8 {
namespace {

// Calls the kernel once; its allocations.
template <typename Kernel>
void ExpectNoAllocation(Kernel kernel) {
  const int64_t before = AllocationCount();
  const bool ok = kernel().ok();
  const int64_t after = AllocationCount();
  EXPECT_TRUE(ok);
  EXPECT_EQ(after - before, 0);
}

// 2 x 2 x 2 elements of each type that the kernels below share.
class NoAllocationTest : public testing::Test {
 protected:
  const TestShape shape_ = {2, 2, 2};
  const TestShape axes_ = {1};
  const std::vector<float> src_ = std::vector<float>(8, 1);
  const std::vector<float> four_ = std::vector<float>(4, 1);
  const std::vector<float> two_ = std::vector<float>(2, 1);
  const std::vector<int32_t> indices_ = {0, 1};
  const std::vector<uint8_t> bits_ = std::vector<uint8_t>(8, 1);
  std::vector<float> dst_ = std::vector<float>(8);
  std::vector<float> scratch_ = std::vector<float>(8);
  std::vector<uint8_t> dst_bits_ = std::vector<uint8_t>(8);
};

TEST_F(NoAllocationTest, TheCounterCounts) {
  const int64_t before = AllocationCount();
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(AllocationCount() - before, *number);
}

TEST_F(NoAllocationTest, Windows) {
  const Conv2dShape conv = {.in_height = 2,
                            .in_width = 2,
                            .in_channels = 2,
                            .out_height = 2,
                            .out_width = 2,
                            .out_channels = 2,
                            .activation = Activation::kSwish};
  ExpectNoAllocation([&] { return Conv2dF32(conv, src_, four_, two_, dst_); });
  ExpectNoAllocation(
      [&] { return DepthwiseConv2dF32(conv, src_, two_, two_, dst_); });
  const PoolShape pool = {.in_height = 2,
                          .in_width = 2,
                          .channels = 2,
                          .out_height = 2,
                          .out_width = 2};
  ExpectNoAllocation([&] { return PoolF32(PoolKind::kMax, pool, src_, dst_); });
  ExpectNoAllocation(
      [&] { return PoolF32(PoolKind::kAverage, pool, src_, dst_); });
}

TEST_F(NoAllocationTest, MatricesAndChannels) {
  ExpectNoAllocation([&] {
    return MatMulF32({.rows = 4, .inner = 2, .columns = 2}, src_, four_, dst_);
  });
  const PerChannelShape channels = {.rows = 4, .channels = 2};
  ExpectNoAllocation([&] { return BiasAddF32(channels, src_, two_, dst_); });
  ExpectNoAllocation([&] {
    return BatchNormF32(
        channels, src_,
        {.gamma = two_, .beta = two_, .mean = two_, .variance = two_}, dst_);
  });
  ExpectNoAllocation(
      [&] { return SoftmaxF32({.rows = 4, .columns = 2}, src_, dst_); });
  const SqueezeExciteWeights weights = {.reduce_wei = two_,
                                        .reduce_bias = {two_.data(), 1},
                                        .expand_wei = two_,
                                        .expand_bias = two_};
  ExpectNoAllocation([&] {
    return SqueezeExciteF32(Isa::kPlain,
                            {.pixels = 4, .channels = 2, .reduced = 1}, src_,
                            weights, scratch_, dst_);
  });
}

TEST_F(NoAllocationTest, Elements) {
  const BinaryShape binary = {.a = shape_, .b = axes_};
  const std::span<const float> one = std::span(two_).first(1);
  ExpectNoAllocation([&] { return UnaryF32(UnaryOp::kMish, 1, src_, dst_); });
  ExpectNoAllocation(
      [&] { return Binary(BinaryOp::kAdd, binary, src_, one, dst_); });
  ExpectNoAllocation(
      [&] { return Compare(CompareOp::kLess, binary, src_, one, dst_bits_); });
  const std::array<std::span<const float>, 2> operands = {src_, src_};
  ExpectNoAllocation([&] { return AddN(operands, dst_); });
  ExpectNoAllocation(
      [&] { return WeightedSumF32(/*channels=*/2, two_, operands, dst_); });
  ExpectNoAllocation([&] {
    return Cast(DataType::kFloat32, BytesOf(src_), DataType::kBool,
                WritableBytesOf(dst_bits_));
  });
  ExpectNoAllocation([&] {
    return Reduce(ReduceOp::kMean, {.src = shape_, .axes = axes_}, src_,
                  std::span(dst_).first(4));
  });
  ExpectNoAllocation([&] { return RangeCount(0.0f, 8.0f, 1.0f).status(); });
}

TEST_F(NoAllocationTest, Movement) {
  const TestShape permutation = {2, 0, 1};
  ExpectNoAllocation([&] {
    return Transpose(
        {.src = shape_, .permutation = permutation, .element_bytes = 4},
        BytesOf(src_), WritableBytesOf(dst_));
  });
  const std::array<std::span<const std::byte>, 2> parts = {BytesOf(four_),
                                                           BytesOf(four_)};
  ExpectNoAllocation([&] { return Concat(2, parts, WritableBytesOf(dst_)); });
  const TestShape zeros = {0, 0, 0};
  const auto slice = ResolveSlice(shape_, zeros, shape_);
  ExpectNoAllocation([&] {
    return Slice({.src = shape_, .slice = *slice, .element_bytes = 4},
                 BytesOf(src_), WritableBytesOf(dst_));
  });
  const TestShape ones = {1, 1, 1};
  ExpectNoAllocation([&] {
    return Tile({.src = shape_, .multiples = ones, .element_bytes = 4},
                BytesOf(src_), WritableBytesOf(dst_));
  });
  const TestShape paddings(6, 0);
  ExpectNoAllocation([&] {
    return Pad(
        {.src = shape_, .paddings = paddings, .value = BytesOf(two_).first(4)},
        BytesOf(src_), WritableBytesOf(dst_));
  });
  ExpectNoAllocation([&] {
    return Gather({.axis = 2, .count = 2, .inner_bytes = 16}, BytesOf(src_),
                  indices_, WritableBytesOf(dst_));
  });
  ExpectNoAllocation([&] {
    return Select({.condition = shape_,
                   .then = shape_,
                   .otherwise = shape_,
                   .element_bytes = 4},
                  bits_, BytesOf(src_), BytesOf(src_), WritableBytesOf(dst_));
  });
}

TEST_F(NoAllocationTest, Images) {
  const ResizeShape resize = {.in_height = 1,
                              .in_width = 2,
                              .channels = 2,
                              .out_height = 2,
                              .out_width = 2};
  ExpectNoAllocation([&] {
    return ResizeBilinear(resize, std::span<const float>(four_), dst_);
  });
  ExpectNoAllocation([&] {
    return ResizeNearest(resize, 4, BytesOf(four_), WritableBytesOf(dst_));
  });
  ExpectNoAllocation([&] {
    return UpsampleNearest(
        {.in_height = 1, .in_width = 2, .pixel_bytes = 8, .factor_y = 2},
        BytesOf(four_), WritableBytesOf(dst_));
  });
  ExpectNoAllocation([&] {
    return NormalizeU8F32(Isa::kPlain, {}, std::span(bits_).first(6),
                          std::span(dst_).first(6));
  });
}

}  // namespace
}  // namespace cyto8
