// SPDX-License-Identifier: Apache-2.0
// Makes an activation part of the convolution in front of it. Tested by
// tests/detector/passes/fuse_activations_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Relu, Relu6, Sigmoid, Swish (beta 1) or HardSwish behind a Conv2D or
// DepthwiseConv2D that has no activation yet, whose result nobody else reads
// and that is no graph output. The convolution keeps its name. Comes last:
// FoldBatchNorms and RecognizeSqueezeExcite look for bare convolutions.
StatusOr<Graph> FuseActivations(Graph graph);

}  // namespace cyto8
