// SPDX-License-Identifier: Apache-2.0
// Which part of a tensor's values the 256 codes of an unsigned byte should
// cover, chosen from its histogram, and the noise that each choice costs.
// Sources: calibrators of TensorRT (Migacz, GTC 2017: KL) and of AMCT (range
// search); quantization.md section 6.2. Tested by
// tests/quant/range_choice_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "quant/range_observer.h"

namespace cyto8 {

// min <= 0 <= max, so that 0 (padding, and what an activation cuts off) has a
// code of its own.
struct ValueRange {
  double min = 0;
  double max = 0;
};

// real = scale * (code - zero_point), code in [0, 255].
struct AffineU8 {
  float scale = 1;
  int32_t zero_point = 0;
};

enum class RangeMethod {
  kMinMax,      // everything that was seen.
  kPercentile,  // cuts the same share of values off at each end.
  kKl,          // least Kullback-Leibler divergence of the coded values.
  kMse,         // least noise; the ends shrink in steps.
  kSearch,      // the percentile range times a factor, least noise (AMCT).
};
// "min_max", "percentile", "kl", "mse", "search".
std::string_view RangeMethodName(RangeMethod method);
// kInvalidArgument if there is no such method; the message lists them.
StatusOr<RangeMethod> ParseRangeMethod(std::string_view name);

inline constexpr double kMaxClipWeight = 1000;

struct RangeChoiceOptions {
  RangeMethod method = RangeMethod::kMinMax;
  // kPercentile and kSearch: this share of the values, in percent, lies below
  // the upper end, and above the lower one. In [50, 100]; AMCT uses 99.9999.
  double percentile = 99.99;
  // kMse and kKl: an end may be any multiple of 1/steps of what was seen. In
  // [1, 1000].
  int64_t steps = 100;
  // kMse: what the noise of values beyond the ends counts. Rounding errors of
  // successive layers have any sign and add up as squares do; those of clipping
  // all make large values smaller and add up as they are. In
  // [1, kMaxClipWeight].
  double clip_weight = 1;
  // kSearch: factors search_low, search_low + search_step, ..., search_high.
  double search_low = 0.7;    // in [0.01, search_high].
  double search_high = 1.3;   // in [search_low, 10].
  double search_step = 0.01;  // in [0.001, 1].
};

// kMse and kKl try all steps with both ends shrunk alike, then those of one end
// at a time, until neither moves: so a tensor with a short negative side
// (swish) keeps it. kKl measures only ranges of at least 256 bins: with fewer,
// every bin has a code of its own and nothing is compared.
//
// kInvalidArgument if an option is outside its range, if the histogram is
// empty, or with "range = ...: range of width zero" if nothing but 0 would
// remain: all values are 0, or all but the share that the percentile cuts off.
// It is for the caller to decide what such a tensor means.
// Time: at most some 10 ms.
StatusOr<ValueRange> ChooseRange(const Histogram& histogram,
                                 const RangeChoiceOptions& options = {});

// The expected squared error of one value when values are coded as
// QuantParamsOf(range) says, clipping included. Values are taken as spread
// evenly inside their bin; exact zeros cost nothing. With a range that
// QuantParamsOf refuses everything becomes 0, so the mean square is returned.
double QuantizationNoise(const Histogram& histogram, const ValueRange& range);

// scale = (max - min) / 255, zero_point = -min / scale rounded to nearest even:
// both ends move by at most half a step so that 0 is exact. kInvalidArgument
// unless min <= 0 <= max and both are finite, or if the range has width zero
// (or one so narrow that the scale is no normal float).
StatusOr<AffineU8> QuantParamsOf(const ValueRange& range);

}  // namespace cyto8
