// SPDX-License-Identifier: Apache-2.0
// One tile of a KFB slide; see kfb_tile.h.
#include "tiling/kfb_tile.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tiling/jpeg_block.h"
#include "tiling/kfb_bytes.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

int ByteAt(std::span<const std::byte> jpeg, size_t at) {
  return at < jpeg.size() ? std::to_integer<int>(jpeg[at]) : -1;
}

// C0 to CF are frames, but for Huffman tables, JPG and arithmetic tables.
bool IsFrame(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
         marker != 0xCC;
}

// Where the frame header begins, its marker byte; 0 if there is none.
size_t FindFrame(std::span<const std::byte> jpeg) {
  size_t at = 2;
  while (ByteAt(jpeg, at) == 0xFF) {
    const int marker = ByteAt(jpeg, at + 1);
    if (IsFrame(marker)) return at + 1;
    const int length = ByteAt(jpeg, at + 2) << 8 | ByteAt(jpeg, at + 3);
    if (marker == 0xFF) {  // fill bytes may precede a marker.
      ++at;
    } else if (length < 2) {
      return 0;
    } else {
      at += 2 + static_cast<size_t>(length);
    }
  }
  return 0;
}

Status CheckBaseline(std::span<const std::byte> jpeg) {
  if (ByteAt(jpeg, 0) != 0xFF || ByteAt(jpeg, 1) != 0xD8) {
    return DamagedKfb("the JPEG does not begin with FF D8");
  }
  const size_t frame = FindFrame(jpeg);
  if (frame == 0) return DamagedKfb("the JPEG has no frame header");
  const int kind = ByteAt(jpeg, frame) - 0xC0;
  const int bits = ByteAt(jpeg, frame + 3);
  const int components = ByteAt(jpeg, frame + 8);
  if (kind == 0 && bits == 8 && components == 3) return OkStatus();
  return DamagedKfb("the JPEG has frame SOF" + std::to_string(kind) + ", " +
                    std::to_string(bits) + " bits, " +
                    std::to_string(components) +
                    " components: must be SOF0, 8 bits, 3 components");
}

Status CheckCovers(const KfbTile& tile, int64_t width_px, int64_t height_px) {
  if (tile.width_px >= width_px && tile.height_px >= height_px) {
    return OkStatus();
  }
  return DamagedKfb(std::to_string(tile.width_px) + " x " +
                    std::to_string(tile.height_px) +
                    " px do not cover the cell of " + std::to_string(width_px) +
                    " x " + std::to_string(height_px) + " px");
}

// The top left part.
StatusOr<Image> Clipped(Image image, int64_t width_px, int64_t height_px) {
  CYTO8_ENSURE(image.width_px() >= width_px && image.height_px() >= height_px);
  if (image.width_px() == width_px && image.height_px() == height_px) {
    return image;
  }
  CYTO8_ASSIGN_OR_RETURN(Image part, Image::Create(width_px, height_px));
  for (int64_t y = 0; y < height_px; ++y) {
    std::copy_n(image.view().Row(y), width_px * kRgbChannels,
                part.MutableRow(y));
  }
  return part;
}

}  // namespace

StatusOr<Image> DecodeKfbTile(std::span<const std::byte> jpeg,
                              const KfbTile& tile, const SlideLevel& level,
                              const BlockId& block) {
  BlockId full = block;
  full.reduction = 1;
  const auto [full_width_px, full_height_px] = BlockSize(level, full);
  CYTO8_RETURN_IF_ERROR(CheckCovers(tile, full_width_px, full_height_px));
  CYTO8_RETURN_IF_ERROR(CheckBaseline(jpeg));
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         DecodeJpegBlock({.bytes = jpeg,
                                          .width_px = tile.width_px,
                                          .height_px = tile.height_px},
                                         block.reduction));
  const auto [width_px, height_px] = BlockSize(level, block);
  return Clipped(std::move(image), width_px, height_px);
}

// The picture before and after clipping, and the coefficients of a baseline
// JPEG with a scan per component, 2 bytes each, sides rounded up to its units.
int64_t KfbTileBytes() {
  constexpr int64_t kSide = kKfbBlockPx + 32;
  constexpr int64_t kPicture = kSide * kSide * kRgbChannels;
  return 4 * kPicture + JpegRowsBytes(kSide);
}

}  // namespace cyto8
