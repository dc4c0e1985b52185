// SPDX-License-Identifier: Apache-2.0
// Greedy suppression with an index; see detection_merger.h.
//
// The index must answer "does a kept box overlap this one with IoU > t?"
// without looking at every kept box, whatever the sizes. One uniform grid does
// badly when sizes differ: a giant box covers every cell, or every cell holds
// every box. So there is a grid for every pair of size classes (width and
// height, each rounded down to a power of two), with cells just wider and
// higher than its boxes, and a box lies in one cell only, that of its top left
// corner. Two facts bound the search:
// - IoU > t needs wider * t < narrower (the intersection is at most narrower
//   times the lower height, the union at least wider times that), and the same
//   for heights. So few grids need be asked: with t = 0.5, some 9.
// - IoU > t also needs left edges less than (1 - t) * wider apart (beyond that
//   the common width is below t * wider), and the same for upper edges. So few
//   cells of a grid need be looked at: with t = 0.5, at most 3 x 3.
// For a threshold near 0 a large box would visit many cells of a fine grid; it
// then looks at all its boxes instead. The answer is always the exact Iou of
// base: the index only leaves out boxes for which that cannot exceed t.
#include "tiling/detection_merger.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/box.h"
#include "base/checked_math.h"

namespace cyto8 {
namespace {

// Widths below 2 px share class 0: cells of 2 px are fine enough.
int SizeClass(double side_px) { return side_px < 1 ? 0 : std::ilogb(side_px); }

struct SizeClasses {
  int low;
  int high;
  bool Holds(int size) const { return low <= size && size <= high; }
};

// The threshold that the search keeps to: lower by far more than an IoU is
// rounded, so that rounding cannot hide a box.
double Lowered(double iou_threshold) { return iou_threshold * (1 - 1e-6); }

// Where the side of an overlapping box may lie.
SizeClasses ClassesNear(double side_px, double iou_threshold) {
  const double ratio = Lowered(iou_threshold);
  // This way round, 0 / 0 gives the bound.
  const double widest = std::min(4 * kMaxCoordinate, side_px / ratio);
  return {.low = SizeClass(side_px * ratio), .high = SizeClass(widest)};
}

struct Cell {
  int64_t column;
  int64_t row;
  friend bool operator==(const Cell&, const Cell&) = default;
};

struct CellHash {
  size_t operator()(const Cell& cell) const {
    constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // spreads both numbers.
    const uint64_t mixed = static_cast<uint64_t>(cell.column) * kOdd ^
                           static_cast<uint64_t>(cell.row);
    return static_cast<size_t>((mixed * kOdd) ^ (mixed >> 32));
  }
};

// Boxes of one pair of size classes.
class Grid {
 public:
  Grid(int width_class, int height_class)
      : cell_width_px_(std::ldexp(1.0, width_class + 1)),
        cell_height_px_(std::ldexp(1.0, height_class + 1)) {}

  void Insert(const Box& box) {
    boxes_.push_back(box);
    cells_[{Column(box.x_min), Row(box.y_min)}].push_back(box);
  }

  bool HasOverlap(const Box& box, double iou_threshold) const {
    const double shift = 1 - Lowered(iou_threshold);
    const double reach_x = shift * std::max(box.width(), cell_width_px_);
    const double reach_y = shift * std::max(box.height(), cell_height_px_);
    const Cell first = {Column(box.x_min - reach_x), Row(box.y_min - reach_y)};
    const Cell last = {Column(box.x_min + reach_x), Row(box.y_min + reach_y)};
    const int64_t columns = last.column - first.column + 1;
    const int64_t rows = last.row - first.row + 1;
    if (columns * rows > static_cast<int64_t>(boxes_.size())) {
      return AnyOverlaps(boxes_, box, iou_threshold);
    }
    for (int64_t row = first.row; row <= last.row; ++row) {
      for (int64_t column = first.column; column <= last.column; ++column) {
        const auto cell = cells_.find({column, row});
        if (cell != cells_.end() &&
            AnyOverlaps(cell->second, box, iou_threshold)) {
          return true;
        }
      }
    }
    return false;
  }

 private:
  static bool AnyOverlaps(const std::vector<Box>& boxes, const Box& box,
                          double iou_threshold) {
    return std::ranges::any_of(boxes, [&](const Box& other) {
      return Iou(other, box) > iou_threshold;
    });
  }
  int64_t Column(double x) const {
    return static_cast<int64_t>(std::floor(x / cell_width_px_));
  }
  int64_t Row(double y) const {
    return static_cast<int64_t>(std::floor(y / cell_height_px_));
  }

  double cell_width_px_;
  double cell_height_px_;
  std::vector<Box> boxes_;
  std::unordered_map<Cell, std::vector<Box>, CellHash> cells_;
};

// The kept boxes that may suppress one another.
class KeptBoxes {
 public:
  void Insert(const Box& box) {
    const std::pair key(SizeClass(box.width()), SizeClass(box.height()));
    grids_.try_emplace(key, key.first, key.second).first->second.Insert(box);
  }

  bool HasOverlap(const Box& box, double iou_threshold) const {
    const SizeClasses widths = ClassesNear(box.width(), iou_threshold);
    const SizeClasses heights = ClassesNear(box.height(), iou_threshold);
    return std::ranges::any_of(grids_, [&](const auto& entry) {
      const auto& [key, grid] = entry;
      return widths.Holds(key.first) && heights.Holds(key.second) &&
             grid.HasOverlap(box, iou_threshold);
    });
  }

 private:
  std::map<std::pair<int, int>, Grid> grids_;
};

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

// Equal detections are then equal bytes: -0 becomes +0.
void UnsignZeros(Detection& detection) {
  detection.score += 0.0F;
  for (double* value : {&detection.box.x_min, &detection.box.y_min,
                        &detection.box.x_max, &detection.box.y_max}) {
    *value += 0.0;
  }
}

}  // namespace

StatusOr<std::vector<Detection>> MergeDetections(
    std::vector<Detection> detections, const MergeOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("iou_threshold", options.iou_threshold, 0.0, 1.0));
  for (Detection& detection : detections) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckDetection(detection), "detection to be merged"));
    UnsignZeros(detection);
  }
  std::ranges::sort(detections, DetectionBefore);
  std::vector<Detection> merged;
  std::map<int, KeptBoxes> kept_of_class;
  for (const Detection& detection : detections) {
    KeptBoxes& kept =
        kept_of_class[options.class_agnostic ? 0 : detection.class_id];
    if (kept.HasOverlap(detection.box, options.iou_threshold)) continue;
    kept.Insert(detection.box);
    merged.push_back(detection);
  }
  return merged;
}

}  // namespace cyto8
