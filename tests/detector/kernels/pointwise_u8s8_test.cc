// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/pointwise_u8s8.h.
#include "detector/kernels/pointwise_u8s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

constexpr int64_t kMargin = 80;  // guard bytes on either side of dst.
constexpr uint8_t kGuard = 0xa5;

// A layer in natural order and how it is asked for.
struct Layer {
  int64_t pixels = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  std::vector<uint8_t> src = {};
  std::vector<int8_t> wei = {};  // [in_channels, out_channels].
  std::vector<ChannelFactor> factors = {};
  Requantization requantization = {};
  std::vector<uint8_t> addend = {};  // empty: none.
  int32_t addend_multiplier = 0;
  std::vector<float> scale = {};  // empty: codes.
  std::vector<float> offset = {};

  size_t Results() const { return static_cast<size_t>(pixels * out_channels); }
  std::string Name() const {
    return std::to_string(pixels) + " pixels, " + std::to_string(in_channels) +
           " -> " + std::to_string(out_channels) + ", left shift " +
           std::to_string(requantization.left_shift) + ", fraction bits " +
           std::to_string(requantization.fraction_bits) +
           (requantization.table != nullptr ? ", table" : "") +
           (addend.empty() ? "" : ", addend") + (scale.empty() ? "" : ", f32");
  }
};

// Any table whose even part is in [-2^14, 2^14], as requantize.h wants it.
EvenTable RandomTable(RandomNumbers& random, int64_t segment_shift) {
  EvenTable table = {.segment_shift = static_cast<int32_t>(segment_shift)};
  for (int i = 0; i < kEvenSegments; ++i) {
    table.intercept[i] = static_cast<int16_t>(random.Int(-8192, 8191));
    table.slope[i] = static_cast<int16_t>(random.Int(-16384, 16383));
  }
  return table;
}

template <typename T>
std::vector<T> Ints(RandomNumbers& random, size_t count, int64_t low,
                    int64_t high) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(random.Int(low, high));
  return values;
}

// Factors with which results are in the range of codes mostly.
std::vector<ChannelFactor> RandomFactors(RandomNumbers& random, int64_t count,
                                         int32_t left_shift) {
  std::vector<ChannelFactor> factors(static_cast<size_t>(count));
  for (ChannelFactor& factor : factors) {
    factor.bias = static_cast<int32_t>(random.Int(-50000, 100000));
    factor.shift = static_cast<int32_t>(random.Int(0, 5)) + left_shift;
    factor.multiplier = static_cast<int32_t>(random.Int(1 << 13, 16383));
  }
  return factors;
}

Layer RandomLayer(RandomNumbers& random, int64_t pixels, int64_t in_channels,
                  int64_t out_channels) {
  Layer layer = {.pixels = pixels,
                 .in_channels = in_channels,
                 .out_channels = out_channels};
  layer.src =
      Ints<uint8_t>(random, static_cast<size_t>(pixels * in_channels), 0, 255);
  layer.wei = Ints<int8_t>(
      random, static_cast<size_t>(in_channels * out_channels), -127, 127);
  layer.factors = RandomFactors(random, out_channels, 0);
  layer.requantization.fraction_bits = static_cast<int32_t>(random.Int(0, 5));
  return layer;
}

void AddAddend(RandomNumbers& random, Layer& layer) {
  layer.addend = Ints<uint8_t>(random, layer.Results(), 0, 255);
  layer.addend_multiplier = static_cast<int32_t>(random.Int(-32768, 32767));
}

void AskForFloats(RandomNumbers& random, Layer& layer) {
  const auto channels = static_cast<size_t>(layer.out_channels);
  layer.scale = random.Floats(channels, 1e-5f, 1e-3f);
  layer.offset = random.Floats(channels, -10, 10);
}

// In every combination that the kernels know.
std::vector<Layer> Variants(RandomNumbers& random, const Layer& plain,
                            const EvenTable* table) {
  std::vector<Layer> variants = {plain};
  Layer floats = plain;
  AskForFloats(random, floats);
  variants.push_back(floats);
  for (int bits = 1; bits < 8; ++bits) {
    Layer layer = plain;
    if ((bits & 1) != 0) layer.requantization.table = table;
    if ((bits & 2) != 0) AddAddend(random, layer);
    if ((bits & 4) != 0) {
      layer.requantization.left_shift = static_cast<int32_t>(random.Int(1, 5));
      layer.factors = RandomFactors(random, layer.out_channels,
                                    layer.requantization.left_shift);
    }
    variants.push_back(layer);
  }
  return variants;
}

