// SPDX-License-Identifier: Apache-2.0
// See layer_report_run.h.
#include "app/layer_report_run.h"

#include <time.h>

#include <algorithm>
#include <map>
#include <numeric>
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

// One time for each step, or for the whole.
using RunMs = std::vector<double>;

double Sum(const RunMs& run) {
  return std::accumulate(run.begin(), run.end(), 0.0);
}

// The mean of the fastest third: runs that nobody disturbed. What takes the CPU
// away below the operating system counts as this thread's time, too, and hits
// long runs more often than short steps: medians would not add up.
RunMs FastestMean(std::vector<RunMs> runs) {
  std::ranges::sort(runs, {}, Sum);
  constexpr size_t kPart = 3;
  runs.resize((runs.size() + kPart - 1) / kPart);
  RunMs mean(runs[0].size(), 0.0);
  for (const RunMs& run : runs) {
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += run[i] / static_cast<double>(runs.size());
    }
  }
  return mean;
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

  // Neither kind of run always comes first.
  Status RunRound() {
    const bool whole_first = whole_runs_.size() % 2 == 0;
    if (whole_first) CYTO8_RETURN_IF_ERROR(RunWhole());
    CYTO8_RETURN_IF_ERROR(RunSteps());
    return whole_first ? OkStatus() : RunWhole();
  }

  NetworkTimes Times() const {
    const RunMs step_ms = FastestMean(step_runs_);
    NetworkTimes times = {.whole_ms = FastestMean(whole_runs_)[0]};
    for (size_t i = 0; i < nodes_.size(); ++i) {
      times.steps.push_back({.node = nodes_[i], .ms = step_ms[i]});
    }
    return times;
  }

 private:
  explicit NetworkTimer(InferRequest request) : request_(std::move(request)) {}

  Status RunWhole() {
    SerialFor serial;
    const double start = NowMs();
    CYTO8_RETURN_IF_ERROR(request_.Run(serial));
    whole_runs_.push_back({NowMs() - start});
    return OkStatus();
  }

  Status RunSteps() {
    SerialFor serial;
    RunMs& run = step_runs_.emplace_back();
    run.reserve(nodes_.size());
    double last = NowMs();
    return request_.Run(serial,
                        [&](const std::string&, std::span<const std::byte>) {
                          const double now = NowMs();
                          run.push_back(now - last);
                          last = now;
                          return OkStatus();
                        });
  }

  Status NoteSteps() {
    SerialFor serial;
    return request_.Run(
        serial, [this](const std::string& node, std::span<const std::byte>) {
          nodes_.push_back(node);
          return OkStatus();
        });
  }

  InferRequest request_;
  std::vector<std::string> nodes_;
  std::vector<RunMs> whole_runs_;
  std::vector<RunMs> step_runs_;
};

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
    CYTO8_RETURN_IF_ERROR(fp32_timer.RunRound());
    CYTO8_RETURN_IF_ERROR(int8_timer.RunRound());
  }
  LayerReport report = MakeLayerReport(fp32, quantized, errors,
                                       fp32_timer.Times(), int8_timer.Times());
  report.tiles = std::ssize(tiles);
  report.runs = options.runs;
  return report;
}

}  // namespace cyto8
