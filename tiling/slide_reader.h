// SPDX-License-Identifier: Apache-2.0
// A whole slide as a pyramid of levels, each a grid of the file's own tiles
// (blocks), read in any order. What a format is stands behind one interface;
// slide_regions.h puts regions together. Images that can only be read from top
// to bottom are row_source.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// Level 0 is the largest. Blocks lie from (0, 0) on without gaps; those at the
// right and at the bottom are cut to the level.
struct SlideLevel {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t block_width_px = 0;
  int64_t block_height_px = 0;

  int64_t blocks_across() const {
    return (width_px + block_width_px - 1) / block_width_px;
  }
  int64_t blocks_down() const {
    return (height_px + block_height_px - 1) / block_height_px;
  }
  friend bool operator==(const SlideLevel&, const SlideLevel&) = default;
};

// What a slide says of itself, without anything that could name a patient:
// labels, dates, names and free texts stay in the file.
struct SlideInfo {
  std::string format = {};  // "Aperio SVS", "tiled TIFF", "KFB", "hamamatsu"...
  std::string reader = {};  // "direct", "openslide", "kfb".
  std::vector<SlideLevel> levels = {};
  std::optional<double> um_per_px = std::nullopt;  // of level 0.
  std::string mpp_source = {};                     // "aperio.MPP"; else empty.
  std::optional<double> magnification = std::nullopt;  // of the objective.
  int64_t focal_planes = 1;  // only the first is read.
  // Blocks that the file's index names outside of its levels: not read.
  int64_t surplus_blocks = 0;
  // Names of the images beside the slide (label, macro, thumbnail); never read
  // here.
  std::vector<std::string> associated = {};
};

// A block at 1/reduction of its size. Which of them a format gives at once:
// see each reader; 1 always.
struct BlockId {
  int64_t level = 0;
  int64_t column = 0;
  int64_t row = 0;
  int64_t reduction = 1;  // 1, 2, 4 or 8.
  friend bool operator==(const BlockId&, const BlockId&) = default;
};

// Thread-safe: any number of threads may read. Nothing is kept between calls
// but what the format needs to find blocks. No exception but std::bad_alloc
// leaves it, or what opens it; after one, blocks may be read as before.
class SlideReader {
 public:
  virtual ~SlideReader() = default;

  virtual const SlideInfo& info() const = 0;

  // Whether the file has the block; one that it has not is background and
  // reads as white. The block lies in the grid.
  virtual bool HasBlock(const BlockId& block) const = 0;

  // The pixels of a block, RGB: BlockSize(level, block). kInvalidArgument if it
  // is not in the grid; kDataLoss if it is damaged, with level, column and row:
  // then this block alone has failed, others may still be read. kUnimplemented
  // for a reduction that this reader does not decode.
  virtual StatusOr<Image> ReadBlock(const BlockId& block) = 0;

  // A hint that the block, which lies in the grid, will be read soon: its bytes
  // may be fetched from the disk meanwhile.
  virtual void WillNeed(const BlockId& /*block*/) {}

  // The largest reduction that ReadBlock decodes at once.
  virtual int64_t largest_reduction() const = 0;

  // What one call of ReadBlock holds at most, its result included.
  virtual int64_t memory_bytes() const = 0;
};

// Width and height of a block as it is read: the part inside of the level,
// divided by the reduction and rounded up.
inline std::pair<int64_t, int64_t> BlockSize(const SlideLevel& level,
                                             const BlockId& block) {
  const auto side = [&](int64_t at, int64_t step, int64_t end) {
    const int64_t full = at * step + step < end ? step : end - at * step;
    return (full + block.reduction - 1) / block.reduction;
  };
  return {side(block.column, level.block_width_px, level.width_px),
          side(block.row, level.block_height_px, level.height_px)};
}

}  // namespace cyto8
