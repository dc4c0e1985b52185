// SPDX-License-Identifier: Apache-2.0
// The integers of one INT8 layer from its real weights and ranges. Knows no
// graph. Tested by tests/quant/layer_numbers_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/activation.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/kernels/requantization.h"
#include "quant/weight_rounding.h"

namespace cyto8 {

// The codes that a layer reads, channel by channel: real = scale * (code -
// zero_point). One entry a channel, also where all are the same.
struct SourceCodes {
  std::vector<CodeScale> channels = {};
  std::vector<double> means = {};         // of the real values; empty: unknown.
  std::vector<double> mean_squares = {};  // likewise.
};

// A layer's real weights, [taps][inputs][outputs] as WeightShape says.
struct RealLayer {
  WeightShape shape = {};
  std::span<const float> weights = {};
  std::span<const float> bias = {};  // [outputs], or empty.
  Activation activation = Activation::kNone;
};

// Codes that are added to the result before its activation.
struct Addend {
  CodeScale codes = {};
};

struct LayerNumberOptions {
  bool correct_bias = true;
  bool search_weight_scale = false;
  double clip_weight = 1;  // of the search.
};

struct LayerNumbers {
  RoundedWeights weights = {};         // of real weights times source scales.
  std::vector<ChannelFactor> factors;  // for codes; bias alone for floats.
  std::vector<float> scale = {};       // for floats: real = scale * sum +
  std::vector<float> offset = {};      // offset, sum with the factor's bias.
  RequantizeAttributes requantize = {};
  int64_t addend_multiplier = 0;
  double table_error_codes = 0;
  double weight_sqnr_db = 0;  // signal over rounding noise of the weights.
};

// Results become codes of `dst`: one scale, or one for each output if there is
// no activation and no addend. If sums are too coarse for dst (tiny ranges
// behind large weights), dst grows by powers of two: requantize.dst says what
// became of it (the first output's). kInvalidArgument for weights that are not
// finite.
StatusOr<LayerNumbers> NumbersForCodes(const SourceCodes& src,
                                       const RealLayer& layer,
                                       std::vector<CodeScale> dst,
                                       const std::optional<Addend>& addend,
                                       const LayerNumberOptions& options);

StatusOr<LayerNumbers> NumbersForFloats(const SourceCodes& src,
                                        const RealLayer& layer,
                                        const LayerNumberOptions& options);

// A 1x1 layer behind a gate: weights rounded to 16 bits, real = wei_scale *
// weight; what else depends on the gate is computed for every image.
struct GatedNumbers {
  std::vector<int16_t> weights = {};  // as RealLayer::weights.
  std::vector<float> scale = {};      // [outputs].
  std::vector<float> bias = {};
  RequantizeAttributes requantize = {};
  int64_t addend_multiplier = 0;
  float addend_offset_codes = 0;
};
StatusOr<GatedNumbers> NumbersForGated(const CodeScale& src,
                                       const RealLayer& layer,
                                       const CodeScale& dst,
                                       const std::optional<Addend>& addend);

// A sum of codes: weights [terms][channels].
struct SumNumbers {
  std::vector<int16_t> factors = {};  // start, then each term: [1 + n][C].
  RequantizeAttributes requantize = {};
};
StatusOr<SumNumbers> NumbersForSum(std::span<const CodeScale> terms,
                                   std::span<const float> weights,
                                   int64_t channels, Activation activation,
                                   const CodeScale& dst);

}  // namespace cyto8