int32_t SumOf(const Layer& layer, int64_t pixel, int64_t output) {
  int64_t sum = layer.factors[static_cast<size_t>(output)].bias;
  for (int64_t k = 0; k < layer.in_channels; ++k) {
    sum +=
        int64_t{layer.src[static_cast<size_t>(pixel * layer.in_channels + k)]} *
        layer.wei[static_cast<size_t>(k * layer.out_channels + output)];
  }
  return static_cast<int32_t>(sum);
}

// The definition, in natural order.
std::vector<uint8_t> LiteralCodes(const Layer& layer) {
  std::vector<uint8_t> codes;
  for (int64_t i = 0; i < layer.pixels * layer.out_channels; ++i) {
    const int64_t output = i % layer.out_channels;
    const ChannelFactor& factor = layer.factors[static_cast<size_t>(output)];
    int16_t p = Rescale(SumOf(layer, i / layer.out_channels, output),
                        layer.requantization, factor.shift, factor.multiplier);
    if (!layer.addend.empty()) {
      p = AddCode(p, layer.addend[static_cast<size_t>(i)],
                  layer.addend_multiplier);
    }
    codes.push_back(CodeOf(p, layer.requantization));
  }
  return codes;
}

std::vector<float> LiteralFloats(const Layer& layer) {
  std::vector<float> values;
  for (int64_t i = 0; i < layer.pixels * layer.out_channels; ++i) {
    const int64_t output = i % layer.out_channels;
    const volatile float product =
        static_cast<float>(SumOf(layer, i / layer.out_channels, output)) *
        layer.scale[static_cast<size_t>(output)];
    values.push_back(product + layer.offset[static_cast<size_t>(output)]);
  }
  return values;
}

// Memory from a cache line on, for packed operands.
template <typename T>
class Aligned {
 public:
  explicit Aligned(const std::vector<T>& values)
      : memory_(values.size() + 64 / sizeof(T)) {
    void* start = memory_.data();
    size_t space = memory_.size() * sizeof(T);
    data_ = static_cast<T*>(
        std::align(64, values.size() * sizeof(T), start, space));
    std::copy(values.begin(), values.end(), data_);
  }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  const T* data() const { return data_; }

 private:
  std::vector<T> memory_;
  T* data_ = nullptr;
};

std::vector<int8_t> Packed(const Layer& layer) {
  std::vector<int8_t> packed(static_cast<size_t>(
      PackedPointwiseBytes(layer.in_channels, layer.out_channels)));
  const Status status =
      PackPointwise(layer.in_channels, layer.out_channels,
                    std::span<const int8_t>(layer.wei), std::span(packed));
  EXPECT_TRUE(status.ok()) << status.ToString();
  return packed;
}

// What the kernel of `isa` writes, as bytes with both margins; dst begins
// `misalign` elements behind a cache line.
std::vector<uint8_t> RunKernel(Isa isa, const Layer& layer, size_t misalign) {
  const bool floats = !layer.scale.empty();
  const PackedFactors factors = PackFactors(layer.factors);
  const Aligned<int8_t> wei(Packed(layer));
  const Aligned<int32_t> bias(factors.bias);
  const Aligned<int32_t> shift(factors.shift);
  const Aligned<int16_t> multiplier(factors.multiplier);
  const Aligned<float> scale(PackChannels(layer.scale));
  const Aligned<float> offset(PackChannels(layer.offset));
  std::vector<uint8_t> src = layer.src;
  src.insert(src.end(), 3, kGuard);
  const size_t size = floats ? sizeof(float) : 1;
  const size_t margin = kMargin * sizeof(float) + misalign * size;
  const Aligned<uint8_t> guards(
      std::vector<uint8_t>(layer.Results() * size + 2 * margin, kGuard));
  auto* dst = const_cast<uint8_t*>(guards.data()) + margin;
  PointwiseRows rows = {
      .pixels = layer.pixels,
      .in_channels = layer.in_channels,
      .out_channels = layer.out_channels,
      .src = src.data(),
      .wei = wei.data(),
      .bias = bias.data(),
      .shift = shift.data(),
      .multiplier = multiplier.data(),
      .requantization = layer.requantization,
      .addend = layer.addend.empty() ? nullptr : layer.addend.data(),
      .addend_multiplier = layer.addend_multiplier};
  if (floats) {
    rows.scale = scale.data();
    rows.offset = offset.data();
    rows.dst_f32 = reinterpret_cast<float*>(dst);
  } else {
    rows.dst = dst;
  }
  PointwiseKernelFor(isa)(rows);
  return {dst - margin, dst + layer.Results() * size + margin};
}

