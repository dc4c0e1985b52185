// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/squeeze_excite_gate.h and pointwise_order.h.
#include "detector/kernels/squeeze_excite_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "detector/kernels/pointwise_order.h"
#include "detector/kernels/requantization.h"
#include "detector/kernels/scalar_f32.h"
#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// --- exp ---

uint32_t BitsOf(float x) { return std::bit_cast<uint32_t>(x); }

// Visits about every 5003rd float of [low, high], 0 < low.
template <typename Visit>
void Sweep(float low, float high, Visit visit) {
  constexpr uint32_t kStep = 5003;
  for (uint32_t bits = BitsOf(low); bits <= BitsOf(high); bits += kStep) {
    visit(std::bit_cast<float>(bits));
  }
}

double UlpsOff(float x) {
  const float actual = ExpExact(x);
  const double exact = std::exp(static_cast<double>(x));
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::abs(static_cast<double>(actual) - exact) /
         std::ldexp(1.0, exponent - 24);
}

TEST(ExpExactTest, IsWithinTwoUlps) {
  double worst = 0;
  constexpr float kTiny = 1e-30f;
  Sweep(kTiny, 88, [&](float x) { worst = std::max(worst, UlpsOff(x)); });
  Sweep(kTiny, 87, [&](float x) { worst = std::max(worst, UlpsOff(-x)); });
  EXPECT_LT(worst, 2);
  EXPECT_EQ(ExpExact(0), 1);
  EXPECT_EQ(ExpExact(-0.0f), 1);
}

TEST(ExpExactTest, EndsAreFlat) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_GT(ExpExact(-87), 1e-38f);
  EXPECT_EQ(ExpExact(std::nextafter(-87.0f, -88.0f)), 0);
  EXPECT_EQ(ExpExact(-1e30f), 0);
  EXPECT_EQ(ExpExact(-kInfinity), 0);
  EXPECT_EQ(ExpExact(88.1f), ExpExact(88));
  EXPECT_EQ(ExpExact(kInfinity), ExpExact(88));
}

// The same bits everywhere: this number was made on one CPU.
TEST(ExpExactTest, BitsArePinned) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](float x) {
    hash = (hash ^ BitsOf(ExpExact(x))) * 1099511628211u;
  };
  Sweep(1e-3f, 88, add);
  Sweep(1e-3f, 87, [&](float x) { add(-x); });
  EXPECT_EQ(hash, 3229736292031472243u);
}

// --- gate ---

struct Weights {
  std::vector<float> reduce_wei, reduce_bias, expand_wei, expand_bias;

  SqueezeExciteWeights view() const {
    return {.reduce_wei = reduce_wei,
            .reduce_bias = reduce_bias,
            .expand_wei = expand_wei,
            .expand_bias = expand_bias};
  }
};

Weights RandomWeights(const SqueezeExciteShape& s, RandomNumbers& random) {
  return {.reduce_wei = random.Floats(CountOf({s.channels, s.reduced})),
          .reduce_bias = random.Floats(CountOf({s.reduced})),
          .expand_wei = random.Floats(CountOf({s.reduced, s.channels})),
          .expand_bias = random.Floats(CountOf({s.channels}))};
}

