// SPDX-License-Identifier: Apache-2.0
// A band of rows that moves down the image; see tile_cutter.h.
#include "tiling/tile_cutter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

int64_t EndY(const Tile& tile) { return tile.y_px + tile.height_px; }

Status CheckTiles(const std::vector<Tile>& tiles, const ImageInfo& info,
                  const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("tiles", std::ssize(tiles), 1, limits.max_tiles));
  int64_t last_y = 0;
  for (const Tile& tile : tiles) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("tile width_px", tile.width_px, 1, info.width_px));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("tile height_px", tile.height_px, 1, info.height_px));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("tile x_px", tile.x_px, 0, info.width_px - tile.width_px));
    CYTO8_RETURN_IF_ERROR(CheckRange("tile y_px", tile.y_px, last_y,
                                     info.height_px - tile.height_px));
    last_y = tile.y_px;
  }
  return OkStatus();
}

// One past the last tile of the row of tiles that begins with `first`.
size_t RowEnd(const std::vector<Tile>& tiles, size_t first) {
  size_t end = first;
  while (end < tiles.size() && tiles[end].y_px == tiles[first].y_px) ++end;
  return end;
}

// Per tile: how far down the image shall be read once it was taken. Along a
// row of tiles this goes evenly from the end of that row to the end of the
// next.
std::vector<int64_t> ReadAhead(const std::vector<Tile>& tiles) {
  std::vector<int64_t> ahead(tiles.size(), 0);
  int64_t here = 0;
  for (size_t first = 0; first < tiles.size();) {
    const size_t end = RowEnd(tiles, first);
    for (size_t i = first; i < end; ++i) here = std::max(here, EndY(tiles[i]));
    int64_t next = here;
    if (end < tiles.size()) next = std::max(next, EndY(tiles[end]));
    const auto count = static_cast<int64_t>(end - first);
    for (size_t i = first; i < end; ++i) {
      const auto done = static_cast<int64_t>(i - first) + 1;
      ahead[i] = here + (next - here) * done / count;
    }
    first = end;
  }
  return ahead;
}

}  // namespace

StatusOr<std::unique_ptr<TileCutter>> TileCutter::Create(
    std::unique_ptr<RowSource> rows, std::vector<Tile> tiles,
    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckTiles(tiles, rows->info(), limits));
  return std::unique_ptr<TileCutter>(
      new TileCutter(std::move(rows), std::move(tiles), limits));
}

TileCutter::TileCutter(std::unique_ptr<RowSource> rows, std::vector<Tile> tiles,
                       const Limits& limits)
    : rows_(std::move(rows)),
      tiles_(std::move(tiles)),
      read_ahead_(ReadAhead(tiles_)),
      taken_(tiles_.size(), false),
      left_(std::ssize(tiles_)),
      limits_(limits) {}

StatusOr<Image> TileCutter::Take(int64_t index) {
  const std::lock_guard lock(mutex_);
  CYTO8_RETURN_IF_ERROR(error_);
  CYTO8_RETURN_IF_ERROR(CheckIndex(index));
  StatusOr<Image> image = Cut(index);
  if (!image.ok()) error_ = image.status();
  return image;
}

Status TileCutter::CheckIndex(int64_t index) const {
  CYTO8_RETURN_IF_ERROR(CheckRange("tile", index, 0, std::ssize(tiles_) - 1));
  if (taken_[static_cast<size_t>(index)]) {
    return InvalidArgument("tile = " + std::to_string(index) +
                           ": was taken before");
  }
  return OkStatus();
}

StatusOr<Image> TileCutter::Cut(int64_t index) {
  const Tile& tile = tiles_[static_cast<size_t>(index)];
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(tile.width_px, tile.height_px, limits_));
  CYTO8_RETURN_IF_ERROR(ReadTo(tile.y_px));
  if (left_ == 1 && band_.empty() && tile.width_px == rows_->info().width_px) {
    // Nobody else needs these rows: no copies.
    CYTO8_RETURN_IF_ERROR(rows_->ReadRows(tile.height_px, image.MutableRow(0),
                                          image.view().stride_bytes));
    begin_y_ += tile.height_px;
  } else {
    CYTO8_RETURN_IF_ERROR(ReadTo(EndY(tile)));
    image = CopyOut(tile, std::move(image));
  }
  Release(index);
  const bool is_last = left_ == 0;
  CYTO8_RETURN_IF_ERROR(ReadTo(is_last
                                   ? rows_->info().height_px
                                   : read_ahead_[static_cast<size_t>(index)]));
  return image;
}

// Rows that no tile needs any more are read into one spare row and forgotten.
Status TileCutter::ReadTo(int64_t end_y) {
  const auto row_bytes =
      static_cast<size_t>(rows_->info().width_px * kRgbChannels);
  while (begin_y_ + std::ssize(band_) < end_y) {
    Row row;
    if (!spare_.empty()) {
      row = std::move(spare_.back());
      spare_.pop_back();
    }
    row.resize(row_bytes);
    CYTO8_RETURN_IF_ERROR(rows_->ReadRows(
        /*count=*/1, row.data(), static_cast<int64_t>(row_bytes)));
    const int64_t y = begin_y_ + std::ssize(band_);
    const bool is_needed =
        left_ > 0 && y >= tiles_[static_cast<size_t>(first_untaken_)].y_px;
    if (is_needed || !band_.empty()) {
      band_.push_back(std::move(row));
    } else {
      ++begin_y_;
      spare_.push_back(std::move(row));
    }
  }
  return OkStatus();
}

Image TileCutter::CopyOut(const Tile& tile, Image image) const {
  for (int64_t y = 0; y < tile.height_px; ++y) {
    const Row& row = band_[static_cast<size_t>(tile.y_px + y - begin_y_)];
    std::memcpy(image.MutableRow(y), row.data() + tile.x_px * kRgbChannels,
                static_cast<size_t>(tile.width_px * kRgbChannels));
  }
  return image;
}

// Marks the tile as taken and forgets the rows above the first that is not.
void TileCutter::Release(int64_t index) {
  taken_[static_cast<size_t>(index)] = true;
  --left_;
  while (first_untaken_ < std::ssize(tiles_) &&
         taken_[static_cast<size_t>(first_untaken_)]) {
    ++first_untaken_;
  }
  const int64_t needed_from =
      left_ == 0 ? begin_y_ + std::ssize(band_)
                 : tiles_[static_cast<size_t>(first_untaken_)].y_px;
  while (!band_.empty() && begin_y_ < needed_from) {
    spare_.push_back(std::move(band_.front()));
    band_.pop_front();
    ++begin_y_;
  }
}

int64_t TileCutter::HeldBytes(const std::vector<Tile>& tiles, int64_t width_px,
                              int64_t in_flight) {
  const std::vector<int64_t> ahead = ReadAhead(tiles);
  int64_t rows = 0;
  for (size_t i = 0; i < tiles.size(); ++i) {
    const size_t last =
        std::min(tiles.size() - 1, i + static_cast<size_t>(in_flight));
    rows = std::max(rows, ahead[last] - tiles[i].y_px);
  }
  return rows * width_px * kRgbChannels;
}

}  // namespace cyto8
