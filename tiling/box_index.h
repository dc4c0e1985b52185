// SPDX-License-Identifier: Apache-2.0
// Which of many boxes match a given one? Answered without looking at every box,
// whatever the sizes; the answer is always that of looking at every one. Tested
// by tests/tiling/detection_merger_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/box.h"

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

// Boxes with ids 0, 1, ... in the order of Insert. Two boxes match if their
// metric is strictly above the threshold, so a box without extent matches
// nothing. Coordinates are finite, within 1e9, and no box ends before it
// starts. Not thread-safe while it changes.
class BoxIndex {
 public:
  static constexpr int32_t kNone = -1;

  // `capacity` is about how many boxes will come, at most 2^31 - 1 of them;
  // threshold in [0, 1].
  BoxIndex(MergeMetric metric, double threshold, int64_t capacity);

  int32_t Insert(const Box& box);
  // Replaces a box. FirstMatch must not be asked any more.
  void Move(int32_t id, const Box& box);

  // The lowest id of those that match, or kNone.
  int32_t FirstMatch(const Box& box) const;
  // The id with the highest metric of those that match, the lowest id if
  // several have it, or kNone.
  int32_t BestMatch(const Box& box) const;

 private:
  // The boxes of one pair of size classes.
  struct Grid {
    int width_class = 0;
    int height_class = 0;
    std::vector<int32_t> members = {};
  };
  // Whole cells from first to last.
  struct Cells {
    int64_t first = 0;
    int64_t last = -1;
    int64_t count() const { return last - first + 1; }
  };

  bool Matches(const Box& a, const Box& b) const {
    return Measure(metric_, a, b) > threshold_;
  }
  int32_t GridOf(const Box& box);
  size_t Bucket(const Grid& grid, int64_t column, int64_t row) const;
  size_t BucketOf(const Grid& grid, const Box& box) const;
  Cells CellsNear(double start, double end, int size_class) const;
  void Link(int32_t id);
  void Unlink(int32_t id);
  // Calls visit(id) for every box that may match, for some more than once;
  // false ends the list at hand, in which, unless boxes moved, ids rise.
  template <typename Visit>
  void VisitNear(const Box& box, const Visit& visit) const;

  MergeMetric metric_;
  double threshold_;
  std::vector<Box> boxes_;
  std::vector<int32_t> grid_of_;    // of each box, in grids_.
  std::vector<int32_t> member_of_;  // its place in the members of the grid.
  std::vector<int32_t> next_;       // in its bucket, kNone at the end.
  std::vector<int32_t> heads_;      // of the buckets: a power of two of them.
  std::vector<int32_t> tails_;
  std::vector<Grid> grids_;
};

}  // namespace cyto8
