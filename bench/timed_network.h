// SPDX-License-Identifier: Apache-2.0
// A compiled network on one thread, timed as a whole and step by step, in CPU
// time of that thread; on tiles from a file, in turn, or on a made-up one.
// Shared by bench/network_benchmark.cc and bench/int8_network_benchmark.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/kernels/isa.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

class TimedNetwork {
 public:
  // Compiles, and runs once. `tiles`: raw network inputs, one after the other;
  // empty: a made-up one.
  static StatusOr<TimedNetwork> Create(const Graph& graph, Isa isa,
                                       std::vector<uint8_t> tiles = {});

  // Of one run on the next tile, after one on it that warms the memory, as the
  // yardsticks are warmed.
  StatusOr<double> Seconds();
  Status RunSteps();  // one run on the next tile, a clock between the steps.
  Status Run();       // one run on the next tile.
  Status Run(ParallelFor& executor);

  // Median seconds of each step over all RunSteps(), by its label.
  std::map<std::string, double> StepMedians() const;
  int64_t scratch_bytes() const { return model_->scratch_bytes(); }

 private:
  TimedNetwork(std::shared_ptr<const CompiledModel> model, InferRequest request,
               std::vector<uint8_t> tiles);
  void NextTile();

  std::shared_ptr<const CompiledModel> model_;
  InferRequest request_;
  std::vector<uint8_t> tiles_;
  size_t next_ = 0;  // byte of tiles_.
  std::vector<std::vector<double>> seconds_;
};

}  // namespace cyto8
