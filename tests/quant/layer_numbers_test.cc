// SPDX-License-Identifier: Apache-2.0
// Tests of layer_numbers.h: what kernels make of the integers (requantize.h)
// is the real layer, up to the rounding that the numbers themselves predict.
#include "quant/layer_numbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "detector/kernels/pointwise_u8s8.h"
#include "detector/kernels/requantize.h"
#include "detector/kernels/squeeze_excite_gate.h"
#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kLastCode = 255;

double D(float x) { return static_cast<double>(x); }

double Activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kSwish:
      return x / (1 + std::exp(-x));
    case Activation::kHardSwish:
      return x * std::clamp(x + 3, 0.0, 6.0) / 6;
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kRelu6:
      return std::clamp(x, 0.0, 6.0);
    default:
      return x;
  }
}

// Numbers of requantize.h from attributes, as the runtime has them.
struct Kernel {
  EvenTable table = {};
  Requantization layer = {};

  explicit Kernel(const RequantizeAttributes& r) {
    layer.left_shift = static_cast<int32_t>(r.left_shift);
    layer.fraction_bits = static_cast<int32_t>(r.fraction_bits);
    if (r.intercepts.empty()) return;
    table.segment_shift = static_cast<int32_t>(r.segment_shift);
    std::ranges::transform(r.intercepts, table.intercept,
                           [](int64_t x) { return static_cast<int16_t>(x); });
    std::ranges::transform(r.slopes, table.slope,
                           [](int64_t x) { return static_cast<int16_t>(x); });
    layer.table = &table;
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
};

// A layer with its operands; `real` points into it.
struct Case {
  std::vector<float> weights;
  std::vector<float> bias;
  SourceCodes src;
  WeightShape shape;
  Activation activation = Activation::kNone;
  std::optional<Addend> addend = {};
  std::vector<CodeScale> dst;

