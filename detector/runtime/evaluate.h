// SPDX-License-Identifier: Apache-2.0
// One node on constant inputs, by the naive kernels: the evaluator that
// constant folding is given. Tested by tests/detector/runtime/evaluate_test.cc.
#pragma once

#include <span>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// The outputs of `node`, whose inputs are `inputs` in order. kUnimplemented for
// kInput and kOpaque; kInvalidArgument if shapes or types do not fit the
// operator or an output would exceed the limits.
StatusOr<std::vector<Tensor>> EvaluateNode(
    const Node& node, std::span<const Tensor* const> inputs,
    const Limits& limits = {});

}  // namespace cyto8
