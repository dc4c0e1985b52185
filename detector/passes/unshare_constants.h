// SPDX-License-Identifier: Apache-2.0
// Gives each layer its own constant node: tools that rewrite constants in place
// need it (the heads of an EfficientDet share theirs between levels). The
// values stay shared in memory. Tested by
// tests/detector/passes/unshare_constants_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// A constant that feeds several Conv2D, DepthwiseConv2D, BiasAdd or MatMul gets
// one copy per such reader: the first keeps the name, then name_2, name_3, ...
// Readers of other kinds keep the original.
StatusOr<Graph> UnshareConstants(Graph graph);

}  // namespace cyto8
