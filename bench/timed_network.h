// SPDX-License-Identifier: Apache-2.0
// A compiled network on one made-up tile and one thread, timed as a whole and
// step by step, in CPU time of that thread. Shared by
// bench/network_benchmark.cc and bench/int8_network_benchmark.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/kernels/isa.h"
#include "detector/runtime/compiled_model.h"
#include "detector/runtime/model_plan.h"

namespace cyto8 {

class TimedNetwork {
 public:
  // Compiles and binds, and runs once.
  static StatusOr<TimedNetwork> Create(const Graph& graph, Isa isa);

  StatusOr<double> Seconds();  // of one run.
  Status RunSteps();           // the same, with a clock between the steps.

  // Median seconds of each step over all RunSteps(), by its label.
  std::map<std::string, double> StepMedians() const;
  int64_t scratch_bytes() const { return model_->scratch_bytes(); }

 private:
  TimedNetwork(std::shared_ptr<const CompiledModel> model,
               InferRequest request);
  Status BindSteps();
  std::span<std::byte> Bytes(const Placement& placement);

  std::shared_ptr<const CompiledModel> model_;
  InferRequest request_;
  std::vector<std::byte> arena_;  // of the steps.
  std::vector<StepCall> calls_;
  std::vector<std::vector<double>> seconds_;
};

}  // namespace cyto8
