// SPDX-License-Identifier: Apache-2.0
// Cuts tiles out of an image whose rows arrive once, from top to bottom, so
// that no more of it is held than the tiles in work need. Tested by
// tests/tiling/tile_cutter_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/row_source.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// Thread-safe. Tiles are best taken in rising order: what is held spans from
// the first tile not taken yet to the last one taken, and a part of the row of
// tiles after it, which is read ahead so that reading is spread evenly.
class TileCutter {
 public:
  // kInvalidArgument unless every tile lies inside the image and tiles come
  // with rising y_px. There must be one at least.
  static StatusOr<std::unique_ptr<TileCutter>> Create(
      std::unique_ptr<RowSource> rows, std::vector<Tile> tiles,
      const Limits& limits = {});

  const std::vector<Tile>& tiles() const { return tiles_; }

  // The pixels of tile `index`, each to be taken once at most
  // (kInvalidArgument). With the last tile of all the rest of the image is read
  // too, so that no damage stays unseen. After an error every call returns it.
  StatusOr<Image> Take(int64_t index);

  // The most that is held while tiles are taken in rising order and at most
  // `in_flight` of them are taken out of it: bytes of rows. The decoder's own
  // memory comes on top.
  static int64_t HeldBytes(const std::vector<Tile>& tiles, int64_t width_px,
                           int64_t in_flight);

 private:
  using Row = std::vector<uint8_t>;

  TileCutter(std::unique_ptr<RowSource> rows, std::vector<Tile> tiles,
             const Limits& limits);
  Status CheckIndex(int64_t index) const;
  StatusOr<Image> Cut(int64_t index);
  Status ReadTo(int64_t end_y);
  void Release(int64_t index);
  Image CopyOut(const Tile& tile, Image image) const;

  std::mutex mutex_;
  std::unique_ptr<RowSource> rows_;
  std::vector<Tile> tiles_;
  std::vector<int64_t> read_ahead_;  // rows that shall be there after a tile.
  std::vector<bool> taken_;
  int64_t first_untaken_ = 0;
  int64_t left_ = 0;      // tiles not taken yet.
  std::deque<Row> band_;  // rows [begin_y_, begin_y_ + band_.size()).
  int64_t begin_y_ = 0;
  std::vector<Row> spare_;  // released rows, used again.
  Limits limits_;
  Status error_;
};

}  // namespace cyto8