float Sigmoid(float x) {
  const float e = ExpExact(-std::abs(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

float Activated(Activation activation, float x) {
  switch (activation) {
    case Activation::kRelu:
      return ReluF32(x);
    case Activation::kRelu6:
      return Relu6F32(x);
    case Activation::kSwish:
      return x * Sigmoid(x);
    case Activation::kHardSwish:
      return HardSwishF32(x);
    case Activation::kSigmoid:
      return Sigmoid(x);
    default:
      return x;
  }
}

// One output after the other.
std::vector<float> Layer(const std::vector<float>& x,
                         const std::vector<float>& wei,
                         const std::vector<float>& bias,
                         Activation activation) {
  std::vector<float> y;
  for (size_t o = 0; o < bias.size(); ++o) {
    float sum = bias[o];
    for (size_t i = 0; i < x.size(); ++i) {
      const float product = x[i] * wei[i * bias.size() + o];
      sum = sum + product;
    }
    y.push_back(Activated(activation, sum));
  }
  return y;
}

std::vector<float> LiteralGate(const SqueezeExciteShape& s,
                               const std::vector<uint32_t>& sums,
                               const GateInput& input, const Weights& w) {
  std::vector<float> means;
  for (const uint32_t sum : sums) {
    const int64_t exact = int64_t{sum} - s.pixels * input.zero_point;
    means.push_back(static_cast<float>(exact) *
                    (input.scale / static_cast<float>(s.pixels)));
  }
  return Layer(Layer(means, w.reduce_wei, w.reduce_bias, s.activation),
               w.expand_wei, w.expand_bias, Activation::kSigmoid);
}

TEST(SqueezeExciteGateTest, EverySmallShapeEqualsTheFormulaBitByBit) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  int round = 0;
  for (const int64_t channels : {1, 2, 3, 4, 5, 8, 17, 64, 65}) {
    for (int64_t reduced = 1; reduced <= 9; ++reduced) {
      const SqueezeExciteShape s = {
          .pixels = random.Int(1, 5000),
          .channels = channels,
          .reduced = reduced,
          .activation = static_cast<Activation>(round++ % 5)};
      const Weights weights = RandomWeights(s, random);
      const GateInput input = {
          .zero_point = static_cast<int32_t>(random.Int(0, 255)),
          .scale = 0.01f};
      std::vector<uint32_t> sums(CountOf({channels}));
      for (uint32_t& sum : sums) {
        sum = static_cast<uint32_t>(random.Int(0, s.pixels * 255));
      }
      std::vector<float> scratch(CountOf({channels + reduced}));
      std::vector<float> gate(sums.size());
      SqueezeExciteGateExact(s, sums, input, weights.view(), scratch, gate);
      EXPECT_EQ(gate, LiteralGate(s, sums, input, weights))
          << channels << " " << reduced;
      EXPECT_GE(*std::ranges::min_element(gate), 0);
      EXPECT_LE(*std::ranges::max_element(gate), 1);
    }
  }
}

TEST(SqueezeExciteGateTest, GreatestSumsAndWeightsKeepTheGateInRange) {
  const SqueezeExciteShape s = {.pixels = 1 << 24, .channels = 2, .reduced = 1};
  const Weights weights = {.reduce_wei = {1e30f, 0},
                           .reduce_bias = {0},
                           .expand_wei = {1e8f, -1e8f},
                           .expand_bias = {0, 0}};
  std::vector<float> scratch(3), gate(2);
  SqueezeExciteGateExact(s, std::vector<uint32_t>{255u << 24, 0},
                         {.zero_point = 0, .scale = 1}, weights.view(), scratch,
                         gate);
  EXPECT_EQ(gate, (std::vector<float>{1, 0}));
}

// --- packed order ---

TEST(PointwiseOrderTest, BlocksFollowTheHeader) {
  const auto blocks = [](int64_t outputs) {
    std::vector<int64_t> sizes;
    while (outputs > 0) {
      sizes.push_back(PointwiseBlock(outputs));
      outputs -= sizes.back();
    }
    return sizes;
  };
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(blocks(1), Sizes({16}));
  EXPECT_EQ(blocks(16), Sizes({16}));
  EXPECT_EQ(blocks(17), Sizes({32}));
  EXPECT_EQ(blocks(48), Sizes({32, 16}));
  EXPECT_EQ(blocks(49), Sizes({64}));
  EXPECT_EQ(blocks(176), Sizes({64, 64, 32, 16}));
}

TEST(PointwiseOrderTest, EveryOutputHasOneDword) {
  EXPECT_EQ(OutputOfDword(64, 0), 0);
  EXPECT_EQ(OutputOfDword(64, 5), 17);  // lane 1, second.
  EXPECT_EQ(OutputOfDword(64, 16), 4);  // j = 1.
  EXPECT_EQ(OutputOfDword(16, 15), 15);
  for (const int64_t block : {16, 32, 64}) {
    std::set<int64_t> outputs;
    for (int64_t dword = 0; dword < block; ++dword) {
      outputs.insert(OutputOfDword(block, dword));
    }
    EXPECT_EQ(std::ssize(outputs), block);
    EXPECT_EQ(*outputs.rbegin(), block - 1);
  }
}

// --- gated weights ---

// A layer and its gate, with weights [in, out] as the header's formulas have
// them.
struct Gated {
  int64_t in = 0;
  int64_t out = 0;
  std::vector<int16_t> wei = {};
  std::vector<float> wei_scale = {};
  std::vector<float> bias = {};
  std::vector<float> gate = {};

  size_t At(int64_t c, int64_t o) const {
    return static_cast<size_t>(c * out + o);
  }
};

// visit(dword among all blocks', output or -1, offset of weight 0 of quad 0,
// weights from one quad to the next).
template <typename Visit>
void ForEachDword(const Gated& g, Visit visit) {
  const int64_t quads = (g.in + 3) / 4;
  for (int64_t first = 0; first < g.out;) {
    const int64_t block = PointwiseBlock(g.out - first);
    for (int64_t dword = 0; dword < block; ++dword) {
      const int64_t o = first + OutputOfDword(block, dword);
      visit(first + dword, o < g.out ? o : -1, first * quads * 4 + dword * 4,
            block * 4);
    }
    first += block;
  }
}

int64_t PackedOutputsOf(const Gated& g) {
  int64_t dwords = 0;
  ForEachDword(g, [&](int64_t, int64_t, int64_t, int64_t) { ++dwords; });
  return dwords;
}

template <typename T>
std::vector<T> Packed(const Gated& g, const std::vector<T>& wei) {
  const int64_t quads = (g.in + 3) / 4;
  std::vector<T> packed(CountOf({PackedOutputsOf(g), quads, 4}));
  ForEachDword(g, [&](int64_t, int64_t o, int64_t start, int64_t step) {
    for (int64_t c = 0; c < g.in && o >= 0; ++c) {
      packed[static_cast<size_t>(start + c / 4 * step + c % 4)] =
          wei[g.At(c, o)];
    }
  });
  return packed;
}

struct Result {
  std::vector<int8_t> wei = {};
  std::vector<int32_t> bias = {};
  std::vector<int32_t> shift = {};
  std::vector<int16_t> multiplier = {};
  friend bool operator==(const Result&, const Result&) = default;
};

constexpr float kSrcScale = 0.02f;
constexpr int32_t kSrcZeroPoint = 13;
constexpr float kDstScale = 0.1f;
constexpr int32_t kDstZeroPoint = 121;
constexpr float kAddend = -7.25f;
constexpr Requantization kRequantization = {.left_shift = 1,
                                            .fraction_bits = 5};

GatedLayer LayerOf(const Gated& g, const std::vector<int16_t>& packed) {
  return {.in_channels = g.in,
          .out_channels = g.out,
          .wei16 = packed.data(),
          .wei_scale = g.wei_scale,
          .bias = g.bias,
          .src_scale = kSrcScale,
          .src_zero_point = kSrcZeroPoint,
          .dst_scale = kDstScale,
          .dst_zero_point = kDstZeroPoint,
          .requantization = kRequantization,
          .addend_offset_codes = kAddend};
}

template <typename T>
std::vector<T> WithGuards(size_t count) {
  return std::vector<T>(count + 32, T{77});
}

// Without the guards, which must have stayed.
template <typename T>
std::vector<T> Unguarded(const std::vector<T>& all) {
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(all[i], T{77});
    EXPECT_EQ(all[all.size() - 1 - i], T{77});
  }
  return {all.begin() + 16, all.end() - 16};
}

Result Made(Isa isa, const Gated& g) {
  const std::vector<int16_t> packed = Packed(g, g.wei);
  const auto outputs = static_cast<size_t>(PackedOutputsOf(g));
  auto wei = WithGuards<int8_t>(packed.size());
  auto bias = WithGuards<int32_t>(outputs);
  auto shift = WithGuards<int32_t>(outputs);
  auto multiplier = WithGuards<int16_t>(outputs);
  const GatedLayer layer = LayerOf(g, packed);
  const auto bytes = static_cast<size_t>(GatedWeightsScratchBytes(layer));
  auto scratch = WithGuards<uint8_t>(bytes);
  MakeGatedWeights(isa, layer, g.gate,
                   std::as_writable_bytes(std::span(scratch)).data() + 16,
                   {.wei = wei.data() + 16,
                    .bias = bias.data() + 16,
                    .shift = shift.data() + 16,
                    .multiplier = multiplier.data() + 16});
  Unguarded(scratch);
  return {Unguarded(wei), Unguarded(bias), Unguarded(shift),
          Unguarded(multiplier)};
}

// What the header says, output by output.
Result LiteralResult(const Gated& g) {
  std::vector<int8_t> wei(g.wei.size());
  std::vector<ChannelFactor> factors;
  for (int64_t o = 0; o < g.out; ++o) {
    std::vector<int64_t> v;
    int64_t largest = 127;
    for (int64_t c = 0; c < g.in; ++c) {
      const float product = g.gate[static_cast<size_t>(c)] * 32767;
      const auto rounded = static_cast<int64_t>(std::nearbyint(product));
      v.push_back((g.wei[g.At(c, o)] * rounded + (1 << 14)) >> 15);
      largest = std::max(largest, std::abs(v.back()));
    }
    int64_t sum = 0;
    for (int64_t c = 0; c < g.in; ++c) {
      const float scaled = static_cast<float>(v[static_cast<size_t>(c)]) *
                           (127.0f / static_cast<float>(largest));
      wei[g.At(c, o)] = static_cast<int8_t>(std::nearbyint(scaled));
      sum += wei[g.At(c, o)];
    }
    const float unit =
        g.wei_scale[static_cast<size_t>(o)] *
        (static_cast<float>(largest) * (32768.0f / 32767.0f / 127.0f));
    factors.push_back(FactorOf(
        kSrcScale * unit, g.bias[static_cast<size_t>(o)],
        static_cast<float>(kDstZeroPoint) + kAddend, -kSrcZeroPoint * sum,
        {.scale = kDstScale, .zero_point = kDstZeroPoint}, kRequantization));
  }
  Result result = {.wei = Packed(g, wei)};
  ForEachDword(g, [&](int64_t, int64_t o, int64_t, int64_t) {
    const ChannelFactor factor =
        o < 0 ? ChannelFactor() : factors[static_cast<size_t>(o)];
    result.bias.push_back(factor.bias);
    result.shift.push_back(factor.shift);
    result.multiplier.push_back(static_cast<int16_t>(factor.multiplier));
  });
  return result;
}

Gated RandomGated(int64_t in, int64_t out, RandomNumbers& random) {
  Gated g = {.in = in, .out = out};
  const bool extreme = random.Int(0, 3) == 0;
  for (int64_t i = 0; i < in * out; ++i) {
    const int64_t sign = random.Int(0, 1);
    g.wei.push_back(static_cast<int16_t>(extreme ? (sign == 0 ? -32768 : 32767)
                                                 : random.Int(-32767, 32767)));
  }
  for (int64_t c = 0; c < in; ++c) {
    const int64_t kind = random.Int(0, 9);
    g.gate.push_back(kind == 0 ? 0.0f : kind == 1 ? 1.0f : random.Float(0, 1));
  }
  if (random.Int(0, 7) == 0) g.gate.assign(g.gate.size(), 0.001f);
  for (int64_t o = 0; o < out; ++o) {
    g.wei_scale.push_back(random.Float(1e-6f, 1e-4f));
    g.bias.push_back(random.Float(-3, 3));
  }
  return g;
}

TEST(GatedWeightsTest, EverySmallShapeEqualsTheFormula) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t in : {1, 2, 3, 4, 5, 7, 8, 9, 33}) {
    for (const int64_t out : {1,  4,  15, 16, 17, 31,  32,  33,  47,  48,
                              49, 63, 64, 65, 80, 112, 113, 128, 129, 140}) {
      const Gated g = RandomGated(in, out, random);
      const Result expected = LiteralResult(g);
      for (const Isa isa : UsableIsas()) {
        ASSERT_TRUE(Made(isa, g) == expected)
            << IsaName(isa) << " in " << in << " out " << out;
      }
    }
  }
}

