// SPDX-License-Identifier: Apache-2.0
// Types and shapes of every value of a graph from those of its inputs, and the
// one place that resolves padding rules. Constants are never computed here.
// Tested by tests/detector/graph/shape_inference_test.cc.
#pragma once

#include <map>
#include <string>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Padding in pixels and the output side along one axis. SAME: out =
// ceil(in / stride), total = max((out - 1) * stride + k - in, 0) with
// k = (kernel - 1) * dilation + 1, before = total / 2 rounded down
// (TensorFlow).
struct WindowGeometry {
  int64_t out = 0;
  int64_t before = 0;
  int64_t after = 0;
};
StatusOr<WindowGeometry> ResolveWindow(int64_t in, int64_t kernel,
                                       int64_t stride, int64_t dilation,
                                       PaddingKind kind, int64_t before,
                                       int64_t after);

// Declares the shapes of inputs, by node name; kInvalidArgument for an unknown
// name or a shape that contradicts the declared one.
StatusOr<Graph> BindInputShapes(Graph graph,
                                const std::map<std::string, Shape>& shapes);

// Fills Node::outputs in topological order. Where an input that must be
// constant is not, or a dimension is unknown, the result is partly unknown; a
// contradiction (wrong rank, sides, channel counts, sizes over the limits) is
// an error that names the node.
StatusOr<Graph> InferShapes(Graph graph, const Limits& limits = {});
Status InferNode(Graph& graph, int64_t node, const Limits& limits);

}  // namespace cyto8
