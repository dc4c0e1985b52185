// SPDX-License-Identifier: Apache-2.0
// See thumbnail.h.
#include "app/thumbnail.h"

#include <algorithm>
#include <utility>

#include "tiling/area_resampler.h"
#include "tiling/jpeg_encoder.h"

namespace cyto8 {
namespace {

constexpr uint8_t kUnreadable = 128;

int64_t LongerSide(const SlideLevel& level) {
  return std::max(level.width_px, level.height_px);
}

// Its number; none if all are too large.
std::optional<int64_t> ChooseLevel(const SlideInfo& slide) {
  std::optional<int64_t> best;
  int64_t best_px = 0;
  for (int64_t i = 0; i < std::ssize(slide.levels); ++i) {
    const int64_t px = LongerSide(slide.levels[static_cast<size_t>(i)]);
    if (px > kThumbnailLevelPx) continue;
    const bool is_enough = px >= kThumbnailPx;
    const bool had_enough = best_px >= kThumbnailPx;
    const bool is_better =
        is_enough && had_enough ? px < best_px : px > best_px;
    if (best && !is_better) continue;
    best = i;
    best_px = px;
  }
  return best;
}

// Rows of blocks of one level, from top to bottom.
class BlockRows {
 public:
  static StatusOr<BlockRows> Create(SlideReader& slide, int64_t level) {
    const SlideLevel& grid = slide.info().levels[static_cast<size_t>(level)];
    CYTO8_ASSIGN_OR_RETURN(
        Image band, Image::Create(grid.width_px, std::min(grid.block_height_px,
                                                          grid.height_px)));
    return BlockRows(slide, level, std::move(band));
  }

  // What there is of a row of blocks.
  ImageView Read(int64_t row) {
    const SlideLevel& grid = slide_->info().levels[static_cast<size_t>(level_)];
    BlockId block = {.level = level_, .row = row};
    for (; block.column < grid.blocks_across(); ++block.column) {
      Place(grid, block);
    }
    return band_.view().Crop(0, 0, grid.width_px,
                             BlockSize(grid, block).second);
  }

 private:
  BlockRows(SlideReader& slide, int64_t level, Image band)
      : slide_(&slide), level_(level), band_(std::move(band)) {}

  void Place(const SlideLevel& grid, const BlockId& block) {
    const StatusOr<Image> pixels = slide_->ReadBlock(block);
    const auto [width, height] = BlockSize(grid, block);
    const int64_t x = block.column * grid.block_width_px;
    for (int64_t y = 0; y < height; ++y) {
      uint8_t* dst = band_.MutableRow(y) + x * kRgbChannels;
      if (pixels.ok()) {
        std::copy_n(pixels->view().Row(y), width * kRgbChannels, dst);
      } else {
        std::fill_n(dst, width * kRgbChannels, kUnreadable);
      }
    }
  }

  SlideReader* slide_;
  int64_t level_;
  Image band_;
};

int64_t ThumbnailSide(int64_t side_px, int64_t longer_px) {
  if (longer_px <= kThumbnailPx) return side_px;
  const int64_t rounded =
      (2 * side_px * kThumbnailPx + longer_px) / (2 * longer_px);
  return std::max<int64_t>(1, rounded);
}

}  // namespace

StatusOr<std::optional<Image>> MakeThumbnail(SlideReader& slide,
                                             const Limits& limits) {
  const std::optional<int64_t> number = ChooseLevel(slide.info());
  if (!number) return std::optional<Image>();
  const SlideLevel& level = slide.info().levels[static_cast<size_t>(*number)];
  const int64_t longer_px = LongerSide(level);
  CYTO8_ASSIGN_OR_RETURN(
      Image small, Image::Create(ThumbnailSide(level.width_px, longer_px),
                                 ThumbnailSide(level.height_px, longer_px)));
  CYTO8_ASSIGN_OR_RETURN(
      AreaResampler resampler,
      AreaResampler::Create(level.width_px, level.height_px, small.width_px(),
                            small.height_px(), limits));
  CYTO8_ASSIGN_OR_RETURN(BlockRows rows, BlockRows::Create(slide, *number));
  int64_t next = 0;
  for (int64_t row = 0; row < level.blocks_down(); ++row) {
    const ImageView band = rows.Read(row);
    for (int64_t y = 0; y < band.height_px; ++y) {
      CYTO8_RETURN_IF_ERROR(resampler.PushRow(band.Row(y)));
      while (resampler.HasRow()) {
        CYTO8_RETURN_IF_ERROR(resampler.TakeRow(small.MutableRow(next++)));
      }
    }
  }
  return std::optional(std::move(small));
}

StatusOr<std::string> ThumbnailJpeg(const ImageView& thumbnail) {
  return JpegBytes(thumbnail, {.quality = 85, .sampling = JpegSampling::k444});
}

}  // namespace cyto8
