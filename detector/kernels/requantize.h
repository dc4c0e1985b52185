// SPDX-License-Identifier: Apache-2.0
// How every INT8 kernel turns exact 32-bit sums into 8-bit codes: in integers
// only, so that the answer is the same on every CPU. This file is the
// specification; vector kernels reproduce it bit by bit. Islands include it,
// hence pointers and plain structs. Tested by
// tests/detector/kernels/requantize_test.cc.
//
// A tensor of codes q stands for the values s * (q - z). A kernel makes
//
//   sum  = exact sum of products of codes, plus bias[c]              (32 bit)
//   t    = sat16(((sum) << left_shift) >> shift[c])
//   p    = (t * multiplier[c] + 2^14) >> 15         (vpmulhrsw; 16 bit)
//   p    = sat16(p + (addend code * 128 * addend_multiplier + 2^14 >> 15))
//   r    = p, or with an activation  sat16(max(p, 0) - even(|p|))
//   code = sat8(r >> fraction_bits)
//
// p is the value before the activation in units of s / 2^fraction_bits, 16 bit
// wide: rounding it to 8 bits is what costs other engines their accuracy. The
// zero point, its padding, and one half for the rounding of each shift are part
// of bias[c] and of the table.
//
// swish(x) = relu(x) - even(|x|), and even(a) = a / (1 + e^a) is bounded and
// vanishes for large a; so is hard swish's. 32 chords of it, looked up by two
// permutations, follow it to a few hundredths of a code:
//
//   a       = |p|                       (32768 for -32768, unsigned)
//   i       = min(a >> segment_shift, 31)
//   even(a) = intercept[i] + ((slope[i] * int16(a) + 2^14) >> 15)    (wraps)
//
// The last segment's slope is 0. Multipliers are below 2^14, so p of a sum
// alone is in [-2^14, 2^14) and max(p, 0) - even(|p|) cannot overflow
// (intercepts are in [-2^14, 2^14)): where there is no addend, kernels may
// subtract without saturation, which is cheaper.
#pragma once

#include <cstdint>

namespace cyto8 {

inline constexpr int kEvenSegments = 32;

struct EvenTable {
  int32_t segment_shift = 0;  // in [0, 15].
  int16_t intercept[kEvenSegments] = {};
  int16_t slope[kEvenSegments] = {};
};

// What all channels of a layer share.
struct Requantization {
  int32_t left_shift = 0;            // in [0, 15].
  int32_t fraction_bits = 0;         // in [0, 5].
  const EvenTable* table = nullptr;  // null: no activation, or one that is the
                                     // saturation (ReLU, ReLU6).
};

// One channel's part. multiplier is 0 or in [2^13, 2^14); shift in [0, 31].
struct ChannelFactor {
  int32_t bias = 0;
  int32_t shift = 0;
  int32_t multiplier = 0;
};

namespace {  // islands must not share compiled functions.

inline int16_t SaturateTo16(int32_t x) {
  return static_cast<int16_t>(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
}

inline uint8_t SaturateTo8(int32_t x) {
  return static_cast<uint8_t>(x < 0 ? 0 : x > 255 ? 255 : x);
}

// vpmulhrsw.
inline int16_t MultiplyHigh(int32_t a, int32_t b) {
  return static_cast<int16_t>((a * b + (1 << 14)) >> 15);
}

// p of a sum that has its bias. The shift to the left does not overflow: who
// makes factors sees to that.
inline int16_t Rescale(int32_t sum, const Requantization& layer, int32_t shift,
                       int32_t multiplier) {
  const auto shifted =
      static_cast<int32_t>(static_cast<uint32_t>(sum) << layer.left_shift);
  return MultiplyHigh(SaturateTo16(shifted >> shift), multiplier);
}

// p with an addend's code.
inline int16_t AddCode(int16_t p, uint8_t code, int32_t multiplier) {
  return SaturateTo16(p + MultiplyHigh(code << 7, multiplier));
}

inline int16_t Activate(int16_t p, const EvenTable& table) {
  const auto a = static_cast<uint16_t>(p < 0 ? -p : p);
  const int32_t segment = a >> table.segment_shift;
  const int32_t i = segment < kEvenSegments ? segment : kEvenSegments - 1;
  const auto even = static_cast<int16_t>(
      table.intercept[i] +
      MultiplyHigh(table.slope[i], static_cast<int16_t>(a)));
  return SaturateTo16((p > 0 ? p : 0) - even);
}

inline uint8_t CodeOf(int16_t p, const Requantization& layer) {
  const int32_t r = layer.table == nullptr ? p : Activate(p, *layer.table);
  return SaturateTo8(r >> layer.fraction_bits);
}

}  // namespace
}  // namespace cyto8
