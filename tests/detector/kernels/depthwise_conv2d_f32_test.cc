// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/depthwise_conv2d_f32.h.
#include "detector/kernels/depthwise_conv2d_f32.h"

#include <gtest/gtest.h>

#include <vector>

#include "detector/kernels/activation_f32.h"
#include "tests/detector/kernels/conv2d_test_support.h"
#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

size_t Product(std::initializer_list<int64_t> dims) {
  return CountOf(TestShape(dims));
}

ConvOperands WholeOperands(const Conv2dShape& s, bool with_bias,
                           RandomNumbers& random) {
  return {.src = random.WholeFloats(
              Product({s.batch, s.in_height, s.in_width, s.in_channels})),
          .wei = random.WholeFloats(
              Product({s.kernel_height, s.kernel_width, s.in_channels})),
          .bias = with_bias
                      ? random.WholeFloats(static_cast<size_t>(s.in_channels))
                      : std::vector<float>()};
}

StatusOr<std::vector<float>> Convolve(const Conv2dShape& s,
                                      const ConvOperands& operands) {
  std::vector<float> dst(
      Product({s.batch, s.out_height, s.out_width, s.out_channels}), -99);
  CYTO8_RETURN_IF_ERROR(
      DepthwiseConv2dF32(s, operands.src, operands.wei, operands.bias, dst));
  return dst;
}

void ExpectLiteral(const Conv2dShape& shape, const ConvOperands& operands) {
  const StatusOr<std::vector<float>> dst = Convolve(shape, operands);
  ASSERT_TRUE(dst.ok()) << dst.status().ToString();
  std::vector<float> expected = LiteralDepthwise(shape, operands);
  ActivateF32Naive(shape.activation, expected.data(),
                   static_cast<int64_t>(expected.size()));
  ASSERT_EQ(*dst, expected)
      << "kernel " << shape.kernel_height << " stride " << shape.stride_y
      << " dilation " << shape.dilation_y << " pad " << shape.pad_top
      << " height " << shape.in_height << " channels " << shape.in_channels;
}

TEST(DepthwiseConv2dTest, EverySmallGeometryEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (Conv2dShape shape : SmallGeometries()) {
    for (int64_t channels = 1; channels <= 9; ++channels) {
      shape.in_channels = shape.out_channels = channels;
      const bool odd = channels % 2 == 1;
      shape.activation = odd ? Activation::kRelu6 : Activation::kNone;
      ExpectLiteral(shape, WholeOperands(shape, odd, random));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(DepthwiseConv2dTest, AxesHaveTheirOwnKernelsStridesDilationsAndPads) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int round = 0; round < 500; ++round) {
    const int64_t channels = random.Int(1, 70);
    const Conv2dShape shape = {.batch = random.Int(1, 3),
                               .in_height = random.Int(1, 12),
                               .in_width = random.Int(1, 12),
                               .in_channels = channels,
                               .out_height = random.Int(1, 12),
                               .out_width = random.Int(1, 12),
                               .out_channels = channels,
                               .kernel_height = random.Int(1, 5),
                               .kernel_width = random.Int(1, 5),
                               .stride_y = random.Int(1, 3),
                               .stride_x = random.Int(1, 3),
                               .dilation_y = random.Int(1, 3),
                               .dilation_x = random.Int(1, 3),
                               .pad_top = random.Int(0, 6),
                               .pad_left = random.Int(0, 6)};
    ExpectLiteral(shape, WholeOperands(shape, round % 2 == 0, random));
    if (HasFatalFailure()) return;
  }
}

// tf.nn.depthwise_conv2d(np.arange(32).reshape(1, 4, 4, 2),
// np.arange(18).reshape(3, 3, 2, 1), [1, 2, 2, 1], 'SAME') in float32.
TEST(DepthwiseConv2dTest, Stride2WithSamePaddingEqualsTensorFlow) {
  const Conv2dShape shape = {.in_height = 4,
                             .in_width = 4,
                             .in_channels = 2,
                             .out_height = 2,
                             .out_width = 2,
                             .out_channels = 2,
                             .kernel_height = 3,
                             .kernel_width = 3,
                             .stride_y = 2,
                             .stride_x = 2};
  const auto dst = Convolve(
      shape, {.src = Iota<float>(32), .wei = Iota<float>(18), .bias = {}});
  ASSERT_TRUE(dst.ok());
  EXPECT_EQ(*dst,
            (std::vector<float>{1032, 1203, 744, 870, 748, 916, 452, 572}));
}

// All rows, or the rows [first, last) alone; everything else stays -99.
std::vector<float> FastRows(Isa isa, const Conv2dShape& s,
                            const ConvOperands& operands, int64_t first,
                            int64_t last, std::vector<double>& sums) {
  std::vector<float> dst(Product({s.out_height, s.out_width, s.out_channels}),
                         -99);
  std::vector<float> row_sums(sums.size());
  DepthwiseRows rows = AllDepthwiseRows(
      s, operands.src.data(), operands.wei.data(),
      operands.bias.empty() ? nullptr : operands.bias.data(), dst.data());
  rows.first_row = first;
  rows.last_row = last;
  if (!sums.empty()) {
    rows.sums = sums.data();
    rows.row_sums = row_sums.data();
  }
  FastDepthwise(isa, s)(rows);
  return dst;
}

void ExpectTwins(Isa isa, const Conv2dShape& s, RandomNumbers& random) {
  const ConvOperands operands =
      WholeOperands(s, s.in_channels % 2 == 0, random);
  const std::vector<float> expected = *Convolve(s, operands);
  std::vector<double> no_sums, sums(static_cast<size_t>(s.out_channels), 0.5);
  std::vector<float> dst = FastRows(isa, s, operands, 0, s.out_height, no_sums);
  ASSERT_NO_FATAL_FAILURE(ExpectClose(dst, expected, 2e-6, 1e-30));
  EXPECT_EQ(FastRows(isa, s, operands, 0, s.out_height, sums), dst);
  std::vector<double> wanted(sums.size(), 0.5);
  for (size_t i = 0; i < dst.size(); ++i) {
    wanted[i % wanted.size()] += static_cast<double>(dst[i]);
  }
  for (size_t c = 0; c < sums.size(); ++c) {
    ASSERT_NEAR(sums[c], wanted[c], 1e-5 * (1 + std::abs(wanted[c])));
  }
  // A part of the rows is that part of all rows.
  const int64_t first = s.out_height / 3, last = s.out_height - first / 2;
  const std::vector<float> part =
      FastRows(isa, s, operands, first, last, no_sums);
  const int64_t row = s.out_width * s.out_channels;
  std::fill_n(dst.begin(), first * row, -99);
  std::fill(dst.begin() + last * row, dst.end(), -99);
  EXPECT_EQ(part, dst);
}

TEST(DepthwiseConv2dTest, EveryIsaAgreesWithTheNaiveLoop) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  int64_t round = 0;
  for (const Isa isa : UsableIsas()) {
    for (Conv2dShape s : SmallGeometries()) {
      for (const int64_t wider : {0, 9}) {
        s.in_width += wider;
        s.out_width += wider / s.stride_x;
        s.in_channels = s.out_channels = 1 + 7 * round % 40;
        s.activation = static_cast<Activation>(round++ % 6);
        if (FastDepthwise(isa, s) == nullptr) continue;
        SCOPED_TRACE(testing::Message()
                     << IsaName(isa) << " kernel " << s.kernel_height
                     << " stride " << s.stride_y << " pad " << s.pad_top
                     << " width " << s.in_width << " channels "
                     << s.in_channels);
        ASSERT_NO_FATAL_FAILURE(ExpectTwins(isa, s, random));
      }
    }
  }
}

