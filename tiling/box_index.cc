// SPDX-License-Identifier: Apache-2.0
// Grids for boxes of all sizes; see box_index.h.
//
// One uniform grid does badly when sizes differ: a giant box covers every cell,
// or every cell holds every box. So there is a grid for every pair of size
// classes (width and height, each rounded down to a power of two), with cells
// about as wide and high as its boxes, and a box lies in one cell only, that
// of its top left corner. One fact bounds the search. For two boxes to match,
// their common width must be above
//   threshold * the greater width (IoU), threshold * the lesser width (IoS),
// because the intersection is at most the common width times the lesser height,
// while the union is at least the greater width times that, and the smaller box
// of the two at least the lesser width times its own height; the same holds for
// heights. So the left edge of a match lies in a short interval, and if even
// that is empty the whole grid is passed over: with IoU above 0.5, some 9 grids
// remain, and in each at most 3 x 2 cells.
//
// The cells of all grids share one table of lists, by a hash; two cells with
// the same hash share a list, which costs time but no error, since the exact
// metric decides. Boxes come by score, that is from all over the image, so with
// many of them every cell looked at is a cache miss: the cells of one row of a
// grid therefore lie side by side in the table, and a search meets one line of
// it a row. Where a search would visit more cells than the grid has boxes (a
// large box on a fine grid), it looks at all boxes of that grid instead.
#include "tiling/box_index.h"

#include <bit>
#include <utility>

namespace cyto8 {
namespace {

// A double is 2^exponent where these bits are the exponent and the others 0.
constexpr int kExponentBias = 1023;
constexpr int kMantissaBits = 52;

double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(kExponentBias + exponent)
                               << kMantissaBits);
}

// floor(log2(side)); sides below 2 px share class 0: cells of 2 px are fine
// enough.
int SizeClass(double side_px) {
  if (side_px < 1) return 0;
  return static_cast<int>(std::bit_cast<uint64_t>(side_px) >> kMantissaBits) -
         kExponentBias;
}

// Cells have 2^this px. Twice as many columns as rows: those lie side by side
// in the table, so more of them cost little where there are few boxes, and
// where there are many fewer boxes are looked at.
int ColumnSize(int width_class) { return width_class; }
int RowSize(int height_class) { return height_class + 1; }

// Rounds down, also below 0; what static_cast does not.
int64_t CellAt(double px, int cell_size) {
  const double cell = px * PowerOfTwo(-cell_size);
  const auto whole = static_cast<int64_t>(cell);
  return whole - (cell < static_cast<double>(whole) ? 1 : 0);
}

// The search keeps to a threshold lower, and to intervals wider, by far more
// than numbers within 1e9 are rounded.
constexpr double kLowering = 1 - 1e-6;
constexpr double kWideningPx = 1e-5;

}  // namespace

void BoxIndex::Insert(int32_t id) {
  if (next_.empty()) {
    last_of_bucket_.resize(std::bit_ceil(detections_.size()), kNone);
    next_.resize(detections_.size());
    in_grid_.resize(detections_.size());
  }
  Link(id);
}

void BoxIndex::Move(int32_t id, const Box& box) {
  Box& own = detections_[static_cast<size_t>(id)].box;
  const Grid& grid = GridOf(own);
  const bool stays =
      IsOf(grid, box) && BucketOf(grid, box) == BucketOf(grid, own);
  if (!stays) Unlink(id);
  own = box;
  if (!stays) Link(id);
}

template <typename Visit>
void BoxIndex::VisitBucket(size_t bucket, const Visit& visit) const {
  const int32_t last = last_of_bucket_[bucket & (last_of_bucket_.size() - 1)];
  if (last == kNone) return;
  int32_t id = next_[last];
  while (visit(id) && id != last) id = next_[id];
}

template <typename Visit>
void BoxIndex::VisitGrid(const Grid& grid, const Visit& visit) const {
  for (int32_t id = grid.first; id != kNone && visit(id);) {
    id = in_grid_[id].after;
  }
}

template <typename Visit>
void BoxIndex::VisitNear(const Box& box, const Visit& visit) const {
  for (const Grid& grid : grids_) {
    const Cells columns = CellsNear(box.x_min, box.x_max, grid.width_class,
                                    ColumnSize(grid.width_class));
    if (columns.count() == 0) continue;
    const Cells rows = CellsNear(box.y_min, box.y_max, grid.height_class,
                                 RowSize(grid.height_class));
    if (columns.count() * rows.count() > grid.count) {
      VisitGrid(grid, visit);
      continue;
    }
    for (int64_t row = rows.first; row <= rows.last; ++row) {
      const size_t first = FirstBucket(grid, row);
      for (int64_t column = columns.first; column <= columns.last; ++column) {
        VisitBucket(first + static_cast<size_t>(column), visit);
      }
    }
  }
}

