// SPDX-License-Identifier: Apache-2.0
// Compiling and running; see compiled_model.h. What is decided is in the plan
// (model_plan.h); a request only binds it to memory.
#include "detector/runtime/compiled_model.h"

#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/runtime/arena.h"
#include "detector/runtime/memory_plan.h"
#include "detector/runtime/model_plan.h"

namespace cyto8 {
namespace {

// A valid graph without dead nodes whose shapes are known as far as they can
// be.
StatusOr<Graph> Prepared(const Graph& graph, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  if (graph.outputs.empty()) return InvalidArgument("graph has no outputs");
  CYTO8_ASSIGN_OR_RETURN(Graph live, RemoveDeadNodes(graph));
  CYTO8_RETURN_IF_ERROR(CheckSupported(live));
  return InferShapes(std::move(live), limits);
}

ModelPort PortOf(std::string name, const TensorDesc& desc) {
  return {.name = std::move(name), .type = desc.type, .shape = *desc.shape};
}

}  // namespace

struct CompiledModel::Parts {
  std::vector<ModelPort> inputs;
  std::vector<ModelPort> outputs;
  std::unique_ptr<const ModelPlan> plan;
};

CompiledModel::CompiledModel(Parts parts)
    : inputs_(std::move(parts.inputs)),
      outputs_(std::move(parts.outputs)),
      plan_(std::move(parts.plan)) {}
CompiledModel::~CompiledModel() = default;

StatusOr<std::shared_ptr<const CompiledModel>> CompiledModel::Create(
    const Graph& graph, const CompileOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const Graph prepared, Prepared(graph, options.limits));
  CYTO8_ASSIGN_OR_RETURN(
      ModelPlan plan,
      MakeModelPlan(prepared,
                    {.engine = options.engine,
                     .isa = options.isa,
                     .packed_weights = options.packed_weights.get(),
                     .min_streamed_bytes = options.min_streamed_bytes,
                     .whole_values = options.whole_values},
                    options.max_arena_bytes));
  Parts parts;
  for (const int64_t input : InputNodes(prepared)) {
    const Node& node = prepared.nodes[static_cast<size_t>(input)];
    parts.inputs.push_back(PortOf(node.name, node.outputs[0]));
  }
  for (const GraphOutput& output : prepared.outputs) {
    parts.outputs.push_back(PortOf(output.name, prepared.desc(output.value)));
  }
  parts.plan = std::make_unique<const ModelPlan>(std::move(plan));
  return std::shared_ptr<const CompiledModel>(
      std::make_shared<CompiledModel>(std::move(parts)));
}

int64_t CompiledModel::scratch_bytes() const { return plan_->arena_bytes; }

struct InferRequest::State {
  Arena arena;
  std::vector<StepCall> calls;  // one per step of the plan.

  std::span<std::byte> Mutable(const Placement& placement) {
    return {arena.data() + placement.offset,
            static_cast<size_t>(placement.bytes)};
  }
  std::span<const std::byte> Bytes(const Placement& placement) {
    if (placement.constant) return placement.constant->bytes();
    return Mutable(placement);
  }
  StepBuffers BuffersOf(const PlannedStep& step) {
    StepBuffers buffers;
    for (const Placement& src : step.src) buffers.src.push_back(Bytes(src));
    for (const Placement& dst : step.dst) buffers.dst.push_back(Mutable(dst));
    buffers.scratch = Mutable(step.scratch);
    return buffers;
  }
};

InferRequest::InferRequest(std::shared_ptr<const CompiledModel> model,
                           std::unique_ptr<State> state)
    : model_(std::move(model)), state_(std::move(state)) {}
InferRequest::InferRequest(InferRequest&&) noexcept = default;
InferRequest& InferRequest::operator=(InferRequest&&) noexcept = default;
InferRequest::~InferRequest() = default;

StatusOr<InferRequest> InferRequest::Create(
    std::shared_ptr<const CompiledModel> model) {
  const ModelPlan& plan = model->plan();
  auto state = std::make_unique<State>();
  // One line more, so that even an empty tensor has an address.
  state->arena = Arena(plan.arena_bytes + kBufferAlignment);
  for (const PlannedStep& step : plan.steps) {
    CYTO8_ASSIGN_OR_RETURN(
        StepCall call,
        Annotate(step.step.bind(state->BuffersOf(step)), step.label));
    state->calls.push_back(std::move(call));
  }
  return InferRequest(std::move(model), std::move(state));
}

std::span<std::byte> InferRequest::input(int64_t input) {
  return state_->Mutable(model_->plan().inputs[static_cast<size_t>(input)]);
}

std::span<const std::byte> InferRequest::output(int64_t output) const {
  return state_->Bytes(model_->plan().outputs[static_cast<size_t>(output)]);
}

Status InferRequest::Run(ParallelFor& executor, const Observer& observer) {
  for (size_t i = 0; i < state_->calls.size(); ++i) {
    const PlannedStep& step = model_->plan().steps[i];
    CYTO8_RETURN_IF_ERROR(Annotate(state_->calls[i](executor), step.label));
    CYTO8_RETURN_IF_ERROR(
        observer(step.node, state_->Mutable(step.dst.front())));
  }
  return OkStatus();
}

Status InferRequest::Run(ParallelFor& executor) {
  for (size_t i = 0; i < state_->calls.size(); ++i) {
    Status status = state_->calls[i](executor);
    if (!status.ok()) return Annotate(status, model_->plan().steps[i].label);
  }
  return OkStatus();
}

}  // namespace cyto8
