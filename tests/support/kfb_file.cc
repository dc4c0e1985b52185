// SPDX-License-Identifier: Apache-2.0
// KFB slides made in code; see kfb_file.h.
#include "tests/support/kfb_file.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace cyto8 {
namespace {

constexpr int64_t kTilePx = 256;

void Append(Bytes& bytes, uint64_t value, int size) {
  PutNumber(bytes, static_cast<int64_t>(bytes.size()), value, size);
}

// Markers are written as numbers: 0xEEEE01F1 is F1 01 EE EE.
void Append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

uint64_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

void AppendHeader(Bytes& bytes, const KfbSource& source) {
  Append(bytes, 0xEEEE01F1, 4);
  Append(bytes, 0x0042464B, 4);  // "KFB"
  Append(bytes, 0, 4);
  Append(bytes, Bits(1.6F), 4);
  Append(bytes, source.tiles.size(), 4);
  Append(bytes, static_cast<uint64_t>(source.height_px), 4);
  Append(bytes, static_cast<uint64_t>(source.width_px), 4);
  Append(bytes, static_cast<uint64_t>(source.magnification), 4);
  Append(bytes, 0x4745504A, 8);  // "JPEG"
  bytes.resize(0x4C);            // times and positions.
  Append(bytes, Bits(source.um_per_px), 4);
  Append(bytes, 0, 8);
  Append(bytes, kTilePx, 4);
  Append(bytes, 0xEEEE01FF, 4);
}

void AppendTags(Bytes& bytes) {
  Append(bytes, 2, 4);
  Append(bytes, 29, 4);
  Append(bytes, 8, 4);
  Append(bytes, 0x54534554, 8);  // "TEST"
  Append(bytes, 12, 4);
  Append(bytes, 4, 4);
  Append(bytes, 1, 4);
}

// At `at`, 4 or 8 bytes, goes the position of the record.
void AppendPicture(Bytes& bytes, const KfbPicture& picture, uint64_t marker,
                   int64_t at, int size) {
  if (picture.jpeg.empty()) return;
  PutNumber(bytes, at, bytes.size(), size);
  Append(bytes, 0xEEEE00F1 + (marker << 8), 4);
  Append(bytes, 1, 4);
  Append(bytes, static_cast<uint64_t>(picture.height_px), 4);
  Append(bytes, static_cast<uint64_t>(picture.width_px), 4);
  Append(bytes, 3, 4);
  Append(bytes, picture.jpeg.size(), 4);
  Append(bytes, 52, 4);
  bytes.resize(bytes.size() + 20);
  Append(bytes, 0xEEEE00FF + (marker << 8), 4);
  Append(bytes, picture.jpeg);
}

void AppendRecord(Bytes& bytes, const KfbTileSource& tile, float magnification,
                  int64_t offset) {
  Append(bytes, 0xEEEE04F1, 4);
  Append(bytes, static_cast<uint64_t>(tile.column * kTilePx), 4);
  Append(bytes, static_cast<uint64_t>(tile.row * kTilePx), 4);
  Append(bytes, static_cast<uint64_t>(tile.picture.width_px), 4);
  Append(bytes, static_cast<uint64_t>(tile.picture.height_px), 4);
  Append(bytes, Bits(magnification), 4);
  Append(bytes, 0, 8);
  Append(bytes, tile.picture.jpeg.size(), 4);
  Append(bytes, static_cast<uint64_t>(offset), 8);
  for (int i = 0; i < 4; ++i) Append(bytes, 20, 4);
  Append(bytes, 0xEEEE04FF, 4);
}

struct Side {
  int64_t tiles = 0;
  int64_t px = 0;
  int64_t overrun_px = 0;

