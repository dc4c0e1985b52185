// SPDX-License-Identifier: Apache-2.0
// A network ready to run: steps in order, packed weights, a memory plan.
// Immutable and shared by any number of InferRequests; starts no threads.
// Tested by tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/engine.h"
#include "detector/runtime/packed_weights.h"

namespace cyto8 {

struct CompileOptions {
  Engine engine = Engine::kOneDnn;
  // What our own kernels may use; not more than this CPU has.
  Isa isa = BestIsa();
  Limits limits = {};
  // What one InferRequest may allocate for activations.
  int64_t max_arena_bytes = int64_t{1} << 33;
  int64_t min_streamed_bytes = kMinStreamedBytes;  // see engine.h.
  bool whole_values = false;  // see engine.h; for Run with an observer.
  // Null: the model's packed weights are its own.
  std::shared_ptr<PackedWeights> packed_weights = nullptr;
};

// An input or output: its name, type and static shape.
struct ModelPort {
  std::string name;
  DataType type = DataType::kFloat32;
  Shape shape;
};

struct ModelPlan;  // in model_plan.h; not for users.

class CompiledModel {
  struct Parts;

 public:
  // The graph's inputs must be of static shape (BindInputShapes); every
  // operator must be supported and every axis, size and slice bound constant.
  // Nodes that no output needs are ignored. Errors name the node.
  static StatusOr<std::shared_ptr<const CompiledModel>> Create(
      const Graph& graph, const CompileOptions& options);
  explicit CompiledModel(Parts parts);  // for Create, who alone has the parts.
  ~CompiledModel();

  const std::vector<ModelPort>& inputs() const { return inputs_; }
  const std::vector<ModelPort>& outputs() const { return outputs_; }
  // Bytes of activations that one InferRequest allocates.
  int64_t scratch_bytes() const;
  const ModelPlan& plan() const { return *plan_; }

 private:
  std::vector<ModelPort> inputs_;
  std::vector<ModelPort> outputs_;
  std::unique_ptr<const ModelPlan> plan_;
};

// The memory of one run at a time: one per thread. Not thread-safe. All memory
// is allocated by Create; Run allocates nothing on the naive path (oneDNN's
// argument maps excepted on the other).
class InferRequest {
 public:
  static StatusOr<InferRequest> Create(
      std::shared_ptr<const CompiledModel> model);
  InferRequest(InferRequest&&) noexcept;
  InferRequest& operator=(InferRequest&&) noexcept;
  ~InferRequest();

  // The bytes of input number `input`, zero at first; a Run leaves them as they
  // are.
  std::span<std::byte> input(int64_t input);
  // The same as elements; T must match the port's type.
  template <typename T>
  std::span<T> input_as(int64_t number) {
    const std::span<std::byte> bytes = input(number);
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  // Whatever a kernel reports (an index out of range, a division by zero), or
  // kInternal if oneDNN fails, with the node's name in front. `executor` may be
  // used inside a step; the calling thread waits.
  Status Run(ParallelFor& executor);

  // The same, and hands each step's first result to `observer` before the next
  // step runs: the name of the node that it is the result of, and its bytes.
  using Observer = std::function<Status(const std::string& node,
                                        std::span<const std::byte> result)>;
  Status Run(ParallelFor& executor, const Observer& observer);

  // Output number `output` of the last Run; valid until the next Run. Two
  // outputs that are one value share their bytes.
  std::span<const std::byte> output(int64_t output) const;
  template <typename T>
  std::span<const T> output_as(int64_t number) const {
    const std::span<const std::byte> bytes = output(number);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  const CompiledModel& model() const { return *model_; }

 private:
  struct State;
  InferRequest(std::shared_ptr<const CompiledModel> model,
               std::unique_ptr<State> state);
  std::shared_ptr<const CompiledModel> model_;
  std::unique_ptr<State> state_;
};

}  // namespace cyto8
