// SPDX-License-Identifier: Apache-2.0
// Finds activations that are spelled out as several operators: Swish, HardSwish
// and Mish. Tested by tests/detector/passes/recognize_swish_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// x * sigmoid(x)                       -> Swish
// x * sigmoid(beta * x)                -> Swish, beta being a scalar constant
// x * relu6(x + 3) / 6                 -> HardSwish
// x * tanh(softplus(x))                -> Mish
// The operands of Mul and Add may stand in either order; the sixth may be a
// division by 6 or a factor 1/6 on the product or on one of its operands. The
// IdentityN around the first two must be gone (RemoveNodes), constants folded.
// Left alone: a beta per channel, inner values that somebody else reads, and
// the smooth ReLU ("srelu"), whose parts are ordinary operators.
StatusOr<Graph> RecognizeSwish(Graph graph);

}  // namespace cyto8
