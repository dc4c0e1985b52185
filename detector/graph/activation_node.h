// SPDX-License-Identifier: Apache-2.0
// Which nodes are activations that a kernel can apply to its own result. Tested
// through tests/detector/passes/rewrite_test.cc.
#pragma once

#include <optional>

#include "base/activation.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// None for other operators, and for a swish with a beta other than 1.
std::optional<Activation> ActivationOf(const Node& node);

}  // namespace cyto8
