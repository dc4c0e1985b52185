// SPDX-License-Identifier: Apache-2.0
// How far the values of an INT8 network are from those of the FP32 network that
// it was made from, result by result. Tested by
// tests/quant/layer_report_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/runtime/compiled_model.h"
#include "quant/quantize_graph.h"
#include "quant/range_choice.h"

namespace cyto8 {

// Sums over all values of one result on all tiles.
struct LayerError {
  int64_t values = 0;
  double signal = 0;     // squares of the FP32 values.
  double noise = 0;      // squares of the differences.
  double max_error = 0;  // the largest difference.
  double fp32_min = 0;
  double fp32_max = 0;
  // FP32 values more than half a step outside of `range`.
  int64_t saturated = 0;
  std::optional<ValueRange> range = {};  // what codes can say; none for floats.

  // 10 log10(signal / noise); none if one of them is 0.
  std::optional<double> sqnr_db() const;
};

// How the bytes of one INT8 result are read.
struct ResultCodes {
  bool are_floats = false;
  QuantParams params = {};  // of codes.
};

// The results of `quantized` whose values stand for those of the FP32 node of
// the same name: codes with one scale, and floats. Left out: codes with a scale
// for each channel, which the graph does not hold, gates, and conversions
// between codes and floats.
std::map<std::string, ResultCodes> ComparableResults(
    const QuantizedGraph& quantized);

// Adds one tile. kInvalidArgument if sizes differ or a value is not finite.
Status CompareResult(std::span<const std::byte> int8, const ResultCodes& codes,
                     std::span<const float> fp32, LayerError& error);

// Both networks on one tile after the other. Holds every INT8 result of a tile,
// about a byte for each value of the network. Not thread-safe.
class LayerComparison {
 public:
  // `fp32` as QuantizeGraph took it; both have one input, of 8-bit pixels.
  static StatusOr<LayerComparison> Create(const Graph& fp32,
                                          const QuantizedGraph& quantized,
                                          const CompileOptions& compile);

  // kInvalidArgument if `pixels` are not as many as the networks' input.
  Status Observe(std::span<const uint8_t> pixels, ParallelFor& executor);

  // By name of the result; those that both networks have.
  const std::map<std::string, LayerError>& errors() const { return errors_; }

 private:
  LayerComparison(std::map<std::string, ResultCodes> codes, InferRequest fp32,
                  InferRequest int8)
      : codes_(std::move(codes)),
        fp32_(std::move(fp32)),
        int8_(std::move(int8)) {}

  std::map<std::string, ResultCodes> codes_;
  InferRequest fp32_;
  InferRequest int8_;
  std::map<std::string, std::vector<std::byte>> results_;  // of one tile.
  std::map<std::string, LayerError> errors_;
};

}  // namespace cyto8
