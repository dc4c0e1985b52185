// SPDX-License-Identifier: Apache-2.0
// The two ends of a serving export, recognised by structure; the parts of
// FindExportLayout(). Tested by
// tests/detector/efficientdet/export_layout_test.cc.
#pragma once

#include <memory>
#include <optional>

#include "base/status.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// True if image files or 8-bit pixels are turned into the network's input by
// the graph itself.
bool IsServingInput(const Graph& graph, ValueRef network_input);

StatusOr<ServingInput> FindServingInput(const Graph& graph,
                                        ValueRef network_input);

// How many images the graph stacks; kUnknownDim for any number.
int64_t ServingBatch(const Graph& graph, ValueRef network_input);

// Unset if the graph has no suppression operator.
StatusOr<std::optional<ServingDetections>> FindServingDetections(
    const Graph& graph);

// The anchors [N, 4] from which `table` is computed: the float constant, or put
// together from the constants that folding made of it; null if there are none.
std::shared_ptr<const Tensor> FindAnchorConstant(const Graph& graph,
                                                 ValueRef table);

}  // namespace cyto8
