// SPDX-License-Identifier: Apache-2.0
// Composition and cache of blocks; see slide_regions.h.
#include "tiling/slide_regions.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

int64_t DividedUp(int64_t value, int64_t by) { return (value + by - 1) / by; }

Status CheckReduction(int64_t reduction, int64_t largest,
                      const SlideLevel& level) {
  CYTO8_RETURN_IF_ERROR(CheckRange("reduction", reduction, 1, largest));
  if (!std::has_single_bit(static_cast<uint64_t>(reduction)) ||
      level.block_width_px % reduction != 0 ||
      level.block_height_px % reduction != 0) {
    return InvalidArgument("reduction = " + std::to_string(reduction) +
                           ": must be a power of two that divides blocks of " +
                           std::to_string(level.block_width_px) + " x " +
                           std::to_string(level.block_height_px) + " px");
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<SlideRegions>> SlideRegions::Create(
    SlideReader& reader, const SlideRegionsOptions& options) {
  const auto levels = std::ssize(reader.info().levels);
  CYTO8_RETURN_IF_ERROR(CheckRange("level", options.level, 0, levels - 1));
  CYTO8_RETURN_IF_ERROR(
      CheckReduction(options.reduction, reader.largest_reduction(),
                     reader.info().levels[static_cast<size_t>(options.level)]));
  return std::unique_ptr<SlideRegions>(new SlideRegions(reader, options));
}

SlideRegions::SlideRegions(SlideReader& reader,
                           const SlideRegionsOptions& options)
    : reader_(reader),
      options_(options),
      level_(reader.info().levels[static_cast<size_t>(options.level)]),
      block_width_px_(level_.block_width_px / options.reduction),
      block_height_px_(level_.block_height_px / options.reduction),
      width_px_(DividedUp(level_.width_px, options.reduction)),
      height_px_(DividedUp(level_.height_px, options.reduction)) {}

SlideRegions::Blocks SlideRegions::BlocksOf(const PixelArea& area) const {
  return {.first_column = area.x_px / block_width_px_,
          .end_column = DividedUp(area.x_px + area.width_px, block_width_px_),
          .first_row = area.y_px / block_height_px_,
          .end_row = DividedUp(area.y_px + area.height_px, block_height_px_)};
}

BlockId SlideRegions::IdOf(int64_t column, int64_t row) const {
  return {.level = options_.level,
          .column = column,
          .row = row,
          .reduction = options_.reduction};
}

StatusOr<Image> SlideRegions::Read(const PixelArea& area) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width", area.width_px, int64_t{1}, width_px_));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height", area.height_px, int64_t{1}, height_px_));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("x", area.x_px, int64_t{0}, width_px_ - area.width_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("y", area.y_px, int64_t{0}, height_px_ - area.height_px));
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::CreateUnset(area.width_px, area.height_px));
  const Blocks blocks = BlocksOf(area);
  for (int64_t row = blocks.first_row; row < blocks.end_row; ++row) {
    for (int64_t column = blocks.first_column; column < blocks.end_column;
         ++column) {
      CYTO8_RETURN_IF_ERROR(CopyBlock(IdOf(column, row), area, image));
    }
  }
  return image;
}

// Not of what the cache has: a hint costs a call of the system.
void SlideRegions::WillNeed(const PixelArea& area) {
  const Blocks blocks = BlocksOf(area);
  for (int64_t row = blocks.first_row; row < blocks.end_row; ++row) {
    for (int64_t column = blocks.first_column; column < blocks.end_column;
         ++column) {
      const BlockId block = IdOf(column, row);
      if (!IsCached(block)) reader_.WillNeed(block);
    }
  }
}

bool SlideRegions::IsCached(const BlockId& block) {
  const std::lock_guard lock(mutex_);
  return by_key_.contains(KeyOf(block));
}

int64_t SlideRegions::KeyOf(const BlockId& block) const {
  return block.row * level_.blocks_across() + block.column;
}

bool SlideRegions::HasPixels(const PixelArea& area) const {
  const Blocks blocks = BlocksOf(area);
  for (int64_t row = blocks.first_row; row < blocks.end_row; ++row) {
    for (int64_t column = blocks.first_column; column < blocks.end_column;
         ++column) {
      if (reader_.HasBlock(IdOf(column, row))) return true;
    }
  }
  return false;
}

// The part of the block that lies in the area.
Status SlideRegions::CopyBlock(const BlockId& block, const PixelArea& area,
                               Image& dst) {
  const std::shared_ptr<Entry> entry = Find(block);
  std::call_once(entry->once,
                 [&] { entry->pixels = reader_.ReadBlock(block); });
  CYTO8_RETURN_IF_ERROR(entry->pixels.status());
  const ImageView src = entry->pixels->view();
  const auto [width_px, height_px] = BlockSize(level_, block);
  CYTO8_ENSURE(src.width_px == width_px && src.height_px == height_px);
  const int64_t left = block.column * block_width_px_;
  const int64_t top = block.row * block_height_px_;
  const int64_t x_begin = std::max(left, area.x_px);
  const int64_t x_end =
      std::min(left + src.width_px, area.x_px + area.width_px);
  const int64_t y_end =
      std::min(top + src.height_px, area.y_px + area.height_px);
  for (int64_t y = std::max(top, area.y_px); y < y_end; ++y) {
    std::memcpy(
        dst.MutableRow(y - area.y_px) + (x_begin - area.x_px) * kRgbChannels,
        src.Row(y - top) + (x_begin - left) * kRgbChannels,
        static_cast<size_t>((x_end - x_begin) * kRgbChannels));
  }
  return OkStatus();
}

// The cache's entry, new where it has none. Whoever holds it may read it
// after the cache let it go.
std::shared_ptr<SlideRegions::Entry> SlideRegions::Find(const BlockId& block) {
  const int64_t key = KeyOf(block);
  const std::lock_guard lock(mutex_);
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) {
    cached_.splice(cached_.begin(), cached_, known->second);
    return known->second->entry;
  }
  const auto [width, height] = BlockSize(level_, block);
  std::list<Cached> fresh;  // of list and map, none keeps what the other lacks.
  fresh.push_front({.key = key,
                    .bytes = width * height * kRgbChannels,
                    .entry = std::make_shared<Entry>()});
  by_key_.emplace(key, fresh.begin());
  cached_.splice(cached_.begin(), fresh);
  cached_bytes_ += cached_.front().bytes;
  const std::shared_ptr<Entry> entry = cached_.front().entry;
  DropOldest();
  return entry;
}

void SlideRegions::DropOldest() {
  while (cached_bytes_ > options_.cache_bytes && !cached_.empty()) {
    cached_bytes_ -= cached_.back().bytes;
    by_key_.erase(cached_.back().key);
    cached_.pop_back();
  }
}

}  // namespace cyto8
