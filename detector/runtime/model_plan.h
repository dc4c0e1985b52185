// SPDX-License-Identifier: Apache-2.0
// What a compiled model consists of: steps in order and where every tensor
// lies. Made from an inferred graph; runs nothing. Tested by
// tests/detector/runtime/model_plan_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"
#include "detector/runtime/step.h"

namespace cyto8 {

// Where the bytes of a tensor are: in a constant, or in the arena that every
// request has. Neither a constant nor bytes: nobody reads it.
struct Placement {
  std::shared_ptr<const Tensor> constant;  // null: in the arena.
  int64_t offset = 0;
  int64_t bytes = 0;
};

struct PlannedStep {
  std::string label;  // 'node "x" (Op)'.
  std::string node;   // of whose result dst begins with.
  Step step;
  std::vector<Placement> src;  // as StepBuffers.
  std::vector<Placement> dst;
  Placement scratch;
};

struct ModelPlan {
  std::vector<PlannedStep> steps;
  std::vector<Placement> inputs;   // in graph order; kept during the whole run.
  std::vector<Placement> outputs;  // in graph order; never an input's memory.
  int64_t arena_bytes = 0;
};

// `graph` is valid and inferred. Identity, Reshape, Squeeze and ExpandDims
// share their input's memory and take no step. Every error names the node.
StatusOr<ModelPlan> MakeModelPlan(const Graph& graph,
                                  const StepOptions& options,
                                  int64_t max_arena_bytes);

}  // namespace cyto8
