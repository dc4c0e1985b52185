// SPDX-License-Identifier: Apache-2.0
// See layer_numbers.h; the arithmetic that they are for is in
// detector/kernels/requantize.h.
#include "quant/layer_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr int kMaxWeightCode = 127;
constexpr int64_t kMaxCode = 255;
constexpr double kWordLimit = 32767;  // of 16-bit multipliers.
constexpr double kCodeShift = 256;    // code << 7, times m, >> 15.

// What becomes of the sums of one output.
struct SumChannel {
  float unit = 0;       // what 1 is worth.
  double real = 0;      // added to the result.
  int64_t offset = 0;   // added to the sum.
  int64_t largest = 0;  // magnitude of any sum, bias included.
};

float ToFloat(double x) { return static_cast<float>(x); }
double ToDouble(float x) { return static_cast<double>(x); }

// Weights of outputs in units of their channel's source scale.
std::vector<float> ScaledWeights(const SourceCodes& src,
                                 const RealLayer& layer) {
  std::vector<float> scaled(layer.weights.begin(), layer.weights.end());
  const WeightShape& s = layer.shape;
  for (int64_t row = 0; row < s.taps * s.inputs; ++row) {
    for (int64_t o = 0; o < s.outputs; ++o) {
      const int64_t group = o / (s.outputs / s.groups);
      const auto channel =
          static_cast<size_t>(group * s.inputs + row % s.inputs);
      scaled[static_cast<size_t>(row * s.outputs + o)] *=
          src.channels[channel].scale;
    }
  }
  return scaled;
}

// Means of codes less their zero points.
std::vector<double> InCodes(const std::vector<double>& values,
                            const SourceCodes& src, int power) {
  std::vector<double> scaled = values;
  for (size_t c = 0; c < scaled.size(); ++c) {
    scaled[c] /= std::pow(ToDouble(src.channels[c].scale), power);
  }
  return scaled;
}

// The codes of one output with another scale.
void RoundAgain(std::span<const float> scaled, int64_t outputs, int64_t o,
                float scale, RoundedWeights& rounded) {
  rounded.scales[static_cast<size_t>(o)] = scale;
  for (size_t i = static_cast<size_t>(o); i < scaled.size();
       i += static_cast<size_t>(outputs)) {
    rounded.codes[i] = static_cast<int8_t>(std::lrint(std::clamp(
        scaled[i] / scale, -float{kMaxWeightCode}, float{kMaxWeightCode})));
  }
}

// The finest unit that sums for codes may have: bias, an addend's zero point
// and a step of the result are no more of them than integers can hold.
double FinestUnit(double bias, double step,
                  const std::optional<Addend>& addend) {
  constexpr double kLargestBias = 1 << 24;
  constexpr double kLargestAddend = 1 << 28;
  constexpr double kFinest = 1.0 / (1 << 18);  // of a code.
  const double from_addend =
      addend ? ToDouble(addend->codes.scale) * kMaxCode / kLargestAddend : 0;
  return std::max({std::abs(bias) / kLargestBias, step * kFinest, from_addend});
}

// Scales below that are raised: of outputs whose weights are all (nearly) 0.
void RaiseTinyScales(std::span<const float> scaled, const RealLayer& layer,
                     std::span<const CodeScale> dst,
                     const std::optional<Addend>& addend,
                     RoundedWeights& rounded) {
  for (size_t o = 0; o < rounded.scales.size(); ++o) {
    const bool zero =
        rounded.scales[o] == 1 &&
        std::ranges::all_of(scaled, [&, i = size_t{0}](float w) mutable {
          return i++ % rounded.scales.size() != o || w == 0;
        });
    const double step = ToDouble(dst[dst.size() == 1 ? 0 : o].scale);
    const double least = FinestUnit(
        layer.bias.empty() ? 0 : ToDouble(layer.bias[o]), step, addend);
    constexpr double kUnitsOfAStep = 256;  // where nothing else asks for any.
    const float scale = ToFloat(std::max(
        zero ? step / kUnitsOfAStep : ToDouble(rounded.scales[o]), least));
    if (scale != rounded.scales[o]) {
      RoundAgain(scaled, layer.shape.outputs, static_cast<int64_t>(o), scale,
                 rounded);
    }
  }
}

