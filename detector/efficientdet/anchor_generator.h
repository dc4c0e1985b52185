// SPDX-License-Identifier: Apache-2.0
// The anchor boxes of EfficientDet: those of google/automl's tf2/anchors.py
// (Anchors), in its order and precision, for both conventions of aspect ratios.
// Tested by tests/detector/efficientdet/anchor_generator_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "detector/graph/tensor.h"

namespace cyto8 {

// Corners in pixels of the network input, as the reference stores them.
struct AnchorBox {
  float y_min = 0;
  float x_min = 0;
  float y_max = 0;
  float x_max = 0;
  friend bool operator==(const AnchorBox&, const AnchorBox&) = default;
};

// The factors by which an aspect stretches the square base anchor.
struct AspectFactors {
  double x = 1;
  double y = 1;
  friend bool operator==(const AspectFactors&, const AspectFactors&) = default;
};

// A ratio a becomes (sqrt(a), 1 / sqrt(a)): automl since 2020-09-10.
AspectFactors SqrtAspect(double ratio);
// The three factors used before: (1, 1), (1.4, 0.7), (0.7, 1.4). Also the
// defaults of several ports.
std::vector<AspectFactors> LegacyAspects();

inline constexpr int64_t kMaxAnchorLevel = 16;

struct AnchorGeneratorOptions {
  int64_t min_level = 3;
  int64_t max_level = 7;
  int64_t num_scales = 3;
  std::vector<AspectFactors> aspects = {SqrtAspect(1), SqrtAspect(2),
                                        SqrtAspect(0.5)};
  std::vector<double> anchor_scales = {4};  // one, or one per level.
  int64_t image_width_px = 0;
  int64_t image_height_px = 0;
};

struct FeatureSize {
  int64_t height = 0;
  int64_t width = 0;
  friend bool operator==(const FeatureSize&, const FeatureSize&) = default;
};

// The anchors of a network in the order of its outputs: level, y, x, octave,
// aspect.
struct AnchorSet {
  std::vector<AnchorBox> boxes;
  std::vector<FeatureSize> levels;  // empty if not known.
  int64_t per_cell = 0;             // 0 if not known.
};

// kInvalidArgument names the option that is out of range.
StatusOr<AnchorSet> GenerateAnchors(const AnchorGeneratorOptions& options);

// The anchors that a serving graph brings along, as they are: float32 [N, 4] of
// ymin, xmin, ymax, xmax. kInvalidArgument for another type or shape, a value
// that is not finite or a box without extent.
StatusOr<AnchorSet> AnchorsFromConstant(const Tensor& constant);

// OK if both have the same number of boxes and no side differs by more than
// `tolerance_px`; otherwise the first difference.
Status AnchorsAgree(std::span<const AnchorBox> expected,
                    std::span<const AnchorBox> actual, double tolerance_px);

}  // namespace cyto8
