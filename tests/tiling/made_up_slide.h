// SPDX-License-Identifier: Apache-2.0
// A slide whose pixels are computed. Test code.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "tiling/slide_reader.h"

namespace cyto8 {

// Two levels, the second half as large; blocks of 16 x 8 px. Counts what it
// decodes.
class MadeUpSlide final : public SlideReader {
 public:
  // The pixel at (x, y) of the level at 1/reduction.
  using Pixels = std::function<Rgb(const BlockId& block, int64_t x, int64_t y)>;

  MadeUpSlide(int64_t width_px, int64_t height_px, Pixels pixels)
      : pixels_(std::move(pixels)) {
    for (int64_t level = 0; level < 2; ++level) {
      info_.levels.push_back(
          {.width_px = std::max<int64_t>(1, width_px >> level),
           .height_px = std::max<int64_t>(1, height_px >> level),
           .block_width_px = 16,
           .block_height_px = 8});
    }
  }

  const SlideInfo& info() const override { return info_; }
  bool HasBlock(const BlockId& block) const override {
    return !missing.contains({block.column, block.row});
  }
  StatusOr<Image> ReadBlock(const BlockId& block) override {
    ++decoded;
    if (damaged.contains({block.column, block.row})) {
      return DataLoss("block " + std::to_string(block.column) + ", " +
                      std::to_string(block.row) + ": damaged");
    }
    const SlideLevel& level = info_.levels[static_cast<size_t>(block.level)];
    const auto [width, height] = BlockSize(level, block);
    Image image = Image::Create(width, height).value();
    const int64_t left = block.column * level.block_width_px / block.reduction;
    const int64_t top = block.row * level.block_height_px / block.reduction;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const Rgb pixel = pixels_(block, left + x, top + y);
        uint8_t* dst = image.MutableRow(y) + 3 * x;
        dst[0] = pixel.red;
        dst[1] = pixel.green;
        dst[2] = pixel.blue;
      }
    }
    return image;
  }
  void WillNeed(const BlockId& block) override {
    needed.insert({block.column, block.row});
  }
  int64_t largest_reduction() const override { return 4; }
  int64_t memory_bytes() const override { return 16 * 8 * 3; }

  std::set<std::pair<int64_t, int64_t>> damaged;
  std::set<std::pair<int64_t, int64_t>> missing;
  std::set<std::pair<int64_t, int64_t>> needed;  // soon.
  std::atomic<int> decoded = 0;

 private:
  SlideInfo info_;
  Pixels pixels_;
};

}  // namespace cyto8
