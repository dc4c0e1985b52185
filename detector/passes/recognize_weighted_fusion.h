// SPDX-License-Identifier: Apache-2.0
// Finds the feature fusion of a BiFPN in all its spellings and makes each node
// one WeightedSum. Tested by
// tests/detector/passes/recognize_weighted_fusion_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Once constants are folded, the fusion kinds of EfficientDet look like this:
//   sum               AddN(x_0, x_1, ...), or a chain of Add
//   fastattn          the same with Mul and Div by scalars on each term
//   channel_fastattn  the same with one number per channel
//   attn              Sum(Pack(x..., axis -1) * [n], axis -1)
//   channel_attn      the same with [C,n]
// Each becomes WeightedSum(x_0, ..., weights) with weights [n], or [n,C] if any
// of them differs between channels. The factors of a term are multiplied in
// double and rounded to float once.
//
// All x must be float and of one static shape, that of the result. A sum of two
// bare terms is an Add, in whichever spelling it came: the residual connections
// of the backbone are such sums too, and nothing tells them from a fusion of
// kind "sum". Inner values that somebody else reads end the chain: they are
// terms themselves.
StatusOr<Graph> RecognizeWeightedFusion(Graph graph);

}  // namespace cyto8
