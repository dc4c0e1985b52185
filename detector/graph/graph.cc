// SPDX-License-Identifier: Apache-2.0
// The graph and its bookkeeping; see graph.h. Validation is in validate.cc.
#include "detector/graph/graph.h"

#include <algorithm>
#include <queue>
#include <set>
#include <utility>

namespace cyto8 {
namespace {

size_t Index(int64_t i) { return static_cast<size_t>(i); }

int64_t NodeCount(const Graph& graph) {
  return static_cast<int64_t>(graph.nodes.size());
}

// The nodes in `order`, renumbered; every reference must stay within them.
Graph Renumbered(Graph graph, const std::vector<int64_t>& order) {
  std::vector<int64_t> position(graph.nodes.size(), -1);
  for (size_t i = 0; i < order.size(); ++i) {
    position[Index(order[i])] = static_cast<int64_t>(i);
  }
  Graph result;
  result.nodes.reserve(order.size());
  for (const int64_t old : order) {
    Node node = std::move(graph.nodes[Index(old)]);
    for (ValueRef& input : node.inputs)
      input.node = position[Index(input.node)];
    result.nodes.push_back(std::move(node));
  }
  for (GraphOutput& output : graph.outputs) {
    output.value.node = position[Index(output.value.node)];
    result.outputs.push_back(std::move(output));
  }
  return result;
}

// Names of the nodes that a topological order could not place, at most five.
Status CycleError(const Graph& graph, const std::vector<int64_t>& missing) {
  constexpr size_t kMaxNames = 5;
  std::string names;
  size_t count = 0;
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] == 0) continue;
    if (++count > kMaxNames) continue;
    names += (names.empty() ? "\"" : ", \"") + graph.nodes[i].name + "\"";
  }
  if (count > kMaxNames) names += ", ...";
  return InvalidArgument("graph has a cycle through or before " +
                         std::to_string(count) + " nodes: " + names);
}

std::vector<bool> NeededNodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size(), false);
  std::vector<int64_t> pending;
  for (const GraphOutput& output : graph.outputs) {
    pending.push_back(output.value.node);
  }
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    if (graph.nodes[Index(i)].op == Op::kInput) pending.push_back(i);
  }
  while (!pending.empty()) {
    const int64_t node = pending.back();
    pending.pop_back();
    if (needed[Index(node)]) continue;
    needed[Index(node)] = true;
    for (const ValueRef& input : graph.nodes[Index(node)].inputs) {
      pending.push_back(input.node);
    }
  }
  return needed;
}

}  // namespace

ValueRef Graph::Add(Node node) {
  nodes.push_back(std::move(node));
  return {.node = static_cast<int64_t>(nodes.size()) - 1, .port = 0};
}

ValueRef Graph::AddConst(std::string name, Tensor value) {
  Node node{.name = std::move(name), .op = Op::kConst, .source_op = "Const"};
  node.outputs[0] = {.type = value.type(), .shape = value.shape()};
  node.attributes =
      ConstAttributes{std::make_shared<const Tensor>(std::move(value))};
  return Add(std::move(node));
}

const Tensor* ConstantOf(const Graph& graph, ValueRef value) {
  const Node& node = graph.node(value);
  if (node.op != Op::kConst) return nullptr;
  return node.As<ConstAttributes>().value.get();
}

std::optional<int64_t> FindNode(const Graph& graph, std::string_view name) {
  const auto found =
      std::find_if(graph.nodes.begin(), graph.nodes.end(),
                   [&](const Node& node) { return node.name == name; });
  if (found == graph.nodes.end()) return std::nullopt;
  return found - graph.nodes.begin();
}

std::vector<int64_t> InputNodes(const Graph& graph) {
  std::vector<int64_t> inputs;
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    if (graph.nodes[Index(i)].op == Op::kInput) inputs.push_back(i);
  }
  return inputs;
}

std::string ValueName(const Graph& graph, ValueRef value) {
  const std::string& name = graph.node(value).name;
  return value.port == 0 ? name : name + ":" + std::to_string(value.port);
}

std::vector<std::vector<int64_t>> ReadersOf(const Graph& graph) {
  std::vector<std::vector<int64_t>> readers(graph.nodes.size());
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    for (const ValueRef& input : graph.nodes[Index(i)].inputs) {
      readers[Index(input.node)].push_back(i);
    }
  }
  return readers;
}

void ReplaceUses(Graph& graph, ValueRef from, ValueRef to, int64_t except) {
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    if (i == except) continue;
    std::vector<ValueRef>& inputs = graph.nodes[Index(i)].inputs;
    std::replace(inputs.begin(), inputs.end(), from, to);
  }
  for (GraphOutput& output : graph.outputs) {
    if (output.value == from) output.value = to;
  }
}

StatusOr<Graph> RemoveDeadNodes(Graph graph) {
  const std::vector<bool> needed = NeededNodes(graph);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    if (needed[Index(i)]) kept.push_back(i);
  }
  return SortTopologically(Renumbered(std::move(graph), kept));
}

StatusOr<Graph> SortTopologically(Graph graph) {
  const auto readers = ReadersOf(graph);
  std::vector<int64_t> missing(graph.nodes.size());
  // The smallest old number first keeps the file's order where edges allow.
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> ready;
  for (int64_t i = 0; i < NodeCount(graph); ++i) {
    missing[Index(i)] =
        static_cast<int64_t>(graph.nodes[Index(i)].inputs.size());
    if (missing[Index(i)] == 0) ready.push(i);
  }
  std::vector<int64_t> order;
  while (!ready.empty()) {
    const int64_t node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const int64_t reader : readers[Index(node)]) {
      if (--missing[Index(reader)] == 0) ready.push(reader);
    }
  }
  if (order.size() != graph.nodes.size()) return CycleError(graph, missing);
  return Renumbered(std::move(graph), order);
}

std::string UniqueName(const Graph& graph, const std::string& base) {
  std::string name = base;
  for (int64_t i = 2; FindNode(graph, name).has_value(); ++i) {
    name = base + "_" + std::to_string(i);
  }
  return name;
}

}  // namespace cyto8
