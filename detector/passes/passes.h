// SPDX-License-Identifier: Apache-2.0
// All passes by name, with arguments as text: for command lines and for the
// chain that prepares a model. Order is the caller's affair. Tested by
// tests/detector/passes/passes_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/passes/node_evaluator.h"
#include "detector/passes/transform_list.h"

namespace cyto8 {

// What passes need besides their arguments.
struct TransformContext {
  NodeEvaluator evaluator;  // for fold_constants.
  // Where the network begins and ends, for strip_unused_nodes; empty: as the
  // graph says.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  Limits limits;
};

// What every network needs before it can be compiled: operator by operator as
// in the file.
inline constexpr std::string_view kPlainTransforms =
    "fold_constants remove_nodes(op=Identity)";

// From an imported network to the operators that run fast. Shapes should be
// bound first: some patterns are recognised only where sizes are known.
inline constexpr std::string_view kInferenceTransforms =
    "strip_unused_nodes remove_nodes(op=Identity) fold_constants "
    "fold_batch_norms recognize_swish recognize_upsampling "
    "recognize_weighted_fusion recognize_squeeze_excite fuse_activations";

// The names that ApplyTransforms() knows, in alphabetical order.
std::vector<std::string_view> TransformNames();

// The transforms in order. Arguments, all as in TensorFlow:
//   strip_unused_nodes(type=, shape=, name=, type_for_name=, shape_for_name=)
//   remove_nodes(op=)    fold_constants(exclude_op=, exclude_node=)
//   unshare_constants    fold_batch_norms    fold_old_batch_norms (the same)
//   recognize_swish      recognize_upsampling
//   recognize_weighted_fusion  recognize_squeeze_excite  fuse_activations
// and for each ignore_errors=true, which goes on with the graph from before a
// transform that fails. Types are "float", "uint8", "int8", "int32", "int64",
// "bool"; shapes "1,768,768,3" with -1 for an unknown side.
// kInvalidArgument for an unknown name or argument; an error inside a transform
// starts with its name.
StatusOr<Graph> ApplyTransforms(Graph graph,
                                std::span<const Transform> transforms,
                                const TransformContext& context);

// The same from text (see transform_list.h).
StatusOr<Graph> ApplyTransforms(Graph graph, std::string_view transforms,
                                const TransformContext& context);

}  // namespace cyto8
