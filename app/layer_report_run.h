// SPDX-License-Identifier: Apache-2.0
// Runs an INT8 network and the FP32 network that it was made from side by side
// for their diagnosis: values on some tiles, times on one. Tested by
// tests/app/layer_report_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/runtime/compiled_model.h"
#include "quant/layer_report.h"

namespace cyto8 {

// Tiles that show enough; a diagnosis of D2 takes about a second for each.
inline constexpr int64_t kReportTiles = 8;

struct LayerReportOptions {
  CompileOptions compile = {};  // of both networks.
  int64_t runs = 9;             // of each kind; at least 1.
};

// `fp32` as QuantizeGraph took it; `tiles` as the network takes them, at least
// one. Times are CPU time of the calling thread, so that others at work on the
// machine matter little: whole runs and runs with a clock behind each step, of
// both networks in turn; of each kind the mean of the fastest third.
StatusOr<LayerReport> RunLayerReport(
    const Graph& fp32, const QuantizedGraph& quantized,
    std::span<const std::vector<uint8_t>> tiles,
    const LayerReportOptions& options);

}  // namespace cyto8
