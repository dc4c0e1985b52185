// SPDX-License-Identifier: Apache-2.0
// Runs an FP32 network on calibration images and keeps what its values look
// like: one pass over everything that an INT8 network needs. Tested by
// tests/quant/quantize_graph_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/runtime/compiled_model.h"
#include "quant/quantize_graph.h"

namespace cyto8 {

// The immutable half: the network, compiled so that every value is there.
struct CalibrationPlan {
  std::shared_ptr<const CompiledModel> model;
  std::map<std::string, int64_t> channels;  // of each value to observe.
  // Those that no step gives to an observer (it renames a value, or is not its
  // first result) are outputs of `model`: name and number.
  std::map<std::string, int64_t> outputs;
};

// `graph` is inferred and of static shape, batch 1; its only input is uint8
// pixels.
StatusOr<std::shared_ptr<const CalibrationPlan>> MakeCalibrationPlan(
    const Graph& graph, const QuantizeOptions& options,
    const CompileOptions& compile);

// The mutable half: one per thread. Not thread-safe.
class Calibrator {
 public:
  static StatusOr<Calibrator> Create(
      std::shared_ptr<const CalibrationPlan> plan);

  // The network's input, [height, width, 3]; to be filled before Observe.
  std::span<uint8_t> pixels() { return request_.input_as<uint8_t>(0); }
  Status Observe(ParallelFor& executor);

  // The result does not depend on which of them saw which image.
  Status Merge(const Calibrator& other);

  // kInvalidArgument, naming the value, if one was not finite or never seen.
  StatusOr<Calibration> Finish() const;

 private:
  Status ObserveValue(const std::string& name,
                      std::span<const std::byte> value);

  Calibrator(std::shared_ptr<const CalibrationPlan> plan, InferRequest request)
      : plan_(std::move(plan)), request_(std::move(request)) {}

  std::shared_ptr<const CalibrationPlan> plan_;
  InferRequest request_;
  std::map<std::string, RangeObserver> observers_;
};

}  // namespace cyto8
