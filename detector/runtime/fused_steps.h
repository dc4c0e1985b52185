// SPDX-License-Identifier: Apache-2.0
// The steps of fusion groups. Tested by tests/detector/runtime/fusion_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"
#include "detector/runtime/fusion.h"
#include "detector/runtime/step.h"

namespace cyto8 {

// A step in place of several nodes.
struct FusedStep {
  Step step = {};
  std::vector<ValueRef> src = {};  // what it reads, in place of node inputs.
  // Bytes of results behind those of the node, for other fused steps only: the
  // next ports of the node.
  std::vector<int64_t> hidden_bytes = {};
  // The source whose memory the result takes over.
  std::optional<size_t> overwrites = std::nullopt;
};

struct FusedSteps {
  std::optional<FusedStep> last = {};  // none if that is `depthwise`.
  std::optional<FusedStep> depthwise = {};
};

// kUnimplemented if oneDNN has no fast kernel for it: the nodes shall have
// steps of their own.
StatusOr<FusedSteps> MakeFusedSteps(const Graph& graph,
                                    const FusionGroup& group,
                                    const ByteReaders& readers,
                                    const StepOptions& options);

}  // namespace cyto8
