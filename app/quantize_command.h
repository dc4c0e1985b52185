// SPDX-License-Identifier: Apache-2.0
// `cyto8 quantize`: an FP32 model and calibration images to one INT8 model
// file. Tested by tests/app/quantize_command_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/exit_code.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "quant/quantize_graph.h"

namespace cyto8 {

struct QuantizeCommandOptions {
  std::string model = {};                    // card, or model beside its card.
  std::vector<std::string> images = {};      // files and folders (--calib).
  std::optional<double> mpp = std::nullopt;  // um per pixel of all images.
  std::string mpp_from = {};                 // side file; empty: none.
  std::string output = {};                   // .cy8
  std::string report = {};                   // folder; empty: no report.
  int64_t threads = 0;  // 0: as many as the process may use.
  QuantizeOptions quantize = {};
  Environment environment = {};
  Limits limits = {};
};

// The model file appears whole or not at all; a failed run leaves what stood
// there.
ExitCode RunQuantize(FileSystem& files, const QuantizeCommandOptions& options);

}  // namespace cyto8
