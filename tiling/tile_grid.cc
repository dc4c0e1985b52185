// SPDX-License-Identifier: Apache-2.0
// Where tiles lie on an image; see tile_grid.h.
#include "tiling/tile_grid.h"

#include <algorithm>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

Status CheckOptions(const TileGridOptions& options, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("tile_width_px", options.tile_width_px, 1,
                                   limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("tile_height_px", options.tile_height_px, 1,
                                   limits.max_side_px));
  return CheckRange(
      "overlap_px", options.overlap_px, 0,
      std::min(options.tile_width_px, options.tile_height_px) - 1);
}

}  // namespace

int64_t TileGrid::Axis::Start(int64_t i) const {
  return std::min(i * stride_px, std::max<int64_t>(side_px - tile_px, 0));
}

int64_t TileGrid::Axis::Length(int64_t i) const {
  return std::min(tile_px, side_px - Start(i));
}

TileGrid::Axis TileGrid::MakeAxis(int64_t side_px, int64_t tile_px,
                                  int64_t overlap_px) {
  const int64_t stride_px = tile_px - overlap_px;
  const int64_t beyond_first = std::max<int64_t>(side_px - tile_px, 0);
  return {.side_px = side_px,
          .tile_px = tile_px,
          .stride_px = stride_px,
          .count = 1 + (beyond_first + stride_px - 1) / stride_px};
}

TileGrid::TileGrid(const TileGridOptions& options, const Axis& x, const Axis& y)
    : options_(options), x_(x), y_(y) {}

StatusOr<TileGrid> TileGrid::Create(int64_t width_px, int64_t height_px,
                                    const TileGridOptions& options,
                                    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", width_px, 1, limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height_px", height_px, 1, limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(CheckOptions(options, limits));
  const Axis x = MakeAxis(width_px, options.tile_width_px, options.overlap_px);
  const Axis y =
      MakeAxis(height_px, options.tile_height_px, options.overlap_px);
  CYTO8_ASSIGN_OR_RETURN(const int64_t tiles, CheckedMul(x.count, y.count));
  CYTO8_RETURN_IF_ERROR(CheckRange("tiles", tiles, 1, limits.max_tiles));
  return TileGrid(options, x, y);
}

Tile TileGrid::At(int64_t index) const {
  const int64_t column = index % x_.count;
  const int64_t row = index / x_.count;
  return {.x_px = x_.Start(column),
          .y_px = y_.Start(row),
          .width_px = x_.Length(column),
          .height_px = y_.Length(row)};
}

}  // namespace cyto8
