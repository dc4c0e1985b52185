// SPDX-License-Identifier: Apache-2.0
// In which order the tiles of an image are looked at, and which part of it is
// still open after each of them (stream_merger.h). Pure arithmetic. Tested by
// tests/tiling/tile_order_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/box.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// A tile in its turn.
struct TileTurn {
  int64_t tile = 0;   // its number among the tiles of the image.
  int64_t strip = 0;  // never falls from turn to turn.
  friend bool operator==(const TileTurn&, const TileTurn&) = default;
};

// Strips of strip_px (at least 1) from left to right, each from top to bottom,
// by where tiles begin. A strip as wide as the image: row by row. So what two
// rows of tiles share is small enough to be kept, however wide the image is.
std::vector<TileTurn> OrderInStrips(std::span<const Tile> tiles,
                                    int64_t strip_px);

// The pixels that at least one of the tiles shows.
int64_t CoveredPixels(std::span<const Tile> tiles);

// The tiles that may still bring boxes after a number of turns, as two boxes:
// what is left of the strip, and all strips after it. Immutable.
class OpenAreas {
 public:
  // `reaches`: by turn, where the boxes of the tile lie.
  OpenAreas(std::span<const TileTurn> turns, std::span<const Box> reaches);

  // After so many turns, in [0, turns]; none after the last one.
  std::vector<Box> After(int64_t turns) const;

 private:
  struct Rest {
    Box of_strip;
    Box later;  // the strips after it; empty: none.
  };
  std::vector<Rest> rests_;  // by turn: with it.
};

}  // namespace cyto8
