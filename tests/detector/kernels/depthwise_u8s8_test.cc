// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/depthwise_u8s8.h.
#include "detector/kernels/depthwise_u8s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

struct Layer {
  Conv2dShape shape = {};
  std::vector<int8_t> wei = {};
  std::vector<ChannelFactor> factors = {};
  Requantization requantization = {};
  uint8_t pad_code = 0;
};

// What any of the numbers of a table does is defined, so they are random.
EvenTable RandomTable(RandomNumbers& random) {
  EvenTable table = {.segment_shift = static_cast<int32_t>(random.Int(0, 15))};
  for (int i = 0; i < kEvenSegments; ++i) {
    table.intercept[i] = static_cast<int16_t>(random.Int(-4000, 4000));
    table.slope[i] = static_cast<int16_t>(random.Int(-32768, 32767));
  }
  return table;
}

// Factors that reach all of 16 bits, and some extreme ones.
ChannelFactor RandomFactor(int32_t left_shift, RandomNumbers& random) {
  ChannelFactor factor = {
      .bias = static_cast<int32_t>(random.Int(-60000, 60000)) >> left_shift,
      .shift = static_cast<int32_t>(random.Int(0, 4)) + left_shift,
      .multiplier = static_cast<int32_t>(random.Int(1 << 13, (1 << 14) - 1))};
  const int64_t kind = random.Int(0, 15);
  if (kind == 0) factor.multiplier = 0;
  if (kind == 1) factor.shift = 0;
  if (kind == 2) factor.shift = 31;
  if (kind == 3) factor.bias = 0;
  return factor;
}

Layer RandomLayer(const Conv2dShape& shape, const EvenTable* table,
                  RandomNumbers& random) {
  Layer layer = {.shape = shape};
  const int64_t taps = shape.kernel_height * shape.kernel_width;
  for (int64_t i = 0; i < taps * shape.in_channels; ++i) {
    const int64_t kind = random.Int(0, 7);
    layer.wei.push_back(static_cast<int8_t>(kind == 0 ? 127
                                            : kind == 1
                                                ? -127
                                                : random.Int(-128, 127)));
  }
  layer.requantization = {
      .left_shift =
          static_cast<int32_t>(random.Int(0, 2) == 0 ? random.Int(1, 6) : 0),
      .fraction_bits = static_cast<int32_t>(random.Int(0, 5)),
      .table = table};
  for (int64_t c = 0; c < shape.in_channels; ++c) {
    layer.factors.push_back(
        RandomFactor(layer.requantization.left_shift, random));
  }
  layer.pad_code = static_cast<uint8_t>(random.Int(0, 255));
  return layer;
}

std::vector<uint8_t> RandomCodes(int64_t count, RandomNumbers& random) {
  std::vector<uint8_t> codes(static_cast<size_t>(count));
  for (uint8_t& code : codes) {
    const int64_t kind = random.Int(0, 7);
    code = static_cast<uint8_t>(kind == 0 ? 255 : random.Int(0, 255));
  }
  return codes;
}

int64_t SourceSize(const Conv2dShape& s) {
  return s.in_height * s.in_width * s.in_channels;
}
int64_t ResultSize(const Conv2dShape& s) {
  return s.out_height * s.out_width * s.in_channels;
}

// The definition, one output at a time.
uint8_t Literal(const Layer& layer, const std::vector<uint8_t>& src, int64_t y,
                int64_t x, int64_t c) {
  const Conv2dShape& s = layer.shape;
  const ChannelFactor& factor = layer.factors[static_cast<size_t>(c)];
  int32_t sum = factor.bias;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      const int64_t sy = y * s.stride_y + ky * s.dilation_y - s.pad_top;
      const int64_t sx = x * s.stride_x + kx * s.dilation_x - s.pad_left;
      const bool inside =
          sy >= 0 && sy < s.in_height && sx >= 0 && sx < s.in_width;
      const int32_t code =
          inside ? src[Ravel({sy, sx, c},
                             {s.in_height, s.in_width, s.in_channels})]
                 : layer.pad_code;
      sum += code *
             layer.wei[Ravel({ky, kx, c},
                             {s.kernel_height, s.kernel_width, s.in_channels})];
    }
  }
  return CodeOf(
      Rescale(sum, layer.requantization, factor.shift, factor.multiplier),
      layer.requantization);
}

StatusOr<DepthwiseU8S8> Make(Isa isa, const Layer& layer) {
  return DepthwiseU8S8::Create(isa, layer.shape, layer.wei, layer.factors,
                               layer.requantization, layer.pad_code);
}

// All rows, with guards before and behind.
std::vector<uint8_t> AllRows(const DepthwiseU8S8& depthwise,
                             const std::vector<uint8_t>& src,
                             std::vector<uint32_t>* sums) {
  constexpr int64_t kGuard = 64;
  const Conv2dShape& s = depthwise.shape();
  std::vector<uint8_t> dst(static_cast<size_t>(ResultSize(s) + 2 * kGuard),
                           0xA5);
  depthwise.Run(src.data(), s.in_height, 0, s.out_height, dst.data() + kGuard,
                sums == nullptr ? nullptr : sums->data());
  EXPECT_TRUE(std::all_of(dst.begin(), dst.begin() + kGuard,
                          [](uint8_t x) { return x == 0xA5; }));
  EXPECT_TRUE(std::all_of(dst.end() - kGuard, dst.end(),
                          [](uint8_t x) { return x == 0xA5; }));
  return {dst.begin() + kGuard, dst.end() - kGuard};
}

