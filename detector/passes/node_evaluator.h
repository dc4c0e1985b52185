// SPDX-License-Identifier: Apache-2.0
// How passes compute constants without knowing kernels: whoever runs a pass
// hands in the evaluator (detector/runtime/evaluate.h has the real one).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// The outputs of one node whose inputs are the given constants, in order.
// kUnimplemented if the evaluator does not know the operator.
using NodeEvaluator = std::function<StatusOr<std::vector<Tensor>>(
    const Node& node, std::span<const Tensor* const> inputs)>;

}  // namespace cyto8
