// SPDX-License-Identifier: Apache-2.0
// Fuses activations; see fuse_activations.h.
#include "detector/passes/fuse_activations.h"

#include <utility>

#include "detector/graph/activation_node.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

// True if the convolution could apply an activation to its result.
bool IsBareConvolution(const Node& node) {
  return (node.op == Op::kConv2D || node.op == Op::kDepthwiseConv2D) &&
         node.As<ConvAttributes>().activation == Activation::kNone;
}

void Fuse(Graph& graph, int64_t number, Activation activation) {
  const int64_t layer = graph.nodes[static_cast<size_t>(number)].inputs[0].node;
  const Node& old = graph.nodes[static_cast<size_t>(layer)];
  ConvAttributes attributes = old.As<ConvAttributes>();
  attributes.activation = activation;
  BecomeLayer(graph, number, layer, old.inputs, attributes);
}

}  // namespace

StatusOr<Graph> FuseActivations(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  const Uses uses(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const std::optional<Activation> activation = ActivationOf(node);
    if (activation && IsBareConvolution(graph.node(node.inputs[0])) &&
        uses.Single(node.inputs[0])) {
      Fuse(graph, static_cast<int64_t>(i), *activation);
    }
  }
  return RemoveDeadNodes(std::move(graph));
}

}  // namespace cyto8
