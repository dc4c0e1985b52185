// SPDX-License-Identifier: Apache-2.0
// What of a slide is empty glass, told from a reduced image of it. Cytology:
// cells lie scattered and may be pale, so a place counts as background only
// where nothing at all is seen. Pixels in, one byte for each 128 px x 128 px
// held; no files. Tested by tests/tiling/tissue_mask_test.cc.
//
// The rule. Pixels are averaged over blocks of block_px x block_px (about a
// nucleus); a mask cell is 4 x 4 blocks. A cell is background if
//   - nobody gave its pixels (a block that the file has not), or all its blocks
//     are white, 255 (what is filled in for such); or
//   - it is flat: in each channel its brightest block is at most `contrast`
//     above its darkest one; and
//   - it is bright: in each channel its darkest block is at most `contrast`
//     below the background of its region.
// The background of the slide is the colour of its bright flat cells: of those
// up to `contrast` below the brightest 2 in 100 (mounting medium or light may
// tint it, so it must be bright, but neither white nor grey). That of a region
// of 16 x 16 cells is the mean of its flat cells that differ from the slide's
// by at most 24 in each channel (uneven light), or the slide's if they are less
// than 8. A slide on which none is found has white background alone.
// A rectangle is background if all cells within margin_px of it are.
//
// All numbers are integers: the same pixels give the same mask, in whatever
// order they come. Where they are cut matters a little: a block that two views
// share is two smaller blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// The sides of a slide and of a smaller image of it, each at least 1.
struct ReducedSides {
  int64_t full_width_px = 0;
  int64_t full_height_px = 0;
  int64_t width_px = 0;
  int64_t height_px = 0;
};

struct TissueMaskOptions {
  // In level-0 pixels: 8 um, a small nucleus, at 0.25 um/px. Whoever has
  // another scale divides.
  int64_t block_px = 32;
  int64_t contrast = 10;   // of 255.
  int64_t margin_px = 64;  // around a rectangle, level-0 pixels.
};

// Immutable, hence thread-safe.
class TissueMask {
 public:
  // `tile` is in level-0 pixels; what lies outside of the slide is background.
  bool IsBackground(const Tile& tile) const;

  int64_t columns() const { return columns_; }
  int64_t rows() const { return rows_; }
  bool IsTissue(int64_t column, int64_t row) const {
    return tissue_[static_cast<size_t>(row * columns_ + column)] != 0;
  }
  // How much of the slide is not background, in [0, 1].
  double tissue_share() const;

 private:
  friend class TissueMaskBuilder;
  TissueMask() = default;

  ReducedSides sides_;
  int64_t cell_width_ = 1;  // in reduced pixels.
  int64_t cell_height_ = 1;
  int64_t margin_px_ = 0;
  int64_t columns_ = 0;
  int64_t rows_ = 0;
  std::vector<uint8_t> tissue_;  // by row; 1: not background.
};

// Takes the reduced image piece by piece. Belongs to one thread.
class TissueMaskBuilder {
 public:
  // kInvalidArgument if a side is outside [1, limits.max_side_px], a reduced
  // side longer than the full one or a block longer than 9/8 block_px (a pixel
  // that holds more no longer shows a pale nucleus: then take a finer level),
  // block_px outside [1, 1024], contrast outside [1, 64] or margin_px outside
  // [0, limits.max_side_px].
  static StatusOr<TissueMaskBuilder> Create(
      const ReducedSides& sides, const TissueMaskOptions& options = {},
      const Limits& limits = {});

  // The pixels from (x_px, y_px) of the reduced image on: a row, a band of
  // rows, a block. kInvalidArgument unless they lie inside.
  Status Add(const ImageView& pixels, int64_t x_px, int64_t y_px);

  TissueMask Build() const;

  // What the builder holds for a slide of these sides: 6 bytes a cell. Build
  // takes up to as much once more, and 1 byte a cell for the mask.
  int64_t held_bytes() const;

 private:
  // The darkest and the brightest block so far, channel by channel.
  struct Cell {
    uint8_t darkest[kRgbChannels] = {255, 255, 255};
    uint8_t brightest[kRgbChannels] = {0, 0, 0};
  };
  using Background = std::optional<std::array<int64_t, kRgbChannels>>;

  TissueMaskBuilder(const ReducedSides& sides, const TissueMaskOptions& options,
                    int64_t block_width, int64_t block_height);
  void AddBlockRow(const ImageView& pixels, int64_t x_px, int64_t cell_row);
  void AddBlock(const ImageView& block, Cell& cell) const;
  bool IsFlat(const Cell& cell) const;
  bool IsTissue(const Cell& cell, const Background& background) const;
  std::vector<Cell> BrightFlatCells() const;
  Background SlideBackground() const;
  Background RegionBackground(int64_t column, int64_t row,
                              const Background& slide) const;
  void MarkRegion(int64_t column, int64_t row, const Background& background,
                  std::vector<uint8_t>& tissue) const;

  ReducedSides sides_;
  TissueMaskOptions options_;
  int64_t block_width_ = 1;  // in reduced pixels.
  int64_t block_height_ = 1;
  int64_t columns_ = 0;
  int64_t rows_ = 0;
  std::vector<Cell> cells_;  // by row.
};

}  // namespace cyto8