// The results alone; the margins must be as they were.
std::vector<uint8_t> ResultsInside(const std::vector<uint8_t>& bytes,
                                   const Layer& layer, size_t misalign) {
  const size_t size = layer.scale.empty() ? 1 : sizeof(float);
  const size_t margin = kMargin * sizeof(float) + misalign * size;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool inside = i >= margin && i < bytes.size() - margin;
    if (!inside && bytes[i] != kGuard) {
      ADD_FAILURE() << "byte " << i << " of the margins: " << layer.Name();
      break;
    }
  }
  return {bytes.begin() + static_cast<int64_t>(margin),
          bytes.end() - static_cast<int64_t>(margin)};
}

std::vector<uint8_t> Literal(const Layer& layer) {
  if (layer.scale.empty()) return LiteralCodes(layer);
  const std::vector<float> values = LiteralFloats(layer);
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  return {bytes, bytes + values.size() * sizeof(float)};
}

void ExpectEveryIsaGives(const std::vector<uint8_t>& expected,
                         const Layer& layer, size_t misalign) {
  for (const Isa isa : UsableIsas()) {
    ASSERT_TRUE(ResultsInside(RunKernel(isa, layer, misalign), layer,
                              misalign) == expected)
        << IsaName(isa) << ": " << layer.Name();
  }
}

void ExpectEveryIsaAgrees(const Layer& layer, size_t misalign) {
  ExpectEveryIsaGives(
      ResultsInside(RunKernel(Isa::kPlain, layer, misalign), layer, misalign),
      layer, misalign);
}

TEST(PointwiseU8S8Test, BlocksAreFew) {
  using Blocks = std::vector<int64_t>;
  EXPECT_EQ(PointwiseBlocks(1), (Blocks{16}));
  EXPECT_EQ(PointwiseBlocks(16), (Blocks{16}));
  EXPECT_EQ(PointwiseBlocks(17), (Blocks{32}));
  EXPECT_EQ(PointwiseBlocks(32), (Blocks{32}));
  EXPECT_EQ(PointwiseBlocks(33), (Blocks{32, 16}));
  EXPECT_EQ(PointwiseBlocks(48), (Blocks{32, 16}));
  EXPECT_EQ(PointwiseBlocks(49), (Blocks{64}));
  EXPECT_EQ(PointwiseBlocks(112), (Blocks{64, 32, 16}));
  EXPECT_EQ(PointwiseBlocks(176), (Blocks{64, 64, 32, 16}));
  EXPECT_EQ(PackedOutputs(24), 32);
  EXPECT_EQ(PackedPointwiseBytes(5, 24), 8 * 32);
}

// The order that pointwise_u8s8.h describes, spelt out once.
TEST(PointwiseU8S8Test, PackedOrderIsWhatTheHeaderSays) {
  constexpr int64_t kIn = 5, kOut = 112;
  Layer layer = {.in_channels = kIn, .out_channels = kOut};
  std::vector<int16_t> wei;
  std::vector<float> values;
  for (int i = 0; i < kIn * kOut; ++i) wei.push_back(static_cast<int16_t>(i));
  for (int i = 0; i < kOut; ++i) values.push_back(static_cast<float>(i));
  std::vector<int16_t> packed(
      static_cast<size_t>(PackedPointwiseBytes(kIn, kOut)), -1);
  ASSERT_TRUE(
      PackPointwise(kIn, kOut, std::span<const int16_t>(wei), std::span(packed))
          .ok());
  const std::vector<float> channels = PackChannels(values);
  const std::vector<int64_t> firsts = {0, 64, 96}, groups = {4, 2, 1};
  for (size_t b = 0; b < firsts.size(); ++b) {
    const int64_t first = firsts[b], g = groups[b];
    for (int64_t j = 0; j < g; ++j) {
      for (int64_t l = 0; l < 4; ++l) {
        for (int64_t i = 0; i < 4; ++i) {
          const int64_t dword = j * 16 + 4 * l + i;
          const int64_t output = first + 4 * g * l + 4 * j + i;
          EXPECT_EQ(channels[static_cast<size_t>(first + dword)],
                    static_cast<float>(output));
          for (int64_t k = 0; k < 8; ++k) {
            const int64_t at = first * 8 + (k / 4 * g * 16 + dword) * 4 + k % 4;
            EXPECT_EQ(packed[static_cast<size_t>(at)],
                      k < kIn ? k * kOut + output : 0);
          }
        }
      }
    }
  }
}

