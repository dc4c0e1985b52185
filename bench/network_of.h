// SPDX-License-Identifier: Apache-2.0
// The network that `score` would run, and its convolutions. Shared by
// bench/network_benchmark.cc and bench/int8_network_benchmark.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

// `model` as for `score --model`: a card or a .cy8. Inferred.
StatusOr<Graph> NetworkOf(const std::string& model);

// Raw network inputs, one after the other; none for an empty path.
StatusOr<std::vector<uint8_t>> ReadTiles(const std::string& path);

// Convolutions of one shape.
struct ConvolutionKind {
  Conv2dShape shape;
  bool depthwise = false;
  std::string text;                 // "96x96 48->288 1x1 s1 swish".
  std::vector<std::string> labels;  // NodeLabel() of each.
  // Of each, the node whose result the INT8 network gives out for it.
  std::vector<std::string> results;

  double Count() const { return static_cast<double>(labels.size()); }
  double Macs() const;  // multiply-adds of one of them.
};

// In the order in which the graph first has them.
StatusOr<std::vector<ConvolutionKind>> ConvolutionKindsOf(const Graph& graph);

}  // namespace cyto8
