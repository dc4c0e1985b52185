// SPDX-License-Identifier: Apache-2.0
// A slide at the scale of the network, tile by tile, in any order. A tile that
// must be resampled is resampled by itself, from whole pixels, so it does not
// depend on its neighbours; where it lies on level 0 is exact. Tested by
// tests/tiling/slide_tiles_test.cc.
#pragma once

#include <cstdint>
#include <memory>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/level_choice.h"
#include "tiling/slide_reader.h"
#include "tiling/slide_regions.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// Pixel (x, y) of a tile begins at level-0 pixel x_px + x * scale_x, and so on.
struct SlidePlacement {
  double x_px = 0;
  double y_px = 0;
  double scale_x = 1;
  double scale_y = 1;
};

struct SlideTilesOptions {
  double um_per_px = 0;                     // of level 0.
  double target_um_per_px = 0;              // of the tiles.
  double tolerance = 0.05;                  // see level_choice.h.
  int64_t cache_bytes = int64_t{64} << 20;  // see slide_regions.h.
  Limits limits = {};
};

// Thread-safe.
class SlideTiles {
 public:
  // `reader` outlives the result. Errors as of ChooseLevel and ResampledSide.
  static StatusOr<std::unique_ptr<SlideTiles>> Create(
      SlideReader& reader, const SlideTilesOptions& options);

  // The slide at the scale of the tiles.
  int64_t width_px() const { return width_px_; }
  int64_t height_px() const { return height_px_; }
  // What is read and whether it is resampled.
  const LevelChoice& choice() const { return choice_; }

  // The pixels of a tile, which lies inside; errors as of SlideRegions::Read:
  // this tile alone has failed.
  StatusOr<Image> Read(const Tile& tile);
  // A hint that the tile will be read soon.
  void WillNeed(const Tile& tile);
  // Whether the file has pixels for it.
  bool HasPixels(const Tile& tile) const;
  SlidePlacement PlacementOf(const Tile& tile) const;
  // Of the pixels that a tile is made from.
  int64_t SourceBytes(const Tile& tile) const;

 private:
  SlideTiles(SlideReader& reader, const LevelChoice& choice,
             std::unique_ptr<SlideRegions> regions)
      : choice_(choice),
        scale_(ScaleOfLevel(reader.info(), choice.level)),
        regions_(std::move(regions)) {}
  PixelArea SourceOf(const Tile& tile) const;

  LevelChoice choice_;
  LevelScale scale_;
  std::unique_ptr<SlideRegions> regions_;
  int64_t width_px_ = 0;
  int64_t height_px_ = 0;
  Limits limits_;
};

}  // namespace cyto8