  RealLayer Layer() const {
    return {.shape = shape,
            .weights = weights,
            .bias = bias,
            .activation = activation};
  }
  StatusOr<LayerNumbers> Numbers(const LayerNumberOptions& options = {}) const {
    return NumbersForCodes(src, Layer(), dst, addend, options);
  }
  size_t ChannelOf(int64_t row, int64_t o) const {
    const int64_t group = o / (shape.outputs / shape.groups);
    return static_cast<size_t>(group * shape.inputs + row % shape.inputs);
  }
};

// Unsigned if an activation cuts at 0.
CodeScale CodesFor(Activation activation, double range) {
  if (activation == Activation::kRelu6) range = std::min(range, 6.0);
  const auto scale = static_cast<float>(range / kLastCode);
  switch (activation) {
    case Activation::kRelu:
    case Activation::kRelu6:
      return {.scale = scale, .zero_point = 0};
    case Activation::kSwish:
    case Activation::kHardSwish:
      return {.scale = scale,
              .zero_point = static_cast<int32_t>(
                  std::lrint(std::min(255.0, 0.375 / D(scale))))};
    default:
      return {.scale = scale, .zero_point = 117};
  }
}

Case RandomCase(const WeightShape& shape, Activation activation,
                bool per_channel, uint64_t seed) {
  RandomValues random(seed);
  Case c = {.weights = {},
            .bias = {},
            .src = {},
            .shape = shape,
            .activation = activation,
            .dst = {CodesFor(activation, random.Uniform(3, 12))}};
  const double fan = static_cast<double>(shape.taps * shape.inputs);
  c.weights.resize(
      static_cast<size_t>(shape.taps * shape.inputs * shape.outputs));
  for (float& w : c.weights) {
    w = static_cast<float>(2 * random.Normal() / std::sqrt(fan));
  }
  c.bias.resize(static_cast<size_t>(shape.outputs));
  for (float& b : c.bias) b = static_cast<float>(random.Normal());
  const CodeScale same = {.scale = 0.02f, .zero_point = 60};
  for (int64_t i = 0; i < shape.inputs * shape.groups; ++i) {
    c.src.channels.push_back(
        per_channel
            ? CodeScale{.scale = static_cast<float>(random.Uniform(.002, .05)),
                        .zero_point =
                            static_cast<int32_t>(random.Uniform(0, 255.9))}
            : same);
  }
  return c;
}

struct Pixel {
  std::vector<int32_t> codes;  // [taps][source channels].
  std::vector<int32_t> addend;
};

Pixel RandomPixel(const Case& c, RandomValues& random) {
  Pixel pixel;
  const auto channels = static_cast<int64_t>(c.src.channels.size());
  // Now and then all codes at an end.
  const double kind = random.Uniform(0, 1);
  for (int64_t i = 0; i < c.shape.taps * channels; ++i) {
    const double code = kind < 0.05  ? 0
                        : kind < 0.1 ? 255
                                     : random.Uniform(0, 255.99);
    pixel.codes.push_back(static_cast<int32_t>(code));
  }
  for (int64_t o = 0; o < c.shape.outputs; ++o) {
    pixel.addend.push_back(static_cast<int32_t>(random.Uniform(0, 255.99)));
  }
  return pixel;
}

// Sum over what output `o` reads of term(weight's index, code - zero point,
// scale of the source).
template <typename Term>
double SumOver(const Case& c, const Pixel& pixel, int64_t o, Term term) {
  double sum = 0;
  const auto channels = static_cast<int64_t>(c.src.channels.size());
  for (int64_t row = 0; row < c.shape.taps * c.shape.inputs; ++row) {
    const size_t channel = c.ChannelOf(row, o);
    const int64_t tap = row / c.shape.inputs;
    const int32_t code = pixel.codes[static_cast<size_t>(
        tap * channels + static_cast<int64_t>(channel))];
    const CodeScale& codes = c.src.channels[channel];
    sum += term(static_cast<size_t>(row * c.shape.outputs + o),
                code - codes.zero_point, D(codes.scale));
  }
  return sum;
}

// The code that the integers give.
uint8_t CodeOfIntegers(const Case& c, const LayerNumbers& numbers,
                       const Kernel& kernel, const Pixel& pixel, int64_t o) {
  const ChannelFactor& factor = numbers.factors[static_cast<size_t>(o)];
  int64_t sum = factor.bias;
  const auto channels = static_cast<int64_t>(c.src.channels.size());
  for (int64_t row = 0; row < c.shape.taps * c.shape.inputs; ++row) {
    const auto place =
        static_cast<size_t>(row / c.shape.inputs * channels +
                            static_cast<int64_t>(c.ChannelOf(row, o)));
    sum +=
        pixel.codes[place] *
        numbers.weights.codes[static_cast<size_t>(row * c.shape.outputs + o)];
  }
  const int64_t shifted = sum << kernel.layer.left_shift;
  EXPECT_LE(std::abs(shifted), std::numeric_limits<int32_t>::max());
  int16_t p = Rescale(static_cast<int32_t>(sum), kernel.layer, factor.shift,
                      factor.multiplier);
  if (c.addend) {
    p = AddCode(p, static_cast<uint8_t>(pixel.addend[static_cast<size_t>(o)]),
                static_cast<int32_t>(numbers.addend_multiplier));
  }
  return CodeOf(p, kernel.layer);
}

// The real result of output `o` in codes, not rounded. `sum` is of its weights.
double RealCode(const Case& c, const CodeScale& dst, const Pixel& pixel,
                int64_t o, double sum) {
  double x = sum + (c.bias.empty() ? 0 : D(c.bias[static_cast<size_t>(o)]));
  if (c.addend) {
    const CodeScale& codes = c.addend->codes;
    x += D(codes.scale) *
         (pixel.addend[static_cast<size_t>(o)] - codes.zero_point);
  }
  return std::clamp(Activated(c.activation, x) / D(dst.scale) + dst.zero_point,
                    0.0, kLastCode);
}

CodeScale DstOf(const Case& c, const LayerNumbers& numbers, size_t o) {
  CodeScale dst = c.dst[c.dst.size() == 1 ? 0 : o];
  dst.scale *= numbers.requantize.dst.scale / c.dst[0].scale;
  return dst;
}

// Half a code; the table; two words of p (three with an addend); half a unit of
// the bias; one part in 2^14 of the multiplier. No slope is above 1.1.
double RoundingBound(const Case& c, const LayerNumbers& numbers, float step,
                     size_t o) {
  const double word =
      std::ldexp(1, -static_cast<int>(numbers.requantize.fraction_bits));
  const double words = c.addend ? 3 : 2;
  const double unit = D(numbers.weights.scales[o]) / D(step);
  return 0.5 + numbers.table_error_codes + words * word + 0.55 * unit +
         kLastCode / (1 << 14);
}

// Every code is that of the layer with rounded weights, up to the bound, and
// weights are rounded to nearest.
void ExpectRealLayer(const Case& c, uint64_t seed, int pixels = 60) {
  const auto made = c.Numbers();
  ASSERT_TRUE(made.ok()) << made.status().message();
  const LayerNumbers& numbers = *made;
  const Kernel kernel(numbers.requantize);
  RandomValues random(seed);
  for (int i = 0; i < pixels; ++i) {
    const Pixel pixel = RandomPixel(c, random);
    for (int64_t o = 0; o < c.shape.outputs; ++o) {
      const auto at = static_cast<size_t>(o);
      const double unit = D(numbers.weights.scales[at]);
      const CodeScale dst = DstOf(c, numbers, at);
      const double sum =
          SumOver(c, pixel, o, [&](size_t w, int32_t code, double) {
            return unit * numbers.weights.codes[w] * code;
          });
      const double wanted = RealCode(c, dst, pixel, o, sum);
      const int code = CodeOfIntegers(c, numbers, kernel, pixel, o);
      ASSERT_NEAR(code, wanted, RoundingBound(c, numbers, dst.scale, at))
          << "output " << o << " seed " << seed;
    }
  }
  for (size_t i = 0; i < c.weights.size(); ++i) {
    const auto o = static_cast<int64_t>(i) % c.shape.outputs;
    const int64_t row = static_cast<int64_t>(i) / c.shape.outputs;
    const double unit = D(numbers.weights.scales[static_cast<size_t>(o)]);
    const double weight =
        D(c.weights[i]) * D(c.src.channels[c.ChannelOf(row, o)].scale);
    EXPECT_NEAR(unit * numbers.weights.codes[i], weight, unit * 0.50001);
  }
}

constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu,
                                       Activation::kRelu6, Activation::kSwish,
                                       Activation::kHardSwish};
