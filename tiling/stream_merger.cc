// SPDX-License-Identifier: Apache-2.0
// The contract of streaming and when to work; see stream_merger.h. What is
// final: settle_detections.cc.
#include "tiling/stream_merger.h"

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "tiling/settle_detections.h"

namespace cyto8 {
namespace {

Status CheckOptions(const MergeOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("iou_threshold", options.iou_threshold, 0.0, 1.0));
  for (const auto& [class_id, score] : options.min_scores) {
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "min_scores[" + std::to_string(class_id) + "]", score, 0.0, 1.0));
  }
  return OkStatus();
}

// False also if a coordinate is not a number.
bool Contains(const Box& outer, const Box& inner) {
  return outer.x_min <= inner.x_min && inner.x_min <= inner.x_max &&
         inner.x_max <= outer.x_max && outer.y_min <= inner.y_min &&
         inner.y_min <= inner.y_max && inner.y_max <= outer.y_max;
}

Status CheckInside(const char* what, const Box& box,
                   std::span<const Box> open) {
  if (std::ranges::any_of(
          open, [&](const Box& area) { return Contains(area, box); })) {
    return OkStatus();
  }
  std::ostringstream message;
  message << what << " = [" << box.x_min << ", " << box.x_max << ") x ["
          << box.y_min << ", " << box.y_max
          << "): must lie in an area that is open";
  return InvalidArgument(message.str());
}

// Equal detections are then equal bytes: -0 becomes +0.
void UnsignZeros(Detection& detection) {
  detection.score += 0.0F;
  for (double* value : {&detection.box.x_min, &detection.box.y_min,
                        &detection.box.x_max, &detection.box.y_max}) {
    *value += 0.0;
  }
}

void DropLowScores(const std::map<int, double>& min_scores,
                   std::vector<Detection>& detections) {
  std::erase_if(detections, [&](const Detection& detection) {
    const auto least = min_scores.find(detection.class_id);
    return least != min_scores.end() &&
           detection.score <= static_cast<float>(least->second);
  });
}

}  // namespace

StatusOr<StreamMerger> StreamMerger::Create(const MergeOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  return StreamMerger(options);
}

StreamMerger::StreamMerger(const MergeOptions& options)
    : options_(options),
      open_({{.x_min = -kMaxCoordinate,
              .y_min = -kMaxCoordinate,
              .x_max = kMaxCoordinate,
              .y_max = kMaxCoordinate}}) {}

Status StreamMerger::Add(std::vector<Detection> detections) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("detections", held() + std::ssize(detections), int64_t{0},
                 int64_t{std::numeric_limits<int32_t>::max()}));
  CYTO8_RETURN_IF_ERROR(CheckDetections(detections));
  for (const Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(
        CheckInside("detection to be merged: box", detection.box, open_));
  }
  std::ranges::for_each(detections, UnsignZeros);
  DropLowScores(options_.min_scores, detections);
  if (held_.empty()) {
    held_ = std::move(detections);
  } else {
    held_.insert(held_.end(), detections.begin(), detections.end());
  }
  return OkStatus();
}

StatusOr<std::vector<Detection>> StreamMerger::Advance(
    std::span<const Box> open) {
  for (const Box& area : open) {
    CYTO8_RETURN_IF_ERROR(CheckInside("open area", area, open_));
  }
  open_.assign(open.begin(), open.end());
  // Else boxes that stay for long would be looked at in every call.
  if (!open.empty() && held() < 2 * left_) return std::vector<Detection>();
  std::vector<Detection> results = SettleDetections(options_, open_, held_);
  left_ = held();
  return results;
}

std::vector<Detection> StreamMerger::TakeHeld() {
  left_ = 0;
  std::ranges::sort(held_, DetectionBefore);
  return std::exchange(held_, {});
}

}  // namespace cyto8
