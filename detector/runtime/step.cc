// SPDX-License-Identifier: Apache-2.0
// The way from a node to its maker; see step.h.
#include "detector/runtime/step.h"

#include <algorithm>
#include <array>
#include <string>

#include "detector/runtime/step_context.h"

namespace cyto8 {
namespace {

StatusOr<Step> MakeUnnamed(const Graph& graph, int64_t node,
                           const StepOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, node, options));
  constexpr std::array kMakers = {&MakeWindowStep,        &MakeElementwiseStep,
                                  &MakeDataStep,          &MakeReductionStep,
                                  &MakeQuantizedConvStep, &MakeQuantizedStep};
  for (const auto& make : kMakers) {
    CYTO8_ASSIGN_OR_RETURN(const Step step, make(context));
    if (step.bind) return step;
  }
  return Unimplemented("cannot be run");
}

}  // namespace

StatusOr<Step> MakeStep(const Graph& graph, int64_t node,
                        const StepOptions& options) {
  return Annotate(MakeUnnamed(graph, node, options),
                  NodeLabel(graph.nodes[static_cast<size_t>(node)]));
}

Step CopyStep() {
  return StepThat({0}, [](const StepBuffers& b) {
    std::ranges::copy(b.src[0], b.dst[0].begin());
    return OkStatus();
  });
}

std::string NodeLabel(const Node& node) {
  return "node \"" + node.name + "\" (" + std::string(OpName(node.op)) + ")";
}

bool OnlyRenames(Op op) {
  return op == Op::kIdentity || op == Op::kReshape || op == Op::kSqueeze ||
         op == Op::kExpandDims;
}

}  // namespace cyto8
