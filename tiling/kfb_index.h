// SPDX-License-Identifier: Apache-2.0
// Where the tiles of a KFB slide are: its levels, and for each cell of their
// grids the JPEG. No pixel is read. Tested by tests/tiling/kfb_index_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/kfb_header.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// 24 bytes. Neither position nor length of the JPEG has been checked: a wrong
// one is a failed tile, not a failed slide.
struct KfbTile {
  uint64_t cell = 0;      // KfbCell of its place.
  int64_t offset = 0;     // of the JPEG from the index, mostly negative.
  int32_t length = 0;     // of the JPEG in bytes, at least 1.
  uint16_t width_px = 0;  // of the JPEG, in [1, kKfbBlockPx].
  uint16_t height_px = 0;
};

// Ordered by level, row and column; each of them below 2^24.
constexpr uint64_t KfbCell(int64_t level, int64_t row, int64_t column) {
  return static_cast<uint64_t>(level << 48 | row << 24 | column);
}

struct KfbIndex {
  KfbHeader header = {};
  // Halved and rounded down, as far as every level has a tile, at most to the
  // first that fits one tile.
  std::vector<SlideLevel> levels = {};
  std::vector<KfbTile> tiles = {};  // by cell, no two for one; all in levels.
  int64_t surplus_records = 0;      // of tiles outside of the levels.

  // nullptr if the file does not have the tile. Blocks inside of the grid.
  const KfbTile* Find(const BlockId& block) const;
};

// Reads header and index in any order of its records. kDataLoss if damaged,
// kUnimplemented for a KFBF or an unknown variant, kInvalidArgument beyond a
// limit. A record without a JPEG is a tile that the file does not have.
StatusOr<KfbIndex> ParseKfb(ByteSource& bytes, const Limits& limits);

}  // namespace cyto8
