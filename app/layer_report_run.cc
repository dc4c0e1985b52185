// SPDX-License-Identifier: Apache-2.0
// See layer_report_run.h.
#include "app/layer_report_run.h"

#include <time.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "quant/layer_comparison.h"

namespace cyto8 {
namespace {

constexpr double kMsPerSecond = 1e3;
constexpr double kMsPerNs = 1e-6;
constexpr int64_t kMaxRuns = 1000;

// CPU time of this thread.
double NowMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * kMsPerSecond +
         static_cast<double>(now.tv_nsec) * kMsPerNs;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

class NetworkTimer {
 public:
  // Runs once, untimed.
  static StatusOr<NetworkTimer> Create(const Graph& graph,
                                       const CompileOptions& compile,
                                       std::span<const uint8_t> pixels) {
    CYTO8_ASSIGN_OR_RETURN(const auto model,
                           CompiledModel::Create(graph, compile));
    CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
    NetworkTimer timer(std::move(request));
    std::ranges::copy(pixels, timer.request_.input_as<uint8_t>(0).begin());
    CYTO8_RETURN_IF_ERROR(timer.NoteSteps());
    return timer;
  }

  Status RunWhole() {
    SerialFor serial;
    const double start = NowMs();
    CYTO8_RETURN_IF_ERROR(request_.Run(serial));
    whole_ms_.push_back(NowMs() - start);
    return OkStatus();
  }

  Status RunSteps() {
    SerialFor serial;
    size_t step = 0;
    double last = NowMs();
    return request_.Run(serial,
                        [&](const std::string&, std::span<const std::byte>) {
                          const double now = NowMs();
                          step_ms_[step++].push_back(now - last);
                          last = now;
                          return OkStatus();
                        });
  }

  NetworkTimes Medians() const {
    NetworkTimes times;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      times.steps.push_back({.node = nodes_[i], .ms = Median(step_ms_[i])});
    }
    times.whole_ms = Median(whole_ms_);
    return times;
  }

 private:
  explicit NetworkTimer(InferRequest request) : request_(std::move(request)) {}

  Status NoteSteps() {
    SerialFor serial;
    CYTO8_RETURN_IF_ERROR(request_.Run(
        serial, [this](const std::string& node, std::span<const std::byte>) {
          nodes_.push_back(node);
          return OkStatus();
        }));
    step_ms_.resize(nodes_.size());
    return OkStatus();
  }

  InferRequest request_;
  std::vector<std::string> nodes_;
  std::vector<double> whole_ms_;
  std::vector<std::vector<double>> step_ms_;  // by step.
};

// Neither kind of run always comes first.
Status RunRound(int64_t round, NetworkTimer& timer) {
  if (round % 2 == 0) CYTO8_RETURN_IF_ERROR(timer.RunWhole());
  CYTO8_RETURN_IF_ERROR(timer.RunSteps());
  return round % 2 == 0 ? OkStatus() : timer.RunWhole();
}

StatusOr<std::map<std::string, LayerError>> Compare(
    const Graph& fp32, const QuantizedGraph& quantized,
    std::span<const std::vector<uint8_t>> tiles,
    const CompileOptions& compile) {
  CYTO8_ASSIGN_OR_RETURN(LayerComparison comparison,
                         LayerComparison::Create(fp32, quantized, compile));
  SerialFor serial;
  for (const std::vector<uint8_t>& tile : tiles) {
    CYTO8_RETURN_IF_ERROR(comparison.Observe(tile, serial));
  }
  return comparison.errors();
}

}  // namespace

StatusOr<LayerReport> RunLayerReport(
    const Graph& fp32, const QuantizedGraph& quantized,
    std::span<const std::vector<uint8_t>> tiles,
    const LayerReportOptions& options) {
  if (tiles.empty()) return InvalidArgument("report: no tiles");
  CYTO8_RETURN_IF_ERROR(CheckRange("runs", options.runs, 1, kMaxRuns));
  CYTO8_ASSIGN_OR_RETURN(const auto errors,
                         Compare(fp32, quantized, tiles, options.compile));
  CYTO8_ASSIGN_OR_RETURN(NetworkTimer fp32_timer,
                         NetworkTimer::Create(fp32, options.compile, tiles[0]));
  CYTO8_ASSIGN_OR_RETURN(
      NetworkTimer int8_timer,
      NetworkTimer::Create(quantized.graph, options.compile, tiles[0]));
  for (int64_t round = 0; round < options.runs; ++round) {
    CYTO8_RETURN_IF_ERROR(RunRound(round, fp32_timer));
    CYTO8_RETURN_IF_ERROR(RunRound(round, int8_timer));
  }
  LayerReport report = MakeLayerReport(
      fp32, quantized, errors, fp32_timer.Medians(), int8_timer.Medians());
  report.tiles = std::ssize(tiles);
  report.runs = options.runs;
  return report;
}

}  // namespace cyto8