StatusOr<RoundedWeights> Rounded(const SourceCodes& src, const RealLayer& layer,
                                 std::span<const float> scaled,
                                 const LayerNumberOptions& options) {
  const std::vector<double> squares = InCodes(src.mean_squares, src, 2);
  return RoundWeights(scaled, layer.shape,
                      {.search_scale = options.search_weight_scale,
                       .clip_weight = options.clip_weight,
                       .mean_squares = squares});
}

double SqnrOf(std::span<const float> scaled, const RoundedWeights& rounded) {
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < scaled.size(); ++i) {
    const double back =
        ToDouble(rounded.scales[i % rounded.scales.size()]) * rounded.codes[i];
    signal += ToDouble(scaled[i]) * ToDouble(scaled[i]);
    noise += (ToDouble(scaled[i]) - back) * (ToDouble(scaled[i]) - back);
  }
  return noise > 0 ? 10 * std::log10(signal / noise)
                   : std::numeric_limits<double>::infinity();
}

// At least the magnitude; no more than a number that no sum may have.
int64_t InUnits(double real, float unit) {
  constexpr double kTooMany = int64_t{1} << 40;
  return std::llrint(std::min(std::abs(real) / ToDouble(unit), kTooMany)) + 1;
}

StatusOr<std::vector<SumChannel>> SumsOf(const SourceCodes& src,
                                         const RealLayer& layer,
                                         std::span<const float> scaled,
                                         const RoundedWeights& rounded,
                                         const LayerNumberOptions& options) {
  const WeightShape& s = layer.shape;
  std::vector<SumChannel> sums(static_cast<size_t>(s.outputs));
  std::vector<double> correction(sums.size(), 0.0);
  if (options.correct_bias && !src.means.empty()) {
    CYTO8_ASSIGN_OR_RETURN(
        correction,
        BiasFromWeightError(scaled, s, rounded, InCodes(src.means, src, 1)));
  }
  for (size_t o = 0; o < sums.size(); ++o) {
    SumChannel& sum = sums[o];
    sum.unit = rounded.scales[o];
    sum.real =
        correction[o] + (layer.bias.empty() ? 0 : ToDouble(layer.bias[o]));
    const int64_t group = static_cast<int64_t>(o) / (s.outputs / s.groups);
    for (int64_t row = 0; row < s.taps * s.inputs; ++row) {
      const auto c = static_cast<size_t>(group * s.inputs + row % s.inputs);
      const int64_t code =
          rounded.codes[static_cast<size_t>(row * s.outputs) + o];
      sum.offset -= code * src.channels[c].zero_point;
      sum.largest += std::abs(code) * kMaxCode;
    }
    sum.largest += std::abs(sum.offset) + InUnits(sum.real, sum.unit);
  }
  return sums;
}

double UnitOf(const CodeScale& dst, int64_t fraction_bits) {
  return std::ldexp(ToDouble(dst.scale), -static_cast<int>(fraction_bits));
}

void Widen(std::vector<CodeScale>& dst) {
  for (CodeScale& codes : dst) codes.scale *= 2;
}

int32_t FewestFractionBits(Activation activation,
                           std::span<const CodeScale> dst) {
  int32_t bits = FractionBitsFor(activation, dst[0]);
  for (const CodeScale& codes : dst) {
    bits = std::min(bits, FractionBitsFor(activation, codes));
  }
  return bits;
}

// The shift that every channel can live with; an error if there is none.
StatusOr<int32_t> CommonLeftShift(std::span<const SumChannel> sums,
                                  std::span<const CodeScale> dst,
                                  int32_t fraction_bits) {
  int32_t shift = 0;
  int64_t largest = 0;
  for (size_t o = 0; o < sums.size(); ++o) {
    CYTO8_ASSIGN_OR_RETURN(
        const int32_t needed,
        LeftShiftFor({&sums[o].unit, 1}, {&sums[o].largest, 1},
                     dst[dst.size() == 1 ? 0 : o], fraction_bits));
    shift = std::max(shift, needed);
    largest = std::max(largest, sums[o].largest);
  }
  constexpr int64_t kLimit = int64_t{1} << 30;
  if (largest >= kLimit >> shift) return InvalidArgument("sums are too large");
  return shift;
}

