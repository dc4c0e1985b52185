// SPDX-License-Identifier: Apache-2.0
// The tile index of a KFB slide; see kfb_index.h.
#include "tiling/kfb_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/numbers.h"
#include "tiling/kfb_bytes.h"

namespace cyto8 {
namespace {

constexpr std::string_view kRecordStart = "\xF1\x04\xEE\xEE";
constexpr std::string_view kRecordEnd = "\xFF\x04\xEE\xEE";

static_assert(sizeof(KfbTile) == 24);

using Record = std::array<std::byte, kKfbRecordBytes>;

int64_t LevelOfCell(uint64_t cell) { return static_cast<int64_t>(cell >> 48); }

std::vector<SlideLevel> LevelsOf(int64_t width_px, int64_t height_px) {
  std::vector<SlideLevel> levels;
  bool one_tile = false;
  while (!one_tile) {
    levels.push_back({.width_px = width_px,
                      .height_px = height_px,
                      .block_width_px = kKfbBlockPx,
                      .block_height_px = kKfbBlockPx});
    one_tile = width_px <= kKfbBlockPx && height_px <= kKfbBlockPx;
    width_px = std::max<int64_t>(1, width_px / 2);
    height_px = std::max<int64_t>(1, height_px / 2);
  }
  return levels;
}

Status CheckMarkers(const Record& record) {
  if (!HasMarker(record, 0, kRecordStart)) {
    return DamagedKfb("does not begin with F1 04 EE EE");
  }
  if (HasMarker(record, 60, kRecordEnd)) return OkStatus();
  return DamagedKfb("does not end with FF 04 EE EE");
}

// Level 0 has the magnification of the scan, every further one half as much.
StatusOr<int64_t> LevelOf(const Record& record, int64_t scan_magnification) {
  const double magnification = LoadF32(record, 20);
  const auto scan = static_cast<double>(scan_magnification);
  double level = -1;
  if (magnification > 0 && std::isfinite(magnification)) {
    level = std::round(std::log2(scan / magnification));
  }
  if (level >= 0) return static_cast<int64_t>(level);
  return DamagedKfb("magnification = " + FormatShortest(magnification) +
                    ": must be above 0 and at most " + FormatShortest(scan));
}

Status CheckAligned(std::string_view name, int64_t value) {
  if (value % kKfbBlockPx == 0) return OkStatus();
  return DamagedKfb(std::string(name) + " = " + std::to_string(value) +
                    ": must be a multiple of " + std::to_string(kKfbBlockPx));
}

// Adds the tile of a record, or counts it, or leaves it out.
Status AddRecord(const Record& record, KfbIndex& index) {
  CYTO8_RETURN_IF_ERROR(CheckMarkers(record));
  const int32_t length = LoadI32(record, 32);
  if (length <= 0) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const int64_t level,
                         LevelOf(record, index.header.magnification));
  const int64_t x = LoadU32(record, 4);
  const int64_t y = LoadU32(record, 8);
  const auto levels = static_cast<int64_t>(index.levels.size());
  if (level >= levels ||
      x >= index.levels[static_cast<size_t>(level)].width_px ||
      y >= index.levels[static_cast<size_t>(level)].height_px) {
    ++index.surplus_records;
    return OkStatus();
  }
  CYTO8_RETURN_IF_ERROR(CheckAligned("x", x));
  CYTO8_RETURN_IF_ERROR(CheckAligned("y", y));
  const int64_t width_px = LoadU32(record, 12);
  const int64_t height_px = LoadU32(record, 16);
  CYTO8_RETURN_IF_ERROR(CheckKfbField("width_px", width_px, 1, kKfbBlockPx));
  CYTO8_RETURN_IF_ERROR(CheckKfbField("height_px", height_px, 1, kKfbBlockPx));
  index.tiles.push_back(
      {.cell = KfbCell(level, y / kKfbBlockPx, x / kKfbBlockPx),
       .offset = LoadI64(record, 36),
       .length = length,
       .width_px = static_cast<uint16_t>(width_px),
       .height_px = static_cast<uint16_t>(height_px)});
  return OkStatus();
}

Status ReadRecords(ByteSource& bytes, KfbIndex& index) {
  const KfbHeader& header = index.header;
  const int64_t end = header.index_position + header.records * kKfbRecordBytes;
  BlockReader reader(bytes, header.index_position, end);
  index.tiles.reserve(static_cast<size_t>(header.records));
  Record record = {};
  for (int64_t i = 0; i < header.records; ++i) {
    if (!reader.Read(record)) return bytes.failure();
    const Status status = AddRecord(record, index);
    if (!status.ok()) {
      return Annotate(status, "tile record " + std::to_string(i));
    }
  }
  return OkStatus();
}

Status CheckNoTwins(const KfbIndex& index) {
  const auto twin = std::ranges::adjacent_find(index.tiles, {}, &KfbTile::cell);
  if (twin == index.tiles.end()) return OkStatus();
  constexpr uint64_t kLow = (uint64_t{1} << 24) - 1;
  return DamagedKfb("two tile records for level " +
                    std::to_string(LevelOfCell(twin->cell)) + ", column " +
                    std::to_string(twin->cell & kLow) + ", row " +
                    std::to_string(twin->cell >> 24 & kLow));
}

// A level of which there is no tile at all is not in the file: taken for a
// level, it would pass for background everywhere. What lies beyond it goes too.
Status DropEmptyLevels(KfbIndex& index) {
  std::vector<bool> has_tile(index.levels.size());
  for (const KfbTile& tile : index.tiles) {
    has_tile[static_cast<size_t>(LevelOfCell(tile.cell))] = true;
  }
  const auto kept = std::ranges::find(has_tile, false) - has_tile.begin();
  if (kept == 0) return DamagedKfb("level 0 has no tile");
  index.levels.resize(static_cast<size_t>(kept));
  index.surplus_records +=
      static_cast<int64_t>(std::erase_if(index.tiles, [&](const KfbTile& tile) {
        return LevelOfCell(tile.cell) >= kept;
      }));
  return OkStatus();
}

}  // namespace

const KfbTile* KfbIndex::Find(const BlockId& block) const {
  const uint64_t cell = KfbCell(block.level, block.row, block.column);
  const auto found = std::ranges::lower_bound(tiles, cell, {}, &KfbTile::cell);
  return found != tiles.end() && found->cell == cell ? &*found : nullptr;
}

StatusOr<KfbIndex> ParseKfb(ByteSource& bytes, const Limits& limits) {
  KfbIndex index;
  CYTO8_ASSIGN_OR_RETURN(index.header, ReadKfbHeader(bytes, limits));
  index.levels = LevelsOf(index.header.width_px, index.header.height_px);
  CYTO8_RETURN_IF_ERROR(ReadRecords(bytes, index));
  std::ranges::sort(index.tiles, {}, &KfbTile::cell);
  CYTO8_RETURN_IF_ERROR(CheckNoTwins(index));
  CYTO8_RETURN_IF_ERROR(DropEmptyLevels(index));
  return index;
}

}  // namespace cyto8