constexpr WeightShape kDense = {.taps = 9, .inputs = 5, .outputs = 7};
constexpr WeightShape kPointwise = {.taps = 1, .inputs = 33, .outputs = 12};
constexpr WeightShape kDepthwise = {
    .taps = 9, .inputs = 1, .outputs = 8, .groups = 8};

TEST(LayerNumbersTest, CodesAreThoseOfTheRealLayer) {
  uint64_t seed = 1;
  for (const WeightShape& shape : {kDense, kPointwise, kDepthwise}) {
    for (const Activation activation : kActivations) {
      for (const bool per_channel : {false, true}) {
        const Case c = RandomCase(shape, activation, per_channel, ++seed);
        ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed));
      }
    }
  }
}

TEST(LayerNumbersTest, AnAddendIsAddedBeforeTheActivation) {
  uint64_t seed = 100;
  for (const Activation activation : kActivations) {
    for (const double share : {0.03, 0.5, 1.0, 2.0}) {
      for (const int32_t zero_point : {0, 100, 255}) {
        Case c = RandomCase(kPointwise, activation, false, ++seed);
        c.addend = {
            .codes = {.scale = static_cast<float>(share * D(c.dst[0].scale)),
                      .zero_point = zero_point}};
        ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed)) << share;
      }
    }
  }
}

