// SPDX-License-Identifier: Apache-2.0
// See timed_network.h.
#include "bench/timed_network.h"

#include <algorithm>
#include <utility>

#include "bench/measure.h"
#include "detector/runtime/model_plan.h"

namespace cyto8 {

StatusOr<TimedNetwork> TimedNetwork::Create(const Graph& graph, Isa isa,
                                            std::vector<uint8_t> tiles) {
  CYTO8_ASSIGN_OR_RETURN(auto model,
                         CompiledModel::Create(graph, {.isa = isa}));
  CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
  const size_t bytes = request.input(0).size();
  if (tiles.empty()) {
    for (size_t i = 0; i < bytes; ++i) {
      tiles.push_back(static_cast<uint8_t>(i * 7 % 251));
    }
  }
  if (tiles.size() % bytes != 0) {
    return InvalidArgument("tiles: no whole number of network inputs");
  }
  TimedNetwork network(std::move(model), std::move(request), std::move(tiles));
  CYTO8_RETURN_IF_ERROR(network.Seconds().status());
  return network;
}

TimedNetwork::TimedNetwork(std::shared_ptr<const CompiledModel> model,
                           InferRequest request, std::vector<uint8_t> tiles)
    : model_(std::move(model)),
      request_(std::move(request)),
      tiles_(std::move(tiles)),
      seconds_(model_->plan().steps.size()) {}

void TimedNetwork::NextTile() {
  const std::span<uint8_t> input = request_.input_as<uint8_t>(0);
  std::copy_n(tiles_.begin() + static_cast<int64_t>(next_), input.size(),
              input.begin());
  next_ = (next_ + input.size()) % tiles_.size();
}

Status TimedNetwork::Run() {
  SerialFor executor;
  return Run(executor);
}

Status TimedNetwork::Run(ParallelFor& executor) {
  NextTile();
  return request_.Run(executor);
}

StatusOr<double> TimedNetwork::Seconds() {
  NextTile();
  SerialFor executor;
  CYTO8_RETURN_IF_ERROR(request_.Run(executor));
  const double start = ThreadNow();
  CYTO8_RETURN_IF_ERROR(request_.Run(executor));
  return ThreadNow() - start;
}

Status TimedNetwork::RunSteps() {
  NextTile();
  SerialFor executor;
  size_t step = 0;
  double start = ThreadNow();
  return request_.Run(executor, [&](const std::string&, auto) {
    const double now = ThreadNow();
    seconds_[step++].push_back(now - start);
    start = now;
    return OkStatus();
  });
}

std::map<std::string, double> TimedNetwork::StepMedians() const {
  std::map<std::string, double> medians;
  for (size_t i = 0; i < seconds_.size(); ++i) {
    medians[model_->plan().steps[i].label] = SpreadOf(seconds_[i]).median;
  }
  return medians;
}

}  // namespace cyto8
