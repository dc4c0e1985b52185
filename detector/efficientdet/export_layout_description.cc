// SPDX-License-Identifier: Apache-2.0
// The layout in words. Tested by
// tests/detector/efficientdet/export_layout_test.cc.
#include <array>

#include "base/numbers.h"
#include "detector/efficientdet/export_layout.h"

namespace cyto8 {
namespace {

constexpr int kLevelDecimals = 3;

std::string Levels(const std::array<float, 3>& values) {
  std::string text;
  for (const float value : values) {
    text += (text.empty() ? "" : ", ") + FormatFixed(value, kLevelDecimals);
  }
  return "(" + text + ")";
}

std::string DescribeInput(const ServingInput& input) {
  const PreprocessorOptions& options = input.preprocessor;
  return "pixels: " + input.pixels.name + " (uint8)\nnormalisation: mean " +
         Levels(options.mean) + ", deviation " + Levels(options.deviation) +
         "\nresize: bilinear " +
         std::string(ResizeSamplingName(options.sampling)) +
         (input.sampling_is_assumed ? " (assumed)" : "") + " to " +
         std::to_string(options.width_px) + " x " +
         std::to_string(options.height_px) + " px, ratio kept, padded\n";
}

std::string DescribeDetections(const ServingDetections& detections) {
  return "post-processing: " + detections.suppression_op + ", " +
         DescribePostprocess(detections.postprocess) +
         (detections.scaled_to_image ? ", scaled to the image" : "") +
         "\ndetections: " + detections.table.name +
         " (image id, ymin, xmin, ymax, xmax, score, class)\n";
}

}  // namespace

std::string DescribeExportLayout(const ExportLayout& layout) {
  std::string text = "export: ";
  text += layout.serving_input ? "serving" : "network only";
  text += "\nbatch: " + (layout.batch == kUnknownDim
                             ? std::string("any")
                             : std::to_string(layout.batch));
  text += "\nnetwork input: " + layout.network_input.name + "\n";
  if (layout.serving_input) text += DescribeInput(*layout.serving_input);
  text += "levels: " + std::to_string(layout.levels.size()) +
          ", classes: " + std::to_string(layout.classes) +
          ", anchors per cell: " + std::to_string(layout.anchors_per_cell) +
          "\n";
  for (const HeadLevel& level : layout.levels) {
    text += "outputs: " + level.classes.name + ", " + level.boxes.name + "\n";
  }
  if (layout.anchors) {
    text += "anchors in the graph: " +
            std::to_string(layout.anchors->shape().front()) + "\n";
  }
  if (layout.detections) text += DescribeDetections(*layout.detections);
  return text;
}

}  // namespace cyto8
