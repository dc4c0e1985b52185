// SPDX-License-Identifier: Apache-2.0
// From nodes to steps and memory; see model_plan.h.
//
// First every value gets a home: a constant, or a buffer with a number. Values
// that are only another shape of one get the home of that one. Steps are made
// in graph order, and the first and last step that touches a buffer is noted.
// Groups of nodes that one step computes together come out at the last of them.
// Then all buffers are laid out at once, and homes become placements.
#include "detector/runtime/model_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/checked_math.h"
#include "detector/runtime/fused_steps.h"
#include "detector/runtime/fusion.h"
#include "detector/runtime/memory_plan.h"
#include "detector/runtime/quantized_stream.h"

namespace cyto8 {
namespace {

constexpr int64_t kNoBuffer = -1;

struct Home {
  std::shared_ptr<const Tensor> constant = nullptr;
  int64_t buffer = kNoBuffer;
  int64_t bytes = 0;
};

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, const StepOptions& options)
      : graph_(graph),
        options_(options),
        is_quantized_(std::ranges::any_of(graph.nodes, IsQuantized, &Node::op)),
        homes_(graph.nodes.size()),
        absorbed_(graph.nodes.size()) {}

  StatusOr<ModelPlan> Build(int64_t max_arena_bytes);

 private:
  struct HomedStep {
    std::string label;
    std::string node = {};
    Step step;
    std::vector<Home> src = {};
    std::vector<Home> dst = {};
    Home scratch = {};
  };

  int64_t Now() const { return static_cast<int64_t>(steps_.size()); }
  const Home& HomeOf(ValueRef value) const {
    return homes_[static_cast<size_t>(value.node)]
                 [static_cast<size_t>(value.port)];
  }
  StepOptions OptionsFor(const Node& node) const;
  Home NewBuffer(int64_t bytes);
  StatusOr<Home> NewBufferFor(const TensorDesc& desc);
  void Touch(const Home& home, int64_t step);

  void Fuse();
  void Stream();
  Status AddNode(int64_t number);
  Status AddFused(int64_t number, FusedStep& fused, std::vector<Home>& homes);
  Status AddInput(const Node& node, std::vector<Home>& homes);
  Status AddStep(int64_t number, std::vector<Home>& homes);
  void Append(HomedStep step);
  bool IsInput(const Home& home) const;
  void AddOutput(const GraphOutput& output);
  StatusOr<ModelPlan> Place(int64_t max_arena_bytes);

  const Graph& graph_;
  StepOptions options_;
  bool is_quantized_;
  std::vector<std::vector<Home>> homes_;  // by node, by port.
  std::vector<bool> absorbed_;            // by node: has no step of its own.
  std::map<int64_t, FusedStep> fused_;    // by node.
  std::map<int64_t, int64_t> named_for_;  // fused step to its main node.
  std::vector<BufferUse> uses_;           // by buffer.
  std::vector<HomedStep> steps_;
  std::vector<Home> inputs_;
  std::vector<Home> outputs_;
};

Home PlanBuilder::NewBuffer(int64_t bytes) {
  uses_.push_back({.bytes = bytes, .first_step = Now(), .last_step = Now()});
  return {.buffer = static_cast<int64_t>(uses_.size()) - 1, .bytes = bytes};
}

StatusOr<Home> PlanBuilder::NewBufferFor(const TensorDesc& desc) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, ElementCount(*desc.shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t bytes,
                         CheckedMul(count, ByteSize(desc.type)));
  return NewBuffer(bytes);
}

void PlanBuilder::Touch(const Home& home, int64_t step) {
  if (home.buffer == kNoBuffer) return;
  int64_t& last = uses_[static_cast<size_t>(home.buffer)].last_step;
  last = std::max(last, step);
}

