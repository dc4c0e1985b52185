// SPDX-License-Identifier: Apache-2.0
// The diagnosis of an INT8 network as rows: a row a step, with what it errs by
// and what it costs. Pure: who runs and who measures is elsewhere. Tested by
// tests/quant/layer_report_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detector/graph/graph.h"
#include "quant/layer_comparison.h"
#include "quant/quantize_graph.h"

namespace cyto8 {

// One network, one tile, one thread.
struct NetworkTimes {
  struct Step {
    std::string node = {};  // as InferRequest::Observer is told.
    double ms = 0;
  };
  std::vector<Step> steps = {};  // in the order in which they run.
  double whole_ms = 0;           // measured without looking at steps.

  double sum_ms() const;
  // Of the whole, what the steps add up to; 0 if the whole took no time.
  double share() const;
};

struct LayerRow {
  std::string name = {};  // of the result.
  // As QuantizedLayer; for others the operator's name; of FP32 steps that are
  // no part of the INT8 network with " (FP32 only)" behind.
  std::string kind = {};
  std::optional<LayerError> error = {};
  // Of the step that ends in this layer; of FP32 also of steps before it whose
  // work the INT8 network does here.
  std::optional<double> int8_ms = {};
  std::optional<double> fp32_ms = {};
  // The row at which all times of this layer are complete: itself, or one
  // behind it, if a step of one of the networks computes both.
  std::string time_layer = {};
  // FP32 time over INT8 time of all rows whose time_layer this is.
  std::optional<double> speedup = {};
};

struct LayerReport {
  // Layers and steps of the INT8 network in its order; then what FP32 alone
  // has.
  std::vector<LayerRow> rows = {};
  NetworkTimes int8 = {};
  NetworkTimes fp32 = {};
  int64_t tiles = 0;  // that errors are of.
  int64_t runs = 0;   // that times are of.
};

// `fp32` as QuantizeGraph took it; `errors` by name. Sums of the rows' times
// are those of the steps.
LayerReport MakeLayerReport(const Graph& fp32, const QuantizedGraph& quantized,
                            const std::map<std::string, LayerError>& errors,
                            NetworkTimes fp32_times, NetworkTimes int8_times);

}  // namespace cyto8
