// SPDX-License-Identifier: Apache-2.0
// Which nodes of a prepared FP32 network become one INT8 operator, and which
// values exist between them. Tested by tests/quant/quantize_graph_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "base/activation.h"
#include "detector/graph/graph.h"

namespace cyto8 {

inline constexpr int64_t kNoUnitNode = -1;

enum class UnitKind {
  kConv,       // [normalize|gate ->] convolution [+ addend] [-> activation].
  kDepthwise,  // depthwise convolution [-> activation].
  kSum,        // [resize, each ->] weighted or plain sum [-> activation].
  kCodes,      // max-pool or nearest up-sampling: codes stay what they are.
};

struct LayerUnit {
  UnitKind kind = UnitKind::kConv;
  int64_t main = kNoUnitNode;
  int64_t last = kNoUnitNode;       // whose value comes out.
  int64_t normalize = kNoUnitNode;  // pixels in front of a convolution.
  int64_t gate = kNoUnitNode;       // squeeze-and-excitation in front of it.
  int64_t add = kNoUnitNode;
  ValueRef addend = {};
  Activation activation = Activation::kNone;
  // kSum: per term the node that resizes it, or kNoUnitNode.
  std::vector<int64_t> resizers = {};
  // kDepthwise: the 1x1 convolution that alone reads it, with nothing between;
  // each channel has a scale of its own then.
  int64_t separable = kNoUnitNode;
  bool is_output = false;  // of the graph: results stay float.
};

struct LayerUnits {
  std::vector<LayerUnit> units = {};  // by rising `last`.
  // By node: the number of its unit if it is the unit's last; else -1.
  std::vector<int64_t> unit_of = {};
  std::vector<bool> absorbed = {};  // by node: inside of a unit, or unneeded.
};

// `graph` is inferred, of static shape, without dead nodes. Convolutions whose
// weights are not constant, activations without a table, and nodes of other
// kinds belong to no unit: they stay float. `excluded` nodes do, too.
LayerUnits FindLayerUnits(const Graph& graph,
                          const std::vector<bool>& excluded);

// The float values whose range an INT8 graph needs: results of units and of
// nodes of no unit that a unit reads, and the normalized pixels.
std::vector<ValueRef> ValuesToObserve(const Graph& graph,
                                      const LayerUnits& units);

}  // namespace cyto8
