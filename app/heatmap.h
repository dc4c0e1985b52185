// SPDX-License-Identifier: Apache-2.0
// heatmap.png: the highest scores of an image in at most 1024 x 1024 pixels,
// however large the image (docs/formats.md, section 3). Pure. Tested by
// tests/app/heatmap_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "app/model_card.h"
#include "app/score_result.h"
#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

struct Heatmap {
  int64_t px_per_px = 1;  // level-0 pixels along the side of one pixel.
  int64_t width_px = 0;
  int64_t height_px = 0;
  bool abnormal_only = false;  // of the card's group, else all classes.
  // Row by row: 0 without a box, else 1 + floor(254 * highest score).
  std::vector<uint8_t> values = {};
};

// Time: cells x rows of the heat map at most, plus its pixels; memory: 3 bytes
// for each of its pixels. The image has sides of at least 1 px; its cells
// are in the order of DetectionBefore.
Heatmap MakeHeatmap(const SlideResult& slide, const ModelCard& card);

// Colours of the values: 0 is white, then ever darker.
std::array<Rgb, 256> HeatmapPalette();

// The file, notice and scale included.
StatusOr<std::string> HeatmapPng(const SlideResult& slide,
                                 const ModelCard& card);

}  // namespace cyto8
