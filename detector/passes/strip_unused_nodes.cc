// SPDX-License-Identifier: Apache-2.0
// Cuts a network out of a graph; see strip_unused_nodes.h.
#include "detector/passes/strip_unused_nodes.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

std::string Quoted(std::string_view field, const std::string& name) {
  return std::string(field) + " \"" + name + "\"";
}

// "name" without a trailing ":0".
std::string WithoutPortZero(std::string name) {
  if (name.size() > 2 && name.ends_with(":0")) name.resize(name.size() - 2);
  return name;
}

StatusOr<int64_t> RequireNode(const Graph& graph, std::string_view field,
                              const std::string& name) {
  const std::optional<int64_t> node = FindNode(graph, name);
  if (!node) return NotFound(Quoted(field, name) + ": no node has this name");
  return *node;
}

StatusOr<ValueRef> FindValue(const Graph& graph, const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t node,
                           RequireNode(graph, "output", text));
    return ValueRef{.node = node, .port = 0};
  }
  CYTO8_ASSIGN_OR_RETURN(const int64_t node,
                         RequireNode(graph, "output", text.substr(0, colon)));
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t port,
      Annotate(ParseInt64(text.substr(colon + 1)), Quoted("output", text)));
  const auto ports = static_cast<int64_t>(
      graph.nodes[static_cast<size_t>(node)].outputs.size());
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckRange("port", port, 0, ports - 1), Quoted("output", text)));
  return ValueRef{.node = node, .port = port};
}

StatusOr<std::vector<GraphOutput>> FindOutputs(
    const Graph& graph, const std::vector<std::string>& names) {
  std::vector<GraphOutput> outputs;
  for (const std::string& name : names) {
    const std::string text = WithoutPortZero(name);
    // A name that the graph already hands out wins: passes may have moved it.
    const auto known = std::find_if(
        graph.outputs.begin(), graph.outputs.end(),
        [&](const GraphOutput& output) { return output.name == text; });
    if (known != graph.outputs.end()) {
      outputs.push_back(*known);
      continue;
    }
    CYTO8_ASSIGN_OR_RETURN(const ValueRef value, FindValue(graph, text));
    outputs.push_back({.name = text, .value = value});
  }
  return outputs;
}

template <typename T>
void Override(T& value, const std::string& name, const std::optional<T>& common,
              const std::map<std::string, T>& by_name) {
  if (common) value = *common;
  const auto own = by_name.find(name);
  if (own != by_name.end()) value = own->second;
}

Status MakeInput(Node& node, const StripOptions& options) {
  if (node.op == Op::kInput) return OkStatus();
  if (node.outputs.size() != 1) {
    return InvalidArgument(Quoted("input", node.name) + ": outputs = " +
                           std::to_string(node.outputs.size()) + ": must be 1");
  }
  TensorDesc desc = node.outputs[0];
  Override(desc.type, node.name, options.type, options.types);
  std::optional<Shape> shape = options.shape;
  const auto own = options.shapes.find(node.name);
  if (own != options.shapes.end()) shape = own->second;
  if (shape) desc.shape = shape;
  node.op = Op::kInput;
  node.source_op = "Placeholder";
  node.inputs.clear();
  node.outputs = {desc};
  node.attributes = InputAttributes{desc};
  return OkStatus();
}

std::set<int64_t> NodesBefore(const Graph& graph) {
  std::set<int64_t> needed;
  std::vector<int64_t> pending;
  for (const GraphOutput& output : graph.outputs) {
    pending.push_back(output.value.node);
  }
  while (!pending.empty()) {
    const int64_t node = pending.back();
    pending.pop_back();
    if (!needed.insert(node).second) continue;
    for (const ValueRef& input :
         graph.nodes[static_cast<size_t>(node)].inputs) {
      pending.push_back(input.node);
    }
  }
  return needed;
}

// RemoveDeadNodes() keeps inputs, so those that nobody wants lose that role.
void DropUnusedInputs(Graph& graph, const std::set<int64_t>& named) {
  const std::set<int64_t> needed = NodesBefore(graph);
  for (const int64_t node : InputNodes(graph)) {
    if (needed.contains(node) || named.contains(node)) continue;
    Node& unused = graph.nodes[static_cast<size_t>(node)];
    unused.op = Op::kOpaque;
    unused.attributes = {};
  }
}

}  // namespace

StatusOr<Graph> StripUnusedNodes(Graph graph, const StripOptions& options) {
  if (!options.outputs.empty()) {
    CYTO8_ASSIGN_OR_RETURN(graph.outputs, FindOutputs(graph, options.outputs));
  }
  std::set<int64_t> named;
  for (const std::string& name : options.inputs) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t node,
                           RequireNode(graph, "input", WithoutPortZero(name)));
    CYTO8_RETURN_IF_ERROR(
        MakeInput(graph.nodes[static_cast<size_t>(node)], options));
    named.insert(node);
  }
  DropUnusedInputs(graph, named);
  return RemoveDeadNodes(std::move(graph));
}

}  // namespace cyto8