// A sum that its addend brings back lies that far outside of the results. The
// words reach 2^13 units by every multiplier (see FractionBitsFor); a table
// wants half of them for where its activation vanishes.
bool AddendFits(const Addend& addend, Activation activation, double unit) {
  const double room = NeedsTable(activation) ? 1 << 12 : 1 << 13;
  return kMaxCode * ToDouble(addend.codes.scale) <= room * unit;
}

// ReLU6 saturates where the last code is.
bool CanWiden(Activation activation, const CodeScale& codes) {
  constexpr double kMost = 6.001;
  return activation != Activation::kRelu6 ||
         2 * kMaxCode * ToDouble(codes.scale) <= kMost;
}

// A shift to the left costs the kernels four instructions for 64 results, and
// happens where the sums have fewer bits than the words behind them: then the
// words do without these, down to an eighth of a code.
void TradeLeftShift(std::span<const SumChannel> sums,
                    std::span<const CodeScale> dst,
                    RequantizeAttributes& requantize) {
  constexpr int64_t kEnoughFractionBits = 3;
  const int64_t bits = requantize.fraction_bits - requantize.left_shift;
  if (requantize.left_shift == 0 || bits < kEnoughFractionBits) return;
  const auto shift = CommonLeftShift(sums, dst, static_cast<int32_t>(bits));
  if (!shift.ok() || *shift > 0) return;
  requantize.left_shift = 0;
  requantize.fraction_bits = bits;
}

// What all channels share. dst grows until it fits.
StatusOr<RequantizeAttributes> SharedPart(std::span<const SumChannel> sums,
                                          Activation activation,
                                          const std::optional<Addend>& addend,
                                          std::vector<CodeScale>& dst) {
  constexpr int kMaxWidenings = 40;
  for (int i = 0; i < kMaxWidenings; ++i) {
    // An addend may bring back what the sum alone exceeds.
    int32_t bits = FewestFractionBits(activation, dst);
    if (addend) bits = std::max(0, bits - 1);
    for (; bits >= 0; --bits) {
      if (addend && !AddendFits(*addend, activation, UnitOf(dst[0], bits))) {
        continue;
      }
      const auto shift = CommonLeftShift(sums, dst, bits);
      if (!shift.ok()) continue;
      RequantizeAttributes requantize = {
          .dst = {.scale = dst[0].scale, .zero_point = dst[0].zero_point},
          .left_shift = *shift,
          .fraction_bits = bits};
      if (!addend) TradeLeftShift(sums, dst, requantize);
      return requantize;
    }
    if (!CanWiden(activation, dst[0])) break;
    Widen(dst);
  }
  return InvalidArgument("weights are too large for the range of the results");
}

double AddTable(Activation activation, const CodeScale& dst,
                RequantizeAttributes& requantize) {
  double error = 0;
  const auto table = MakeEvenTable(
      activation, dst, static_cast<int32_t>(requantize.fraction_bits), &error);
  if (table == nullptr) return 0;
  requantize.segment_shift = table->segment_shift;
  requantize.intercepts.assign(std::begin(table->intercept),
                               std::end(table->intercept));
  requantize.slopes.assign(std::begin(table->slope), std::end(table->slope));
  return error;
}

// For FactorOf, which asks only whether there is a table.
Requantization KernelPart(const RequantizeAttributes& requantize) {
  static const EvenTable kAny = {};
  return {.left_shift = static_cast<int32_t>(requantize.left_shift),
          .fraction_bits = static_cast<int32_t>(requantize.fraction_bits),
          .table = requantize.intercepts.empty() ? nullptr : &kAny};
}

int64_t AddendMultiplier(const Addend& addend, const CodeScale& dst,
                         int64_t fraction_bits) {
  return std::llrint(kCodeShift * ToDouble(addend.codes.scale) /
                     UnitOf(dst, fraction_bits));
}

// What an addend's zero point adds, taken away again; in real units.
double AddendOffset(const Addend& addend, int64_t multiplier,
                    const CodeScale& dst, int64_t fraction_bits) {
  return -addend.codes.zero_point * static_cast<double>(multiplier) /
         kCodeShift * UnitOf(dst, fraction_bits);
}

