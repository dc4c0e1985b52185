// SPDX-License-Identifier: Apache-2.0
// See calibrator.h.
#include "quant/calibrator.h"

#include <utility>

#include "detector/runtime/step.h"

namespace cyto8 {

StatusOr<std::shared_ptr<const CalibrationPlan>> MakeCalibrationPlan(
    const Graph& graph, const QuantizeOptions& options,
    const CompileOptions& compile) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ValueRef> values,
                         ValuesToCalibrate(graph, options));
  auto plan = std::make_shared<CalibrationPlan>();
  Graph whole_graph = graph;
  for (const ValueRef value : values) {
    const std::string name = ValueName(graph, value);
    plan->channels[name] = graph.desc(value).shape->back();
    if (value.port == 0 && !OnlyRenames(graph.node(value).op)) continue;
    plan->outputs[name] = std::ssize(whole_graph.outputs);
    whole_graph.outputs.push_back({.name = name, .value = value});
  }
  CompileOptions whole = compile;
  whole.whole_values = true;
  CYTO8_ASSIGN_OR_RETURN(plan->model,
                         CompiledModel::Create(whole_graph, whole));
  const std::vector<ModelPort>& inputs = plan->model->inputs();
  if (inputs.size() != 1 || inputs[0].type != DataType::kUint8) {
    return InvalidArgument("network: must have one input, of 8-bit pixels");
  }
  return std::shared_ptr<const CalibrationPlan>(std::move(plan));
}

StatusOr<Calibrator> Calibrator::Create(
    std::shared_ptr<const CalibrationPlan> plan) {
  CYTO8_ASSIGN_OR_RETURN(InferRequest request,
                         InferRequest::Create(plan->model));
  Calibrator calibrator(std::move(plan), std::move(request));
  for (const auto& [name, channels] : calibrator.plan_->channels) {
    CYTO8_ASSIGN_OR_RETURN(RangeObserver observer,
                           RangeObserver::Create(channels));
    calibrator.observers_.emplace(name, std::move(observer));
  }
  return calibrator;
}

Status Calibrator::ObserveValue(const std::string& name,
                                std::span<const std::byte> value) {
  const auto found = observers_.find(name);
  if (found == observers_.end()) return OkStatus();
  return Annotate(
      found->second.Observe({reinterpret_cast<const float*>(value.data()),
                             value.size() / sizeof(float)}),
      "value \"" + name + "\"");
}

Status Calibrator::Observe(ParallelFor& executor) {
  CYTO8_RETURN_IF_ERROR(request_.Run(
      executor,
      [this](const std::string& node, std::span<const std::byte> result) {
        return ObserveValue(node, result);
      }));
  for (const auto& [name, number] : plan_->outputs) {
    CYTO8_RETURN_IF_ERROR(ObserveValue(name, request_.output(number)));
  }
  return OkStatus();
}

Status Calibrator::Merge(const Calibrator& other) {
  for (auto& [name, observer] : observers_) {
    CYTO8_RETURN_IF_ERROR(observer.Merge(other.observers_.at(name)));
  }
  return OkStatus();
}

StatusOr<Calibration> Calibrator::Finish() const {
  Calibration calibration;
  for (const auto& [name, observer] : observers_) {
    CYTO8_ASSIGN_OR_RETURN(
        calibration[name],
        Annotate(observer.Finish(), "value \"" + name + "\""));
  }
  return calibration;
}

}  // namespace cyto8
