// SPDX-License-Identifier: Apache-2.0
// The diagnosis of an INT8 network for people (text, SVG) and for programs
// (CSV); docs/formats.md has the columns. Tested by
// tests/app/layer_report_test.cc.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/status.h"
#include "quant/layer_report.h"

namespace cyto8 {

std::string LayerTable(const LayerReport& report);
std::string LayerCsv(const LayerReport& report);

// Two lines: the layer with the least SQNR, and what the layers' times add up
// to.
std::string LayerSummary(const LayerReport& report);

// A line a row, in the report's order: a bar of its SQNR, and its times in both
// networks over each other.
std::string LayerSvg(const LayerReport& report);

// layers.txt, layers.csv and layers.svg in the folder, which is there; each
// whole or not at all.
Status WriteLayerReport(FileSystem& files, const std::string& folder,
                        const LayerReport& report);

}  // namespace cyto8
