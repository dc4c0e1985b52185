// SPDX-License-Identifier: Apache-2.0
// Everything is computed in double and rounded to float once, as NumPy does in
// the reference. Tested by
// tests/detector/efficientdet/anchor_generator_test.cc.
#include "detector/efficientdet/anchor_generator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/checked_math.h"
#include "base/limits.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxScales = 16;
constexpr int64_t kMaxAspects = 64;
constexpr int64_t kMaxAnchors = int64_t{1} << 26;
constexpr double kMaxFactor = 1000;

Status CheckOptions(const AnchorGeneratorOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("max_level", options.max_level, 0, kMaxAnchorLevel));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("min_level", options.min_level, 0, options.max_level));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("num_scales", options.num_scales, 1, kMaxScales));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "number of aspect_ratios", std::ssize(options.aspects), 1, kMaxAspects));
  const int64_t max_side = Limits().max_side_px;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("image_width_px", options.image_width_px, 1, max_side));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("image_height_px", options.image_height_px, 1, max_side));
  for (const AspectFactors& aspect : options.aspects) {
    for (const double factor : {aspect.x, aspect.y}) {
      CYTO8_RETURN_IF_ERROR(
          CheckRange("aspect factor", factor, 1 / kMaxFactor, kMaxFactor));
    }
  }
  for (const double scale : options.anchor_scales) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("anchor_scale", scale, 1 / kMaxFactor, kMaxFactor));
  }
  return OkStatus();
}

StatusOr<std::vector<double>> ScalePerLevel(
    const AnchorGeneratorOptions& options) {
  const int64_t levels = options.max_level - options.min_level + 1;
  const int64_t given = std::ssize(options.anchor_scales);
  if (given == levels) return options.anchor_scales;
  if (given == 1) {
    return std::vector<double>(static_cast<size_t>(levels),
                               options.anchor_scales.front());
  }
  return InvalidArgument(
      "number of anchor_scale values = " + std::to_string(given) +
      ": must be 1 or " + std::to_string(levels) + " (levels)");
}

FeatureSize Halve(FeatureSize size) {
  return {.height = (size.height - 1) / 2 + 1,
          .width = (size.width - 1) / 2 + 1};
}

std::vector<FeatureSize> FeatureSizes(const AnchorGeneratorOptions& options) {
  FeatureSize size = {.height = options.image_height_px,
                      .width = options.image_width_px};
  std::vector<FeatureSize> sizes;
  for (int64_t level = 0; level <= options.max_level; ++level) {
    if (level >= options.min_level) sizes.push_back(size);
    size = Halve(size);
  }
  return sizes;
}

// Half the sides of one anchor of a level.
struct HalfSize {
  double x = 0;
  double y = 0;
};

// One level of the pyramid.
struct Level {
  double stride_y = 0;
  double stride_x = 0;
  std::vector<HalfSize> halves;  // octave, then aspect.
};

Level MakeLevel(const AnchorGeneratorOptions& options, FeatureSize size,
                double anchor_scale) {
  Level level = {.stride_y = static_cast<double>(options.image_height_px) /
                             static_cast<double>(size.height),
                 .stride_x = static_cast<double>(options.image_width_px) /
                             static_cast<double>(size.width),
                 .halves = {}};
  for (int64_t octave = 0; octave < options.num_scales; ++octave) {
    const double octave_scale =
        std::pow(2.0, static_cast<double>(octave) /
                          static_cast<double>(options.num_scales));
    for (const AspectFactors& aspect : options.aspects) {
      level.halves.push_back(
          {.x = anchor_scale * level.stride_x * octave_scale * aspect.x / 2,
           .y = anchor_scale * level.stride_y * octave_scale * aspect.y / 2});
    }
  }
  return level;
}

void AppendLevel(const Level& level, FeatureSize size,
                 std::vector<AnchorBox>& boxes) {
  for (int64_t row = 0; row < size.height; ++row) {
    const double y =
        level.stride_y / 2 + static_cast<double>(row) * level.stride_y;
    for (int64_t column = 0; column < size.width; ++column) {
      const double x =
          level.stride_x / 2 + static_cast<double>(column) * level.stride_x;
      for (const HalfSize& half : level.halves) {
        boxes.push_back({.y_min = static_cast<float>(y - half.y),
                         .x_min = static_cast<float>(x - half.x),
                         .y_max = static_cast<float>(y + half.y),
                         .x_max = static_cast<float>(x + half.x)});
      }
    }
  }
}