// Row after row from a ring that holds no more than the taps.
TEST(DepthwiseConv2dTest, ARingOfRowsGivesWhatTheImageGives) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Isa isa : UsableIsas()) {
    for (Conv2dShape s : SmallGeometries()) {
      s.in_channels = s.out_channels = 3;
      const DepthwiseRowsKernel kernel = FastDepthwise(isa, s);
      if (kernel == nullptr) continue;
      const ConvOperands operands = WholeOperands(s, true, random);
      std::vector<float> ring(Product({s.kernel_height, s.in_width, 3}));
      std::vector<float> dst(Product({s.out_height, s.out_width, 3}));
      DepthwiseRows rows = AllDepthwiseRows(s, ring.data(), operands.wei.data(),
                                            operands.bias.data(), dst.data());
      rows.ring_rows = s.kernel_height;
      const int64_t row = s.in_width * 3;
      int64_t copied = 0;
      for (int64_t y = 0; y < s.out_height; ++y) {
        const int64_t end =
            std::min(s.in_height, y * s.stride_y - s.pad_top + s.kernel_height);
        for (; copied < end; ++copied) {
          std::copy_n(operands.src.begin() + copied * row, row,
                      ring.begin() + copied % rows.ring_rows * row);
        }
        rows.first_row = y;
        rows.last_row = y + 1;
        kernel(rows);
      }
      std::vector<double> no_sums;
      EXPECT_EQ(dst, FastRows(isa, s, operands, 0, s.out_height, no_sums));
    }
  }
}

TEST(DepthwiseConv2dTest, OtherGeometriesHaveNoFastKernel) {
  const Conv2dShape good = {.kernel_height = 3, .kernel_width = 3};
  for (const Isa isa : UsableIsas()) {
    EXPECT_EQ(FastDepthwise(isa, good) != nullptr, isa != Isa::kPlain);
    Conv2dShape s = good;
    s.kernel_width = 5;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
    s.kernel_width = s.kernel_height = 7;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
    s = good;
    s.stride_x = 2;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
    s.stride_x = s.stride_y = 3;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
    s = good;
    s.dilation_x = 2;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
    s = good;
    s.pad_left = 3;
    EXPECT_EQ(FastDepthwise(isa, s), nullptr);
  }
}

TEST(DepthwiseConv2dTest, ChannelCountsMustBeEqual) {
  const Status status =
      DepthwiseConv2dF32({.in_channels = 3, .out_channels = 6}, {}, {}, {}, {});
  EXPECT_EQ(status.message(), "out_channels = 6: must be in [3, 3]");
}

TEST(DepthwiseConv2dTest, SizesThatDoNotFitAreRefusedByName) {
  const Conv2dShape shape = {.in_height = 1,
                             .in_width = 1,
                             .in_channels = 2,
                             .out_height = 1,
                             .out_width = 1,
                             .out_channels = 2};
  const std::vector<float> two(2), wrong(5);
  std::vector<float> dst(2);
  EXPECT_EQ(DepthwiseConv2dF32(shape, wrong, two, two, dst).message(),
            "src elements = 5: must be 2");
  EXPECT_EQ(DepthwiseConv2dF32(shape, two, wrong, two, dst).message(),
            "wei elements = 5: must be 2");
  EXPECT_EQ(DepthwiseConv2dF32(shape, two, two, wrong, dst).message(),
            "bias elements = 5: must be 2");
  EXPECT_EQ(DepthwiseConv2dF32(shape, two, two, two, {}).message(),
            "dst elements = 0: must be 2");
}

}  // namespace
}  // namespace cyto8
