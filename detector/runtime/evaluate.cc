// SPDX-License-Identifier: Apache-2.0
// A graph of one node and constants, prepared and run once; see evaluate.h.
#include "detector/runtime/evaluate.h"

#include <memory>
#include <string>
#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/kernels/range.h"
#include "detector/runtime/step.h"

namespace cyto8 {
namespace {

// The tensors are borrowed: the graph does not outlive the call.
Graph SmallGraph(const Node& node, std::span<const Tensor* const> inputs) {
  Graph graph;
  Node copy = node;
  copy.inputs.clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    Node constant{.name = node.name + "/input_" + std::to_string(i),
                  .op = Op::kConst,
                  .source_op = "Const"};
    constant.attributes = ConstAttributes{
        std::shared_ptr<const Tensor>(std::shared_ptr<void>(), inputs[i])};
    constant.outputs[0] = {.type = inputs[i]->type(),
                           .shape = inputs[i]->shape()};
    copy.inputs.push_back(graph.Add(std::move(constant)));
  }
  graph.Add(std::move(copy));
  return graph;
}

// Shape inference leaves the length of a range of floats open.
Status FixFloatRange(std::span<const Tensor* const> inputs, Node& node) {
  if (node.op != Op::kRange || inputs[0]->type() != DataType::kFloat32) {
    return OkStatus();
  }
  std::vector<float> values;
  for (const Tensor* input : inputs) {
    if (input->type() != DataType::kFloat32 || input->element_count() != 1) {
      return InvalidArgument(NodeLabel(node) +
                             ": inputs must be float32 scalars");
    }
    values.push_back(input->data<float>()[0]);
  }
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t count,
      Annotate(RangeCount(values[0], values[1], values[2]), NodeLabel(node)));
  node.outputs[0].shape = Shape{count};
  return OkStatus();
}

StatusOr<std::vector<Tensor>> MakeOutputs(const Node& node,
                                          const Limits& limits) {
  std::vector<Tensor> outputs;
  for (const TensorDesc& desc : node.outputs) {
    CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                           Tensor::Create(desc.type, *desc.shape, limits));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

Status RunOnce(const Step& step, std::span<const Tensor* const> inputs,
               std::vector<Tensor>& outputs) {
  StepBuffers buffers;
  for (const Tensor* input : inputs) buffers.src.push_back(input->bytes());
  for (Tensor& output : outputs) {
    buffers.dst.push_back(output.mutable_bytes());
  }
  std::vector<std::byte> scratch(static_cast<size_t>(step.scratch_bytes));
  buffers.scratch = scratch;
  CYTO8_ASSIGN_OR_RETURN(const StepCall call, step.bind(std::move(buffers)));
  SerialFor executor;
  return call(executor);
}

}  // namespace

StatusOr<std::vector<Tensor>> EvaluateNode(
    const Node& node, std::span<const Tensor* const> inputs,
    const Limits& limits) {
  if (node.op == Op::kInput || node.op == Op::kOpaque) {
    return Unimplemented(NodeLabel(node) + ": has no value of its own");
  }
  Graph graph = SmallGraph(node, inputs);
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  if (node.op == Op::kConst) return std::vector{*ConstantOf(graph, {0, 0})};
  const auto number = static_cast<int64_t>(graph.nodes.size()) - 1;
  CYTO8_RETURN_IF_ERROR(InferNode(graph, number, limits));
  CYTO8_RETURN_IF_ERROR(FixFloatRange(inputs, graph.nodes.back()));
  CYTO8_ASSIGN_OR_RETURN(const Step step,
                         MakeStep(graph, number, {.engine = Engine::kNaive}));
  CYTO8_ASSIGN_OR_RETURN(
      std::vector<Tensor> outputs,
      Annotate(MakeOutputs(graph.nodes.back(), limits), NodeLabel(node)));
  CYTO8_RETURN_IF_ERROR(
      Annotate(RunOnce(step, inputs, outputs), NodeLabel(node)));
  return outputs;
}

}  // namespace cyto8
