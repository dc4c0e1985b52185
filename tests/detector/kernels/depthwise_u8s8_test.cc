// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/depthwise_u8s8.h.
#include "detector/kernels/depthwise_u8s8.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

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

// Numbers of which no difference of p and the table overflows.
EvenTable RandomTable(RandomNumbers& random) {
  EvenTable table = {.segment_shift = static_cast<int32_t>(random.Int(0, 15))};
  for (int i = 0; i < kEvenSegments; ++i) {
    table.intercept[i] = static_cast<int16_t>(random.Int(-8192, 8191));
    table.slope[i] = static_cast<int16_t>(random.Int(-16384, 16383));
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
  for (int round = 0; round < 100; ++round) {
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
          for (int i = 0; i < 3; ++i) {
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
}

TEST(DepthwiseU8S8Test, EveryIsaEqualsTheNaiveKernelForAllChannelCounts) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t channels = 1; channels <= 140; ++channels) {
    const int64_t kernel = channels % 4 < 2 ? 3 : 5;
    ASSERT_NO_FATAL_FAILURE(
        ExpectTwins(Square(kernel, 1 + channels % 2, 4, 6, channels, kernel / 2,
                           (kernel - 1) / 2),
                    channels % 3 != 0, random));
  }
}

// Those of EfficientDet-D0 to D2, and maps wider and higher than a tile.
TEST(DepthwiseU8S8Test, EveryIsaEqualsTheNaiveKernelOnTheNetworksLayers) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const int64_t channels[] = {32,  16,  96,  144, 240, 480,  672, 1152, 1920,
                              288, 528, 720, 64,  88,  1248, 112, 2112};
  int64_t round = 0;
  for (const int64_t count : channels) {
    const int64_t kernel = ++round % 2 == 0 ? 3 : 5;
    ASSERT_NO_FATAL_FAILURE(ExpectTwins(
        Square(kernel, 1, 5, 7, count, kernel / 2, kernel / 2), true, random));
    ASSERT_NO_FATAL_FAILURE(ExpectTwins(
        Square(kernel, 2, 6, 4, count, kernel / 2 - 1, kernel / 2 - 1), true,
        random));
  }
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t stride : {1, 2}) {
      ASSERT_NO_FATAL_FAILURE(
          ExpectTwins(Square(kernel, stride, 11, 101 * stride, 112, 1, 1),
                      kernel == 3, random));
    }
  }
}

// The largest sums of both signs, and a map of the largest codes.
TEST(DepthwiseU8S8Test, ExtremeCodesAndWeightsAreExact) {
  for (const Isa isa : UsableIsas()) {
    for (const int kernel : {3, 5}) {
      Layer layer = {.shape = Square(kernel, 1, 9, 60, 64, 1, 1)};
      layer.pad_code = 255;
      for (int i = 0; i < kernel * kernel * 64; ++i) {
        layer.wei.push_back(i % 2 == 0 ? int8_t{127} : int8_t{-127});
      }
      // 255 of 3x3, and saturated codes of 5x5.
      layer.factors.assign(64, {.bias = 0, .shift = 9, .multiplier = 14729});
      const int32_t sum = kernel * kernel * 255 * 127;
      const uint8_t wanted = SaturateTo8(((sum >> 9) * 14729 + 16384) >> 15);
      ASSERT_EQ(wanted, 255);
      const std::vector<uint8_t> src(9 * 60 * 64, 255);
      const auto depthwise = Make(isa, layer);
      ASSERT_TRUE(depthwise.ok());
      std::vector<uint32_t> sums(64);
      const std::vector<uint8_t> dst = AllRows(*depthwise, src, &sums);
      for (size_t i = 0; i < dst.size(); ++i) {
        ASSERT_EQ(dst[i], i % 2 == 0 ? wanted : 0);
      }
      for (size_t c = 0; c < 64; ++c) {
        ASSERT_EQ(sums[c], c % 2 == 0 ? 9u * 60u * wanted : 0u);
      }
    }
  }
}

