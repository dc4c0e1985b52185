// SPDX-License-Identifier: Apache-2.0
// See calibrator.h.
#include "quant/calibrator.h"

#include <utility>

namespace cyto8 {

StatusOr<std::shared_ptr<const CalibrationPlan>> MakeCalibrationPlan(
    const Graph& graph, const QuantizeOptions& options,
    const CompileOptions& compile) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<ValueRef> values,
                         ValuesToCalibrate(graph, options));
  auto plan = std::make_shared<CalibrationPlan>();
  for (const ValueRef value : values) {
    plan->channels[ValueName(graph, value)] = graph.desc(value).shape->back();
  }
  CompileOptions whole = compile;
  whole.whole_values = true;
  CYTO8_ASSIGN_OR_RETURN(plan->model, CompiledModel::Create(graph, whole));
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

Status Calibrator::Observe(ParallelFor& executor) {
  return request_.Run(executor, [this](const std::string& node,
                                       std::span<const std::byte> result) {
    const auto found = observers_.find(node);
    if (found == observers_.end()) return OkStatus();
    return Annotate(
        found->second.Observe({reinterpret_cast<const float*>(result.data()),
                               result.size() / sizeof(float)}),
        "value \"" + node + "\"");
  });
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
