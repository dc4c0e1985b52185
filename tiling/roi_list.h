// SPDX-License-Identifier: Apache-2.0
// Regions of interest: which parts of an image are looked at, and the tiles
// over them. Pure arithmetic on a parsed CSV file: no pixels, no I/O. Tested by
// tests/tiling/roi_list_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/box.h"
#include "base/limits.h"
#include "base/name_index.h"
#include "base/status.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// A rectangle of an image, in pixels at full resolution.
struct Region {
  Box box;
  int64_t line = 0;  // where it stands in the file.
};

// A CSV file (base/csv_reader.h) with the columns file_name (or path), x, y, w
// and h, in any order and among others: the top left corner, width and height
// of one region in pixels at full resolution. An image may have any number of
// regions. Immutable.
class RoiList {
 public:
  // kInvalidArgument with the line, the column and the range: x and y are
  // numbers in [-1e9, 1e9], w and h in [1, 1e9].
  static StatusOr<RoiList> Parse(std::span<const std::byte> bytes,
                                 const Limits& limits);

  // The regions of an image in the order of the file, by relative path, else by
  // base name; none if the file does not name it. An ambiguous name is
  // kInvalidArgument.
  StatusOr<std::vector<Region>> Find(std::string_view relative_path) const;

  // Every name that the file gives.
  const std::set<std::string, std::less<>>& names() const {
    return names_.names();
  }

 private:
  std::map<std::string, std::vector<Region>, std::less<>> regions_;
  NameIndex names_;
};

// A rectangle of whole pixels.
struct PixelArea {
  int64_t x_px = 0;
  int64_t y_px = 0;
  int64_t width_px = 0;
  int64_t height_px = 0;
  friend bool operator==(const PixelArea&, const PixelArea&) = default;
};

// The sides of an image at full resolution and as it is cut into tiles; at
// least 1.
struct ImageSides {
  int64_t full_width_px = 0;
  int64_t full_height_px = 0;
  int64_t width_px = 0;
  int64_t height_px = 0;
};

// The regions in pixels of the image that is cut into tiles: cut to the image,
// rounded outwards. kInvalidArgument names the line of a region that lies
// outside.
StatusOr<std::vector<PixelArea>> PlaceRegions(
    const std::vector<Region>& regions, const ImageSides& image);

// The tiles of a grid over each area, put together: by y, then x, then height,
// then width rising, so that an image read from top to bottom serves them in
// order. Tiles that several areas share come once. A tile shows nothing outside
// of its area, and an area smaller than a tile is one padded tile; cells at the
// border of an area are seen cut. kInvalidArgument as TileGrid::Create, and if
// there are more than limits.max_tiles in all.
StatusOr<std::vector<Tile>> TilesOfAreas(const std::vector<PixelArea>& areas,
                                         const TileGridOptions& options,
                                         const Limits& limits = {});

}  // namespace cyto8
