// SPDX-License-Identifier: Apache-2.0
// What the passes share: who reads what, fresh names, constants seen as factors
// per channel. No pass of its own. Tested by
// tests/detector/passes/rewrite_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// A pattern is rewritten in place: its last node becomes the new operator, so
// whoever reads that node needs no change. The inner nodes are left without
// readers and are swept by RemoveDeadNodes() at the end of the pass. Hence a
// pattern must not contain an inner node that somebody else reads.

// A snapshot of a graph's readers. Dead nodes count as readers, so take it of a
// graph without any.
class Uses {
 public:
  explicit Uses(const Graph& graph);

  // The node that alone reads `node`, over a single edge; -1 if there are
  // several edges, none, or a graph output.
  int64_t OnlyReader(int64_t node) const;

  // True if exactly one edge and no graph output needs the node of `value`.
  bool Single(ValueRef value) const { return OnlyReader(value.node) >= 0; }

 private:
  std::vector<std::vector<int64_t>> readers_;
};

// Names that no node has; each call in constant time, unlike UniqueName().
class NamePool {
 public:
  explicit NamePool(const Graph& graph);

  // `base`, else base_2, base_3, ...; the result is taken from then on.
  std::string Take(const std::string& base);

  // base_2, base_3, ...
  std::string TakeCopy(const std::string& base);

 private:
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int64_t> last_suffix_;
};

// Node number `node` becomes another operator; its name, its readers and what
// is known of its output stay.
void Become(Graph& graph, int64_t node, Op op, std::vector<ValueRef> inputs,
            Attributes attributes = {});

// Node number `node` becomes the layer number `layer` in front of it, under the
// layer's name and with other inputs and attributes. The old layer is dead.
void BecomeLayer(Graph& graph, int64_t node, int64_t layer,
                 std::vector<ValueRef> inputs, Attributes attributes);

// The number that a float constant of one element is, provided that it
// broadcasts to a value of rank `rank` without changing its shape.
std::optional<double> ScalarConstant(const Graph& graph, ValueRef value,
                                     int64_t rank);

// The same for one number per channel (the last axis): `channels` numbers, or
// one if the constant is a scalar.
std::optional<std::vector<double>> ChannelConstant(const Graph& graph,
                                                   ValueRef value,
                                                   int64_t channels,
                                                   int64_t rank);

// The rank; 0 if it is not known, so that only true scalars pass as operands.
int64_t RankOf(const Graph& graph, ValueRef value);

// The shape if every side is known, else null.
const Shape* StaticShapeOf(const Graph& graph, ValueRef value);

// Double arithmetic ends here.
Tensor ToFloatTensor(Shape shape, const std::vector<double>& values);

}  // namespace cyto8