// The sum alone is far outside of the results; the addend brings it back.
TEST(LayerNumbersTest, AnAddendMayBeWiderThanTheResult) {
  uint64_t seed = 200;
  for (const Activation activation : kActivations) {
    for (const float times : {3.0f, 8.0f, 40.0f, 300.0f}) {
      for (const int32_t zero_point : {0, 128, 255}) {
        // Its range cannot grow, as those of the others do.
        if (activation == Activation::kRelu6 && times > 30) continue;
        Case c = RandomCase(kPointwise, activation, false, ++seed);
        c.addend = {.codes = {.scale = times * c.dst[0].scale,
                              .zero_point = zero_point}};
        for (float& b : c.bias) {  // what cancels the addend's mean.
          b -= c.addend->codes.scale * static_cast<float>(128 - zero_point);
        }
        ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed))
            << times << " " << zero_point;
      }
    }
  }
}

TEST(LayerNumbersTest, EveryOutputMayHaveCodesOfItsOwn) {
  Case c = RandomCase(kDepthwise, Activation::kNone, true, 300);
  c.dst.clear();
  for (int32_t o = 0; o < 8; ++o) {
    c.dst.push_back(
        {.scale = 0.002f * static_cast<float>(1 << o), .zero_point = 30 * o});
  }
  ExpectRealLayer(c, 300);
}

TEST(LayerNumbersTest, AnOutputWithoutWeightsIsItsBias) {
  for (const Activation activation : kActivations) {
    Case c = RandomCase(kPointwise, activation, false, 400);
    for (size_t i = 0; i < c.weights.size(); i += 12) {
      c.weights[i] = 0;      // output 0.
      c.weights[i + 1] = 0;  // output 1.
      c.weights[i + 2] = 0;  // output 2.
    }
    c.bias[0] = 0;
    c.bias[1] = 1.5f;
    c.bias[2] = 3000;  // saturates.
    ExpectRealLayer(c, 400, 10);
  }
}

TEST(LayerNumbersTest, TinyWeightsWithALargeBiasLeaveTheBias) {
  uint64_t seed = 500;
  for (const Activation activation : kActivations) {
    for (const float tiny : {1e-4f, 1e-9f, 1e-20f, 1e-38f}) {
      for (const float bias : {2.5f, -700.0f, 5e4f}) {
        Case c = RandomCase(kDense, activation, false, ++seed);
        for (float& w : c.weights) w *= tiny;
        std::ranges::fill(c.bias, bias);
        ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed, 5)) << tiny;
      }
    }
  }
}

TEST(LayerNumbersTest, SumsCoarserThanWordsAreShiftedToTheLeft) {
  uint64_t seed = 600;
  for (const Activation activation : kActivations) {
    Case c = RandomCase(kDense, activation, false, ++seed);
    for (float& w : c.weights) w *= 300;
    EXPECT_GT(c.Numbers()->requantize.left_shift, 0);
    EXPECT_EQ(c.Numbers()->requantize.dst.scale, c.dst[0].scale);
    ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed));
  }
}

// Kernels do without the shift: it is paid for with fraction bits first.
TEST(LayerNumbersTest, SumsALittleCoarserTakeFractionBitsInstead) {
  uint64_t seed = 650;
  for (const Activation activation : kActivations) {
    Case c = RandomCase(kDense, activation, false, ++seed);
    int64_t traded = 0;
    for (int doubling = 0; doubling < 12; ++doubling) {
      const RequantizeAttributes r = c.Numbers()->requantize;
      if (r.left_shift == 0 && r.fraction_bits < 5) ++traded;
      EXPECT_GE(r.fraction_bits, 3);
      ASSERT_NO_FATAL_FAILURE(ExpectRealLayer(c, seed));
      for (float& w : c.weights) w *= 2;
    }
    EXPECT_GE(traded, 2);
  }
}

TEST(LayerNumbersTest, RangesFarTooSmallForTheWeightsAreWidened) {
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kSwish}) {
    Case c = RandomCase(kDense, activation, false, 700);
    for (float& w : c.weights) w *= 3e6f;
    const auto numbers = c.Numbers();
    ASSERT_TRUE(numbers.ok()) << numbers.status().message();
    const double growth = D(numbers->requantize.dst.scale) / D(c.dst[0].scale);
    EXPECT_GT(growth, 1);
    EXPECT_EQ(std::log2(growth), std::round(std::log2(growth)));
    EXPECT_EQ(numbers->requantize.dst.zero_point, c.dst[0].zero_point);
  }
}