TEST(GatedWeightsTest, ClosedAndImpossibleGates) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  Gated g = RandomGated(6, 20, random);
  const auto made = [&](float gate) {
    g.gate.assign(6, gate);
    for (const Isa isa : UsableIsas()) {
      EXPECT_TRUE(Made(isa, g) == Made(Isa::kPlain, g)) << IsaName(isa);
    }
    return Made(Isa::kPlain, g);
  };
  const Result closed = made(0);
  EXPECT_EQ(closed.wei, std::vector<int8_t>(closed.wei.size()));
  EXPECT_TRUE(made(kNan) == closed);
  EXPECT_TRUE(made(-1) == closed);
  EXPECT_TRUE(made(1e30f) == made(1));
}

// A sum of codes through the made weights is that of float weights, to half an
// 8-bit step of each weight and a 16-bit one.
TEST(GatedWeightsTest, WeightsAreThoseOfFloat) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int round = 0; round < 20; ++round) {
    const Gated g = RandomGated(40, 24, random);
    const Result made = Made(BestIsa(), g);
    ForEachDword(g, [&](int64_t, int64_t o, int64_t start, int64_t step) {
      if (o < 0) return;
      const auto scale =
          static_cast<double>(g.wei_scale[static_cast<size_t>(o)]);
      std::vector<double> exact;
      double largest = 127;  // in 16-bit steps.
      for (int64_t c = 0; c < g.in; ++c) {
        exact.push_back(g.wei[g.At(c, o)] *
                        static_cast<double>(g.gate[static_cast<size_t>(c)]));
        largest = std::max(largest, std::abs(exact.back()));
      }
      const double unit = largest / 127;
      for (int64_t c = 0; c < g.in; ++c) {
        const auto at = static_cast<size_t>(start + c / 4 * step + c % 4);
        EXPECT_NEAR(made.wei[at] * unit * scale,
                    exact[static_cast<size_t>(c)] * scale,
                    (0.5 * unit + 3) * scale)
            << "input " << c << " output " << o;
      }
    });
  }
}

}  // namespace
}  // namespace cyto8
