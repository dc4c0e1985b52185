// SPDX-License-Identifier: Apache-2.0
// Any bytes as a KFB slide: an error, or an index whose tiles lie in its
// levels, no two in one cell; each tile decodes to the pixels of its cell or
// fails, and so do the images beside the slide. The seeds were made by
// EncodeKfb of tests/support from computed pictures.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tiling/kfb_associated.h"
#include "tiling/kfb_index.h"
#include "tiling/kfb_tile.h"

namespace {

using cyto8::BlockId;
using cyto8::KfbIndex;
using cyto8::KfbTile;

void Require(bool fact) {
  if (!fact) std::abort();
}

BlockId BlockOf(const KfbTile& tile) {
  constexpr uint64_t kLow = (1 << 24) - 1;
  return {.level = static_cast<int64_t>(tile.cell >> 48),
          .column = static_cast<int64_t>(tile.cell & kLow),
          .row = static_cast<int64_t>(tile.cell >> 24 & kLow),
          .reduction = 1 << (tile.length & 3)};
}

// The JPEG as far as it is there.
void Decode(std::span<const std::byte> file, const KfbIndex& index,
            const KfbTile& tile) {
  const BlockId block = BlockOf(tile);
  const auto& level = index.levels.at(static_cast<size_t>(block.level));
  Require(block.column < level.blocks_across());
  Require(block.row < level.blocks_down());
  Require(index.Find(block) == &tile);
  const auto size = static_cast<int64_t>(file.size());
  const int64_t room = size - index.header.index_position;
  if (tile.offset < -index.header.index_position || tile.offset > room) return;
  const auto begin =
      static_cast<size_t>(index.header.index_position + tile.offset);
  const auto jpeg = file.subspan(begin).first(
      std::min(file.size() - begin, static_cast<size_t>(tile.length)));
  const auto image = cyto8::DecodeKfbTile(jpeg, tile, level, block);
  Require(image.status().code() != cyto8::StatusCode::kInternal);
  if (!image.ok()) return;
  const auto [width_px, height_px] = cyto8::BlockSize(level, block);
  Require(image->width_px() == width_px && image->height_px() == height_px);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const cyto8::Limits limits = {.max_image_pixels = 1 << 16};
  cyto8::MemoryBytes bytes(file);
  const auto index = cyto8::ParseKfb(bytes, limits);
  Require(index.status().code() != cyto8::StatusCode::kInternal);
  if (!index.ok()) return 0;
  const auto tiles = static_cast<int64_t>(index->tiles.size());
  Require(tiles + index->surplus_records <= index->header.records);
  int decoded = 0;
  for (const KfbTile& tile : index->tiles) {
    if (decoded++ < 4) Decode(file, *index, tile);  // more are only slower.
  }
  for (const auto& name : cyto8::KfbAssociatedNames(index->header)) {
    const auto image = cyto8::ReadKfbAssociated(bytes, name, limits);
    Require(image.status().code() != cyto8::StatusCode::kInternal);
  }
  return 0;
}
