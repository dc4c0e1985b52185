// SPDX-License-Identifier: Apache-2.0
// What cv2.dnn of OpenCV 5.0 answers; see compatible_merge.h.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>

#include "base/checked_math.h"
#include "tiling/compatible_merge.h"

namespace cyto8 {
namespace {

// A rectangle of OpenCV: a corner and two sides.
struct Rectangle {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  double Area() const { return width * height; }
};

Rectangle ToRectangle(const Box& box) {
  return {.x = box.x_min,
          .y = box.y_min,
          .width = box.width(),
          .height = box.height()};
}

// In float32; two rectangles without extent have an overlap of 1.
float Overlap(const Rectangle& a, const Rectangle& b, double nothing) {
  const double areas = a.Area() + b.Area();
  if (areas <= nothing) return 1;
  const double width =
      std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height =
      std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  const double common = width > 0 && height > 0 ? width * height : 0;
  return 1.0F - static_cast<float>(1.0 - common / (areas - common));
}

Status CheckInput(std::span<const Detection> detections, double score_threshold,
                  double nms_threshold) {
  CYTO8_RETURN_IF_ERROR(CheckRange("score_threshold", score_threshold, -1, 2));
  CYTO8_RETURN_IF_ERROR(CheckRange("nms_threshold", nms_threshold, -1, 2));
  return CheckDetections(detections);
}

std::vector<int64_t> Suppress(std::span<const Detection> detections,
                              const std::vector<Rectangle>& rectangles,
                              const OpenCvNmsOptions& options) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < detections.size(); ++i) {
    if (detections[i].score > options.score_threshold) {
      order.push_back(static_cast<int64_t>(i));
    }
  }
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](int64_t i) { return detections[i].score; });
  std::vector<int64_t> kept;
  for (const int64_t i : order) {
    if (std::ranges::none_of(kept, [&](int64_t k) {
          return Overlap(rectangles[i], rectangles[k],
                         std::numeric_limits<double>::epsilon()) >
                 options.nms_threshold;
        })) {
      kept.push_back(i);
    }
  }
  return kept;
}

std::vector<Rectangle> ToRectangles(std::span<const Detection> detections) {
  std::vector<Rectangle> rectangles;
  for (const Detection& detection : detections) {
    rectangles.push_back(ToRectangle(detection.box));
  }
  return rectangles;
}

Status CheckWhole(const Detection& detection) {
  const Box& box = detection.box;
  for (const double side : {box.x_min, box.y_min, box.x_max, box.y_max}) {
    if (side != std::nearbyint(side)) {
      return InvalidArgument("coordinate = " + std::to_string(side) +
                             ": must be a whole number");
    }
  }
  return OkStatus();
}

float DecayOf(float overlap, const SoftNmsOptions& options) {
  if (options.decay == SoftDecay::kGaussian) {
    return std::exp(-(overlap * overlap) / static_cast<float>(options.sigma));
  }
  return overlap > static_cast<float>(options.iou_threshold) ? 1.0F - overlap
                                                             : 1.0F;
}

}  // namespace

StatusOr<std::vector<int64_t>> SuppressAsOpenCv(
    std::span<const Detection> detections, const OpenCvNmsOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckInput(detections, options.score_threshold, options.nms_threshold));
  return Suppress(detections, ToRectangles(detections), options);
}

StatusOr<std::vector<int64_t>> SuppressPerClassAsOpenCv(
    std::span<const Detection> detections, const OpenCvNmsOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckInput(detections, options.score_threshold, options.nms_threshold));
  std::vector<Rectangle> rectangles = ToRectangles(detections);
  double farthest = 0;
  for (const Rectangle& r : rectangles) {
    farthest = std::max({farthest, r.x, r.y, r.x + r.width, r.y + r.height});
  }
  for (size_t i = 0; i < detections.size(); ++i) {
    const double shift = detections[i].class_id * (farthest + 1);
    rectangles[i].x += shift;
    rectangles[i].y += shift;
  }
  return Suppress(detections, rectangles, options);
}

StatusOr<std::vector<DecayedScore>> SoftSuppressAsOpenCv(
    std::span<const Detection> detections, const SoftNmsOptions& options) {
  if (options.decay == SoftDecay::kNone) {
    return InvalidArgument("softNMSBoxes decays linearly or by a Gaussian");
  }
  CYTO8_RETURN_IF_ERROR(
      CheckInput(detections, options.score_threshold, options.iou_threshold));
  CYTO8_RETURN_IF_ERROR(CheckRange("sigma", options.sigma, 1e-9, 1e9));
  for (const Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(CheckWhole(detection));
  }
  const std::vector<Rectangle> rectangles = ToRectangles(detections);
  std::vector<float> scores;
  for (const Detection& d : detections) scores.push_back(d.score);
  std::vector<int64_t> left(detections.size());
  std::iota(left.begin(), left.end(), 0);
  const auto least = static_cast<float>(options.score_threshold);
  std::vector<DecayedScore> result;
  while (!left.empty()) {
    const auto best = std::ranges::max_element(
        left, std::less<>(), [&](int64_t i) { return scores[i]; });
    const int64_t kept = *best;
    if (scores[kept] < least) break;
    result.push_back({.index = kept, .score = scores[kept]});
    left.erase(best);
    for (const int64_t i : left) {
      if (scores[i] < least) continue;
      scores[i] *=
          DecayOf(Overlap(rectangles[kept], rectangles[i], 0), options);
    }
  }
  return result;
}

}  // namespace cyto8
