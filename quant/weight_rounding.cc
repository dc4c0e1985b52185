// SPDX-License-Identifier: Apache-2.0
// See weight_rounding.h. One output at a time: its weights are gathered, since
// they lie apart in memory and are read once for each candidate scale.
#include "quant/weight_rounding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "quant/value_checks.h"

namespace cyto8 {
namespace {

constexpr double kLastCode = 127;
constexpr double kCandidateStep = 0.01;
constexpr int64_t kMaxWeights = int64_t{1} << 40;

Status CheckWeights(std::span<const float> weights, const WeightShape& shape) {
  CYTO8_RETURN_IF_ERROR(CheckRange("taps", shape.taps, 1, kMaxWeights));
  CYTO8_RETURN_IF_ERROR(CheckRange("inputs", shape.inputs, 1, kMaxWeights));
  CYTO8_RETURN_IF_ERROR(CheckRange("outputs", shape.outputs, 1, kMaxWeights));
  CYTO8_RETURN_IF_ERROR(CheckRange("groups", shape.groups, 1, shape.outputs));
  if (shape.outputs % shape.groups != 0) {
    return InvalidArgument(
        "groups = " + std::to_string(shape.groups) +
        ": must divide outputs = " + std::to_string(shape.outputs));
  }
  const std::array<int64_t, 3> factors = {shape.taps, shape.inputs,
                                          shape.outputs};
  CYTO8_ASSIGN_OR_RETURN(const int64_t size, CheckedProduct(factors));
  CYTO8_RETURN_IF_ERROR(CheckCount("weights", weights.size(), size));
  return CheckFinite("weights", weights);
}

// Calls visit(index of the weight, input channel) for the weights of output o.
template <typename Visit>
void ForEachWeight(const WeightShape& shape, int64_t o, const Visit& visit) {
  const int64_t first_channel =
      o / (shape.outputs / shape.groups) * shape.inputs;
  for (int64_t tap = 0; tap < shape.taps; ++tap) {
    for (int64_t c = 0; c < shape.inputs; ++c) {
      visit((tap * shape.inputs + c) * shape.outputs + o, first_channel + c);
    }
  }
}

// Nearest, ties to even, for |x| < 2^51; a call of nearbyint costs more.
double RoundToEven(double x) {
  constexpr double kMagic = 6755399441055744.0;  // 1.5 * 2^52.
  return (x + kMagic) - kMagic;
}

double CodeOf(double weight, float scale) {
  return std::clamp(RoundToEven(weight / scale), -kLastCode, kLastCode);
}

struct OutputWeights {
  std::vector<double> weights;
  std::vector<double> importance;  // of the squared error of each.
};

double WeightedError(const OutputWeights& output, float scale,
                     double clip_weight) {
  const double widest = (kLastCode + 0.5) * scale;
  double sum = 0;
  for (size_t i = 0; i < output.weights.size(); ++i) {
    const double weight = output.weights[i];
    const double error = weight - scale * CodeOf(weight, scale);
    sum += output.importance[i] * error * error *
           (std::abs(weight) > widest ? clip_weight : 1);
  }
  return sum;
}

// A normal float, so that dividing by it stays finite.
float ScaleFor(double widest, double factor) {
  if (widest == 0) return 1;
  return std::max(static_cast<float>(widest / kLastCode * factor),
                  std::numeric_limits<float>::min());
}

// Of equal errors the larger scale.
float ChooseScale(const OutputWeights& output,
                  const WeightRoundingOptions& options) {
  double widest = 0;
  for (const double w : output.weights) widest = std::max(widest, std::abs(w));
  float best = ScaleFor(widest, 1);
  if (!options.search_scale || widest == 0) return best;
  double least = WeightedError(output, best, options.clip_weight);
  for (int i = 1; i < kScaleCandidates; ++i) {
    const float scale = ScaleFor(widest, 1 - kCandidateStep * i);
    const double error = WeightedError(output, scale, options.clip_weight);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace

StatusOr<RoundedWeights> RoundWeights(std::span<const float> weights,
                                      const WeightShape& shape,
                                      const WeightRoundingOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckWeights(weights, shape));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("clip_weight", options.clip_weight, 1, kMaxClipWeight));
  CYTO8_ASSIGN_OR_RETURN(const int64_t channels,
                         CheckedMul(shape.inputs, shape.groups));
  if (!options.mean_squares.empty()) {
    CYTO8_RETURN_IF_ERROR(
        CheckCount("mean_squares", options.mean_squares.size(), channels));
    CYTO8_RETURN_IF_ERROR(
        CheckFiniteNonNegative("mean_squares", options.mean_squares));
  }
  RoundedWeights rounded;
  rounded.codes.resize(weights.size());
  OutputWeights output;
  for (int64_t o = 0; o < shape.outputs; ++o) {
    output.weights.clear();
    output.importance.clear();
    ForEachWeight(shape, o, [&](int64_t index, int64_t channel) {
      output.weights.push_back(weights[index]);
      output.importance.push_back(
          options.mean_squares.empty() ? 1 : options.mean_squares[channel]);
    });
    const float scale = ChooseScale(output, options);
    rounded.scales.push_back(scale);
    ForEachWeight(shape, o, [&](int64_t index, int64_t) {
      rounded.codes[index] = static_cast<int8_t>(CodeOf(weights[index], scale));
    });
  }
  return rounded;
}

StatusOr<std::vector<double>> BiasFromWeightError(
    std::span<const float> weights, const WeightShape& shape,
    const RoundedWeights& rounded, std::span<const double> channel_means) {
  CYTO8_RETURN_IF_ERROR(CheckWeights(weights, shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t channels,
                         CheckedMul(shape.inputs, shape.groups));
  CYTO8_RETURN_IF_ERROR(CheckCount("codes", rounded.codes.size(),
                                   static_cast<int64_t>(weights.size())));
  CYTO8_RETURN_IF_ERROR(
      CheckCount("scales", rounded.scales.size(), shape.outputs));
  CYTO8_RETURN_IF_ERROR(
      CheckCount("channel_means", channel_means.size(), channels));
  CYTO8_RETURN_IF_ERROR(CheckFinite("channel_means", channel_means));
  std::vector<double> shifts(shape.outputs);
  for (int64_t o = 0; o < shape.outputs; ++o) {
    const double scale = rounded.scales[o];
    ForEachWeight(shape, o, [&](int64_t index, int64_t channel) {
      shifts[o] += (weights[index] - scale * rounded.codes[index]) *
                   channel_means[channel];
    });
  }
  return shifts;
}

}  // namespace cyto8
