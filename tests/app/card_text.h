// SPDX-License-Identifier: Apache-2.0
// A small valid model card, and edits of it, for the tests of app. Test code.
#pragma once

#include <string>
#include <string_view>

namespace cyto8 {

// Two classes, 128 px, levels 3 to 7. `sha256` is that of the model file.
inline std::string CardText(
    std::string_view sha256 =
        "0000000000000000000000000000000000000000000000000000000000000000") {
  return "schema: 1\n"
         "name: mini\n"
         "model: mini.pb\n"
         "sha256: \"" +
         std::string(sha256) +
         "\"\n"
         "licence: Apache-2.0\n"
         "description: seeded random weights\n"
         "input:\n"
         "  width_px: 128\n"
         "  height_px: 128\n"
         "  mpp: 0.5\n"
         "  resample: area\n"
         "  pad_rgb: [235, 235, 235]\n"
         "  mean_rgb: [123.675, 116.28, 103.53]\n"
         "  stddev_rgb: [58.395, 57.12, 57.375]\n"
         "anchors:\n"
         "  min_level: 3\n"
         "  max_level: 7\n"
         "  num_scales: 3\n"
         "  aspect_ratios: [1.0, 2.0, 0.5]\n"
         "  anchor_scale: 4.0\n"
         "  ratio_convention: sqrt\n"
         "classes:\n"
         "  - {id: 1, name: NILM, color: [0, 255, 0]}\n"
         "  - {id: 2, name: HSIL, color: [255, 0, 0]}\n"
         "groups:\n"
         "  abnormal: [HSIL]\n"
         "postprocess:\n"
         "  scope: per_class\n"
         "  method: hard\n"
         "  iou_threshold: 0.5\n"
         "  score_threshold: 0.05\n"
         "  max_candidates: 0\n"
         "  max_detections: 0\n";
}

// The first `from` replaced by `to`; the text unchanged if it is not there.
inline std::string Edited(std::string text, std::string_view from,
                          std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

}  // namespace cyto8
