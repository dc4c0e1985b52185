// SPDX-License-Identifier: Apache-2.0
// See timed_network.h.
#include "bench/timed_network.h"

#include <utility>

#include "base/parallel_for.h"
#include "bench/measure.h"

namespace cyto8 {
namespace {

void FillPixels(std::span<std::byte> pixels) {
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::byte>(i * 7 % 251);
  }
}

}  // namespace

StatusOr<TimedNetwork> TimedNetwork::Create(const Graph& graph, Isa isa) {
  CYTO8_ASSIGN_OR_RETURN(auto model,
                         CompiledModel::Create(graph, {.isa = isa}));
  CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
  TimedNetwork network(std::move(model), std::move(request));
  CYTO8_RETURN_IF_ERROR(network.BindSteps());
  FillPixels(network.request_.input(0));
  FillPixels(network.Bytes(network.model_->plan().inputs[0]));
  CYTO8_RETURN_IF_ERROR(network.Seconds().status());
  return network;
}

TimedNetwork::TimedNetwork(std::shared_ptr<const CompiledModel> model,
                           InferRequest request)
    : model_(std::move(model)),
      request_(std::move(request)),
      arena_(static_cast<size_t>(model_->plan().arena_bytes) + 4096) {}

StatusOr<double> TimedNetwork::Seconds() {
  SerialFor executor;
  const double start = ThreadNow();
  CYTO8_RETURN_IF_ERROR(request_.Run(executor));
  return ThreadNow() - start;
}

Status TimedNetwork::BindSteps() {
  for (const PlannedStep& step : model_->plan().steps) {
    StepBuffers buffers;
    for (const Placement& src : step.src) buffers.src.push_back(Bytes(src));
    for (const Placement& dst : step.dst) buffers.dst.push_back(Bytes(dst));
    buffers.scratch = Bytes(step.scratch);
    CYTO8_ASSIGN_OR_RETURN(StepCall call, step.step.bind(buffers));
    calls_.push_back(std::move(call));
  }
  seconds_.resize(calls_.size());
  return OkStatus();
}

Status TimedNetwork::RunSteps() {
  SerialFor executor;
  for (size_t i = 0; i < calls_.size(); ++i) {
    const double start = ThreadNow();
    CYTO8_RETURN_IF_ERROR(calls_[i](executor));
    seconds_[i].push_back(ThreadNow() - start);
  }
  return OkStatus();
}

std::map<std::string, double> TimedNetwork::StepMedians() const {
  std::map<std::string, double> medians;
  for (size_t i = 0; i < calls_.size(); ++i) {
    medians[model_->plan().steps[i].label] = SpreadOf(seconds_[i]).median;
  }
  return medians;
}

std::span<std::byte> TimedNetwork::Bytes(const Placement& placement) {
  if (placement.constant) {
    const auto bytes = placement.constant->bytes();
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
  }
  const auto base = reinterpret_cast<uintptr_t>(arena_.data());
  const size_t shift = (4096 - base % 4096) % 4096;
  return {arena_.data() + shift + placement.offset,
          static_cast<size_t>(placement.bytes)};
}

}  // namespace cyto8