TEST(LayerNumbersTest, RangesOfRelu6DoNotGrowBeyond6) {
  Case c = RandomCase(kDense, Activation::kRelu6, false, 701);
  c.dst = {{.scale = 6.0f / 255}};
  for (float& w : c.weights) w *= 3e6f;
  EXPECT_EQ(c.Numbers().status().message(),
            "weights are too large for the range of the results");
}

TEST(LayerNumbersTest, WeightsBeyondAllRangesAreRefused) {
  Case c = RandomCase(kDense, Activation::kNone, false, 702);
  for (float& w : c.weights) w *= 1e25f;
  EXPECT_EQ(c.Numbers().status().message(),
            "weights are too large for the range of the results");
}

TEST(LayerNumbersTest, WhatIsNotFiniteIsNamed) {
  Case c = RandomCase(kDense, Activation::kNone, false, 800);
  c.weights[8] = kNan;
  EXPECT_EQ(c.Numbers().status().message(), "weights[8] = nan: must be finite");
  EXPECT_EQ(NumbersForFloats(c.src, c.Layer(), {}).status().message(),
            "weights[8] = nan: must be finite");
  EXPECT_EQ(NumbersForGated(c.src.channels[0], c.Layer(), c.dst[0], {})
                .status()
                .message(),
            "weights[8] = nan: must be finite");
  c.weights[8] = 1;
  c.bias[3] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(c.Numbers().status().message(), "bias[3] = -inf: must be finite");
  EXPECT_EQ(NumbersForFloats(c.src, c.Layer(), {}).status().message(),
            "bias[3] = -inf: must be finite");
  EXPECT_EQ(NumbersForGated(c.src.channels[0], c.Layer(), c.dst[0], {})
                .status()
                .message(),
            "bias[3] = -inf: must be finite");
  const std::vector<CodeScale> terms(2);
  const std::vector<float> weights = {1, kNan};
  EXPECT_EQ(NumbersForSum(terms, weights, 1, Activation::kNone, {})
                .status()
                .message(),
            "weights[1] = nan: must be finite");
}

TEST(LayerNumbersTest, SourcesMustHaveAsManyChannelsAsTheWeights) {
  Case c = RandomCase(kDense, Activation::kNone, false, 801);
  c.src.channels.pop_back();
  EXPECT_EQ(c.Numbers().status().message(), "source channels = 4: must be 5");
  EXPECT_EQ(NumbersForFloats(c.src, c.Layer(), {}).status().message(),
            "source channels = 4: must be 5");
}

// With and without it, the mean of the results.
TEST(LayerNumbersTest, TheBiasTakesBackTheMeanShiftOfRoundedWeights) {
  Case c = RandomCase(kPointwise, Activation::kNone, true, 900);
  for (size_t i = 0; i < c.src.channels.size(); ++i) {
    const CodeScale& codes = c.src.channels[i];
    c.src.means.push_back(D(codes.scale) * (200 - codes.zero_point));
    c.src.mean_squares.push_back(c.src.means.back() * c.src.means.back());
  }
  const auto corrected = NumbersForFloats(c.src, c.Layer(), {}).value();
  const auto plain =
      NumbersForFloats(c.src, c.Layer(), {.correct_bias = false}).value();
  for (int64_t o = 0; o < c.shape.outputs; ++o) {
    const auto at = static_cast<size_t>(o);
    double missing = 0;
    for (int64_t i = 0; i < c.shape.inputs; ++i) {
      const auto w = static_cast<size_t>(i * c.shape.outputs + o);
      const CodeScale& codes = c.src.channels[static_cast<size_t>(i)];
      missing += (D(c.weights[w]) * D(codes.scale) -
                  D(plain.scale[at]) * plain.weights.codes[w]) *
                 (200 - codes.zero_point);
    }
    EXPECT_NE(missing, 0);
    EXPECT_NEAR(D(corrected.offset[at]) - D(plain.offset[at]), missing, 1e-5);
  }
}