TEST(PointwiseU8S8Test, WhatHasNoOutputIsZero) {
  const std::vector<ChannelFactor> factors(
      17, {.bias = 1, .shift = 2, .multiplier = 3 << 13});
  const PackedFactors packed = PackFactors(factors);
  ASSERT_EQ(packed.bias.size(), 32u);
  EXPECT_EQ(std::count(packed.bias.begin(), packed.bias.end(), 1), 17);
  EXPECT_EQ(std::count(packed.bias.begin(), packed.bias.end(), 0), 15);
  EXPECT_EQ(std::count(packed.shift.begin(), packed.shift.end(), 2), 17);
  EXPECT_EQ(std::count(packed.multiplier.begin(), packed.multiplier.end(), 0),
            15);
}

TEST(PointwiseU8S8Test, SizesThatDoNotFitAreRefusedByName) {
  EXPECT_TRUE(CheckPointwise(1, 1).ok());
  EXPECT_TRUE(CheckPointwise(1 << 15, int64_t{1} << 30).ok());
  EXPECT_EQ(CheckPointwise(0, 1).message(),
            "in_channels = 0: must be in [1, 32768]");
  EXPECT_EQ(CheckPointwise(32769, 1).message(),
            "in_channels = 32769: must be in [1, 32768]");
  EXPECT_EQ(CheckPointwise(1, 0).message(),
            "out_channels = 0: must be in [1, 1073741824]");
  std::vector<int8_t> six(6), packed(64);
  using Wei = std::span<const int8_t>;
  EXPECT_EQ(PackPointwise(2, 2, Wei(six), std::span(packed)).message(),
            "wei elements = 6: must be 4");
  EXPECT_EQ(PackPointwise(2, 3, Wei(six), std::span(six)).message(),
            "packed elements = 6: must be 64");
  EXPECT_EQ(PackPointwise(-1, 3, Wei(six), std::span(packed)).message(),
            "in_channels = -1: must be in [1, 32768]");
}

TEST(PointwiseU8S8Test, SmallShapesEqualTheDefinitionOnEveryIsa) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  size_t misalign = 0;
  for (const int64_t in : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 40}) {
    for (const int64_t out : {1, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 80,
                              81, 96, 112, 113, 128, 140}) {
      const EvenTable table = RandomTable(random, random.Int(0, 15));
      const Layer plain = RandomLayer(random, random.Int(1, 13), in, out);
      for (const Layer& layer : Variants(random, plain, &table)) {
        misalign = (misalign + 1) % 64;
        ExpectEveryIsaGives(Literal(layer), layer, misalign);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PointwiseU8S8Test, EveryNumberOfPixelsOnEveryIsa) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t pixels = 0; pixels <= 40; ++pixels) {
    for (const int64_t out : {7, 16, 30, 36, 50, 64, 112, 203}) {
      const EvenTable table = RandomTable(random, random.Int(0, 15));
      const Layer plain = RandomLayer(random, pixels, random.Int(1, 24), out);
      for (const Layer& layer : Variants(random, plain, &table)) {
        ExpectEveryIsaAgrees(layer, static_cast<size_t>(pixels));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PointwiseU8S8Test, ManyPixelsGoInSeveralPieces) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const EvenTable table = RandomTable(random, 9);
  for (const int64_t pixels : {500, 1801}) {
    Layer layer = RandomLayer(random, pixels, 6, 81);
    AddAddend(random, layer);
    layer.requantization.table = &table;
    ExpectEveryIsaAgrees(layer, 1);
    if (HasFatalFailure()) return;
  }
}

// All 1x1 convolutions of EfficientDet-D0 to -D2, without duplicates: K, N.
constexpr int64_t kNetworkLayers[][2] = {
    {32, 16},   {16, 96},    {96, 24},    {24, 144},   {144, 24},   {144, 40},
    {40, 240},  {240, 40},   {240, 80},   {80, 480},   {480, 80},   {480, 112},
    {112, 672}, {672, 112},  {672, 192},  {192, 1152}, {1152, 192}, {1152, 320},
    {16, 16},   {320, 1920}, {1920, 320}, {144, 48},   {48, 288},   {288, 48},
    {288, 88},  {88, 528},   {528, 88},   {528, 120},  {120, 720},  {720, 120},
    {720, 208}, {208, 1248}, {1248, 208}, {1248, 352}, {352, 2112}, {2112, 352},
    {40, 64},   {112, 64},   {320, 64},   {64, 64},    {40, 88},    {320, 88},
    {88, 88},   {48, 112},   {120, 112},  {352, 112},  {112, 112},  {64, 36},
    {88, 36},   {112, 36},   {64, 54},    {88, 54},    {112, 54},   {64, 810},
    {112, 18}};

TEST(PointwiseU8S8Test, EveryLayerOfTheNetworksOnEveryIsa) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const auto& [in, out] : kNetworkLayers) {
    const EvenTable table = RandomTable(random, random.Int(7, 11));
    Layer layer = RandomLayer(random, random.Int(1, 7), in, out);
    for (ChannelFactor& factor : layer.factors) factor.shift += 4;
    if (out > in) layer.requantization.table = &table;
    ExpectEveryIsaAgrees(layer, 3);
    if (HasFatalFailure()) return;
  }
}

