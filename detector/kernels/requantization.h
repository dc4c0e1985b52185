// SPDX-License-Identifier: Apache-2.0
// From real scales to the integers of requantize.h. Tested by
// tests/detector/kernels/requantize_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/activation.h"
#include "base/status.h"
#include "detector/kernels/requantize.h"

namespace cyto8 {

// real = scale * (code - zero_point), codes 0..255.
struct CodeScale {
  float scale = 1;
  int32_t zero_point = 0;
};

// True for activations that requantize.h covers: none, ReLU, ReLU6, swish, hard
// swish.
bool HasCodes(Activation activation);

// True for those of them that are not mere saturation: they have a table.
bool NeedsTable(Activation activation);

// The table of an activation for results in `dst`, with that many fraction
// bits; null for those that need none. The largest error over all p that do not
// saturate is at most max_error_codes (reported if wanted).
std::shared_ptr<const EvenTable> MakeEvenTable(Activation activation,
                                               const CodeScale& dst,
                                               int32_t fraction_bits,
                                               double* max_error_codes);

// As many fraction bits as p has room for: 2^13 units must hold 255 codes and,
// below zero, as much as the activation needs to vanish.
int32_t FractionBitsFor(Activation activation, const CodeScale& dst);

// The shift to the left that the channel with the coarsest sums needs.
// kInvalidArgument if it is above 15 or sums would overflow: then dst.scale is
// too small for these weights; the message says which scale would do.
StatusOr<int32_t> LeftShiftFor(std::span<const float> sum_units,
                               std::span<const int64_t> largest_sums,
                               const CodeScale& dst, int32_t fraction_bits);

// One channel: a sum is worth sum_unit (> 0), `real` is what is added to it
// (bias; in real units), `codes` what is added in codes of dst (the zero point,
// an addend's part), and sum_offset what is added in units of sums (-z * sum of
// weights). Rounding is part of the result.
ChannelFactor FactorOf(float sum_unit, float real, float codes,
                       int64_t sum_offset, const CodeScale& dst,
                       const Requantization& layer);

}  // namespace cyto8
