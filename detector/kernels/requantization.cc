// SPDX-License-Identifier: Apache-2.0
// Scales to shifts, multipliers and tables; see requantization.h. FactorOf runs
// for every image (gated layers), so it uses nothing but IEEE operations and
// exact scaling by powers of two; tables are made once, when a model is
// quantized.
#include "detector/kernels/requantization.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr int32_t kMaxFractionBits = 5;
constexpr int32_t kMaxLeftShift = 15;
constexpr int32_t kMaxShift = 31;
constexpr int32_t kMaxSegmentShift = 10;  // 32 segments reach 2^15 units.
constexpr double kReachableUnits = 8192;  // by every multiplier.
constexpr int kQ15 = 15;

// relu(x) - f(x) as a function of a = |x|.
double EvenPart(Activation activation, double a) {
  if (activation == Activation::kSwish) return a / (1 + std::exp(a));
  constexpr double kHardSwishEnd = 3;
  return a < kHardSwishEnd ? a / 2 - a * a / 6 : 0;
}

double UnitOf(const CodeScale& dst, int32_t fraction_bits) {
  return std::ldexp(static_cast<double>(dst.scale), -fraction_bits);
}

// One chord over the whole numbers [begin, end), shifted to the middle of what
// it misses.
struct Chord {
  int32_t intercept = 0;
  int32_t slope = 0;
  double error_units = 0;
};

Chord FitChord(Activation activation, double unit, int32_t begin, int32_t end,
               bool flat) {
  const auto even = [&](int32_t a) {
    return EvenPart(activation, a * unit) / unit;
  };
  Chord chord;
  if (!flat && end > begin + 1) {
    const double slope = (even(end - 1) - even(begin)) / (end - 1 - begin);
    chord.slope = static_cast<int32_t>(std::lrint(std::ldexp(slope, kQ15)));
  }
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (int32_t a = begin; a < end; ++a) {
    const double missing = even(a) - MultiplyHigh(chord.slope, a);
    low = std::min(low, missing);
    high = std::max(high, missing);
  }
  chord.intercept = static_cast<int32_t>(std::lrint((low + high) / 2));
  chord.error_units = std::max(high - chord.intercept, chord.intercept - low);
  return chord;
}

// Returns the largest error in units. Shorter segments follow the curve better
// and leave more of its tail to the last one, which is flat.
double FitTable(Activation activation, const CodeScale& dst,
                int32_t fraction_bits, EvenTable& table) {
  const double unit = UnitOf(dst, fraction_bits);
  const int32_t half = fraction_bits > 0 ? 1 << (fraction_bits - 1) : 0;
  const int32_t offset = (dst.zero_point << fraction_bits) + half;
  constexpr int32_t kEnd = 1 << (kQ15 - 1);  // of what p reaches.
  double error = 0;
  for (int32_t i = 0; i < kEvenSegments; ++i) {
    const bool last = i + 1 == kEvenSegments;
    const int32_t begin = i << table.segment_shift;
    const int32_t end =
        last ? std::max(begin + 1, kEnd) : (i + 1) << table.segment_shift;
    const Chord chord = FitChord(activation, unit, begin, end, last);
    table.slope[i] = static_cast<int16_t>(chord.slope);
    table.intercept[i] = SaturateTo16(chord.intercept - offset);
    if (begin < kEnd) error = std::max(error, chord.error_units);
  }
  return error;
}

}  // namespace

bool NeedsTable(Activation activation) {
  return activation == Activation::kSwish ||
         activation == Activation::kHardSwish;
}

bool HasCodes(Activation activation) {
  return activation == Activation::kNone || activation == Activation::kRelu ||
         activation == Activation::kRelu6 || NeedsTable(activation);
}

int32_t FractionBitsFor(Activation activation, const CodeScale& dst) {
  constexpr double kMissedCodes = 0.1;
  const double missed = kMissedCodes * static_cast<double>(dst.scale);
  int32_t bits = kMaxFractionBits;
  if (!NeedsTable(activation)) return bits;
  while (bits > 0 &&
         EvenPart(activation, kReachableUnits * UnitOf(dst, bits)) > missed) {
    --bits;
  }
  return bits;
}

