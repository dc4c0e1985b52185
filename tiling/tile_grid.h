// SPDX-License-Identifier: Apache-2.0
// Where tiles lie on an image: no pixel is missed, most cells are whole in one.
// Pure arithmetic: no pixels, no I/O. Tested by tests/tiling/tile_grid_test.cc.
#pragma once

#include <cstdint>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// What becomes of the last row and column of tiles, which rarely end at the
// edge of the image by themselves.
enum class EdgeMode {
  kAlign,  // shifted back so that they end at the edge.
  kPad,    // left where they are and padded.
  kDrop,   // as kPad, but left out if they show less than drop_below_px.
};

// What a tile shows is its extent inside the image, the overlap with its
// neighbour included: of the last column the width, of the last row the height.
// The last one always shows more than the overlap, so kDrop with a bound up to
// overlap_px + 1 drops nothing, and what a dropped column alone would have
// shown is narrower than drop_below_px - overlap_px. An axis keeps its first
// tile however little it shows.
struct EdgeRule {
  EdgeMode mode = EdgeMode::kAlign;
  int64_t drop_below_px = 0;  // kDrop only.
  friend bool operator==(const EdgeRule&, const EdgeRule&) = default;
};

struct TileGridOptions {
  int64_t tile_width_px = 768;  // the EfficientDet-D2 input side.
  int64_t tile_height_px = 768;
  int64_t overlap_px = 192;  // above a usual cell; wider ones are merged later.
  EdgeRule edge = {};
  // Where the first tile would start: 0, or in front of the image by less than
  // the distance of two tiles. Its part inside the image is a tile as any
  // other.
  int64_t origin_x_px = 0;
  int64_t origin_y_px = 0;
};

// The part of the image that one tile shows: [x, x + width) x [y, y + height).
// Where it is smaller than the tile of the grid, the tile is padded at the
// right and at the bottom.
struct Tile {
  int64_t x_px = 0;
  int64_t y_px = 0;
  int64_t width_px = 0;
  int64_t height_px = 0;
  friend bool operator==(const Tile&, const Tile&) = default;
};

// Row-major tiles over one image. Along each axis tiles start every
// (tile - overlap) pixels from the origin; the edge rule says what becomes of
// the last one. An axis shorter than a tile has one tile, which starts at 0 and
// is padded. So neighbours overlap by overlap_px or more, no two tiles are
// equal, and with kAlign and origin 0 padding occurs on images smaller than a
// tile only. Immutable, hence thread-safe.
class TileGrid {
 public:
  // kInvalidArgument if a side is outside [1, limits.max_side_px], the overlap
  // outside [0, shorter tile side - 1], drop_below_px outside [1, shorter tile
  // side] (0 unless kDrop), an origin outside [overlap - tile + 1, 0], or there
  // are more than limits.max_tiles: all come from files, so none may be
  // assumed.
  static StatusOr<TileGrid> Create(int64_t width_px, int64_t height_px,
                                   const TileGridOptions& options,
                                   const Limits& limits = {});

  int64_t columns() const { return x_.count; }
  int64_t rows() const { return y_.count; }
  int64_t size() const { return x_.count * y_.count; }
  const TileGridOptions& options() const { return options_; }

  // index in [0, size()).
  Tile At(int64_t index) const;

 private:
  // The tiles along one axis.
  struct Axis {
    int64_t side_px = 0;
    int64_t tile_px = 0;
    int64_t stride_px = 0;
    int64_t origin_px = 0;
    bool align = true;
    int64_t count = 0;

    int64_t Start(int64_t i) const;   // may lie in front of the image.
    int64_t Begin(int64_t i) const;   // of what tile i shows.
    int64_t Length(int64_t i) const;  // likewise.
  };

  TileGrid(const TileGridOptions& options, const Axis& x, const Axis& y);
  static Axis MakeAxis(int64_t side_px, int64_t tile_px, int64_t origin_px,
                       const TileGridOptions& options);

  TileGridOptions options_;
  Axis x_;
  Axis y_;
};

}  // namespace cyto8
