// SPDX-License-Identifier: Apache-2.0
// Computes what does not depend on the image: constant sub-graphs, shapes that
// are known. Knows no kernels (see node_evaluator.h). Tested by
// tests/detector/passes/fold_constants_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/passes/node_evaluator.h"

namespace cyto8 {

// A node that makes something large out of something small (Fill, Tile) is
// cheaper to run than to store. It is left alone if its result has both more
// bytes than kMaxFoldedBytes and more than kMaxFoldedGrowth times its inputs.
inline constexpr int64_t kMaxFoldedBytes = int64_t{1} << 20;
inline constexpr int64_t kMaxFoldedGrowth = 8;

struct FoldConstantsOptions {
  // Operators (as in the model file or as in the graph) and node names that
  // stay.
  std::vector<std::string> exclude_ops;
  std::vector<std::string> exclude_nodes;
  Limits limits;
};

// Infers shapes on the way, so that Shape of a known shape becomes a constant
// and may be computed with. Readers of an Identity of a constant read the
// constant itself. What the evaluator does not know (kUnimplemented) stays; its
// other errors and contradictory shapes are returned and name the node.
StatusOr<Graph> FoldConstants(Graph graph, const NodeEvaluator& evaluator,
                              const FoldConstantsOptions& options = {});

}  // namespace cyto8
