// SPDX-License-Identifier: Apache-2.0
// Types and shapes of the INT8 operators; part of shape_inference.cc. Whether
// packed weights have the right size is for the step to say, which knows their
// order. Tested by tests/detector/graph/quantized_shapes_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Sets node.outputs of an INT8 operator (kQuantize ... kQuantizedWeightedSum).
// kInvalidArgument if inputs or attributes do not fit; messages name them.
Status InferQuantizedShapes(const Graph& graph, Node& node);

}  // namespace cyto8
