// SPDX-License-Identifier: Apache-2.0
// Which nodes one step computes together, without their values in between. The
// graph says what is computed; this is how: groups depend on the engine and its
// instruction set and change results by rounding only. Tested by
// tests/detector/runtime/fusion_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"

namespace cyto8 {

constexpr int64_t kNoNode = -1;

// Nodes that end in one value. Only the results of `last` and `depthwise` are
// ever whole in memory.
//
// A convolution:     [[expand ->] depthwise ->] [squeeze-and-excitation ->]
// conv
//                    [+ addend] [-> activation]; at least two of these nodes.
// A depthwise convolution:  expand -> depthwise.
// A feature fusion:  [upsample or max pool, each ->] weighted sum
//                    [-> activation].
struct FusionGroup {
  int64_t main = kNoNode;  // the last convolution, or the weighted sum.
  int64_t last = kNoNode;  // where the result comes out.
  int64_t add = kNoNode;   // the sum behind the convolution.
  int64_t gate = kNoNode;  // squeeze-and-excitation in front of it.
  // In front of that; a step of its own, which also gives the means of its
  // channels if there is a gate.
  int64_t depthwise = kNoNode;
  // A pointwise convolution in front of that, computed some rows at a time.
  int64_t expand = kNoNode;
  ValueRef addend = {};                       // what `add` adds.
  Activation activation = Activation::kNone;  // of the node behind.
  // Per source of a weighted sum: the node that resizes it, or kNoNode.
  std::vector<int64_t> resizers = {};
  // Every node that has no step of its own: all but `last` and `depthwise`.
  std::vector<int64_t> absorbed = {};
};

// The groups of an inferred graph without dead nodes, each node in one of them
// at most; in the order of their main nodes. None for the naive engine.
std::vector<FusionGroup> FindFusionGroups(const Graph& graph,
                                          const StepOptions& options);

// Who reads the bytes of a value, and when: for results that take over the
// memory of an operand. Made in about linear time.
class ByteReaders {
 public:
  ByteReaders(const Graph& graph, std::span<const FusionGroup> groups);

  // True if `node` is the last to read these bytes, over one edge, and they are
  // neither a constant nor an input or output of the graph.
  bool MayOverwrite(ValueRef value, int64_t node) const;

 private:
  struct Reads {
    int64_t last = -1;
    int64_t count = 0;  // at that node.
  };
  void FindRoots(const Graph& graph);
  ValueRef RootOf(ValueRef value) const;

  std::map<ValueRef, ValueRef> renamed_;
  std::map<ValueRef, Reads> reads_;  // of roots.
  std::set<ValueRef> kept_;
};

}  // namespace cyto8
