// SPDX-License-Identifier: Apache-2.0
// What the makers of steps know of a node, and the few shapes that steps have.
// For the steps_*.cc files only. Tested through
// tests/detector/runtime/evaluate_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detector/kernels/cast.h"
#include "detector/kernels/packed_bytes.h"
#include "detector/runtime/step.h"

namespace cyto8 {

// A node of a graph with static shapes; a view, valid as long as the graph.
class StepContext {
 public:
  // kInvalidArgument if a shape of an input or output is unknown.
  static StatusOr<StepContext> Create(const Graph& graph, int64_t node,
                                      const StepOptions& options);

  const Node& node() const { return *node_; }
  Engine engine() const { return options_.engine; }
  // kPlain: the naive kernels shall do it.
  Isa isa() const {
    return options_.engine == Engine::kNaive ? Isa::kPlain : options_.isa;
  }
  const StepOptions& options() const { return options_; }
  size_t input_count() const { return node_->inputs.size(); }
  size_t output_count() const { return node_->outputs.size(); }

  DataType src_type(size_t i = 0) const { return src(i).type; }
  DataType dst_type() const { return node_->outputs[0].type; }
  const Shape& src_shape(size_t i = 0) const { return *src(i).shape; }
  const Shape& dst_shape(size_t i = 0) const {
    return *node_->outputs[i].shape;
  }
  int64_t src_count(size_t i = 0) const;
  // True if a node reads that output, or the graph gives it out.
  bool IsRead(int64_t port) const;

  // Null if the input is not constant.
  const Tensor* constant(size_t i) const;
  // The same with its owner, for those who keep it.
  std::shared_ptr<const Tensor> shared_constant(size_t i) const {
    return graph_->node(node_->inputs[i]).As<ConstAttributes>().value;
  }
  // Packed bytes of a constant input, shared with other models if they share.
  PackedLookup PackedConstant(size_t i) const;
  // kInvalidArgument if the input is no integer constant:
  // "input 1 (axis): must be constant".
  StatusOr<std::vector<int64_t>> Constant(size_t i,
                                          std::string_view what) const;
  // One axis of a tensor of that rank, in [0, rank).
  StatusOr<int64_t> Axis(size_t i, int64_t rank) const;

  // kUnimplemented unless all inputs in [first, last) have that type.
  Status CheckTypes(size_t first, size_t last, DataType type) const;
  Status CheckType(DataType type) const {
    return CheckTypes(0, input_count(), type);
  }

 private:
  StepContext(const Graph& graph, const Node& node, const StepOptions& options)
      : graph_(&graph), node_(&node), options_(options) {}
  const TensorDesc& src(size_t i) const {
    return graph_->desc(node_->inputs[i]);
  }

  const Graph* graph_;
  const Node* node_;
  StepOptions options_;
};

// A step, or one without `bind`: not made here, somebody else shall make it.
using MaybeStep = StatusOr<Step>;
inline Step NotMine() { return {}; }

// The makers, each for one kind of operators.
MaybeStep MakeWindowStep(const StepContext& context);
MaybeStep MakeElementwiseStep(const StepContext& context);
MaybeStep MakeDataStep(const StepContext& context);
MaybeStep MakeReductionStep(const StepContext& context);
MaybeStep MakeQuantizedConvStep(const StepContext& context);
MaybeStep MakeQuantizedStep(const StepContext& context);
// Of a kMaxPool node whose source is codes.
MaybeStep MakeMaxPoolOfCodes(const StepContext& context);

// A step whose calls are run(buffers), with the memory of one request.
template <typename Run>
Step StepThat(std::vector<size_t> reads, Run run) {
  auto bind = [run = std::move(run)](StepBuffers buffers) {
    return StatusOr<StepCall>(
        [run, buffers = std::move(buffers)](ParallelFor&) -> Status {
          return run(buffers);
        });
  };
  return {.reads = std::move(reads), .bind = std::move(bind)};
}

// {0, 1, ..., count - 1}: a step that reads its first inputs.
std::vector<size_t> FirstInputs(size_t count);

// The product of shape[begin..end); the shape is static and within limits.
int64_t Product(const Shape& shape, size_t begin, size_t end);
int64_t Product(const Shape& shape);

// maker(T()) for the element type of numbers; kUnimplemented for the others.
template <typename Maker>
MaybeStep ForNumber(DataType type, const Maker& maker) {
  switch (type) {
    case DataType::kFloat32:
      return maker(float());
    case DataType::kInt32:
      return maker(int32_t());
    case DataType::kInt64:
      return maker(int64_t());
    default:
      return Unimplemented("type = " + std::string(DataTypeName(type)) +
                           ": must be float32, int32 or int64");
  }
}

}  // namespace cyto8