Status PlanBuilder::AddInput(const Node& node, std::vector<Home>& homes) {
  const TensorDesc& desc = node.outputs[0];
  if (!desc.shape || !IsStatic(*desc.shape)) {
    return InvalidArgument(
        NodeLabel(node) + ": shape " +
        (desc.shape ? ShapeToString(*desc.shape) + " " : std::string()) +
        "is not known: bind the input's shape first");
  }
  CYTO8_ASSIGN_OR_RETURN(const Home home, NewBufferFor(desc));
  inputs_.push_back(home);
  homes = {home};
  return OkStatus();
}

void PlanBuilder::Append(HomedStep step) {
  for (const Home& home : step.src) Touch(home, Now());
  step.scratch = NewBuffer(step.step.scratch_bytes);
  steps_.push_back(std::move(step));
}

// What stays float in an INT8 network runs by plain loops: their results are
// the same on every CPU.
StepOptions PlanBuilder::OptionsFor(const Node& node) const {
  StepOptions options = options_;
  if (is_quantized_ && !IsQuantized(node.op) &&
      node.outputs[0].type == DataType::kFloat32) {
    options.engine = Engine::kNaive;
  }
  return options;
}

Status PlanBuilder::AddStep(int64_t number, std::vector<Home>& homes) {
  const Node& node = graph_.nodes[static_cast<size_t>(number)];
  CYTO8_ASSIGN_OR_RETURN(Step step, MakeStep(graph_, number, OptionsFor(node)));
  if (OnlyRenames(node.op)) {
    homes = {HomeOf(node.inputs[0])};
    return OkStatus();
  }
  HomedStep homed = {
      .label = NodeLabel(node), .node = node.name, .step = std::move(step)};
  homed.src.resize(node.inputs.size());
  for (const size_t i : homed.step.reads) homed.src[i] = HomeOf(node.inputs[i]);
  for (const TensorDesc& output : node.outputs) {
    CYTO8_ASSIGN_OR_RETURN(const Home home, NewBufferFor(output));
    homes.push_back(home);
  }
  homed.dst = homes;
  Append(std::move(homed));
  return OkStatus();
}

// Groups whose steps cannot be made are left to the steps of their nodes, which
// also say what is wrong.
void PlanBuilder::Fuse() {
  const std::vector<FusionGroup> groups = FindFusionGroups(graph_, options_);
  const ByteReaders readers(graph_, groups);
  for (const FusionGroup& group : groups) {
    auto steps = MakeFusedSteps(graph_, group, readers, options_);
    if (!steps.ok()) continue;
    for (const int64_t node : group.absorbed) {
      absorbed_[static_cast<size_t>(node)] = true;
    }
    named_for_[group.last] = group.main;
    if (steps->last) fused_[group.last] = *std::move(steps->last);
    if (steps->depthwise) {
      fused_[group.depthwise] = *std::move(steps->depthwise);
    }
  }
}

// The same for an INT8 network.
void PlanBuilder::Stream() {
  for (const QuantizedStream& stream : FindQuantizedStreams(graph_, options_)) {
    auto step = MakeQuantizedStream(graph_, stream, options_);
    if (!step.ok()) continue;
    absorbed_[static_cast<size_t>(stream.expand)] = true;
    fused_[stream.depthwise] = *std::move(step);
  }
}

Status PlanBuilder::AddFused(int64_t number, FusedStep& fused,
                             std::vector<Home>& homes) {
  const auto name = named_for_.find(number);
  const int64_t main = name == named_for_.end() ? number : name->second;
  HomedStep homed = {
      .label = NodeLabel(graph_.nodes[static_cast<size_t>(main)]),
      .node = graph_.nodes[static_cast<size_t>(number)].name,
      .step = std::move(fused.step)};
  for (const ValueRef src : fused.src) homed.src.push_back(HomeOf(src));
  if (fused.overwrites) {
    homes = {HomeOf(fused.src[*fused.overwrites])};
  } else {
    CYTO8_ASSIGN_OR_RETURN(
        const Home home,
        NewBufferFor(graph_.nodes[static_cast<size_t>(number)].outputs[0]));
    homes = {home};
  }
  for (const int64_t bytes : fused.hidden_bytes) {
    homes.push_back(NewBuffer(bytes));
  }
  homed.dst = homes;
  Append(std::move(homed));
  return OkStatus();
}

