// SPDX-License-Identifier: Apache-2.0
// See layer_report.h.
//
// A step of one network belongs to the row of the same name, else to the next
// row down the FP32 graph: what one network computes in a step of its own, the
// other does in the step that uses it.
#include "quant/layer_report.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace cyto8 {
namespace {

using NameTest = std::function<bool(const std::string& name)>;

class ReportMaker {
 public:
  ReportMaker(const Graph& fp32, const QuantizedGraph& quantized)
      : fp32_(fp32), readers_(ReadersOf(fp32)) {
    for (size_t i = 0; i < fp32.nodes.size(); ++i) {
      node_of_[fp32.nodes[i].name] = static_cast<int64_t>(i);
    }
    for (const Node& node : quantized.graph.nodes) {
      kind_of_[node.name] = OpName(node.op);
    }
    for (const QuantizedLayer& layer : quantized.layers) {
      kind_of_[layer.name] = layer.kind;
    }
  }

  // A row for each INT8 layer, with a step of its own or without, and for each
  // other step.
  void AddInt8Rows(const QuantizedGraph& quantized, const NetworkTimes& times,
                   const std::map<std::string, LayerError>& errors) {
    std::map<std::string, double> ms_of;
    for (const auto& step : times.steps) ms_of[step.node] += step.ms;
    std::set<std::string> names;
    for (const auto& layer : quantized.layers) names.insert(layer.name);
    for (const auto& step : times.steps) names.insert(step.node);
    for (const Node& node : quantized.graph.nodes) {
      if (names.erase(node.name) > 0) Add({.name = node.name});
    }
    for (const std::string& name : names) {
      if (ms_of.contains(name)) Add({.name = name});
    }
    for (LayerRow& row : rows_) {
      row.kind = KindOf(row.name);
      const auto ms = ms_of.find(row.name);
      if (ms != ms_of.end()) row.int8_ms = ms->second;
      const auto error = errors.find(row.name);
      if (error != errors.end()) row.error = error->second;
    }
  }

  void AddFp32Steps(const NetworkTimes& times) {
    for (const NetworkTimes::Step& step : times.steps) {
      std::string name =
          FirstDown(step.node, [this](const std::string& candidate) {
            return row_of_.contains(candidate);
          });
      if (name.empty()) name = AddFp32Only(step.node);
      LayerRow& row = rows_[row_of_.at(name)];
      row.fp32_ms = row.fp32_ms.value_or(0) + step.ms;
    }
  }

  std::vector<LayerRow> TakeRows() {
    // From the last: what a row waits for stands behind it.
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
      row->time_layer = TimeLayerOf(*row);
    }
    FindSpeedups();
    return std::move(rows_);
  }

 private:
  void Add(LayerRow row) {
    row_of_.emplace(row.name, rows_.size());
    rows_.push_back(std::move(row));
  }

  // Steps without a node copy an input to an output.
  std::string KindOf(const std::string& name) const {
    const auto found = kind_of_.find(name);
    return found == kind_of_.end() ? "copy" : found->second;
  }

  std::string AddFp32Only(const std::string& name) {
    const auto node = node_of_.find(name);
    const std::string kind =
        node == node_of_.end()
            ? KindOf(name)
            : std::string(
                  OpName(fp32_.nodes[static_cast<size_t>(node->second)].op));
    Add({.name = name, .kind = kind + " (FP32 only)"});
    return name;
  }

  // The name itself or the next one down the graph, by first readers, that
  // passes; empty if there is none.
  std::string FirstDown(const std::string& name, const NameTest& passes) const {
    if (passes(name)) return name;
    const auto found = node_of_.find(name);
    if (found == node_of_.end()) return {};
    // Readers come later in the order: this ends.
    for (int64_t node = found->second;;) {
      const std::vector<int64_t>& readers = readers_[static_cast<size_t>(node)];
      if (readers.empty()) return {};
      node = readers.front();
      const std::string& next = fp32_.nodes[static_cast<size_t>(node)].name;
      if (passes(next)) return next;
    }
  }

  // The next row down, or this one, with a time of that network.
  size_t NextWith(std::optional<double> LayerRow::*ms, size_t row) const {
    const std::string next =
        FirstDown(rows_[row].name, [&](const std::string& name) {
          const auto found = row_of_.find(name);
          return found != row_of_.end() && rows_[found->second].*ms;
        });
    return next.empty() ? row : row_of_.at(next);
  }

  std::string TimeLayerOf(const LayerRow& row) const {
    const auto own = static_cast<size_t>(&row - rows_.data());
    const size_t next = std::max(NextWith(&LayerRow::int8_ms, own),
                                 NextWith(&LayerRow::fp32_ms, own));
    return next > own ? rows_[next].time_layer : row.name;
  }

  void FindSpeedups() {
    std::map<std::string, double> int8_ms;
    std::map<std::string, double> fp32_ms;
    for (const LayerRow& row : rows_) {
      int8_ms[row.time_layer] += row.int8_ms.value_or(0);
      fp32_ms[row.time_layer] += row.fp32_ms.value_or(0);
    }
    for (LayerRow& row : rows_) {
      if (int8_ms[row.name] > 0 && fp32_ms[row.name] > 0) {
        row.speedup = fp32_ms[row.name] / int8_ms[row.name];
      }
    }
  }

  const Graph& fp32_;
  std::vector<std::vector<int64_t>> readers_;
  std::map<std::string, int64_t> node_of_;  // of FP32 nodes.
  std::map<std::string, std::string> kind_of_;
  std::map<std::string, size_t> row_of_;
  std::vector<LayerRow> rows_;
};

}  // namespace

double NetworkTimes::sum_ms() const {
  double sum = 0;
  for (const Step& step : steps) sum += step.ms;
  return sum;
}

double NetworkTimes::share() const {
  return whole_ms > 0 ? sum_ms() / whole_ms : 0;
}

LayerReport MakeLayerReport(const Graph& fp32, const QuantizedGraph& quantized,
                            const std::map<std::string, LayerError>& errors,
                            NetworkTimes fp32_times, NetworkTimes int8_times) {
  ReportMaker maker(fp32, quantized);
  maker.AddInt8Rows(quantized, int8_times, errors);
  maker.AddFp32Steps(fp32_times);
  return {.rows = maker.TakeRows(),
          .int8 = std::move(int8_times),
          .fp32 = std::move(fp32_times)};
}

}  // namespace cyto8