// True if words hold every sum of codes, and what it is before the last of its
// terms is added: that lies no further from 0 than all terms together and the
// zero point.
bool SumsFit(std::span<const CodeScale> terms, std::span<const float> weights,
             size_t channels, const CodeScale& dst, int32_t bits) {
  const double unit = UnitOf(dst, bits);
  for (size_t c = 0; c < channels; ++c) {
    double width = 0;
    for (size_t i = c; i < weights.size(); i += channels) {
      width += std::abs(ToDouble(weights[i])) *
               ToDouble(terms[i / channels].scale) * kMaxCode;
    }
    if (width > (kWordLimit - (kMaxCode << bits)) * unit) return false;
  }
  return true;
}

Status CheckSource(const SourceCodes& src, const RealLayer& layer) {
  const auto channels =
      static_cast<size_t>(layer.shape.inputs * layer.shape.groups);
  if (src.channels.size() == channels) return OkStatus();
  return InvalidArgument(
      "source channels = " + std::to_string(src.channels.size()) +
      ": must be " + std::to_string(channels));
}

Status CheckFinite(std::span<const float> values, const char* name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return InvalidArgument(std::string(name) + "[" + std::to_string(i) +
                           "] = " + FormatShortest(ToDouble(values[i])) +
                           ": must be finite");
  }
  return OkStatus();
}

}  // namespace

StatusOr<LayerNumbers> NumbersForCodes(const SourceCodes& src,
                                       const RealLayer& layer,
                                       std::vector<CodeScale> dst,
                                       const std::optional<Addend>& addend,
                                       const LayerNumberOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckSource(src, layer));
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.weights, "weights"));
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.bias, "bias"));
  const std::vector<float> scaled = ScaledWeights(src, layer);
  LayerNumbers numbers;
  CYTO8_ASSIGN_OR_RETURN(numbers.weights, Rounded(src, layer, scaled, options));
  RaiseTinyScales(scaled, layer, dst, addend, numbers.weights);
  CYTO8_ASSIGN_OR_RETURN(const std::vector<SumChannel> sums,
                         SumsOf(src, layer, scaled, numbers.weights, options));
  CYTO8_ASSIGN_OR_RETURN(numbers.requantize,
                         SharedPart(sums, layer.activation, addend, dst));
  numbers.table_error_codes =
      AddTable(layer.activation, dst[0], numbers.requantize);
  numbers.weight_sqnr_db = SqnrOf(scaled, numbers.weights);
  double offset = 0;
  if (addend) {
    const int64_t bits = numbers.requantize.fraction_bits;
    numbers.addend_multiplier = AddendMultiplier(*addend, dst[0], bits);
    offset = AddendOffset(*addend, numbers.addend_multiplier, dst[0], bits);
  }
  const Requantization kernel = KernelPart(numbers.requantize);
  for (size_t o = 0; o < sums.size(); ++o) {
    const CodeScale& codes = dst[dst.size() == 1 ? 0 : o];
    const auto zero = static_cast<float>(codes.zero_point);
    numbers.factors.push_back(FactorOf(
        sums[o].unit, ToFloat(sums[o].real + offset),
        kernel.table == nullptr ? zero : 0.0f, sums[o].offset, codes, kernel));
  }
  return numbers;
}

StatusOr<LayerNumbers> NumbersForFloats(const SourceCodes& src,
                                        const RealLayer& layer,
                                        const LayerNumberOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckSource(src, layer));
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.weights, "weights"));
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.bias, "bias"));
  const std::vector<float> scaled = ScaledWeights(src, layer);
  LayerNumbers numbers;
  CYTO8_ASSIGN_OR_RETURN(numbers.weights, Rounded(src, layer, scaled, options));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<SumChannel> sums,
                         SumsOf(src, layer, scaled, numbers.weights, options));
  numbers.weight_sqnr_db = SqnrOf(scaled, numbers.weights);
  for (const SumChannel& sum : sums) {
    numbers.factors.push_back({.bias = static_cast<int32_t>(sum.offset)});
    numbers.scale.push_back(sum.unit);
    numbers.offset.push_back(ToFloat(sum.real));
  }
  return numbers;
}