Status PlanBuilder::AddNode(int64_t number) {
  const Node& node = graph_.nodes[static_cast<size_t>(number)];
  std::vector<Home>& homes = homes_[static_cast<size_t>(number)];
  if (absorbed_[static_cast<size_t>(number)]) return OkStatus();
  const auto fused = fused_.find(number);
  if (fused != fused_.end()) return AddFused(number, fused->second, homes);
  if (node.op == Op::kInput) return AddInput(node, homes);
  if (node.op == Op::kConst) {
    const auto& value = node.As<ConstAttributes>().value;
    homes = {{.constant = value, .bytes = value->byte_size()}};
    return OkStatus();
  }
  return AddStep(number, homes);
}

bool PlanBuilder::IsInput(const Home& home) const {
  return home.buffer != kNoBuffer &&
         std::ranges::count(inputs_, home.buffer, &Home::buffer) > 0;
}

// An output that is an input is copied: the caller may overwrite the one while
// it still reads the other.
void PlanBuilder::AddOutput(const GraphOutput& output) {
  Home home = HomeOf(output.value);
  if (IsInput(home)) {
    const Home copy = NewBuffer(home.bytes);
    Append({.label = "output \"" + output.name + "\"",
            .step = CopyStep(),
            .src = {home},
            .dst = {copy}});
    home = copy;
  }
  outputs_.push_back(home);
}

StatusOr<ModelPlan> PlanBuilder::Place(int64_t max_arena_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const MemoryPlan memory,
                         PlanMemory(uses_, max_arena_bytes));
  const auto place = [&](const Home& home) {
    const bool in_arena = home.buffer != kNoBuffer;
    const int64_t offset =
        in_arena ? memory.offsets[static_cast<size_t>(home.buffer)] : 0;
    return Placement{
        .constant = home.constant, .offset = offset, .bytes = home.bytes};
  };
  const auto place_all = [&](const std::vector<Home>& homes) {
    std::vector<Placement> placements;
    std::ranges::transform(homes, std::back_inserter(placements), place);
    return placements;
  };
  ModelPlan plan = {.steps = {},
                    .inputs = place_all(inputs_),
                    .outputs = place_all(outputs_),
                    .arena_bytes = memory.total_bytes};
  for (HomedStep& step : steps_) {
    plan.steps.push_back({.label = std::move(step.label),
                          .node = std::move(step.node),
                          .step = std::move(step.step),
                          .src = place_all(step.src),
                          .dst = place_all(step.dst),
                          .scratch = place(step.scratch)});
  }
  return plan;
}

StatusOr<ModelPlan> PlanBuilder::Build(int64_t max_arena_bytes) {
  if (!options_.whole_values) is_quantized_ ? Stream() : Fuse();
  const auto count = static_cast<int64_t>(graph_.nodes.size());
  for (int64_t i = 0; i < count; ++i) CYTO8_RETURN_IF_ERROR(AddNode(i));
  for (const GraphOutput& output : graph_.outputs) AddOutput(output);
  // Inputs live from the start, wherever their nodes stand in the order, and
  // survive the run; outputs live until the next one.
  for (const Home& home : inputs_) {
    uses_[static_cast<size_t>(home.buffer)].first_step = 0;
    Touch(home, Now());
  }
  for (const Home& home : outputs_) Touch(home, Now());
  return Place(max_arena_bytes);
}

}  // namespace

StatusOr<ModelPlan> MakeModelPlan(const Graph& graph,
                                  const StepOptions& options,
                                  int64_t max_arena_bytes) {
  return PlanBuilder(graph, options).Build(max_arena_bytes);
}

}  // namespace cyto8
