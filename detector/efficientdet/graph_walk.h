// SPDX-License-Identifier: Apache-2.0
// Small searches in an imported graph that the recognisers of exports share.
// Tested through tests/detector/efficientdet/export_layout_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detector/graph/graph.h"

namespace cyto8 {

using NodeSet = std::vector<bool>;  // by node number.

// The node of `value` and everything it is computed from.
NodeSet AncestorsOf(const Graph& graph, ValueRef value);

// The given nodes and everything that is computed from them.
NodeSet DescendantsOf(const Graph& graph, std::span<const int64_t> nodes);

// The nodes that are in both.
NodeSet Intersect(const NodeSet& a, const NodeSet& b);

// The constant behind Identity and Cast nodes, or null.
const Tensor* ConstantBehind(const Graph& graph, ValueRef value);

// The number that a constant of one element holds, behind Identity and Cast.
std::optional<double> NumberBehind(const Graph& graph, ValueRef value);

// The elements of a constant of any type as numbers; empty if it is none.
std::vector<double> NumbersBehind(const Graph& graph, ValueRef value);

// "node 'NAME' (OP)", the start of every message.
std::string NodeLabel(const Graph& graph, int64_t node);

// The same value as output of the graph, under its name in the file.
GraphOutput NamedOutput(const Graph& graph, ValueRef value);

// True for an operator outside the closed list that the file calls `source_op`.
bool IsOpaque(const Node& node, std::string_view source_op);

}  // namespace cyto8
