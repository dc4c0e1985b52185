// SPDX-License-Identifier: Apache-2.0
// The text of a summary; see summary_text.h.
#include "app/summary_text.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "app/network.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/graph/shape_inference.h"
#include "detector/graph/summary.h"
#include "detector/import/graph_def_import.h"
#include "detector/passes/fold_constants.h"
#include "detector/passes/strip_unused_nodes.h"
#include "detector/runtime/evaluate.h"

namespace cyto8 {
namespace {

std::string SourceText(const GraphSource& source) {
  std::string text =
      fmt::format("file: GraphDef, {}, {} nodes, {} control edges\n",
                  source.format == GraphDefFormat::kBinary ? "binary" : "text",
                  source.node_count, source.control_edge_count);
  if (source.producer_version) {
    text += fmt::format("producer version: {}\n", *source.producer_version);
  }
  for (const auto& [device, count] : source.nodes_per_device) {
    text += fmt::format("device {}: {} nodes\n",
                        device.empty() ? "(none)" : device, count);
  }
  text += fmt::format("variables: {}\n", source.variables.size());
  for (const VariableSource& variable : source.variables) {
    text += fmt::format("  {} ({})\n", variable.name, variable.op);
  }
  text += fmt::format("functions: {}\n", source.functions.size());
  for (const FunctionSource& function : source.functions) {
    text += fmt::format("  {}\n", function.name);
  }
  return text;
}

// Counts of the file, function bodies included, falling.
std::string OpCountsText(const GraphSource& source) {
  std::map<std::string, int64_t> counts = source.op_counts;
  for (const FunctionSource& function : source.functions) {
    for (const auto& [op, count] : function.op_counts) counts[op] += count;
  }
  std::multimap<int64_t, std::string, std::greater<>> falling;
  for (const auto& [op, count] : counts) falling.emplace(count, op);
  std::string text = "operators:\n";
  for (const auto& [count, op] : falling) {
    text += fmt::format("  {:>6}  {}\n", count, op);
  }
  return text;
}

std::string PortText(const char* kind, const PortSummary& port) {
  return fmt::format(
      "{}: {} {} {}\n", kind, port.name, DataTypeName(port.desc.type),
      port.desc.shape ? ShapeToString(*port.desc.shape) : "unknown shape");
}

std::string LayerText(const LayerSummary& layer) {
  return fmt::format(
      "  {}  {}  kernel {}  output {}  parameters {}{}  multiply-adds {}\n",
      layer.name, OpName(layer.op), ShapeToString(layer.kernel),
      layer.output ? ShapeToString(*layer.output) : "unknown", layer.parameters,
      layer.shares_kernel ? " (shared)" : "",
      layer.multiply_adds ? std::to_string(*layer.multiply_adds) : "unknown");
}

std::string NetworkText(const GraphSummary& summary) {
  std::string text;
  for (const PortSummary& port : summary.inputs) {
    text += PortText("input", port);
  }
  for (const PortSummary& port : summary.outputs) {
    text += PortText("output", port);
  }
  text += "layers:\n";
  for (const LayerSummary& layer : summary.layers) text += LayerText(layer);
  return text +
         fmt::format(
             "number of layers: {}\nparameters: {}\nbatch-norm statistics: {}\n"
             "values in constants: {}\nmultiply-adds: {} ({:.2f} G)\n"
             "layers of unknown size: {}\n",
             summary.layers.size(), summary.parameters, summary.statistics,
             summary.constant_values, summary.multiply_adds,
             static_cast<double>(summary.multiply_adds) * 1e-9,
             summary.unsized_layers);
}

// The network of an EfficientDet export, else everything that the outputs need.
StatusOr<Graph> NetworkOf(Graph imported,
                          const StatusOr<ExportLayout>& layout) {
  StripOptions strip;
  if (layout.ok()) {
    const std::string& input = layout->network_input.name;
    strip.inputs = {input};
    strip.types[input] = DataType::kFloat32;
    Shape shape = {layout->batch, kUnknownDim, kUnknownDim, 3};
    if (const auto& known = imported.desc(layout->network_input.value).shape) {
      shape = *known;
    }
    if (layout->serving_input) {
      shape[1] = layout->serving_input->preprocessor.height_px;
      shape[2] = layout->serving_input->preprocessor.width_px;
    }
    strip.shapes[input] = shape;
    for (const GraphOutput& output : HeadOutputs(*layout)) {
      strip.outputs.push_back(output.name);
    }
  }
  return StripUnusedNodes(std::move(imported), strip);
}

}  // namespace

StatusOr<std::string> SummaryText(std::span<const std::byte> model,
                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported, ImportGraphDef(model, limits));
  std::string text =
      SourceText(imported.source) + OpCountsText(imported.source);
  const StatusOr<ExportLayout> layout = FindExportLayout(imported.graph);
  text +=
      layout.ok()
          ? DescribeExportLayout(*layout)
          : "not an EfficientDet export: " + layout.status().message() + "\n";
  CYTO8_ASSIGN_OR_RETURN(Graph network,
                         NetworkOf(std::move(imported.graph), layout));
  CYTO8_ASSIGN_OR_RETURN(network, InferShapes(std::move(network), limits));
  return text + NetworkText(Summarize(network));
}

}  // namespace cyto8