TEST(LayerNumbersTest, SearchedWeightScalesAreNoWorse) {
  const Case c = RandomCase(kDense, Activation::kNone, false, 901);
  const auto searched = c.Numbers({.search_weight_scale = true}).value();
  EXPECT_GE(searched.weight_sqnr_db, c.Numbers()->weight_sqnr_db);
  EXPECT_GT(c.Numbers()->weight_sqnr_db, 35);
}

// real = scale * (sum + bias) + offset, to float precision, whatever the bias.
TEST(LayerNumbersTest, FloatResultsAreThoseOfTheRoundedWeights) {
  for (const float tiny : {1.0f, 1e-5f, 1e-30f}) {
    Case c = RandomCase(kDense, Activation::kNone, true, 1000);
    for (float& w : c.weights) w *= tiny;
    const auto numbers = NumbersForFloats(c.src, c.Layer(), {}).value();
    RandomValues random(1000);
    const Pixel pixel = RandomPixel(c, random);
    for (int64_t o = 0; o < c.shape.outputs; ++o) {
      const auto at = static_cast<size_t>(o);
      const double sum = SumOver(c, pixel, o, [&](size_t w, int32_t, double) {
        return D(c.weights[w]) == 0 ? 0 : numbers.weights.codes[w] * 1.0;
      });
      EXPECT_LE(std::abs(sum), 45 * 127.0);
      double integers = numbers.factors[at].bias;
      double real = D(c.bias[at]);
      for (int64_t row = 0; row < 45; ++row) {
        const size_t channel = c.ChannelOf(row, o);
        const auto w = static_cast<size_t>(row * c.shape.outputs + o);
        const int32_t code =
            pixel.codes[static_cast<size_t>(row / 5 * 5) + channel];
        const CodeScale& codes = c.src.channels[channel];
        integers += numbers.weights.codes[w] * code;
        real += D(c.weights[w]) * D(codes.scale) * (code - codes.zero_point);
      }
      const double result =
          D(numbers.scale[at]) * integers + D(numbers.offset[at]);
      const double bound = D(numbers.scale[at]) * 0.5 * 45 * 255;
      EXPECT_NEAR(result, real, bound + 1e-6);
      EXPECT_LT(bound, 50 * D(tiny));  // the weights' scale is not raised.
    }
  }
}