// Codes of 255 with weights of 127 and -127 (and the -128 that a damaged model
// may have), the widest layer, factors at their limits.
TEST(PointwiseU8S8Test, ExtremesSaturateAlike) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t in : {3, 64, 1 << 15}) {
    const int64_t out = in < 100 ? 117 : 5;
    for (int round = 0; round < 12; ++round) {
      Layer layer = RandomLayer(random, 7, in, out);
      std::fill(layer.src.begin(), layer.src.end(), uint8_t{255});
      for (size_t i = 0; i < layer.wei.size(); ++i) {
        const int64_t output = static_cast<int64_t>(i) % out;
        layer.wei[i] = output % 3 == 0 ? 127 : output % 3 == 1 ? -127 : -128;
      }
      for (ChannelFactor& factor : layer.factors) {
        constexpr int32_t kBiases[] = {0, 1, -1, 1 << 30, -(1 << 30)};
        constexpr int32_t kMultipliers[] = {0, 1 << 13, 16383};
        factor.bias = kBiases[random.Int(0, 4)];
        factor.multiplier = kMultipliers[random.Int(0, 2)];
        factor.shift = static_cast<int32_t>(random.Int(0, 31));
      }
      const EvenTable table = RandomTable(random, round);
      if (round % 2 == 0) layer.requantization.table = &table;
      if (round % 3 == 0) {
        AddAddend(random, layer);
        layer.addend_multiplier = round % 2 == 0 ? -32768 : 32767;
      }
      ExpectEveryIsaGives(Literal(layer), layer, 5);
      if (HasFatalFailure()) return;
    }
  }
}

// Every p there is, with every shift of segments: sums are 128 * codes + bias.
TEST(PointwiseU8S8Test, EveryValueBeforeTheActivationOnEveryIsa) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int32_t segment_shift = 0; segment_shift <= 15; ++segment_shift) {
    const EvenTable table = RandomTable(random, segment_shift);
    Layer layer = {.pixels = 256, .in_channels = 2, .out_channels = 256};
    for (int64_t i = 0; i < 256; ++i) {
      layer.src.push_back(static_cast<uint8_t>(i));
      layer.src.push_back(255);
    }
    for (int i = 0; i < 512; ++i) layer.wei.push_back(i < 256 ? 127 : 0);
    for (int32_t i = 0; i < 256; ++i) {
      layer.factors.push_back({.bias = i * 257 - 33000,
                               .shift = 0,
                               .multiplier = i % 2 == 0 ? 16383 : 9000});
    }
    layer.requantization = {.fraction_bits = segment_shift % 6,
                            .table = &table};
    ExpectEveryIsaAgrees(layer, 0);
    if (HasFatalFailure()) return;
  }
}

TEST(PointwiseU8S8Test, FloatsAreRoundedTwice) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t out : {18, 36, 54, 112}) {
    Layer layer = RandomLayer(random, 50, 112, out);
    AskForFloats(random, layer);
    ExpectEveryIsaGives(Literal(layer), layer, 1);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace cyto8
