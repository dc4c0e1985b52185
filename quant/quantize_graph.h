// SPDX-License-Identifier: Apache-2.0
// From a prepared FP32 network and what was observed of its values to an INT8
// one: graph in, graph out. Names of results stay. Tested by
// tests/quant/quantize_graph_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "quant/range_choice.h"
#include "quant/range_observer.h"

namespace cyto8 {

// What calibration saw, by ValueName().
using Calibration = std::map<std::string, ObservedValues>;

struct QuantizeOptions {
  // How a tensor's range is chosen; kMinMax unless a name is below. The
  // clip_weight of either holds where at least 8 layers follow, else it is 1.
  RangeChoiceOptions range = {};
  std::map<std::string, RangeChoiceOptions> range_of = {};
  bool equalize = true;      // depthwise -> pointwise, exactly.
  bool correct_bias = true;  // for the rounding of weights.
  // Of the weights' scales; their clipping counts as range.clip_weight says.
  bool search_weights = false;
  // Node names and operator names that stay float. One that matches nothing is
  // an error.
  std::vector<std::string> excluded_nodes = {};
  std::vector<std::string> excluded_ops = {};
};

// One INT8 operator, for people.
struct QuantizedLayer {
  std::string name = {};  // of its result.
  std::string kind = {};  // "conv", "gated conv", "depthwise", "sum", ...
  ValueRange range = {};  // of the result; empty for float results.
  RangeMethod method = RangeMethod::kMinMax;
  double table_error_codes = 0;
  double weight_sqnr_db = 0;
  double alpha = 0;  // of the equalisation, if `equalized`.
  bool equalized = false;
};

struct QuantizedGraph {
  Graph graph = {};  // inferred.
  std::vector<QuantizedLayer> layers = {};
  std::vector<std::string> float_nodes = {};  // 'name (operator)'; what stayed.
};

// The names of the values to observe: outputs of `graph`'s nodes.
StatusOr<std::vector<ValueRef>> ValuesToCalibrate(
    const Graph& graph, const QuantizeOptions& options);

// `graph` is inferred, of static shape, without dead nodes. kInvalidArgument,
// naming the node, if a value was not observed, has a range of width zero, or
// weights are not finite.
StatusOr<QuantizedGraph> QuantizeGraph(const Graph& graph,
                                       const Calibration& calibration,
                                       const QuantizeOptions& options,
                                       const Limits& limits = {});

}  // namespace cyto8
