// SPDX-License-Identifier: Apache-2.0
// Calibration images through the FP32 network, by the way that scoring takes:
// same scale, same tiles, same padding. Tested by
// tests/app/quantize_command_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/slide_planner.h"
#include "base/file_system.h"
#include "base/image_view.h"
#include "base/status.h"
#include "quant/calibrator.h"

namespace cyto8 {

struct CalibrationRunOptions {
  int64_t threads = 1;
  int64_t width_px = 0;  // of the network input.
  int64_t height_px = 0;
  Rgb pad = {};
  int64_t max_samples = 0;  // tiles to keep, spread over all images.
};

struct CalibrationRun {
  Calibration calibration = {};
  std::vector<std::string> image_sha256 = {};  // sorted, each once.
  int64_t images = 0;
  int64_t tiles = 0;
  // Tiles as the network takes them, in the order of images.
  std::vector<std::vector<uint8_t>> samples = {};
};

// Which of the `tiles` tiles of image number `image` of `images` are among at
// most `max_samples` spread over all of them: rising, each once.
std::vector<int64_t> SampledTiles(int64_t image, int64_t images, int64_t tiles,
                                  int64_t max_samples);

// An image that cannot be read, or is all of one colour, is an error that names
// it: what was calibrated must be what was asked for. The result does not
// depend on `threads`.
StatusOr<CalibrationRun> RunCalibration(
    FileSystem& files, const SlidePlanner& planner,
    std::span<const SlideInput> inputs,
    std::shared_ptr<const CalibrationPlan> plan,
    const CalibrationRunOptions& options);

}  // namespace cyto8