StatusOr<GatedNumbers> NumbersForGated(const CodeScale& src,
                                       const RealLayer& layer,
                                       const CodeScale& dst,
                                       const std::optional<Addend>& addend) {
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.weights, "weights"));
  CYTO8_RETURN_IF_ERROR(CheckFinite(layer.bias, "bias"));
  const auto outputs = static_cast<size_t>(layer.shape.outputs);
  std::vector<float> largest(outputs, 0.0f);
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    float& most = largest[i % outputs];
    most = std::max(most, std::abs(layer.weights[i]));
  }
  GatedNumbers numbers;
  std::vector<SumChannel> sums(outputs);
  for (size_t o = 0; o < outputs; ++o) {
    const double bias = layer.bias.empty() ? 0 : ToDouble(layer.bias[o]);
    numbers.bias.push_back(ToFloat(bias));
    const double least =
        FinestUnit(0, ToDouble(dst.scale), addend) / ToDouble(src.scale);
    numbers.scale.push_back(
        ToFloat(std::max({ToDouble(largest[o]) / kWordLimit, least, 1e-30})));
    sums[o].unit =
        src.scale * numbers.scale[o] * ToFloat(kWordLimit / kMaxWeightCode);
    sums[o].largest = layer.shape.inputs * kMaxCode * kMaxWeightCode +
                      InUnits(bias, sums[o].unit);
  }
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    numbers.weights.push_back(static_cast<int16_t>(
        std::lrint(layer.weights[i] / numbers.scale[i % outputs])));
  }
  std::vector<CodeScale> fitted = {dst};
  CYTO8_ASSIGN_OR_RETURN(numbers.requantize,
                         SharedPart(sums, layer.activation, addend, fitted));
  AddTable(layer.activation, fitted[0], numbers.requantize);
  if (!addend) return numbers;
  const int64_t bits = numbers.requantize.fraction_bits;
  numbers.addend_multiplier = AddendMultiplier(*addend, fitted[0], bits);
  numbers.addend_offset_codes = ToFloat(
      AddendOffset(*addend, numbers.addend_multiplier, fitted[0], bits) /
      ToDouble(fitted[0].scale));
  return numbers;
}

StatusOr<SumNumbers> NumbersForSum(std::span<const CodeScale> terms,
                                   std::span<const float> weights,
                                   int64_t channels, Activation activation,
                                   const CodeScale& wanted) {
  CYTO8_RETURN_IF_ERROR(CheckFinite(weights, "weights"));
  const auto count = static_cast<size_t>(channels);
  std::vector<CodeScale> dst = {wanted};
  int32_t bits = FractionBitsFor(activation, dst[0]);
  while (!SumsFit(terms, weights, count, dst[0], bits)) {
    if (bits > 0) {
      --bits;
    } else if (CanWiden(activation, dst[0])) {
      Widen(dst);
    } else {
      return InvalidArgument(
          "weights are too large for the range of the results");
    }
  }
  SumNumbers numbers;
  numbers.requantize = {
      .dst = {.scale = dst[0].scale, .zero_point = dst[0].zero_point},
      .fraction_bits = bits};
  AddTable(activation, dst[0], numbers.requantize);
  const double unit = UnitOf(dst[0], bits);
  std::vector<double> start(count, 0.0);
  if (numbers.requantize.intercepts.empty()) {
    const int half = bits > 0 ? 1 << (bits - 1) : 0;
    std::ranges::fill(start, (dst[0].zero_point << bits) + half);
  }
  numbers.factors.assign(count, 0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const CodeScale& term = terms[i / count];
    const double m = std::nearbyint(kCodeShift * ToDouble(weights[i]) *
                                    ToDouble(term.scale) / unit);
    numbers.factors.push_back(static_cast<int16_t>(m));
    start[i % count] -= term.zero_point * m / kCodeShift;
  }
  for (size_t c = 0; c < count; ++c) {
    numbers.factors[c] = static_cast<int16_t>(
        std::lrint(std::clamp(start[c], -kWordLimit, kWordLimit)));
  }
  return numbers;
}

}  // namespace cyto8
