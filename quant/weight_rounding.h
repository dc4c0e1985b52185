// SPDX-License-Identifier: Apache-2.0
// Weights as signed bytes with one scale per output channel, and the shift of
// the outputs that this rounding causes on average. Sources: quantization.md
// sections "Notation" and 6; bias correction as in Nagel et al., "Data-free
// quantization", 2019. Tested by tests/quant/weight_rounding_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "quant/range_choice.h"

namespace cyto8 {

// Weights lie as [taps][inputs][outputs], outputs last: HWIO of a convolution
// (taps = height * width), HWCM of a depthwise one (inputs 1, outputs and
// groups C * M and C), IO of a matrix product. Output o reads the input
// channels o / (outputs / groups) * inputs + [0, inputs).
struct WeightShape {
  int64_t taps = 1;
  int64_t inputs = 1;  // of each output.
  int64_t outputs = 1;
  int64_t groups = 1;  // must divide outputs.
};

struct WeightRoundingOptions {
  // Also tries kScaleCandidates of the scale and keeps the one of least squared
  // error, weighted by the mean square of the input channel.
  bool search_scale = false;
  // Of search_scale: what the error of a weight that is cut off counts; as
  // RangeChoiceOptions::clip_weight.
  double clip_weight = 1;
  // Of each input channel (inputs * groups of them); empty: all alike.
  std::span<const double> mean_squares = {};
};

// 0.80, 0.81, ..., 1.00.
inline constexpr int kScaleCandidates = 21;

struct RoundedWeights {
  std::vector<int8_t> codes = {};  // as the weights lie, in [-127, 127].
  std::vector<float> scales = {};  // of each output; normal and above 0.
};

// code = weight / scale rounded to nearest even, scale = max|weight| / 127 of
// the output. An output whose weights are all 0 gets scale 1. kInvalidArgument
// if a size does not fit (weights and mean_squares must have the sizes that
// shape says), if a weight is not finite ("weights[5] = nan: must be finite"),
// if a mean square is negative or not finite, or if clip_weight is out of its
// range.
StatusOr<RoundedWeights> RoundWeights(
    std::span<const float> weights, const WeightShape& shape,
    const WeightRoundingOptions& options = {});

// For each output, what must be added to its bias so that its mean stays as it
// was: sum over taps and inputs of (weight - scale * code) * mean of the input
// channel. All taps see the same mean, so padding at the border is left out of
// account. channel_means: inputs * groups of them. kInvalidArgument as above.
StatusOr<std::vector<double>> BiasFromWeightError(
    std::span<const float> weights, const WeightShape& shape,
    const RoundedWeights& rounded, std::span<const double> channel_means);

}  // namespace cyto8