std::shared_ptr<const EvenTable> MakeEvenTable(Activation activation,
                                               const CodeScale& dst,
                                               int32_t fraction_bits,
                                               double* max_error_codes) {
  if (max_error_codes != nullptr) *max_error_codes = 0;
  if (!NeedsTable(activation)) return nullptr;
  std::shared_ptr<const EvenTable> best;
  double least_error = std::numeric_limits<double>::infinity();
  for (int32_t shift = 0; shift <= kMaxSegmentShift; ++shift) {
    EvenTable table = {.segment_shift = shift};
    const double error = FitTable(activation, dst, fraction_bits, table);
    if (error >= least_error) continue;
    least_error = error;
    best = std::make_shared<const EvenTable>(table);
  }
  if (max_error_codes != nullptr) {
    *max_error_codes = std::ldexp(least_error, -fraction_bits);
  }
  return best;
}

StatusOr<int32_t> LeftShiftFor(std::span<const float> sum_units,
                               std::span<const int64_t> largest_sums,
                               const CodeScale& dst, int32_t fraction_bits) {
  const double unit = UnitOf(dst, fraction_bits);
  const float coarsest = std::ranges::max(sum_units);
  const int64_t largest = std::ranges::max(largest_sums);
  // Multipliers are below one half.
  constexpr double kLargestMultiplier = 0.4999;
  const double ratio = static_cast<double>(coarsest) / unit;
  int32_t shift = 0;
  while (shift <= kMaxLeftShift &&
         ratio > std::ldexp(kLargestMultiplier, shift)) {
    ++shift;
  }
  constexpr int64_t kLimit = int64_t{1} << 31;
  if (shift > kMaxLeftShift || largest >= kLimit >> shift) {
    return InvalidArgument(
        "scale = " + FormatShortest(static_cast<double>(dst.scale)) +
        ": too small for the layer's sums, whose unit is " +
        FormatShortest(static_cast<double>(coarsest)));
  }
  return shift;
}

ChannelFactor FactorOf(float sum_unit, float real, float codes,
                       int64_t sum_offset, const CodeScale& dst,
                       const Requantization& layer) {
  const double unit = UnitOf(dst, layer.fraction_bits);
  const double per_unit = unit / static_cast<double>(sum_unit);
  const double ratio = std::ldexp(1 / per_unit, -layer.left_shift);
  int exponent = 0;
  const double fraction = std::frexp(ratio, &exponent);  // [0.5, 1).
  ChannelFactor factor;
  factor.multiplier =
      static_cast<int32_t>(std::nearbyint(std::ldexp(fraction, kQ15 - 1)));
  factor.shift = -(exponent + 1);
  constexpr int32_t kEndOfMultiplier = 1 << (kQ15 - 1);
  if (factor.multiplier == kEndOfMultiplier) {
    factor.multiplier /= 2;
    --factor.shift;
  }
  if (factor.shift < 0) {
    factor.shift = 0;
    factor.multiplier = kEndOfMultiplier - 1;
  }
  if (factor.shift > kMaxShift) return {};
  double bias = static_cast<double>(real) / static_cast<double>(sum_unit) +
                static_cast<double>(codes) * (static_cast<double>(dst.scale) /
                                              static_cast<double>(sum_unit));
  if (factor.shift > 0) {
    bias += std::ldexp(0.5, factor.shift - layer.left_shift);
  }
  if (layer.table == nullptr && layer.fraction_bits > 0) {
    bias += std::ldexp(per_unit, layer.fraction_bits - 1);
  }
  const double limit = std::ldexp(1.0, 30 - layer.left_shift);
  factor.bias =
      static_cast<int32_t>(std::nearbyint(std::clamp(bias, -limit, limit)) +
                           static_cast<double>(sum_offset));
  return factor;
}

}  // namespace cyto8