// Row after row from a ring that holds no more than the taps; then in pieces.
TEST(DepthwiseU8S8Test, RingsAndPiecesGiveWhatTheImageGives) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Isa isa : UsableIsas()) {
    for (int round = 0; round < 24; ++round) {
      const int64_t kernel = round % 2 == 0 ? 3 : 5;
      const int64_t stride = 1 + round / 2 % 2;
      const Conv2dShape s = Square(kernel, stride, random.Int(4, 9), 5,
                                   16 * random.Int(1, 5), kernel / 2, 1);
      const EvenTable table = RandomTable(random);
      const Layer layer = RandomLayer(s, &table, random);
      const std::vector<uint8_t> src = RandomCodes(SourceSize(s), random);
      const auto depthwise = Make(isa, layer);
      ASSERT_TRUE(depthwise.ok());
      std::vector<uint32_t> expected_sums(layer.factors.size());
      const auto expected = AllRows(*depthwise, src, &expected_sums);
      const int64_t piece = 1 + round % 3;
      const int64_t ring_rows = (piece - 1) * stride + kernel;
      const int64_t row = s.in_width * s.in_channels;
      std::vector<uint8_t> ring(static_cast<size_t>(ring_rows * row));
      std::vector<uint8_t> dst(expected.size());
      std::vector<uint32_t> sums(expected_sums.size());
      int64_t copied = 0;
      for (int64_t y = 0; y < s.out_height; y += piece) {
        const int64_t last = std::min(s.out_height, y + piece);
        const int64_t end =
            std::min(s.in_height, (last - 1) * stride - s.pad_top + kernel);
        for (; copied < end; ++copied) {
          std::copy_n(src.begin() + copied * row, row,
                      ring.begin() + copied % ring_rows * row);
        }
        depthwise->Run(ring.data(), ring_rows, y, last, dst.data(),
                       sums.data());
      }
      ASSERT_EQ(dst, expected) << Describe(isa, s);
      ASSERT_EQ(sums, expected_sums) << Describe(isa, s);
    }
  }
}

// Bytes between two pages that nobody may touch, at the end or at the start.
class FencedBytes {
 public:
  FencedBytes(int64_t size, bool at_end) {
    constexpr int64_t kPage = 4096;
    const int64_t inner = (size + kPage - 1) / kPage * kPage;
    size_ = static_cast<size_t>(inner + 2 * kPage);
    pages_ = static_cast<uint8_t*>(
        mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(pages_ + kPage, static_cast<size_t>(inner),
                       PROT_READ | PROT_WRITE),
              0);
    data_ = pages_ + kPage + (at_end ? inner - size : 0);
  }
  FencedBytes(const FencedBytes&) = delete;
  FencedBytes& operator=(const FencedBytes&) = delete;
  ~FencedBytes() { munmap(pages_, size_); }
  uint8_t* data() { return data_; }

 private:
  size_t size_ = 0;
  uint8_t* pages_ = nullptr;
  uint8_t* data_ = nullptr;
};

TEST(DepthwiseU8S8Test, NothingOutsideIsReadOrWritten) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Isa isa : UsableIsas()) {
    for (int64_t channels = 1; channels <= 140; channels += 3) {
      const int64_t kernel = channels % 2 == 0 ? 3 : 5;
      const Conv2dShape s = Square(kernel, 1 + channels % 4 / 2, 3, 5, channels,
                                   kernel / 2, kernel / 2);
      const Layer layer = RandomLayer(s, nullptr, random);
      const auto depthwise = Make(isa, layer);
      ASSERT_TRUE(depthwise.ok());
      for (const bool at_end : {false, true}) {
        FencedBytes src(SourceSize(s), at_end), dst(ResultSize(s), at_end);
        FencedBytes sums(4 * channels, at_end);
        depthwise->Run(src.data(), s.in_height, 0, s.out_height, dst.data(),
                       reinterpret_cast<uint32_t*>(sums.data()));
      }
    }
  }
}

TEST(DepthwiseU8S8Test, ArgumentsThatDoNotFitAreRefusedByName) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const Layer good = RandomLayer(Square(3, 1, 2, 2, 2, 1, 1), nullptr, random);
  const auto message = [](const Layer& layer) {
    return Make(Isa::kPlain, layer).status().message();
  };
  Layer bad = good;
  bad.wei.pop_back();
  EXPECT_EQ(message(bad), "wei elements = 17: must be 18");
  bad = good;
  bad.factors.pop_back();
  EXPECT_EQ(message(bad), "factors elements = 1: must be 2");
  bad = good;
  bad.shape.out_channels = 3;
  EXPECT_EQ(message(bad), "out_channels = 3: must be in [2, 2]");
  bad = good;
  bad.factors[1].shift = 32;
  EXPECT_EQ(message(bad), "channel 1: shift = 32: must be in [0, 31]");
  bad = good;
  bad.factors[0].multiplier = 16384;
  EXPECT_EQ(message(bad),
            "channel 0: multiplier = 16384: must be in [8192, 16383]");
  bad = good;
  std::ranges::fill(bad.wei, int8_t{1});
  bad.factors[0].bias = -2147483647;
  EXPECT_EQ(message(bad),
            "channel 0: largest sum = 2147485942: must be in [0, 2147483647]");
  bad = good;
  bad.requantization.left_shift = 16;
  EXPECT_EQ(message(bad), "left_shift = 16: must be in [0, 15]");
  bad = good;
  bad.requantization.fraction_bits = 6;
  EXPECT_EQ(message(bad), "fraction_bits = 6: must be in [0, 5]");
  bad = good;
  const EvenTable table = {.segment_shift = -1};
  bad.requantization.table = &table;
  EXPECT_EQ(message(bad), "segment_shift = -1: must be in [0, 15]");
}

}  // namespace
}  // namespace cyto8
