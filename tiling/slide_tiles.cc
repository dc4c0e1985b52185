// SPDX-License-Identifier: Apache-2.0
// See slide_tiles.h.
#include "tiling/slide_tiles.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tiling/resample.h"

namespace cyto8 {
namespace {

struct Span {
  int64_t begin = 0;
  int64_t size = 0;
};

// [begin, begin + size) of a side of `side` pixels, in one of `of` pixels:
// to whole pixels, at least one.
Span Scaled(const Span& span, int64_t side, int64_t of) {
  const double scale = static_cast<double>(of) / static_cast<double>(side);
  const auto at = [&](int64_t place) {
    return std::llround(static_cast<double>(place) * scale);
  };
  const int64_t begin = std::min<int64_t>(at(span.begin), of - 1);
  const int64_t end =
      std::clamp<int64_t>(at(span.begin + span.size), begin + 1, of);
  return {.begin = begin, .size = end - begin};
}

double Over(int64_t a, int64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

StatusOr<std::unique_ptr<SlideTiles>> SlideTiles::Create(
    SlideReader& reader, const SlideTilesOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(
      const LevelChoice choice,
      ChooseLevel(reader.info(),
                  {.um_per_px = options.um_per_px,
                   .target_um_per_px = options.target_um_per_px,
                   .tolerance = options.tolerance,
                   .largest_reduction = reader.largest_reduction()}));
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<SlideRegions> regions,
      SlideRegions::Create(reader, {.level = choice.level,
                                    .reduction = choice.reduction,
                                    .cache_bytes = options.cache_bytes}));
  std::unique_ptr<SlideTiles> tiles(
      new SlideTiles(reader, choice, std::move(regions)));
  tiles->limits_ = options.limits;
  tiles->width_px_ = tiles->regions_->width_px();
  tiles->height_px_ = tiles->regions_->height_px();
  if (choice.resample) {
    for (int64_t* side : {&tiles->width_px_, &tiles->height_px_}) {
      CYTO8_ASSIGN_OR_RETURN(
          *side, ResampledSide(*side, choice.um_per_px,
                               options.target_um_per_px, options.limits));
    }
  }
  return tiles;
}

PixelArea SlideTiles::SourceOf(const Tile& tile) const {
  const Span x = Scaled({.begin = tile.x_px, .size = tile.width_px}, width_px_,
                        regions_->width_px());
  const Span y = Scaled({.begin = tile.y_px, .size = tile.height_px},
                        height_px_, regions_->height_px());
  return {.x_px = x.begin,
          .y_px = y.begin,
          .width_px = x.size,
          .height_px = y.size};
}

StatusOr<Image> SlideTiles::Read(const Tile& tile) {
  CYTO8_ASSIGN_OR_RETURN(Image image, regions_->Read(SourceOf(tile)));
  if (!choice_.resample) return image;
  return ResampleArea(image.view(), tile.width_px, tile.height_px, limits_);
}

void SlideTiles::WillNeed(const Tile& tile) {
  regions_->WillNeed(SourceOf(tile));
}

bool SlideTiles::HasPixels(const Tile& tile) const {
  return regions_->HasPixels(SourceOf(tile));
}

int64_t SlideTiles::SourceBytes(const Tile& tile) const {
  const PixelArea source = SourceOf(tile);
  return source.width_px * source.height_px * kRgbChannels;
}

SlidePlacement SlideTiles::PlacementOf(const Tile& tile) const {
  const PixelArea source = SourceOf(tile);
  const auto reduction = static_cast<double>(choice_.reduction);
  const double x = scale_.x * reduction;
  const double y = scale_.y * reduction;
  return {.x_px = static_cast<double>(source.x_px) * x,
          .y_px = static_cast<double>(source.y_px) * y,
          .scale_x = x * Over(source.width_px, tile.width_px),
          .scale_y = y * Over(source.height_px, tile.height_px)};
}

}  // namespace cyto8
