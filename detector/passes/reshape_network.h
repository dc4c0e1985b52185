// SPDX-License-Identifier: Apache-2.0
// The same network for another image size. Tested by
// tests/detector/passes/reshape_network_test.cc and, against TensorFlow, by
// tests/app/reshape_golden_test.cc.
#pragma once

#include <cstdint>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// A network of convolutions fits any image, but an exporter writes the sizes of
// one image into it: what maps are resized to, what Reshape gives, where slices
// end, what a pool over the whole map covers. This pass finds those numbers and
// replaces each by what it means at the new size.
//
// How: shapes are followed through the graph for the old and the new image side
// by side. Windows with SAME or VALID padding, factors of up-sampling,
// element-wise operators, means and the like need no change. A baked-in number
// is compared with the maps in front of it: the target of a resize is the side
// that some map had (5, where 3 px are to become 5), else a multiple of the
// map's own side. So sizes that do not halve evenly are understood in the old
// network, too; for a new size that is a multiple of 2^levels every map has
// twice the side of the next.
//
// Refused, with the node's name, is what has no certain meaning at another
// size: constants that vary over the map, sums over the map (a factor behind
// them may count its pixels), a MatMul on a flattened map, picks at fixed
// places, explicit padding that TensorFlow's SAME also gives at the old size
// but not at the new one, a VALID window that covers the map and is moved by
// its own size. Such a node needs no change if its map keeps its size.
//
// Weights are shared with the given graph: the tensors are the very same.
// Nodes, names and order stay but for constants that hold sizes; at the old
// size the graph stays as it is, dead nodes aside.
//
// `graph` has exactly one input, [N,H,W,C] of static shape, constants folded
// (FoldConstants), and comes best after the recognising passes, which remove
// most sizes. kInvalidArgument names what does not fit; also if a map would
// have no pixels left.
StatusOr<Graph> ReshapeNetwork(Graph graph, int64_t height, int64_t width,
                               const Limits& limits = {});

}  // namespace cyto8
