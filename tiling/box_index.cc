// SPDX-License-Identifier: Apache-2.0
// Grids for boxes of all sizes; see box_index.h.
//
// One uniform grid does badly when sizes differ: a giant box covers every cell,
// or every cell holds every box. So there is a grid for every pair of size
// classes (width and height, each rounded down to a power of two), with cells
// just wider and higher than its boxes, and a box lies in one cell only, that
// of its top left corner. One fact bounds the search. For two boxes to match,
// their common width must be above
//   threshold * the greater width (IoU), threshold * the lesser width (IoS),
// because the intersection is at most the common width times the lesser height,
// while the union is at least the greater width times that, and the smaller box
// of the two at least the lesser width times its own height; the same holds for
// heights. So the left edge of a match lies in a short interval, and if even
// that is empty the whole grid is passed over: with IoU above 0.5, some 9 grids
// remain, and in each at most 2 x 2 cells.
//
// The cells of all grids share one table of lists, by a hash; two cells with
// the same hash share a list, which costs time but no error, since the exact
// metric decides. Where a search would visit more cells than the grid has boxes
// (a large box on a fine grid), it looks at all boxes of that grid instead.
#include "tiling/box_index.h"

#include <bit>
#include <cmath>

namespace cyto8 {
namespace {

// Widths below 2 px share class 0: cells of 2 px are fine enough.
int SizeClass(double side_px) { return side_px < 1 ? 0 : std::ilogb(side_px); }

double CellSide(int size_class) { return std::ldexp(1.0, size_class + 1); }

int64_t CellAt(double px, int size_class) {
  return static_cast<int64_t>(std::floor(px / CellSide(size_class)));
}

// The search keeps to a threshold lower, and to intervals wider, by far more
// than numbers within 1e9 are rounded.
constexpr double kLowering = 1 - 1e-6;
constexpr double kWideningPx = 1e-5;

}  // namespace

BoxIndex::BoxIndex(MergeMetric metric, double threshold, int64_t capacity)
    : metric_(metric),
      threshold_(threshold),
      heads_(std::bit_ceil(static_cast<size_t>(std::max<int64_t>(capacity, 1))),
             kNone),
      tails_(heads_.size(), kNone) {}

int32_t BoxIndex::Insert(const Box& box) {
  const auto id = static_cast<int32_t>(boxes_.size());
  boxes_.push_back(box);
  grid_of_.push_back(kNone);
  member_of_.push_back(kNone);
  next_.push_back(kNone);
  Link(id);
  return id;
}

void BoxIndex::Move(int32_t id, const Box& box) {
  const int32_t grid = GridOf(box);
  const bool stays =
      grid == grid_of_[id] &&
      BucketOf(grids_[grid], box) == BucketOf(grids_[grid], boxes_[id]);
  if (!stays) Unlink(id);
  boxes_[id] = box;
  if (!stays) Link(id);
}

int32_t BoxIndex::FirstMatch(const Box& box) const {
  int32_t first = kNone;
  VisitNear(box, [&](int32_t id) {
    if (first != kNone && id >= first) return false;
    if (!Matches(boxes_[id], box)) return true;
    first = id;
    return false;
  });
  return first;
}

int32_t BoxIndex::BestMatch(const Box& box) const {
  int32_t best = kNone;
  double highest = threshold_;
  VisitNear(box, [&](int32_t id) {
    const double value = Measure(metric_, boxes_[id], box);
    if (value > highest || (value == highest && id < best)) {
      highest = value;
      best = id;
    }
    return true;
  });
  return best;
}

int32_t BoxIndex::GridOf(const Box& box) {
  const int width_class = SizeClass(box.width());
  const int height_class = SizeClass(box.height());
  const auto grid = std::ranges::find_if(grids_, [&](const Grid& g) {
    return g.width_class == width_class && g.height_class == height_class;
  });
  const auto index = static_cast<int32_t>(grid - grids_.begin());
  if (grid == grids_.end()) {
    grids_.push_back(
        {.width_class = width_class, .height_class = height_class});
  }
  return index;
}

size_t BoxIndex::Bucket(const Grid& grid, int64_t column, int64_t row) const {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // spreads all four numbers.
  uint64_t mixed =
      static_cast<uint64_t>(grid.width_class * 64 + grid.height_class);
  mixed = mixed * kOdd + static_cast<uint64_t>(column);
  mixed = mixed * kOdd + static_cast<uint64_t>(row);
  mixed *= kOdd;
  return static_cast<size_t>(mixed >> 32) & (heads_.size() - 1);
}

size_t BoxIndex::BucketOf(const Grid& grid, const Box& box) const {
  return Bucket(grid, CellAt(box.x_min, grid.width_class),
                CellAt(box.y_min, grid.height_class));
}

// Where in a grid the lower edge of a match may lie, if this is one's own side.
BoxIndex::Cells BoxIndex::CellsNear(double start, double end,
                                    int size_class) const {
  const double side = end - start;
  const double most = CellSide(size_class);             // of the others,
  const double least = size_class == 0 ? 0 : most / 2;  // their sides.
  const auto common = [&](double other) {
    return threshold_ * kLowering *
           (metric_ == MergeMetric::kIou ? std::max(other, side)
                                         : std::min(other, side));
  };
  const double before = most - common(most) + kWideningPx;
  const double after = side - common(least) + kWideningPx;
  if (before < 0 || after < 0) return {};
  return {.first = CellAt(start - before, size_class),
          .last = CellAt(start + after, size_class)};
}

void BoxIndex::Link(int32_t id) {
  grid_of_[id] = GridOf(boxes_[id]);
  Grid& grid = grids_[grid_of_[id]];
  member_of_[id] = static_cast<int32_t>(grid.members.size());
  grid.members.push_back(id);
  const size_t bucket = BucketOf(grid, boxes_[id]);
  next_[id] = kNone;
  (heads_[bucket] == kNone ? heads_[bucket] : next_[tails_[bucket]]) = id;
  tails_[bucket] = id;
}

void BoxIndex::Unlink(int32_t id) {
  Grid& grid = grids_[grid_of_[id]];
  const int32_t last = grid.members.back();
  grid.members[member_of_[id]] = last;
  member_of_[last] = member_of_[id];
  grid.members.pop_back();
  const size_t bucket = BucketOf(grid, boxes_[id]);
  int32_t before = kNone;
  for (int32_t i = heads_[bucket]; i != id; i = next_[i]) before = i;
  (before == kNone ? heads_[bucket] : next_[before]) = next_[id];
  if (tails_[bucket] == id) tails_[bucket] = before;
}

template <typename Visit>
void BoxIndex::VisitNear(const Box& box, const Visit& visit) const {
  for (const Grid& grid : grids_) {
    const Cells columns = CellsNear(box.x_min, box.x_max, grid.width_class);
    const Cells rows = CellsNear(box.y_min, box.y_max, grid.height_class);
    if (columns.count() * rows.count() >
        static_cast<int64_t>(grid.members.size())) {
      for (const int32_t id : grid.members) {
        if (!visit(id)) break;
      }
      continue;
    }
    for (int64_t row = rows.first; row <= rows.last; ++row) {
      for (int64_t column = columns.first; column <= columns.last; ++column) {
        int32_t id = heads_[Bucket(grid, column, row)];
        while (id != kNone && visit(id)) id = next_[id];
      }
    }
  }
}

}  // namespace cyto8
