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
  const int64_t shorter =
      std::min(options.tile_width_px, options.tile_height_px);
  const int64_t overlap = options.overlap_px;
  CYTO8_RETURN_IF_ERROR(CheckRange("overlap_px", overlap, 0, shorter - 1));
  const bool drops = options.edge.mode == EdgeMode::kDrop;
  CYTO8_RETURN_IF_ERROR(CheckRange("drop_below_px", options.edge.drop_below_px,
                                   drops ? 1 : 0, drops ? shorter : 0));
  CYTO8_RETURN_IF_ERROR(CheckRange("origin_x_px", options.origin_x_px,
                                   overlap - options.tile_width_px + 1, 0));
  return CheckRange("origin_y_px", options.origin_y_px,
                    overlap - options.tile_height_px + 1, 0);
}

}  // namespace

int64_t TileGrid::Axis::Start(int64_t i) const {
  const int64_t start = origin_px + i * stride_px;
  return align ? std::min(start, std::max<int64_t>(side_px - tile_px, 0))
               : start;
}

int64_t TileGrid::Axis::Begin(int64_t i) const {
  return std::max<int64_t>(Start(i), 0);
}

int64_t TileGrid::Axis::Length(int64_t i) const {
  return std::min(Start(i) + tile_px, side_px) - Begin(i);
}

TileGrid::Axis TileGrid::MakeAxis(int64_t side_px, int64_t tile_px,
                                  int64_t origin_px,
                                  const TileGridOptions& options) {
  const int64_t stride_px = tile_px - options.overlap_px;
  const int64_t beyond_first =
      std::max<int64_t>(side_px - tile_px - origin_px, 0);
  Axis axis = {.side_px = side_px,
               .tile_px = tile_px,
               .stride_px = stride_px,
               .origin_px = origin_px,
               .align = options.edge.mode == EdgeMode::kAlign,
               .count = 1 + (beyond_first + stride_px - 1) / stride_px};
  if (options.edge.mode == EdgeMode::kDrop && axis.count > 1 &&
      axis.Length(axis.count - 1) < options.edge.drop_below_px) {
    --axis.count;
  }
  return axis;
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
  const Axis x =
      MakeAxis(width_px, options.tile_width_px, options.origin_x_px, options);
  const Axis y =
      MakeAxis(height_px, options.tile_height_px, options.origin_y_px, options);
  CYTO8_ASSIGN_OR_RETURN(const int64_t tiles, CheckedMul(x.count, y.count));
  CYTO8_RETURN_IF_ERROR(CheckRange("tiles", tiles, 1, limits.max_tiles));
  return TileGrid(options, x, y);
}

Tile TileGrid::At(int64_t index) const {
  const int64_t column = index % x_.count;
  const int64_t row = index / x_.count;
  return {.x_px = x_.Begin(column),
          .y_px = y_.Begin(row),
          .width_px = x_.Length(column),
          .height_px = y_.Length(row)};
}

}  // namespace cyto8