// A 1x1 layer behind a gate, by the kernels that the runtime uses.
void ExpectGatedLayer(const Case& c, uint64_t seed) {
  const CodeScale& src = c.src.channels[0];
  const auto made = NumbersForGated(src, c.Layer(), c.dst[0], c.addend);
  ASSERT_TRUE(made.ok()) << made.status().message();
  const GatedNumbers& numbers = *made;
  const Kernel kernel(numbers.requantize);
  const int64_t inputs = c.shape.inputs;
  const int64_t outputs = c.shape.outputs;
  const auto bytes = static_cast<size_t>(PackedPointwiseBytes(inputs, outputs));
  std::vector<int16_t> wei16(bytes);
  ASSERT_TRUE(PackPointwise(inputs, outputs,
                            std::span<const int16_t>(numbers.weights), wei16)
                  .ok());
  const CodeScale dst = {.scale = numbers.requantize.dst.scale,
                         .zero_point = numbers.requantize.dst.zero_point};
  const GatedLayer layer = {
      .in_channels = inputs,
      .out_channels = outputs,
      .wei16 = wei16.data(),
      .wei_scale = numbers.scale,
      .bias = numbers.bias,
      .src_scale = src.scale,
      .src_zero_point = src.zero_point,
      .dst_scale = dst.scale,
      .dst_zero_point = kernel.layer.table == nullptr ? dst.zero_point : 0,
      .requantization = kernel.layer,
      .addend_offset_codes = numbers.addend_offset_codes};
  const auto packed = static_cast<size_t>(PackedOutputs(outputs));
  std::vector<int8_t> wei(bytes);
  std::vector<int32_t> bias(packed), shift(packed);
  std::vector<int16_t> multiplier(packed);
  std::vector<int16_t> scratch(
      static_cast<size_t>(GatedWeightsScratchBytes(layer)));
  RandomValues random(seed);
  for (const double most : {1.0, 0.3, 1e-3, 0.0}) {
    std::vector<float> gate;
    for (int64_t i = 0; i < inputs; ++i) {
      gate.push_back(static_cast<float>(random.Uniform(0, most)));
    }
    MakeGatedWeights(Isa::kPlain, layer, gate,
                     reinterpret_cast<std::byte*>(scratch.data()),
                     {.wei = wei.data(),
                      .bias = bias.data(),
                      .shift = shift.data(),
                      .multiplier = multiplier.data()});
    const Pixel pixel = RandomPixel(c, random);
    std::vector<uint8_t> codes(pixel.codes.begin(), pixel.codes.end());
    const std::vector<uint8_t> addend(pixel.addend.begin(), pixel.addend.end());
    std::vector<uint8_t> result(static_cast<size_t>(outputs));
    codes.resize(codes.size() + 64);
    PointwiseKernelFor(Isa::kPlain)(
        {.pixels = 1,
         .in_channels = inputs,
         .out_channels = outputs,
         .src = codes.data(),
         .wei = wei.data(),
         .bias = bias.data(),
         .shift = shift.data(),
         .multiplier = multiplier.data(),
         .requantization = kernel.layer,
         .addend = c.addend ? addend.data() : nullptr,
         .addend_multiplier = static_cast<int32_t>(numbers.addend_multiplier),
         .dst = result.data()});
    for (int64_t o = 0; o < outputs; ++o) {
      double largest = 0;
      double magnitude = 0;
      const double sum =
          SumOver(c, pixel, o, [&](size_t w, int32_t code, double scale) {
            const double weight = D(c.weights[w]) *
                                  D(gate[w / static_cast<size_t>(outputs)]) *
                                  scale;
            largest = std::max(largest, std::abs(weight));
            magnitude += std::abs(code);
            return weight * code;
          });
      // Half a unit of 8-bit weights and one of 16-bit weights times codes.
      const double unit =
          std::max(largest / 127,
                   D(numbers.scale[static_cast<size_t>(o)]) * D(src.scale));
      const double rounding = 1.1 * magnitude * unit * 0.55 / D(dst.scale);
      const double words =
          4 *
          std::ldexp(1, -static_cast<int>(numbers.requantize.fraction_bits));
      ASSERT_NEAR(result[static_cast<size_t>(o)],
                  RealCode(c, dst, pixel, o, sum), 0.7 + words + rounding)
          << "seed " << seed << " gate " << most << " output " << o;
    }
  }
}

TEST(LayerNumbersTest, GatedLayersAreTheRealOnes) {
  uint64_t seed = 1100;
  for (const Activation activation : kActivations) {
    for (const float wide : {0.0f, 1.0f, 20.0f}) {  // of the addend.
      Case c = RandomCase(kPointwise, activation, false, ++seed);
      if (wide > 0) {
        c.addend = {
            .codes = {.scale = wide * c.dst[0].scale, .zero_point = 100}};
      }
      ASSERT_NO_FATAL_FAILURE(ExpectGatedLayer(c, seed));
      for (size_t i = 0; i < c.weights.size(); i += 12) c.weights[i] = 0;
      for (size_t i = 1; i < c.weights.size(); i += 12) c.weights[i] *= 1e-20f;
      c.bias[2] = 2000;
      c.bias[3] = -2000;
      ASSERT_NO_FATAL_FAILURE(ExpectGatedLayer(c, seed));
    }
  }
}

struct SumCase {
  std::vector<CodeScale> terms;
  std::vector<float> weights;  // [terms][channels].
  Activation activation = Activation::kNone;
  CodeScale dst;
};

