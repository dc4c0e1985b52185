// SPDX-License-Identifier: Apache-2.0
// Finds squeeze-and-excitation blocks and makes each one operator. Tested by
// tests/detector/passes/recognize_squeeze_excite_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// x -> mean over height and width -> 1x1 Conv2D (+ bias) -> activation ->
// 1x1 Conv2D (+ bias) -> Sigmoid -> times x (either order) -> SqueezeExcite.
// The mean is a Mean with or without kept dimensions (then Reshape, ExpandDims
// to [N,1,1,C]) or an AvgPool over the whole map. A missing bias becomes zeros.
// Left alone: kernels that are not constant, activations that a convolution
// could not apply (Mish), inner values that somebody else reads.
//
// Comes after FoldBatchNorms (biases are inputs of the convolutions) and
// RecognizeSwish, before FuseActivations.
StatusOr<Graph> RecognizeSqueezeExcite(Graph graph);

}  // namespace cyto8
