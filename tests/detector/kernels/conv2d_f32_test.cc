// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/conv2d_f32.h.
#include "detector/kernels/conv2d_f32.h"

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

size_t DstCount(const Conv2dShape& s) {
  return Product({s.batch, s.out_height, s.out_width, s.out_channels});
}

// Whole numbers: every sum is exact, so results must be equal.
ConvOperands WholeOperands(const Conv2dShape& s, bool with_bias,
                           RandomNumbers& random) {
  return {.src = random.WholeFloats(
              Product({s.batch, s.in_height, s.in_width, s.in_channels})),
          .wei = random.WholeFloats(Product({s.kernel_height, s.kernel_width,
                                             s.in_channels, s.out_channels})),
          .bias = with_bias
                      ? random.WholeFloats(static_cast<size_t>(s.out_channels))
                      : std::vector<float>()};
}

StatusOr<std::vector<float>> Convolve(const Conv2dShape& shape,
                                      const ConvOperands& operands) {
  std::vector<float> dst(DstCount(shape), -99);
  CYTO8_RETURN_IF_ERROR(
      Conv2dF32(shape, operands.src, operands.wei, operands.bias, dst));
  return dst;
}

void ExpectLiteral(const Conv2dShape& shape, const ConvOperands& operands) {
  const StatusOr<std::vector<float>> dst = Convolve(shape, operands);
  ASSERT_TRUE(dst.ok()) << dst.status().ToString();
  std::vector<float> expected = LiteralConv2d(shape, operands);
  ActivateF32Naive(shape.activation, expected.data(),
                   static_cast<int64_t>(expected.size()));
  ASSERT_EQ(*dst, expected)
      << "kernel " << shape.kernel_height << " stride " << shape.stride_y
      << " dilation " << shape.dilation_y << " pad " << shape.pad_top
      << " height " << shape.in_height << " channels " << shape.in_channels
      << " to " << shape.out_channels;
}

TEST(Conv2dTest, EverySmallGeometryEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (Conv2dShape shape : SmallGeometries()) {
    for (int64_t channels = 1; channels <= 25; ++channels) {
      shape.in_channels = 1 + (channels - 1) / 5;
      shape.out_channels = 1 + (channels - 1) % 5;
      const bool odd = channels % 2 == 1;
      shape.activation = odd ? Activation::kRelu6 : Activation::kNone;
      ExpectLiteral(shape, WholeOperands(shape, odd, random));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Conv2dTest, ChannelCountsAroundTheBlockSizeEqualTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t channels : {63, 64, 65, 127, 128, 130}) {
    const Conv2dShape shape = {.batch = 2,
                               .in_height = 3,
                               .in_width = 9,
                               .in_channels = 7,
                               .out_height = 3,
                               .out_width = 9,
                               .out_channels = channels,
                               .kernel_height = 3,
                               .kernel_width = 3,
                               .pad_top = 1,
                               .pad_left = 1};
    ExpectLiteral(shape, WholeOperands(shape, true, random));
  }
}

TEST(Conv2dTest, AxesHaveTheirOwnKernelsStridesDilationsAndPads) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int round = 0; round < 500; ++round) {
    const Conv2dShape shape = {.batch = random.Int(1, 3),
                               .in_height = random.Int(1, 12),
                               .in_width = random.Int(1, 12),
                               .in_channels = random.Int(1, 6),
                               .out_height = random.Int(1, 12),
                               .out_width = random.Int(1, 12),
                               .out_channels = random.Int(1, 9),
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

// tf.nn.conv2d(np.arange(16).reshape(1, 4, 4, 1), np.arange(9).reshape(3, 3, 1,
// 1), 2, 'SAME') in float32; TensorFlow pads only below and to the right here.
TEST(Conv2dTest, Stride2WithSamePaddingEqualsTensorFlow) {
  const Conv2dShape shape = {.in_height = 4,
                             .in_width = 4,
                             .in_channels = 1,
                             .out_height = 2,
                             .out_width = 2,
                             .out_channels = 1,
                             .kernel_height = 3,
                             .kernel_width = 3,
                             .stride_y = 2,
                             .stride_x = 2};
  const auto dst = Convolve(
      shape, {.src = Iota<float>(16), .wei = Iota<float>(9), .bias = {}});
  ASSERT_TRUE(dst.ok());
  EXPECT_EQ(*dst, (std::vector<float>{258, 186, 187, 113}));
}

TEST(Conv2dTest, EveryActivationIsAppliedAfterTheBias) {
  Conv2dShape shape = {.in_height = 1,
                       .in_width = 2,
                       .in_channels = 1,
                       .out_height = 1,
                       .out_width = 2,
                       .out_channels = 1};
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kRelu6,
        Activation::kSwish, Activation::kHardSwish, Activation::kSigmoid}) {
    shape.activation = activation;
    const auto dst =
        Convolve(shape, {.src = {-1, 4}, .wei = {2}, .bias = {0.5f}});
    ASSERT_TRUE(dst.ok());
    std::vector<float> expected = {-1.5f, 8.5f};
    ActivateF32Naive(activation, expected.data(), 2);
    EXPECT_EQ(*dst, expected) << ActivationName(activation);
  }
}

TEST(Conv2dTest, WithoutInputChannelsOnlyTheBiasIsLeft) {
  const Conv2dShape shape = {.in_height = 1,
                             .in_width = 1,
                             .in_channels = 0,
                             .out_height = 1,
                             .out_width = 1,
                             .out_channels = 2};
  const auto dst = Convolve(shape, {.src = {}, .wei = {}, .bias = {3, 4}});
  ASSERT_TRUE(dst.ok());
  EXPECT_EQ(*dst, (std::vector<float>{3, 4}));
}

TEST(Conv2dTest, SizesThatDoNotFitAreRefusedByName) {
  const Conv2dShape shape = {.in_height = 2,
                             .in_width = 2,
                             .in_channels = 3,
                             .out_height = 2,
                             .out_width = 2,
                             .out_channels = 4};
  const std::vector<float> src(12), wei(12), bias(4), wrong(5);
  std::vector<float> dst(16);
  const auto message = [&](const std::vector<float>& s,
                           const std::vector<float>& w,
                           const std::vector<float>& b, std::span<float> d) {
    return Conv2dF32(shape, s, w, b, d).message();
  };
  EXPECT_EQ(message(wrong, wei, bias, dst), "src elements = 5: must be 12");
  EXPECT_EQ(message(src, wrong, bias, dst), "wei elements = 5: must be 12");
  EXPECT_EQ(message(src, wei, wrong, dst), "bias elements = 5: must be 4");
  EXPECT_EQ(message(src, wei, bias, std::span(dst).first(5)),
            "dst elements = 5: must be 16");
}

TEST(Conv2dTest, NumbersOutOfRangeAreRefusedByName) {
  EXPECT_EQ(CheckConv2dShape({.stride_x = 0}).message(),
            "stride_x = 0: must be in [1, 1073741824]");
  EXPECT_EQ(CheckConv2dShape({.dilation_y = -1}).message(),
            "dilation_y = -1: must be in [1, 1073741824]");
  EXPECT_EQ(CheckConv2dShape({.kernel_height = 0}).message(),
            "kernel_height = 0: must be in [1, 1073741824]");
  EXPECT_EQ(CheckConv2dShape({.pad_left = -1}).message(),
            "pad_left = -1: must be in [0, 1073741824]");
  EXPECT_EQ(CheckConv2dShape({.in_height = int64_t{1} << 40}).message(),
            "in_height = 1099511627776: must be in [0, 1073741824]");
}

}  // namespace
}  // namespace cyto8
