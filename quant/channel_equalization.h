// SPDX-License-Identifier: Apache-2.0
// A scale and a zero point for each channel of a tensor that only a pointwise
// (1x1) convolution reads, e.g. between the two halves of a separable one.
// Source: quantization.md section 6.3. Tested by
// tests/quant/channel_equalization_test.cc.
//
// y[o] = sum_c p[c,o] t[c], t[c] = s_t[c] (q_t[c] - z_t[c]): the scales move
// into the weights p[c,o] s_t[c], so they are free at run time. Equal use of
// the codes (alpha 1) makes the coding of t finest, but spreads the products
// p[c,o] s_t[c], which share one scale per output; alpha 0, one scale for all
// channels, is the other end:
//
//   s_t[c] = range_c^alpha * (widest range)^(1 - alpha) / 255.
//
// Predicted noise of y[o], the sum of two parts:
//   coding of t:       sum_c p[c,o]^2 s_t[c]^2 / 12, the error being uniform
//                      over a step (no clipping: s_t covers the range);
//   coding of weights: sum_c d[c,o]^2 E[(q_t[c] - z_t[c])^2], with the weights'
//                      own rounding errors
//                      d[c,o] = p[c,o] s_t[c] - s_w[o] p_q[c,o],
//                      s_w[o] = max_c |p[c,o] s_t[c]| / 127, and
//                      E[(q_t - z_t)^2] = E[t^2] / s_t^2.
// The real d are used and not their expectation s_w^2 / 12, since products of
// weak channels that round to 0 lose less than that. Products of errors of
// different channels are left out: their mean is 0 if channels are independent
// and the mean shift of each output is taken back (BiasFromWeightError); then
// the variance takes the place of E[t^2]. The alpha with the least noise,
// summed over o, is chosen.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "quant/range_choice.h"

namespace cyto8 {

inline constexpr std::array<double, 4> kEqualizationAlphas = {0, 0.5, 0.75, 1};

// A channel narrower than this share of the widest (one that was always 0, say)
// is given a range that wide, and zero_point as its own ends ask.
inline constexpr double kNarrowestShare = 1.0 / 1024;

struct PointwiseReader {
  std::span<const float> weights = {};  // [channels][outputs], outputs last.
  int64_t outputs = 0;
  // E[t^2] of each channel, or its variance if the bias is corrected; if empty,
  // E[t^2] of a t that is uniform over its range.
  std::span<const double> mean_squares = {};
};

struct EqualizedChannels {
  double alpha = 0;                      // one of kEqualizationAlphas.
  std::vector<AffineU8> params = {};     // of each channel.
  std::array<double, 4> predicted = {};  // noise for each alpha, summed over
                                         // the outputs.
};

// channel_ranges: of each channel of t, min <= 0 <= max. kInvalidArgument,
// naming field and index, if a size does not fit, a number is not finite, a
// range does not hold 0, or all ranges have width zero. Equal noise: the
// smaller alpha.
StatusOr<EqualizedChannels> EqualizeChannels(
    std::span<const ValueRange> channel_ranges, const PointwiseReader& reader);

}  // namespace cyto8
