// SPDX-License-Identifier: Apache-2.0
// What a graph consists of: ports, operator counts, layers, parameters,
// multiply-adds. Reads shapes as they are noted in the graph, so InferShapes
// comes first. Tested by tests/detector/graph/summary_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detector/graph/graph.h"

namespace cyto8 {

struct PortSummary {
  std::string name;
  TensorDesc desc;
};

struct OpCount {
  std::string op;  // the operator's name in the model file.
  int64_t count = 0;
};

// A Conv2D, DepthwiseConv2D, MatMul or (after the passes) SqueezeExcite.
struct LayerSummary {
  std::string name;
  Op op = Op::kConv2D;
  Shape kernel = {};                           // empty if it is no constant.
  std::optional<Shape> output = std::nullopt;  // as far as known.
  // Kernel and bias, and biases, gamma, beta and per-channel factors in the
  // chain of per-channel operators right behind. A constant that several
  // layers read is listed in each of them and counted once in the total.
  int64_t parameters = 0;
  bool shares_kernel = false;  // an earlier layer reads the same kernel.
  // An unknown batch counts as one image; none if another side is unknown.
  std::optional<int64_t> multiply_adds = std::nullopt;
};

struct GraphSummary {
  std::vector<PortSummary> inputs;
  std::vector<PortSummary> outputs;
  std::vector<OpCount> op_counts;  // falling; equal counts by name.
  std::vector<LayerSummary> layers;
  // Trainable: kernels, biases, gamma, beta, fusion weights.
  int64_t parameters = 0;
  int64_t statistics = 0;       // means and variances of batch norms.
  int64_t constant_values = 0;  // of all constants, those above included.
  int64_t multiply_adds = 0;    // of all layers of known size.
  int64_t unsized_layers = 0;   // layers whose size is not known.
};

// Which constants are parameters is decided by who reads them, through any
// number of Identity nodes, never by name:
// - kernels and biases of Conv2D, DepthwiseConv2D, MatMul, BiasAdd and of the
//   fused operators; gamma and beta of a BatchNorm (its mean and variance are
//   the statistics);
// - fusion weights: constants read by Relu (fastattn) or, through Pack, by
//   Softmax (attn), and, once another tool has folded those, the constant
//   factors in a sum all of whose terms have one, and those of a Pack;
// - batch norms in pieces: constants of more than one value in Add, Sub, Mul or
//   Div behind a layer with nothing but such operators between. What was a mean
//   there cannot be told from a beta and counts as a parameter.
// So the beta of a swish, epsilons, shapes and axes do not count. A tensor
// shared by several constants or readers counts once. The graph must be in
// topological order (ValidateGraph).
GraphSummary Summarize(const Graph& graph);

}  // namespace cyto8
