// SPDX-License-Identifier: Apache-2.0
// One network for tiles of several sizes: compiled when first asked for, kept,
// weights shared. Tested by tests/app/detector_family_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "app/score_settings.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/efficientdet/detector.h"
#include "detector/graph/graph.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

struct DetectorFamilyOptions {
  // The prepared network at the card's size, pixels in (PrependNormalization).
  Graph network = {};
  TileSize card_size = {};
  AnchorGeneratorOptions anchors = {};  // image sides do not matter.
  // Of every detector; the anchors in here are replaced.
  DetectorOptions detector = {};
  // With packed_weights set, all sizes share one set of packed weights.
  CompileOptions compile = {};
  // Detectors that are kept; beyond that the one not asked for the longest time
  // goes (whoever holds it keeps it alive).
  int64_t max_kept = 64;
};

// Thread-safe. Keeps the network's plain weights for sizes to come.
class DetectorFamily {
 public:
  explicit DetectorFamily(DetectorFamilyOptions options);

  // The detector whose tile is exactly of this size. Sizes other than the
  // card's are multiples of 2^max_level of the anchors, so that every level has
  // twice the side of the next. kInvalidArgument names the field, value and
  // range, or the node of the network that cannot be carried over. The first
  // call for a size compiles; other sizes need not wait for it.
  StatusOr<std::shared_ptr<const Detector>> ForTile(int64_t width_px,
                                                    int64_t height_px) const;

  // The allowed size of the fewest pixels that holds a tile. kInvalidArgument
  // if a side is not in [1, largest allowed side].
  StatusOr<TileSize> SmallestSize(int64_t width_px, int64_t height_px) const;

 private:
  struct Slot {
    std::mutex mutex = {};
    std::shared_ptr<const Detector> detector = {};
    int64_t last_use = 0;  // guarded by the family's mutex.
  };
  using Key = std::pair<int64_t, int64_t>;  // width, height.

  std::shared_ptr<Slot> SlotOf(const Key& key) const;
  StatusOr<std::shared_ptr<const Detector>> Compile(const TileSize& size) const;

  const DetectorFamilyOptions options_;
  mutable std::mutex mutex_;
  mutable std::map<Key, std::shared_ptr<Slot>> slots_;
  mutable int64_t uses_ = 0;
};

// OK if a tile of the network may have this size: the card's, or sides that are
// multiples of 2^max_level.
Status CheckTileSize(const TileSize& size, const TileSize& card_size,
                     int64_t max_level);

}  // namespace cyto8
