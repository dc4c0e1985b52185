// SPDX-License-Identifier: Apache-2.0
// Which of many boxes match a given one? Answered without looking at every box,
// whatever the sizes; the answer is always that of looking at every one. Tested
// by tests/tiling/detection_merger_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/box.h"
#include "base/detection.h"

namespace cyto8 {

// What "match" measures.
enum class MergeMetric {
  kIou,  // intersection over union.
  kIos,  // intersection over the smaller box.
};

// Intersection over the smaller area, 0 when a box is empty.
inline double Ios(const Box& a, const Box& b) {
  const double smaller = std::min(Area(a), Area(b));
  return smaller > 0 ? IntersectionArea(a, b) / smaller : 0;
}

inline double Measure(MergeMetric metric, const Box& a, const Box& b) {
  return metric == MergeMetric::kIou ? Iou(a, b) : Ios(a, b);
}

// Whether boxes share more than an edge; if not, they match by no metric.
inline bool Overlap(const Box& a, const Box& b) {
  return std::max(a.x_min, b.x_min) < std::min(a.x_max, b.x_max) &&
         std::max(a.y_min, b.y_min) < std::min(a.y_max, b.y_max);
}

// Some of the boxes of a list, by their place in it. Two boxes match if their
// metric is strictly above the threshold, so a box without extent matches
// nothing. Coordinates are finite, within 1e9, and no box ends before it
// starts. Takes 20 bytes for each box of the list from the first Insert on, no
// allocation for each. Not thread-safe while it changes.
class BoxIndex {
 public:
  static constexpr int32_t kNone = -1;

  // At most 2^31 - 1 detections, which must outlive the index; threshold in
  // [0, 1].
  BoxIndex(MergeMetric metric, double threshold,
           std::span<Detection> detections)
      : metric_(metric), threshold_(threshold), detections_(detections) {}

  // Adds the box of detections[id]; ids rise from call to call.
  void Insert(int32_t id);
  // Replaces the box of detections[id]. FirstMatch must not be asked any more.
  void Move(int32_t id, const Box& box);

  // The lowest id of those that match, or kNone.
  int32_t FirstMatch(const Box& box) const;
  // The id with the highest metric of those that match, the lowest id if
  // several have it, or kNone.
  int32_t BestMatch(const Box& box) const;

 private:
  // The boxes of one pair of size classes: a list from first to last.
  struct Grid {
    int width_class = 0;
    int height_class = 0;
    int32_t first = kNone;
    int32_t last = kNone;
    int64_t count = 0;
  };
  // Whole cells from first to last.
  struct Cells {
    int64_t first = 0;
    int64_t last = -1;
    int64_t count() const { return last - first + 1; }
  };
  struct Neighbours {
    int32_t before = kNone;
    int32_t after = kNone;
  };

  const Box& BoxOf(int32_t id) const {
    return detections_[static_cast<size_t>(id)].box;
  }
  bool Matches(const Box& a, const Box& b) const {
    return Overlap(a, b) && Measure(metric_, a, b) > threshold_;
  }
  static bool IsOf(const Grid& grid, const Box& box);
  Grid& GridOf(const Box& box);
  size_t FirstBucket(const Grid& grid, int64_t row) const;
  size_t BucketOf(const Grid& grid, const Box& box) const;
  Cells CellsNear(double start, double end, int size_class,
                  int cell_size) const;
  void Link(int32_t id);
  void Unlink(int32_t id);
  void LinkToGrid(int32_t id, Grid& grid);
  void UnlinkFromGrid(int32_t id, Grid& grid);
  template <typename Visit>
  void VisitBucket(size_t bucket, const Visit& visit) const;
  template <typename Visit>
  void VisitGrid(const Grid& grid, const Visit& visit) const;
  // Calls visit(id) for every box that may match, for some more than once;
  // false ends the list at hand, in which, unless boxes moved, ids rise.
  template <typename Visit>
  void VisitNear(const Box& box, const Visit& visit) const;

  MergeMetric metric_;
  double threshold_;
  std::span<Detection> detections_;
  std::vector<Grid> grids_;
  // The last of each bucket: a power of two of them.
  std::vector<int32_t> last_of_bucket_;
  // By id: who follows in its bucket, after the last one the first.
  std::vector<int32_t> next_;
  std::vector<Neighbours> in_grid_;
};

}  // namespace cyto8