int32_t BoxIndex::FirstMatch(const Box& box) const {
  int32_t first = kNone;
  const auto visit = [&](int32_t id) {
    if (first != kNone && id >= first) return false;
    if (!Matches(BoxOf(id), box)) return true;
    first = id;
    return false;
  };
  // Where a match is most likely; one makes all other searches short.
  for (const Grid& grid : grids_) {
    if (IsOf(grid, box)) VisitBucket(BucketOf(grid, box), visit);
  }
  VisitNear(box, visit);
  return first;
}

int32_t BoxIndex::BestMatch(const Box& box) const {
  int32_t best = kNone;
  double highest = threshold_;
  VisitNear(box, [&](int32_t id) {
    if (!Overlap(BoxOf(id), box)) return true;
    const double value = Measure(metric_, BoxOf(id), box);
    if (value > highest || (value == highest && id < best)) {
      highest = value;
      best = id;
    }
    return true;
  });
  return best;
}

bool BoxIndex::IsOf(const Grid& grid, const Box& box) {
  return grid.width_class == SizeClass(box.width()) &&
         grid.height_class == SizeClass(box.height());
}

BoxIndex::Grid& BoxIndex::GridOf(const Box& box) {
  const auto grid =
      std::ranges::find_if(grids_, [&](const Grid& g) { return IsOf(g, box); });
  if (grid != grids_.end()) return *grid;
  return grids_.emplace_back(Grid{.width_class = SizeClass(box.width()),
                                  .height_class = SizeClass(box.height())});
}

// That of column 0; the others follow.
size_t BoxIndex::FirstBucket(const Grid& grid, int64_t row) const {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // spreads all three numbers.
  uint64_t mixed =
      static_cast<uint64_t>(grid.width_class * 64 + grid.height_class);
  mixed = (mixed * kOdd + static_cast<uint64_t>(row)) * kOdd;
  return static_cast<size_t>(mixed >> 32);
}

size_t BoxIndex::BucketOf(const Grid& grid, const Box& box) const {
  return (FirstBucket(grid, CellAt(box.y_min, RowSize(grid.height_class))) +
          static_cast<size_t>(
              CellAt(box.x_min, ColumnSize(grid.width_class)))) &
         (last_of_bucket_.size() - 1);
}

// Where in a grid the lower edge of a match may lie, if this is one's own side.
BoxIndex::Cells BoxIndex::CellsNear(double start, double end, int size_class,
                                    int cell_size) const {
  const double side = end - start;
  const double most = PowerOfTwo(size_class + 1);       // of the others,
  const double least = size_class == 0 ? 0 : most / 2;  // their sides.
  const auto common = [&](double other) {
    return threshold_ * kLowering *
           (metric_ == MergeMetric::kIou ? std::max(other, side)
                                         : std::min(other, side));
  };
  const double before = most - common(most) + kWideningPx;
  const double after = side - common(least) + kWideningPx;
  if (before < 0 || after < 0) return {};
  return {.first = CellAt(start - before, cell_size),
          .last = CellAt(start + after, cell_size)};
}

void BoxIndex::Link(int32_t id) {
  Grid& grid = GridOf(BoxOf(id));
  LinkToGrid(id, grid);
  int32_t& last = last_of_bucket_[BucketOf(grid, BoxOf(id))];
  if (last == kNone) {
    next_[id] = id;
  } else {
    next_[id] = std::exchange(next_[last], id);
  }
  last = id;
}

void BoxIndex::Unlink(int32_t id) {
  Grid& grid = GridOf(BoxOf(id));
  UnlinkFromGrid(id, grid);
  int32_t& last = last_of_bucket_[BucketOf(grid, BoxOf(id))];
  int32_t before = last;
  while (next_[before] != id) before = next_[before];
  next_[before] = next_[id];
  if (last == id) last = before == id ? kNone : before;
}

void BoxIndex::LinkToGrid(int32_t id, Grid& grid) {
  in_grid_[id] = {.before = grid.last};
  (grid.last == kNone ? grid.first : in_grid_[grid.last].after) = id;
  grid.last = id;
  ++grid.count;
}

void BoxIndex::UnlinkFromGrid(int32_t id, Grid& grid) {
  const auto [before, after] = in_grid_[id];
  (before == kNone ? grid.first : in_grid_[before].after) = after;
  (after == kNone ? grid.last : in_grid_[after].before) = before;
  --grid.count;
}

}  // namespace cyto8
