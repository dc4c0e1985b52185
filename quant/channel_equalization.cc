// SPDX-License-Identifier: Apache-2.0
// See channel_equalization.h.
#include "quant/channel_equalization.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "quant/value_checks.h"

namespace cyto8 {
namespace {

constexpr double kLastCode = 255;
constexpr double kLastWeightCode = 127;

std::string RangeAt(size_t index) {
  return "channel_ranges[" + std::to_string(index) + "]";
}

Status CheckChannelRanges(std::span<const ValueRange> ranges) {
  double widest = 0;
  for (size_t c = 0; c < ranges.size(); ++c) {
    const ValueRange& r = ranges[c];
    if (!(r.min <= 0 && r.max >= 0 && std::isfinite(r.max - r.min))) {
      return InvalidArgument(RangeAt(c) + " = [" + FormatShortest(r.min) +
                             ", " + FormatShortest(r.max) +
                             "]: must be finite and contain 0");
    }
    widest = std::max(widest, r.max - r.min);
  }
  if (widest > 0) return OkStatus();
  return InvalidArgument("channel_ranges: range of width zero in all " +
                         std::to_string(ranges.size()) + " channels");
}

Status CheckReader(int64_t channels, const PointwiseReader& reader) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("outputs", reader.outputs, 1, int64_t{1} << 30));
  CYTO8_ASSIGN_OR_RETURN(const int64_t size,
                         CheckedMul(channels, reader.outputs));
  CYTO8_RETURN_IF_ERROR(CheckCount("weights", reader.weights.size(), size));
  CYTO8_RETURN_IF_ERROR(CheckFinite("weights", reader.weights));
  if (reader.mean_squares.empty()) return OkStatus();
  CYTO8_RETURN_IF_ERROR(
      CheckCount("mean_squares", reader.mean_squares.size(), channels));
  return CheckFiniteNonNegative("mean_squares", reader.mean_squares);
}

// Of a variable that is uniform over the range.
double UniformMeanSquare(const ValueRange& r) {
  return (r.min * r.min + r.min * r.max + r.max * r.max) / 3;
}

std::vector<double> MeanSquares(std::span<const ValueRange> ranges,
                                const PointwiseReader& reader) {
  if (!reader.mean_squares.empty()) {
    return {reader.mean_squares.begin(), reader.mean_squares.end()};
  }
  std::vector<double> mean_squares;
  for (const ValueRange& range : ranges) {
    mean_squares.push_back(UniformMeanSquare(range));
  }
  return mean_squares;
}

// s_t of each channel.
std::vector<double> ChannelScales(std::span<const ValueRange> ranges,
                                  double alpha) {
  double widest = 0;
  for (const ValueRange& r : ranges) widest = std::max(widest, r.max - r.min);
  std::vector<double> scales;
  for (const ValueRange& r : ranges) {
    const double share = std::max((r.max - r.min) / widest, kNarrowestShare);
    scales.push_back(widest * std::pow(share, alpha) / kLastCode);
  }
  return scales;
}

// s_w of each output.
std::vector<double> WeightSteps(const PointwiseReader& reader,
                                std::span<const double> scales) {
  std::vector<double> steps(reader.outputs);
  const float* weight = reader.weights.data();
  for (const double scale : scales) {
    for (double& step : steps) {
      step = std::max(step, std::abs(*weight++ * scale) / kLastWeightCode);
    }
  }
  return steps;
}

// The sum over the outputs of both parts of the noise.
double PredictedNoise(const PointwiseReader& reader,
                      std::span<const double> scales,
                      std::span<const double> mean_squares) {
  const std::vector<double> steps = WeightSteps(reader, scales);
  const float* weight = reader.weights.data();
  double noise = 0;
  for (size_t c = 0; c < scales.size(); ++c) {
    double products = 0;  // sums of squares over the outputs.
    double errors = 0;
    for (const double step : steps) {
      const double product = *weight++ * scales[c];
      products += product * product;
      if (step == 0) continue;
      const double error = product - step * std::nearbyint(product / step);
      errors += error * error;
    }
    noise += products / 12 + errors * mean_squares[c] / (scales[c] * scales[c]);
  }
  return noise;
}

AffineU8 ParamsOf(const ValueRange& range, double scale) {
  const auto rounded = static_cast<float>(scale);
  return {.scale = rounded,
          .zero_point = static_cast<int32_t>(std::clamp(
              std::nearbyint(-range.min / rounded), 0.0, kLastCode))};
}

}  // namespace

StatusOr<EqualizedChannels> EqualizeChannels(
    std::span<const ValueRange> channel_ranges, const PointwiseReader& reader) {
  CYTO8_RETURN_IF_ERROR(CheckChannelRanges(channel_ranges));
  CYTO8_RETURN_IF_ERROR(
      CheckReader(static_cast<int64_t>(channel_ranges.size()), reader));
  const std::vector<double> mean_squares = MeanSquares(channel_ranges, reader);
  EqualizedChannels equalized;
  for (size_t i = 0; i < kEqualizationAlphas.size(); ++i) {
    equalized.predicted[i] = PredictedNoise(
        reader, ChannelScales(channel_ranges, kEqualizationAlphas[i]),
        mean_squares);
  }
  const auto best = std::ranges::min_element(equalized.predicted);
  equalized.alpha = kEqualizationAlphas[best - equalized.predicted.begin()];
  const auto scales = ChannelScales(channel_ranges, equalized.alpha);
  for (size_t c = 0; c < scales.size(); ++c) {
    equalized.params.push_back(ParamsOf(channel_ranges[c], scales[c]));
    if (!std::isnormal(equalized.params[c].scale)) {
      return InvalidArgument(RangeAt(c) + ": its scale is no normal float");
    }
  }
  return equalized;
}

}  // namespace cyto8
