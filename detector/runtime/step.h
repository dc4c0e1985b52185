// SPDX-License-Identifier: Apache-2.0
// One node, ready to run: shapes resolved, constants read, weights packed. The
// only way from an operator of the graph to a kernel; compiling and constant
// folding both take it. Tested by tests/detector/runtime/evaluate_test.cc
// (every operator) and tests/detector/runtime/step_test.cc (errors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"

namespace cyto8 {

// The memory of one step in one request: the exact bytes of every tensor, each
// aligned for its type. They stay where they are as long as the call lives.
struct StepBuffers {
  std::vector<std::span<const std::byte>> src;  // one per input of the node.
  std::vector<std::span<std::byte>> dst;        // one per output.
  std::span<std::byte> scratch;

  template <typename T>
  std::span<const T> In(size_t i) const {
    return {reinterpret_cast<const T*>(src[i].data()),
            src[i].size() / sizeof(T)};
  }
  template <typename T>
  std::span<T> Out(size_t i = 0) const {
    return {reinterpret_cast<T*>(dst[i].data()), dst[i].size() / sizeof(T)};
  }
};

// A step bound to its memory: reads src, writes dst. Allocates nothing, but for
// what oneDNN does inside. Belongs to one request, hence to one thread.
using StepCall = std::function<Status(ParallelFor& executor)>;

// A prepared node. Immutable; shared by all requests.
struct Step {
  // The inputs whose bytes the calls read, in rising order. The others were
  // read when the step was made; their spans may be empty.
  std::vector<size_t> reads = {};
  int64_t scratch_bytes = 0;
  std::function<StatusOr<StepCall>(StepBuffers buffers)> bind = {};
};

// Prepares a node of an inferred graph. Every error starts with
// 'node "name" (Op): '. kInvalidArgument if a type or shape is unknown or does
// not fit the operator, or if an axis, size or slice bound is not constant;
// kUnimplemented for kInput, kConst, kOpaque and types without a kernel.
StatusOr<Step> MakeStep(const Graph& graph, int64_t node,
                        const StepOptions& options);

// Copies input 0 to output 0, byte by byte.
Step CopyStep();

// 'node "name" (Op)', the start of every message about a node.
std::string NodeLabel(const Node& node);

// True for operators that only give their first input another shape.
bool OnlyRenames(Op op);

}  // namespace cyto8
