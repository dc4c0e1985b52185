// SPDX-License-Identifier: Apache-2.0
// The levels of a slide from its level 0, which is painted tile by tile from
// top to bottom: each level is the one below it averaged 2 x 2 on the way. No
// file formats: those are slide_writer.h's. Tested by
// tests/tiling/pyramid_writer_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// All levels down to the first that fits one tile; sides are halved and rounded
// down, but not below 1. kInvalidArgument if a side is outside
// [1, limits.max_side_px], there are more pixels than limits.max_slide_pixels
// or tiles than limits.max_tiles, or the tile's side is no multiple of 16 in
// [16, 1024].
StatusOr<std::vector<SlideLevel>> PyramidLevels(int64_t width_px,
                                                int64_t height_px,
                                                int64_t tile_px,
                                                const Limits& limits = {});

// Where tiles go.
class TileSink {
 public:
  virtual ~TileSink() = default;

  // The pixels of a block at reduction 1, cut to its level. Each block comes
  // once; those of one level come row by row, levels in between each other.
  virtual Status WriteTile(const BlockId& block, const ImageView& pixels) = 0;
};

// Fills all of dst with level 0 from (x_px, y_px) on.
using TilePainter =
    std::function<Status(int64_t x_px, int64_t y_px, Image& dst)>;

// All blocks of all levels, which are PyramidLevels'. A mean of four pixels is
// rounded, halves upwards; an odd last row or column goes into no mean. What is
// held: one row of tiles of each level but level 0, that is 3 * tile side
// bytes for each pixel of level 0's width, whatever the height. Fails as
// `paint` and `sink` do.
Status WritePyramid(std::span<const SlideLevel> levels,
                    const TilePainter& paint, TileSink& sink);

}  // namespace cyto8
