// SPDX-License-Identifier: Apache-2.0
// Rectangles of one level of a slide, put together from its blocks; a block
// that several rectangles share is decoded once as long as the cache holds it.
// Tested by tests/tiling/slide_regions_test.cc.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/image_view.h"
#include "base/status.h"
#include "tiling/roi_list.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

struct SlideRegionsOptions {
  int64_t level = 0;
  int64_t reduction = 1;  // 1, 2, 4 or 8, as the reader decodes.
  // Decoded blocks that are kept for the next rectangle, the latest used; what
  // is being read comes on top. 0 keeps none.
  int64_t cache_bytes = int64_t{64} << 20;
};

// Thread-safe; two threads that need the same block wait for one decoding.
// Coordinates are pixels of the level divided by the reduction.
class SlideRegions {
 public:
  // `reader` outlives the result. kInvalidArgument if there is no such level or
  // the reduction is not in [1, reader.largest_reduction()], no power of two or
  // does not divide the sides of the level's blocks.
  static StatusOr<std::unique_ptr<SlideRegions>> Create(
      SlideReader& reader, const SlideRegionsOptions& options);

  // The level's sides over the reduction, rounded up.
  int64_t width_px() const { return width_px_; }
  int64_t height_px() const { return height_px_; }

  // The pixels of the rectangle. kInvalidArgument unless it lies inside and has
  // an area; else the first failure of its blocks, in their order. A block that
  // failed fails again while the cache remembers it.
  StatusOr<Image> Read(const PixelArea& area);

  // A hint that the rectangle, which lies inside, will be read soon.
  void WillNeed(const PixelArea& area);

  // Whether the file has any block of the rectangle, which lies inside.
  bool HasPixels(const PixelArea& area) const;

 private:
  struct Entry {
    std::once_flag once;
    StatusOr<Image> pixels = Status();
  };
  struct Cached {
    int64_t key = 0;
    int64_t bytes = 0;
    std::shared_ptr<Entry> entry;
  };
  // Half-open ranges of the grid.
  struct Blocks {
    int64_t first_column = 0;
    int64_t end_column = 0;
    int64_t first_row = 0;
    int64_t end_row = 0;
  };

  SlideRegions(SlideReader& reader, const SlideRegionsOptions& options);
  Blocks BlocksOf(const PixelArea& area) const;
  BlockId IdOf(int64_t column, int64_t row) const;
  int64_t KeyOf(const BlockId& block) const;
  bool IsCached(const BlockId& block);
  Status CopyBlock(const BlockId& block, const PixelArea& area, Image& dst);
  std::shared_ptr<Entry> Find(const BlockId& block);
  void DropOldest();

  SlideReader& reader_;
  const SlideRegionsOptions options_;
  const SlideLevel level_;
  const int64_t block_width_px_;  // reduced.
  const int64_t block_height_px_;
  int64_t width_px_ = 0;
  int64_t height_px_ = 0;
  std::mutex mutex_;
  std::list<Cached> cached_;  // the latest used first.
  std::unordered_map<int64_t, std::list<Cached>::iterator> by_key_;
  int64_t cached_bytes_ = 0;
};

}  // namespace cyto8
