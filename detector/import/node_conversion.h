// SPDX-License-Identifier: Apache-2.0
// From nodes of TensorFlow to nodes of the closed operator list: which operator
// means what, with which attributes. Tested by
// tests/detector/import/node_conversion_test.cc.
#pragma once

#include <cstdint>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/function_inlining.h"

namespace cyto8 {

// Every node of the flat list becomes a node of the same name; an operator of
// several steps (_FusedConv2D, ...) becomes several, of which the last has the
// name. Operators outside the list become kOpaque; a listed operator in a form
// that we cannot say (NCHW, training, ...) is kUnimplemented. Values that the
// file does not spell out (the last one repeats) may take as many bytes as the
// file, or 64 MiB if that is more. Not yet sorted.
StatusOr<Graph> ConvertNodes(FlatGraph flat, int64_t file_bytes,
                             const Limits& limits);

}  // namespace cyto8
