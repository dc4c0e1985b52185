// SPDX-License-Identifier: Apache-2.0
// Makes batch norms, biases and other per-channel arithmetic behind a layer
// part of that layer. Exact but for rounding. Tested by
// tests/detector/passes/fold_batch_norms_test.cc.
#pragma once

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// The idea: a convolution is linear in each output channel, so y = s * x + t
// with one s and t per channel can move into it: kernel' = s * kernel, bias' =
// s * bias + t. This holds *behind* a layer for any padding (in front of one
// it would not: padding adds zeros, not t), and for chains of such operators.
//
// The chain starts at a Conv2D, DepthwiseConv2D or MatMul without activation
// whose kernel (and bias, if any) is constant, and takes in, as long as each
// value is read by one node only and is no graph output:
//   BiasAdd; BatchNorm; Add, Mul (either order), Sub (either order), Div by a
//   constant that is a scalar or one number per channel; Identity.
// So BatchNorm behind BiasAdd folds, and batch norms in pieces (Mul-Add,
// Sub-Div-Mul-Add). Behind a separable convolution everything lands in the
// pointwise half, because that is the layer right in front.
//
// Arithmetic is double; the result is rounded to float once. The new layer
// keeps the name of the old one and gets own constants, so shared kernels need
// not be copied beforehand; a kernel that no factor touches stays shared. A
// MatMul has no bias: a BiasAdd remains behind it.
//
// What cannot fold stays as it is: a batch norm behind something else or
// behind a value with several readers, constants that vary over the image,
// factors or offsets that are not finite.
StatusOr<Graph> FoldBatchNorms(Graph graph);

}  // namespace cyto8