void ExpectRealSum(const SumCase& c, uint64_t seed) {
  const size_t channels = c.weights.size() / c.terms.size();
  const auto made = NumbersForSum(
      c.terms, c.weights, static_cast<int64_t>(channels), c.activation, c.dst);
  ASSERT_TRUE(made.ok()) << made.status().message();
  const Kernel kernel(made->requantize);
  const double word =
      std::ldexp(1, -static_cast<int>(made->requantize.fraction_bits));
  RandomValues random(seed);
  for (int i = 0; i < 200; ++i) {
    for (size_t channel = 0; channel < channels; ++channel) {
      int16_t p = made->factors[channel];
      double x = 0;
      for (size_t t = 0; t < c.terms.size(); ++t) {
        const double u = random.Uniform(-30, 285);  // ends are often met.
        const auto code = static_cast<uint8_t>(std::clamp(u, 0.0, 255.0));
        p = AddCode(p, code, made->factors[(t + 1) * channels + channel]);
        x += D(c.weights[t * channels + channel]) * D(c.terms[t].scale) *
             (code - c.terms[t].zero_point);
      }
      const CodeScale dst = {.scale = made->requantize.dst.scale,
                             .zero_point = made->requantize.dst.zero_point};
      const double wanted =
          std::clamp(Activated(c.activation, x) / D(dst.scale) + dst.zero_point,
                     0.0, kLastCode);
      const double words = 1 + static_cast<double>(c.terms.size());
      ASSERT_NEAR(CodeOf(p, kernel.layer), wanted, 0.65 + words * word)
          << "seed " << seed;
    }
  }
}

TEST(LayerNumbersTest, SumsAreTheRealOnes) {
  uint64_t seed = 1200;
  for (const Activation activation : kActivations) {
    for (const size_t terms : {1u, 2u, 3u, 8u}) {
      for (const double share : {0.1, 0.5, 1.0, 3.0}) {
        RandomValues random(++seed);
        SumCase c = {.terms = {},
                     .weights = {},
                     .activation = activation,
                     .dst = CodesFor(activation, 5)};
        for (size_t t = 0; t < terms; ++t) {
          c.terms.push_back(
              {.scale = static_cast<float>(random.Uniform(0.5, 1.5) * share *
                                           D(c.dst.scale)),
               .zero_point = static_cast<int32_t>(random.Uniform(0, 255.9))});
          for (int i = 0; i < 4; ++i) {
            c.weights.push_back(static_cast<float>(random.Uniform(-1, 1.3)));
          }
        }
        ASSERT_NO_FATAL_FAILURE(ExpectRealSum(c, seed)) << share;
      }
    }
  }
}

// Words would overflow on the way were results not given fewer bits.
TEST(LayerNumbersTest, LargeTermsThatCancelAreSummedExactly) {
  const CodeScale low = {.scale = 0.05f, .zero_point = 255};
  const CodeScale high = {.scale = 0.05f, .zero_point = 0};
  const CodeScale dst = {.scale = 0.02f, .zero_point = 100};
  for (const Activation activation : {Activation::kNone, Activation::kSwish}) {
    ExpectRealSum({.terms = {high, high, low, low, high, low},
                   .weights = std::vector<float>(12, 1.5f),
                   .activation = activation,
                   .dst = dst},
                  1300);
    ExpectRealSum({.terms = {high, high, high},
                   .weights = {20, 20, -20},
                   .activation = activation,
                   .dst = dst},
                  1301);
  }
}

TEST(LayerNumbersTest, SumsThatNoWordHoldsWidenTheRange) {
  const std::vector<CodeScale> terms = {{.scale = 1}};
  const std::vector<float> weights = {1000};
  const auto numbers =
      NumbersForSum(terms, weights, 1, Activation::kNone, {.scale = 0.1f});
  EXPECT_EQ(numbers->requantize.dst.scale, 12.8f);
  EXPECT_EQ(numbers->requantize.fraction_bits, 0);
  EXPECT_EQ(NumbersForSum(terms, weights, 1, Activation::kRelu6,
                          {.scale = 6.0f / 255})
                .status()
                .message(),
            "weights are too large for the range of the results");
}

}  // namespace
}  // namespace cyto8
