// SPDX-License-Identifier: Apache-2.0
// Levels of a slide; see pyramid_writer.h.
#include "tiling/pyramid_writer.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "tiling/row_source.h"

namespace cyto8 {
namespace {

constexpr int64_t kTileStep = 16;  // a JPEG's blocks, and TIFF's demand.
constexpr int64_t kMaxTile = 1024;

Status CheckTileSide(int64_t tile_px) {
  CYTO8_RETURN_IF_ERROR(CheckRange("tile_px", tile_px, kTileStep, kMaxTile));
  if (tile_px % kTileStep == 0) return OkStatus();
  return InvalidArgument("tile_px = " + std::to_string(tile_px) +
                         ": must be a multiple of " +
                         std::to_string(kTileStep));
}

// Half of an axis: pixels [first, end) of the next level, made from those of a
// tile that begins at 2 * first and shows `count`.
struct HalfAxis {
  int64_t first = 0;
  int64_t end = 0;
  int64_t count = 0;

  // The two pixels, within the tile; the same one at an end that has no more.
  int64_t One(int64_t at) const { return 2 * (at - first); }
  int64_t Other(int64_t at) const { return std::min(One(at) + 1, count - 1); }
};

HalfAxis Halve(int64_t begin, int64_t count, int64_t next_side) {
  return {.first = begin / 2,
          .end = std::min((begin + count + 1) / 2, next_side),
          .count = count};
}

// One row of tiles of a level, filled from the level below.
struct Strip {
  SlideLevel level;
  Image pixels;
};

class PyramidBuilder {
 public:
  PyramidBuilder(std::span<const SlideLevel> levels, TileSink& sink)
      : levels_(levels), sink_(&sink) {}

  Status Start() {
    for (const SlideLevel& level : levels_.subspan(1)) {
      CYTO8_ASSIGN_OR_RETURN(
          Image pixels,
          Image::Create(level.width_px,
                        std::min(level.block_height_px, level.height_px)));
      strips_.push_back({.level = level, .pixels = std::move(pixels)});
    }
    return OkStatus();
  }

  Status PaintRow(int64_t row, const TilePainter& paint) {
    for (int64_t i = 0; i < levels_[0].blocks_across(); ++i) {
      const BlockId block = {.level = 0, .column = i, .row = row};
      const auto [width_px, height_px] = BlockSize(levels_[0], block);
      CYTO8_ASSIGN_OR_RETURN(Image tile, Image::Create(width_px, height_px));
      CYTO8_RETURN_IF_ERROR(paint(i * levels_[0].block_width_px,
                                  row * levels_[0].block_height_px, tile));
      CYTO8_RETURN_IF_ERROR(Take(block, tile.view()));
    }
    return FinishRow(0, row);
  }

 private:
  Status Take(const BlockId& block, const ImageView& tile) {
    CYTO8_RETURN_IF_ERROR(sink_->WriteTile(block, tile));
    if (block.level < static_cast<int64_t>(strips_.size())) {
      HalveInto(block, tile, strips_[static_cast<size_t>(block.level)]);
    }
    return OkStatus();
  }

  // Two rows of tiles of a level, or the last one, fill a row of the next.
  Status FinishRow(int64_t level, int64_t row) {
    if (level + 1 == static_cast<int64_t>(levels_.size())) return OkStatus();
    const bool is_last =
        row + 1 == levels_[static_cast<size_t>(level)].blocks_down();
    const SlideLevel& next = levels_[static_cast<size_t>(level + 1)];
    if ((row % 2 == 0 && !is_last) || row / 2 >= next.blocks_down()) {
      return OkStatus();
    }
    CYTO8_RETURN_IF_ERROR(GiveRow(level + 1, row / 2));
    return FinishRow(level + 1, row / 2);
  }

  Status GiveRow(int64_t level, int64_t row) {
    const Strip& strip = strips_[static_cast<size_t>(level - 1)];
    for (int64_t i = 0; i < strip.level.blocks_across(); ++i) {
      const BlockId block = {.level = level, .column = i, .row = row};
      const auto [width_px, height_px] = BlockSize(strip.level, block);
      CYTO8_RETURN_IF_ERROR(
          Take(block, strip.pixels.view().Crop(i * strip.level.block_width_px,
                                               0, width_px, height_px)));
    }
    return OkStatus();
  }

  void HalveInto(const BlockId& block, const ImageView& tile, Strip& next) {
    const SlideLevel& level = levels_[static_cast<size_t>(block.level)];
    const HalfAxis x = Halve(block.column * level.block_width_px, tile.width_px,
                             next.level.width_px);
    const HalfAxis y = Halve(block.row * level.block_height_px, tile.height_px,
                             next.level.height_px);
    for (int64_t i = y.first; i < y.end; ++i) {
      const uint8_t* one = tile.Row(y.One(i));
      const uint8_t* other = tile.Row(y.Other(i));
      HalveRow(one, other, x,
               next.pixels.MutableRow(i % next.level.block_height_px) +
                   x.first * kRgbChannels);
    }
  }

  static void HalveRow(const uint8_t* one, const uint8_t* other,
                       const HalfAxis& x, uint8_t* dst) {
    for (int64_t i = x.first; i < x.end; ++i) {
      const int64_t left = x.One(i) * kRgbChannels;
      const int64_t right = x.Other(i) * kRgbChannels;
      for (int64_t c = 0; c < kRgbChannels; ++c) {
        const int sum =
            one[left + c] + one[right + c] + other[left + c] + other[right + c];
        *dst++ = static_cast<uint8_t>((sum + 2) / 4);
      }
    }
  }

  std::span<const SlideLevel> levels_;
  TileSink* sink_;
  std::vector<Strip> strips_;  // of level 1 on.
};

}  // namespace

StatusOr<std::vector<SlideLevel>> PyramidLevels(int64_t width_px,
                                                int64_t height_px,
                                                int64_t tile_px,
                                                const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRowsSize(width_px, height_px, limits));
  CYTO8_RETURN_IF_ERROR(CheckTileSide(tile_px));
  SlideLevel level = {.width_px = width_px,
                      .height_px = height_px,
                      .block_width_px = tile_px,
                      .block_height_px = tile_px};
  CYTO8_RETURN_IF_ERROR(CheckRange("tiles of level 0",
                                   level.blocks_across() * level.blocks_down(),
                                   1, limits.max_tiles));
  std::vector<SlideLevel> levels = {level};
  while (level.width_px > tile_px || level.height_px > tile_px) {
    level.width_px = std::max<int64_t>(1, level.width_px / 2);
    level.height_px = std::max<int64_t>(1, level.height_px / 2);
    levels.push_back(level);
  }
  return levels;
}

Status WritePyramid(std::span<const SlideLevel> levels,
                    const TilePainter& paint, TileSink& sink) {
  PyramidBuilder builder(levels, sink);
  CYTO8_RETURN_IF_ERROR(builder.Start());
  for (int64_t row = 0; row < levels[0].blocks_down(); ++row) {
    CYTO8_RETURN_IF_ERROR(builder.PaintRow(row, paint));
  }
  return OkStatus();
}

}  // namespace cyto8
