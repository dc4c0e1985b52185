// SPDX-License-Identifier: Apache-2.0
// The chain of passes; see network.h.
#include "app/network.h"

#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/passes/passes.h"
#include "detector/passes/recognize_upsampling.h"
#include "detector/passes/reshape_network.h"
#include "detector/passes/strip_unused_nodes.h"
#include "detector/runtime/evaluate.h"

namespace cyto8 {
namespace {

StatusOr<Graph> CutOut(Graph imported, const NetworkCut& cut) {
  StripOptions strip;
  strip.outputs = cut.outputs;
  std::map<std::string, Shape> shapes;
  for (const auto& [name, desc] : cut.inputs) {
    strip.inputs.push_back(name);
    strip.types[name] = desc.type;
    strip.shapes[name] = shapes[name] = desc.shape.value_or(Shape{});
  }
  CYTO8_ASSIGN_OR_RETURN(Graph graph,
                         StripUnusedNodes(std::move(imported), strip));
  CYTO8_RETURN_IF_ERROR(CheckSupported(graph));
  return BindInputShapes(std::move(graph), shapes);
}

}  // namespace

StatusOr<Graph> PrepareNetwork(Graph imported, const NetworkCut& cut,
                               Rewriting rewriting, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Graph graph, CutOut(std::move(imported), cut));
  TransformContext context;
  context.limits = limits;
  context.evaluator = [&limits](const Node& node,
                                std::span<const Tensor* const> inputs) {
    return EvaluateNode(node, inputs, limits);
  };
  const std::string_view chain =
      rewriting == Rewriting::kAll ? kInferenceTransforms : kPlainTransforms;
  CYTO8_ASSIGN_OR_RETURN(graph,
                         ApplyTransforms(std::move(graph), chain, context));
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  return graph;
}

StatusOr<Graph> NetworkForSize(Graph prepared, int64_t height_px,
                               int64_t width_px, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(
      Graph graph,
      ReshapeNetwork(std::move(prepared), height_px, width_px, limits));
  // A resize from 3 to 5 px that is one from 4 to 8 now.
  CYTO8_ASSIGN_OR_RETURN(graph, RecognizeUpsampling(std::move(graph)));
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  return graph;
}

}  // namespace cyto8
