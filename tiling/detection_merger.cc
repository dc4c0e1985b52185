// SPDX-License-Identifier: Apache-2.0
// A merge at once is a stream that ends after the first detections; see
// detection_merger.h.
#include "tiling/detection_merger.h"

#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "tiling/stream_merger.h"

namespace cyto8 {
namespace {

Status CheckCoordinate(std::string_view name, double value) {
  return CheckRange(name, value, -kMaxCoordinate, kMaxCoordinate);
}

Status CheckDetection(const Detection& detection) {
  const Box& box = detection.box;
  CYTO8_RETURN_IF_ERROR(CheckRange("score", detection.score, 0, 1));
  CYTO8_RETURN_IF_ERROR(CheckCoordinate("x_min", box.x_min));
  CYTO8_RETURN_IF_ERROR(CheckCoordinate("y_min", box.y_min));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("x_max", box.x_max, box.x_min, kMaxCoordinate));
  return CheckRange("y_max", box.y_max, box.y_min, kMaxCoordinate);
}

}  // namespace

Status CheckDetections(std::span<const Detection> detections) {
  for (const Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckDetection(detection), "detection to be merged"));
  }
  return OkStatus();
}

StatusOr<std::vector<Detection>> MergeDetections(
    std::vector<Detection> detections, const MergeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(StreamMerger merger, StreamMerger::Create(options));
  CYTO8_RETURN_IF_ERROR(merger.Add(std::move(detections)));
  return merger.Advance({});
}

}  // namespace cyto8