StatusOr<int64_t> CountAnchors(std::span<const FeatureSize> levels,
                               int64_t per_cell) {
  int64_t cells = 0;
  for (const FeatureSize& level : levels) cells += level.height * level.width;
  CYTO8_ASSIGN_OR_RETURN(const int64_t anchors, CheckedMul(cells, per_cell));
  CYTO8_RETURN_IF_ERROR(CheckRange("anchors", anchors, 1, kMaxAnchors));
  return anchors;
}

std::string Describe(const AnchorBox& box) {
  std::string text = "[";
  for (const float side : {box.y_min, box.x_min, box.y_max, box.x_max}) {
    text += (text.size() > 1 ? ", " : "") + FormatFixed(side, 4);
  }
  return text + "]";
}

bool HasExtent(const AnchorBox& box) {
  return std::isfinite(box.y_min) && std::isfinite(box.x_min) &&
         std::isfinite(box.y_max) && std::isfinite(box.x_max) &&
         box.y_max > box.y_min && box.x_max > box.x_min;
}

double LargestDifference(const AnchorBox& a, const AnchorBox& b) {
  return std::max({std::abs(static_cast<double>(a.y_min) - b.y_min),
                   std::abs(static_cast<double>(a.x_min) - b.x_min),
                   std::abs(static_cast<double>(a.y_max) - b.y_max),
                   std::abs(static_cast<double>(a.x_max) - b.x_max)});
}

}  // namespace

AspectFactors SqrtAspect(double ratio) {
  const double x = std::sqrt(ratio);
  return {.x = x, .y = 1 / x};
}

std::vector<AspectFactors> LegacyAspects() {
  return {{.x = 1, .y = 1}, {.x = 1.4, .y = 0.7}, {.x = 0.7, .y = 1.4}};
}

StatusOr<AnchorSet> GenerateAnchors(const AnchorGeneratorOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<double> scales,
                         ScalePerLevel(options));
  AnchorSet anchors;
  anchors.levels = FeatureSizes(options);
  anchors.per_cell = options.num_scales * std::ssize(options.aspects);
  CYTO8_ASSIGN_OR_RETURN(const int64_t count,
                         CountAnchors(anchors.levels, anchors.per_cell));
  anchors.boxes.reserve(static_cast<size_t>(count));
  for (size_t i = 0; i < anchors.levels.size(); ++i) {
    AppendLevel(MakeLevel(options, anchors.levels[i], scales[i]),
                anchors.levels[i], anchors.boxes);
  }
  return anchors;
}

StatusOr<AnchorSet> AnchorsFromConstant(const Tensor& constant) {
  const Shape& shape = constant.shape();
  if (constant.type() != DataType::kFloat32 || shape.size() != 2 ||
      shape[1] != 4) {
    return InvalidArgument(
        "anchors: " + std::string(DataTypeName(constant.type())) + " " +
        ShapeToString(shape) + ": must be float32 [N,4]");
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("anchors", shape[0], 1, kMaxAnchors));
  const std::span<const float> values = constant.data<float>();
  AnchorSet anchors;
  anchors.boxes.reserve(static_cast<size_t>(shape[0]));
  for (size_t i = 0; i < values.size(); i += 4) {
    const AnchorBox box = {.y_min = values[i],
                           .x_min = values[i + 1],
                           .y_max = values[i + 2],
                           .x_max = values[i + 3]};
    if (!HasExtent(box)) {
      return InvalidArgument("anchor " + std::to_string(i / 4) + " = " +
                             Describe(box) +
                             ": must be finite with ymin < ymax, xmin < xmax");
    }
    anchors.boxes.push_back(box);
  }
  return anchors;
}

Status AnchorsAgree(std::span<const AnchorBox> expected,
                    std::span<const AnchorBox> actual, double tolerance_px) {
  if (expected.size() != actual.size()) {
    return InvalidArgument("anchors = " + std::to_string(actual.size()) +
                           ": must be " + std::to_string(expected.size()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (LargestDifference(expected[i], actual[i]) <= tolerance_px) continue;
    return InvalidArgument("anchor " + std::to_string(i) + " = " +
                           Describe(actual[i]) + ": must be " +
                           Describe(expected[i]));
  }
  return OkStatus();
}

}  // namespace cyto8
