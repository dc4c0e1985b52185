// SPDX-License-Identifier: Apache-2.0
// What an imported EfficientDet export contains: where the network starts and
// ends, how a serving export prepares images, and the post-processing baked
// into it. Decided by structure; names only tell the two heads apart. Changes
// nothing. Tested by tests/detector/efficientdet/export_layout_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/efficientdet/postprocess.h"
#include "detector/efficientdet/preprocessor.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// The predictions of one pyramid level, under the tensor names of the file.
struct HeadLevel {
  GraphOutput classes;
  GraphOutput boxes;
};

// What a serving export does before the network.
struct ServingInput {
  GraphOutput pixels;  // uint8 [B, H, W, 3], "image_arrays".
  PreprocessorOptions preprocessor;
  // The resize operator is hidden in a loop function (dynamic batch), so its
  // sampling is that of the exporters which write such loops.
  bool sampling_is_assumed = false;
};

// What a serving export does after the network.
struct ServingDetections {
  GraphOutput table;  // "detections", [B, N, 7], see DetectionRows().
  PostprocessOptions postprocess;
  bool scaled_to_image = false;  // boxes are in pixels of the given image.
  std::string suppression_op;    // "NonMaxSuppressionV5", ...
};

struct ExportLayout {
  GraphOutput network_input;      // normalised float [B, H, W, 3].
  int64_t batch = kUnknownDim;    // kUnknownDim: any.
  std::vector<HeadLevel> levels;  // finest first.
  int64_t classes = 0;
  int64_t anchors_per_cell = 0;
  std::optional<ServingInput> serving_input;    // unset: network-only export.
  std::optional<ServingDetections> detections;  // likewise.
  std::shared_ptr<const Tensor> anchors;  // [N, 4] if baked in, else null.
};

// kInvalidArgument or kUnimplemented names the node that does not fit.
StatusOr<ExportLayout> FindExportLayout(const Graph& imported);

// The class outputs of all levels, then the box outputs: what a network-only
// graph keeps.
std::vector<GraphOutput> HeadOutputs(const ExportLayout& layout);

// Several lines for `graph summarize`, each ending in a line feed.
std::string DescribeExportLayout(const ExportLayout& layout);

}  // namespace cyto8
