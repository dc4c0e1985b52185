// SPDX-License-Identifier: Apache-2.0
// From the raw maps of one image to detections in pixels of the network input:
// google/automl's tf2/postprocess.py (postprocess_global, _per_class,
// _combined). Does not scale or place boxes. Tested by
// tests/detector/efficientdet/postprocess_test.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/detection.h"
#include "base/status.h"
#include "detector/efficientdet/anchor_generator.h"

namespace cyto8 {

enum class SuppressionScope {
  kGlobal,    // every box competes with every other.
  kPerClass,  // boxes of one class only; then the best over all classes.
};

enum class SuppressionMethod {
  kHard,
  kGaussian,
};

enum class ClassChoice {
  kBestPerAnchor,  // one candidate per anchor, with its best class.
  kEveryClass,     // one candidate per anchor and class.
};

struct PostprocessOptions {
  SuppressionScope scope = SuppressionScope::kGlobal;
  SuppressionMethod method = SuppressionMethod::kHard;
  ClassChoice classes = ClassChoice::kBestPerAnchor;
  // With kEveryClass only the best so many by score, ties by position; 0: all.
  int64_t max_candidates = 0;
  float score_threshold = -std::numeric_limits<float>::infinity();
  float iou_threshold = 0.5f;  // kHard only.
  float sigma = 0.5f;  // kGaussian only, as in automl's configuration: twice
                       // that of TensorFlow's operator.
  int64_t max_detections = 100;  // 0: all.
  // Boxes are cut to [0, height] x [0, width] after suppression.
  std::optional<FeatureSize> clip = std::nullopt;
  int class_offset = 1;  // the id of the first class.
};

// kInvalidArgument names the option that is out of range.
Status CheckPostprocessOptions(const PostprocessOptions& options);

// "per class, gaussian sigma 0.5, ..." for people.
std::string DescribePostprocess(const PostprocessOptions& options);

// The network's outputs for one image, level by level: logits
// [cells * anchors, classes] and box codes [cells * anchors, 4].
struct RawMaps {
  std::vector<std::span<const float>> class_logits;
  std::vector<std::span<const float>> box_codes;
};

// Detections in the order of suppression (score falling). Scores are compared
// as logits; only candidates above the threshold are decoded.
// kInvalidArgument if the maps do not fit the anchors, a logit is not a number
// or a candidate's box is not finite.
StatusOr<std::vector<Detection>> Postprocess(const RawMaps& maps,
                                             std::span<const AnchorBox> anchors,
                                             int64_t classes,
                                             const PostprocessOptions& options);

// automl's output table of one image: `rows` rows of image id, ymin, xmin,
// ymax, xmax, score, class. Boxes are multiplied by `scale` in float32. Rows
// without detection are 0 but for the id; detections beyond `rows` are left
// out.
std::vector<float> DetectionRows(std::span<const Detection> detections,
                                 int64_t image_id, float scale, int64_t rows);

}  // namespace cyto8
