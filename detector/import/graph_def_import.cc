// SPDX-License-Identifier: Apache-2.0
// The steps of an import, in order; see graph_def_import.h.
#include "detector/import/graph_def_import.h"

#include <utility>

#include "detector/import/function_inlining.h"
#include "detector/import/graph_def_parse.h"
#include "detector/import/node_conversion.h"

namespace cyto8 {
namespace {

StatusOr<Graph> BuildGraph(const tf::GraphDef& graph_def, size_t file_bytes,
                           const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(FlatGraph flat, InlineFunctions(graph_def, limits));
  if (flat.outputs.empty()) {
    return InvalidArgument(
        "graph has no output: every node is read by another or is a constant, "
        "a placeholder or without result");
  }
  CYTO8_ASSIGN_OR_RETURN(
      Graph graph,
      ConvertNodes(std::move(flat), static_cast<int64_t>(file_bytes), limits));
  CYTO8_ASSIGN_OR_RETURN(graph, SortTopologically(std::move(graph)));
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  return graph;
}

}  // namespace

StatusOr<ImportedGraph> ImportGraphDef(std::span<const std::byte> bytes,
                                       const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const tf::GraphDef graph_def,
                         ParseGraphDef(bytes, limits));
  ImportedGraph imported;
  CYTO8_ASSIGN_OR_RETURN(
      imported.source,
      DescribeSource(graph_def, DetectGraphDefFormat(bytes), limits));
  CYTO8_ASSIGN_OR_RETURN(imported.graph,
                         BuildGraph(graph_def, bytes.size(), limits));
  return imported;
}

}  // namespace cyto8