  int64_t TileBegin(int64_t tile) const { return tile * kTilePx; }
  int64_t TileEnd(int64_t tile) const {
    return std::min((tile + 1) * kTilePx, px + overrun_px);
  }
};

KfbPicture PictureOf(const Image& level, const Side& across, const Side& down,
                     int64_t column, int64_t row) {
  const int64_t x = across.TileBegin(column);
  const int64_t y = down.TileBegin(row);
  return EncodeKfbPicture(level.view().Crop(x, y, across.TileEnd(column) - x,
                                            down.TileEnd(row) - y));
}

// Without an image the pictures are one byte each.
void AppendLevel(KfbSource& source, int64_t level, const Side& across,
                 const Side& down, const Image* image) {
  for (int64_t row = 0; row < down.tiles; ++row) {
    for (int64_t column = 0; column < across.tiles; ++column) {
      KfbPicture picture = {
          .jpeg = Bytes(1),
          .width_px = across.TileEnd(column) - across.TileBegin(column),
          .height_px = down.TileEnd(row) - down.TileBegin(row)};
      if (image != nullptr) {
        picture = PictureOf(*image, across, down, column, row);
      }
      source.tiles.push_back({level, column, row, std::move(picture)});
    }
  }
}

KfbSource Pyramid(int64_t width_px, int64_t height_px, int64_t overrun_px,
                  bool pictures) {
  KfbSource source = {.width_px = width_px, .height_px = height_px};
  for (int64_t level = 0;; ++level) {
    const auto side = [&](int64_t full_px) {
      const int64_t px = std::max<int64_t>(1, full_px >> level);
      return Side{(px + kTilePx - 1) / kTilePx, px, overrun_px};
    };
    const Side across = side(width_px);
    const Side down = side(height_px);
    Image image;
    if (pictures) {
      image = MakeTestImage(across.px + overrun_px, down.px + overrun_px);
    }
    AppendLevel(source, level, across, down, pictures ? &image : nullptr);
    if (across.tiles == 1 && down.tiles == 1) return source;
  }
}

}  // namespace

KfbPicture EncodeKfbPicture(const ImageView& image,
                            const JpegEncoding& encoding) {
  return {EncodeJpeg(image, encoding), image.width_px, image.height_px};
}

KfbSource KfbWithoutPictures(int64_t width_px, int64_t height_px) {
  return Pyramid(width_px, height_px, 0, false);
}

KfbSource KfbWithPictures(int64_t width_px, int64_t height_px,
                          int64_t overrun_px) {
  return Pyramid(width_px, height_px, overrun_px, true);
}

Bytes EncodeKfb(const KfbSource& source) {
  Bytes bytes;
  AppendHeader(bytes, source);
  AppendTags(bytes);
  AppendPicture(bytes, source.overview, 2, 0x34, 4);
  AppendPicture(bytes, source.label, 3, 0x38, 4);
  std::vector<int64_t> positions;
  for (const KfbTileSource& tile : source.tiles) {
    positions.push_back(static_cast<int64_t>(bytes.size()));
    Append(bytes, tile.picture.jpeg);
  }
  const auto index = static_cast<int64_t>(bytes.size());
  PutNumber(bytes, 0x44, bytes.size(), 8);
  for (size_t i = 0; i < source.tiles.size(); ++i) {
    const int64_t halvings = source.tiles[i].level;
    AppendRecord(bytes, source.tiles[i],
                 static_cast<float>(source.magnification) /
                     static_cast<float>(int64_t{1} << halvings),
                 positions[i] - index);
  }
  AppendPicture(bytes, source.thumbnail, 2, 0x3C, 8);
  return bytes;
}

void PutNumber(Bytes& bytes, int64_t at, uint64_t value, int size) {
  const size_t end = static_cast<size_t>(at) + static_cast<size_t>(size);
  bytes.resize(std::max(bytes.size(), end));
  for (int i = 0; i < size; ++i) {
    bytes[static_cast<size_t>(at + i)] =
        static_cast<std::byte>(value >> (8 * i) & 0xFF);
  }
}

uint64_t GetNumber(const Bytes& bytes, int64_t at, int size) {
  uint64_t value = 0;
  for (int i = size - 1; i >= 0; --i) {
    value = value << 8 |
            std::to_integer<uint64_t>(bytes.at(static_cast<size_t>(at + i)));
  }
  return value;
}

int64_t KfbIndexAt(const Bytes& bytes) {
  return static_cast<int64_t>(GetNumber(bytes, 0x44, 8));
}

int64_t KfbRecordAt(const Bytes& bytes, int64_t record) {
  return KfbIndexAt(bytes) + 64 * record;
}

}  // namespace cyto8
