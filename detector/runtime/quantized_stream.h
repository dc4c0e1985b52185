// SPDX-License-Identifier: Apache-2.0
// A 1x1 convolution of codes and the depthwise one that alone reads it as one
// step: some rows are made, used while they are in the cache, and forgotten.
// Tested by tests/detector/runtime/quantized_steps_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"
#include "detector/runtime/fused_steps.h"

namespace cyto8 {

struct QuantizedStream {
  int64_t expand = -1;  // node numbers.
  int64_t depthwise = -1;
};

// Those of an inferred graph whose map between the two is large enough
// (StepOptions::min_streamed_bytes).
std::vector<QuantizedStream> FindQuantizedStreams(const Graph& graph,
                                                  const StepOptions& options);

// In place of the depthwise node's step.
StatusOr<FusedStep> MakeQuantizedStream(const Graph& graph,
                                        const QuantizedStream& stream,
                                        const StepOptions& options);

}  // namespace cyto8
