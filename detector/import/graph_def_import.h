// SPDX-License-Identifier: Apache-2.0
// The door for TensorFlow models: a GraphDef, binary or text, becomes a Graph.
// Reads no files, runs nothing, changes nothing of the network (that is for the
// passes). Tested by tests/detector/import/graph_def_import_test.cc.
#pragma once

#include <cstddef>
#include <span>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/graph_source.h"

namespace cyto8 {

struct ImportedGraph {
  Graph graph;  // valid, in topological order.
  GraphSource source;
};

// Pure. Every node of the file and of called functions becomes a node with the
// name and the operator it has there; an operator outside our list becomes
// kOpaque and is left to CheckSupported(), since serving graphs hold many that
// are cut off later. The graph's outputs are what nobody reads.
//
// Every failure names the node or the place in the file: kDataLoss for damaged
// bytes and short constants, kResourceExhausted for a limit, kUnimplemented for
// a listed operator in a form we cannot say, else kInvalidArgument or
// kNotFound. A file that is cut exactly between two nodes is itself a whole,
// smaller GraphDef: it is refused if a node's input is missing or no output is
// left, and otherwise is the smaller graph.
StatusOr<ImportedGraph> ImportGraphDef(std::span<const std::byte> bytes,
                                       const Limits& limits = {});

}  // namespace cyto8
