// SPDX-License-Identifier: Apache-2.0
// KFB slides from files; see kfb_slide.h.
#include "tiling/kfb_slide.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "tiling/kfb_associated.h"
#include "tiling/kfb_bytes.h"
#include "tiling/kfb_index.h"
#include "tiling/kfb_tile.h"
#include "tiling/slide_block.h"
#include "tiling/slide_bytes.h"

namespace cyto8 {
namespace {

constexpr int64_t kLargestReduction = 8;

SlideInfo InfoOf(const KfbIndex& index) {
  const KfbHeader& header = index.header;
  return {.format = "KFB",
          .reader = "kfb",
          .levels = index.levels,
          .um_per_px = header.um_per_px,
          .mpp_source = header.um_per_px ? "kfb.um_per_px" : "",
          .magnification = static_cast<double>(header.magnification),
          .surplus_blocks = index.surplus_records,
          .associated = KfbAssociatedNames(header)};
}

// Immutable once it is open.
class KfbSlide final : public SlideReader {
 public:
  KfbSlide(std::unique_ptr<SlideBytes> bytes, KfbIndex index)
      : bytes_(std::move(bytes)),
        index_(std::move(index)),
        info_(InfoOf(index_)) {}

  const SlideInfo& info() const override { return info_; }
  bool HasBlock(const BlockId& block) const override {
    return index_.Find(block) != nullptr;
  }
  StatusOr<Image> ReadBlock(const BlockId& block) override;
  void WillNeed(const BlockId& block) override;
  int64_t largest_reduction() const override { return kLargestReduction; }
  int64_t memory_bytes() const override;

 private:
  StatusOr<int64_t> PositionOf(const KfbTile& tile) const;
  StatusOr<std::vector<std::byte>> ReadJpeg(const KfbTile& tile,
                                            const std::string& name) const;

  std::unique_ptr<SlideBytes> bytes_;
  KfbIndex index_;
  SlideInfo info_;
};

StatusOr<int64_t> KfbSlide::PositionOf(const KfbTile& tile) const {
  CYTO8_RETURN_IF_ERROR(
      CheckKfbField("JPEG length", tile.length, 1,
                    std::min(kMaxKfbJpegBytes, bytes_->size_bytes())));
  const StatusOr<int64_t> position =
      CheckedAdd(index_.header.index_position, tile.offset);
  if (!position.ok()) {
    return DamagedKfb("JPEG position: " + position.status().message());
  }
  CYTO8_RETURN_IF_ERROR(CheckKfbField("JPEG position", *position, 0,
                                      bytes_->size_bytes() - tile.length));
  return *position;
}

StatusOr<std::vector<std::byte>> KfbSlide::ReadJpeg(
    const KfbTile& tile, const std::string& name) const {
  const StatusOr<int64_t> position = PositionOf(tile);
  if (!position.ok()) {
    return bytes_->Named(Annotate(position.status(), name));
  }
  std::vector<std::byte> jpeg(static_cast<size_t>(tile.length));
  CYTO8_RETURN_IF_ERROR(bytes_->ReadAt(*position, jpeg));
  return jpeg;
}

void KfbSlide::WillNeed(const BlockId& block) {
  const KfbTile* tile = index_.Find(block);
  if (tile == nullptr) return;
  const StatusOr<int64_t> position = PositionOf(*tile);
  if (position.ok()) bytes_->WillNeed(*position, tile->length);
}

StatusOr<Image> KfbSlide::ReadBlock(const BlockId& block) {
  CYTO8_RETURN_IF_ERROR(
      bytes_->Named(CheckBlock(info_, block, kLargestReduction)));
  const SlideLevel& level = info_.levels[static_cast<size_t>(block.level)];
  const KfbTile* tile = index_.Find(block);
  if (tile == nullptr) return WhiteBlock(level, block);
  const std::string name = NameOfBlock(block);
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> jpeg,
                         ReadJpeg(*tile, name));
  StatusOr<Image> image = DecodeKfbTile(jpeg, *tile, level, block);
  if (!image.ok()) return bytes_->Named(Annotate(image.status(), name));
  return image;
}

int64_t KfbSlide::memory_bytes() const {
  const auto longest =
      std::ranges::max_element(index_.tiles, {}, &KfbTile::length);
  return std::min<int64_t>(longest->length, kMaxKfbJpegBytes) + KfbTileBytes();
}

}  // namespace

StatusOr<std::unique_ptr<SlideReader>> OpenKfb(FileSystem& files,
                                               const std::string& path,
                                               const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<SlideBytes> bytes,
                         SlideBytes::Open(files, path));
  SlideByteSource source(*bytes, bytes->size_bytes());
  StatusOr<KfbIndex> index = ParseKfb(source, limits);
  CYTO8_RETURN_IF_ERROR(source.failure());
  CYTO8_RETURN_IF_ERROR(Annotate(index.status(), path));
  return std::unique_ptr<SlideReader>(
      std::make_unique<KfbSlide>(std::move(bytes), *std::move(index)));
}

}  // namespace cyto8
