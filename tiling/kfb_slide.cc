// SPDX-License-Identifier: Apache-2.0
// KFB slides from files; see kfb_slide.h.
#include "tiling/kfb_slide.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/input_file.h"
#include "tiling/kfb_associated.h"
#include "tiling/kfb_bytes.h"
#include "tiling/kfb_index.h"
#include "tiling/kfb_tile.h"

namespace cyto8 {
namespace {

constexpr int64_t kLargestReduction = 8;

// As a ByteSource it belongs to the thread that opens the slide; Get may be
// called by any number of threads.
class KfbFile final : public ByteSource {
 public:
  static StatusOr<std::unique_ptr<KfbFile>> Open(FileSystem& files,
                                                 const std::string& path);
  KfbFile(FileSystem& files, std::string path, int file)
      : files_(&files), path_(std::move(path)), file_(file) {}
  KfbFile(const KfbFile&) = delete;
  KfbFile& operator=(const KfbFile&) = delete;
  // Nothing was written, so nothing is lost if closing fails.
  ~KfbFile() override { static_cast<void>(files_->Close(file_, path_)); }

  const std::string& path() const { return path_; }
  int64_t size_bytes() const override { return size_bytes_; }

  // All of dst, which lies inside of the file. Errors start with `name`.
  Status Get(int64_t position, std::span<std::byte> dst,
             const std::string& name) const;

 private:
  Status Fill(int64_t offset, std::span<std::byte> dst) override {
    return Get(offset, dst, path_);
  }

  FileSystem* files_;
  std::string path_;
  int file_;
  int64_t size_bytes_ = 0;
};

StatusOr<std::unique_ptr<KfbFile>> KfbFile::Open(FileSystem& files,
                                                 const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  auto opened = std::make_unique<KfbFile>(files, path, file);
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) {
    return InvalidArgument(path + ": is not a regular file");
  }
  opened->size_bytes_ = info.size_bytes;
  return opened;
}

Status KfbFile::Get(int64_t position, std::span<std::byte> dst,
                    const std::string& name) const {
  while (!dst.empty()) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count,
                           files_->ReadAt(file_, position, dst, name));
    if (count == 0) return DataLoss(name + ": became shorter while read");
    position += count;
    dst = dst.subspan(static_cast<size_t>(count));
  }
  return OkStatus();
}

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
  KfbSlide(std::unique_ptr<KfbFile> file, KfbIndex index)
      : file_(std::move(file)),
        index_(std::move(index)),
        info_(InfoOf(index_)) {}

  const SlideInfo& info() const override { return info_; }
  bool HasBlock(const BlockId& block) const override {
    return index_.Find(block) != nullptr;
  }
  StatusOr<Image> ReadBlock(const BlockId& block) override;
  int64_t largest_reduction() const override { return kLargestReduction; }
  int64_t memory_bytes() const override;

 private:
  Status CheckBlock(const BlockId& block) const;
  StatusOr<int64_t> PositionOf(const KfbTile& tile) const;
  StatusOr<std::vector<std::byte>> ReadJpeg(const KfbTile& tile,
                                            const std::string& name) const;

  std::unique_ptr<KfbFile> file_;
  KfbIndex index_;
  SlideInfo info_;
};

Status KfbSlide::CheckBlock(const BlockId& block) const {
  const auto levels = static_cast<int64_t>(info_.levels.size());
  CYTO8_RETURN_IF_ERROR(CheckRange("level", block.level, 0, levels - 1));
  const SlideLevel& level = info_.levels[static_cast<size_t>(block.level)];
  CYTO8_RETURN_IF_ERROR(
      CheckRange("column", block.column, 0, level.blocks_across() - 1));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("row", block.row, 0, level.blocks_down() - 1));
  for (const int64_t reduction : {1, 2, 4, 8}) {
    if (block.reduction == reduction) return OkStatus();
  }
  return InvalidArgument("reduction = " + std::to_string(block.reduction) +
                         ": must be 1, 2, 4 or 8");
}

StatusOr<int64_t> KfbSlide::PositionOf(const KfbTile& tile) const {
  CYTO8_RETURN_IF_ERROR(
      CheckKfbField("JPEG length", tile.length, 1,
                    std::min(kMaxKfbJpegBytes, file_->size_bytes())));
  const StatusOr<int64_t> position =
      CheckedAdd(index_.header.index_position, tile.offset);
  if (!position.ok()) {
    return DamagedKfb("JPEG position: " + position.status().message());
  }
  CYTO8_RETURN_IF_ERROR(CheckKfbField("JPEG position", *position, 0,
                                      file_->size_bytes() - tile.length));
  return *position;
}

StatusOr<std::vector<std::byte>> KfbSlide::ReadJpeg(
    const KfbTile& tile, const std::string& name) const {
  CYTO8_ASSIGN_OR_RETURN(const int64_t position,
                         Annotate(PositionOf(tile), name));
  std::vector<std::byte> jpeg(static_cast<size_t>(tile.length));
  CYTO8_RETURN_IF_ERROR(file_->Get(position, jpeg, name));
  return jpeg;
}

StatusOr<Image> WhiteBlock(const SlideLevel& level, const BlockId& block) {
  const auto [width_px, height_px] = BlockSize(level, block);
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width_px, height_px));
  image.Fill({.red = 255, .green = 255, .blue = 255});
  return image;
}

StatusOr<Image> KfbSlide::ReadBlock(const BlockId& block) {
  CYTO8_RETURN_IF_ERROR(Annotate(CheckBlock(block), file_->path()));
  const SlideLevel& level = info_.levels[static_cast<size_t>(block.level)];
  const KfbTile* tile = index_.Find(block);
  if (tile == nullptr) return WhiteBlock(level, block);
  const std::string name =
      file_->path() + ": level " + std::to_string(block.level) + ", column " +
      std::to_string(block.column) + ", row " + std::to_string(block.row);
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> jpeg,
                         ReadJpeg(*tile, name));
  return Annotate(DecodeKfbTile(jpeg, *tile, level, block), name);
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
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<KfbFile> file,
                         KfbFile::Open(files, path));
  StatusOr<KfbIndex> index = ParseKfb(*file, limits);
  CYTO8_RETURN_IF_ERROR(file->failure());
  CYTO8_RETURN_IF_ERROR(Annotate(index.status(), path));
  return std::unique_ptr<SlideReader>(
      std::make_unique<KfbSlide>(std::move(file), *std::move(index)));
}

}  // namespace cyto8