TEST(DepthwiseU8S8Test, TheNaiveKernelIsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int round = 0; round < 300; ++round) {
    const int64_t channels = random.Int(1, 70);
    const Conv2dShape shape = {.in_height = random.Int(0, 9),
                               .in_width = random.Int(1, 9),
                               .in_channels = channels,
                               .out_height = random.Int(1, 9),
                               .out_width = random.Int(1, 9),
                               .out_channels = channels,
                               .kernel_height = random.Int(1, 5),
                               .kernel_width = random.Int(1, 5),
                               .stride_y = random.Int(1, 3),
                               .stride_x = random.Int(1, 3),
                               .dilation_y = random.Int(1, 3),
                               .dilation_x = random.Int(1, 3),
                               .pad_top = random.Int(0, 6),
                               .pad_left = random.Int(0, 6)};
    const EvenTable table = RandomTable(random);
    const Layer layer =
        RandomLayer(shape, round % 2 == 0 ? &table : nullptr, random);
    const std::vector<uint8_t> src = RandomCodes(SourceSize(shape), random);
    const auto depthwise = Make(Isa::kPlain, layer);
    ASSERT_TRUE(depthwise.ok()) << depthwise.status().ToString();
    const std::vector<uint8_t> dst = AllRows(*depthwise, src, nullptr);
    for (size_t i = 0; i < dst.size(); ++i) {
      const TestShape at =
          Unravel(i, {shape.out_height, shape.out_width, channels});
      ASSERT_EQ(dst[i], Literal(layer, src, at[0], at[1], at[2]));
    }
  }
}

Conv2dShape Square(int64_t kernel, int64_t stride, int64_t height,
                   int64_t width, int64_t channels, int64_t pad_top,
                   int64_t pad_left) {
  return {.in_height = height,
          .in_width = width,
          .in_channels = channels,
          .out_height = (height + stride - 1) / stride,
          .out_width = (width + stride - 1) / stride,
          .out_channels = channels,
          .kernel_height = kernel,
          .kernel_width = kernel,
          .stride_y = stride,
          .stride_x = stride,
          .pad_top = pad_top,
          .pad_left = pad_left};
}

std::string Describe(Isa isa, const Conv2dShape& s) {
  return std::string(IsaName(isa)) + " kernel " +
         std::to_string(s.kernel_height) + " stride " +
         std::to_string(s.stride_y) + " pads " + std::to_string(s.pad_top) +
         " " + std::to_string(s.pad_left) + " height " +
         std::to_string(s.in_height) + " width " + std::to_string(s.in_width) +
         " channels " + std::to_string(s.in_channels);
}

// Every isa gives the bytes and sums of the naive kernel.
void ExpectTwins(const Conv2dShape& shape, bool with_table,
                 RandomNumbers& random) {
  const EvenTable table = RandomTable(random);
  const Layer layer = RandomLayer(shape, with_table ? &table : nullptr, random);
  const std::vector<uint8_t> src = RandomCodes(SourceSize(shape), random);
  const auto naive = Make(Isa::kPlain, layer);
  ASSERT_TRUE(naive.ok()) << naive.status().ToString();
  std::vector<uint32_t> expected_sums(layer.factors.size(), 7);
  const std::vector<uint8_t> expected = AllRows(*naive, src, &expected_sums);
  for (const Isa isa : UsableIsas()) {
    const auto fast = Make(isa, layer);
    ASSERT_TRUE(fast.ok());
    std::vector<uint32_t> sums(layer.factors.size(), 7);
    ASSERT_EQ(AllRows(*fast, src, &sums), expected) << Describe(isa, shape);
    ASSERT_EQ(sums, expected_sums) << Describe(isa, shape);
    ASSERT_EQ(AllRows(*fast, src, nullptr), expected) << Describe(isa, shape);
  }
}

// Heights, widths, kernels, strides and pads; channels go through all numbers
// around the blocks' borders.
TEST(DepthwiseU8S8Test, EveryIsaEqualsTheNaiveKernelOnEverySmallMap) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const int64_t channels[] = {1,  15, 16, 17, 31, 32,  33,  47,  48, 49,
                              63, 64, 65, 80, 97, 112, 113, 128, 140};
  size_t round = 0;
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t stride : {1, 2}) {
      for (int64_t height = 1; height <= 9; ++height) {
        for (int64_t width = 1; width <= 9; ++width) {
          ++round;
          ASSERT_NO_FATAL_FAILURE(ExpectTwins(
              Square(kernel, stride, height, width,
                     channels[round % std::size(channels)],
                     random.Int(0, kernel - 1), random.Int(0, kernel - 1)),
              round % 2 == 0, random));
        }
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
