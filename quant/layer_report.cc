// SPDX-License-Identifier: Apache-2.0
// See layer_report.h.
//
// A step of one network belongs to the row of the same name, else to the next
// row down the FP32 graph: what one network computes in a step of its own, the
// other does in the step that uses it.
#include "quant/layer_report.h"

#include <functional>
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

  void AddInt8Steps(const NetworkTimes& times,
                    const std::map<std::string, LayerError>& errors) {
    for (const NetworkTimes::Step& step : times.steps) {
      LayerRow row = {.name = step.node, .kind = KindOf(step.node)};
      row.int8_ms = step.ms;
      const auto error = errors.find(step.node);
      if (error != errors.end()) row.error = error->second;
      Add(std::move(row));
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
    FindFp32Layers();
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

  void FindFp32Layers() {
    for (LayerRow& row : rows_) {
      row.fp32_layer = row.name;
      if (row.fp32_ms) continue;
      row.fp32_layer = FirstDown(row.name, [this](const std::string& name) {
        const auto found = row_of_.find(name);
        return found != row_of_.end() && rows_[found->second].fp32_ms;
      });
    }
  }

  void FindSpeedups() {
    std::map<std::string, double> int8_ms;
    for (const LayerRow& row : rows_) {
      int8_ms[row.fp32_layer] += row.int8_ms.value_or(0);
    }
    for (LayerRow& row : rows_) {
      const double ms = int8_ms[row.name];
      if (row.fp32_ms && ms > 0) row.speedup = *row.fp32_ms / ms;
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
  maker.AddInt8Steps(int8_times, errors);
  maker.AddFp32Steps(fp32_times);
  return {.rows = maker.TakeRows(),
          .int8 = std::move(int8_times),
          .fp32 = std::move(fp32_times)};
}

}  // namespace cyto8
