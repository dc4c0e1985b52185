// SPDX-License-Identifier: Apache-2.0
// TIFF to RGB rows; see strict_tiff.h. Strips are read row by row; of tiles, a
// row of them at a time is held as RGB.
#include "tiling/strict_tiff.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "tiling/tiff_chunk.h"
#include "tiling/tiff_layout.h"
#include "tiling/tiff_pixels.h"

namespace cyto8 {
namespace {

// At most so many bytes of samples for one byte of the file: the longest string
// of LZW for a code of 12 bits is below it, and so is all else.
constexpr int64_t kBestRatio = 4096;

Status CheckPlausible(const TiffLayout& layout, int64_t file_bytes) {
  const int64_t ratio =
      layout.compression == TiffCompression::kNone ? 1 : kBestRatio;
  const int64_t bits =
      layout.width_px * layout.height_px * layout.samples * layout.bits;
  if (bits / 8 / ratio <= file_bytes) return OkStatus();
  return DataLoss("damaged TIFF: " + std::to_string(file_bytes) +
                  " bytes cannot hold " + std::to_string(layout.width_px) +
                  " x " + std::to_string(layout.height_px) + " pixels");
}

class TiffRows final : public RowSource {
 public:
  TiffRows(ByteSource& bytes, TiffLayout layout, const Limits& limits)
      : bytes_(&bytes),
        layout_(std::move(layout)),
        limits_(limits),
        pixels_(layout_) {
    info_ = {.format = ImageFormat::kTiff,
             .width_px = layout_.width_px,
             .height_px = layout_.height_px,
             .um_per_px = layout_.um_per_px,
             .mpp_source = layout_.mpp_source,
             .compression = TiffCompressionName(layout_.compression),
             .pages = layout_.pages};
  }
  TiffRows(const TiffRows&) = delete;
  TiffRows& operator=(const TiffRows&) = delete;

  const ImageInfo& info() const override { return info_; }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override;
  int64_t memory_bytes() const override;

 private:
  // A strip or tile: one chunk for each plane.
  struct Planes {
    std::vector<std::unique_ptr<TiffChunk>> chunks;
    std::string name;  // "strip 3".
  };

  int64_t ImageRowBytes() const { return layout_.width_px * kRgbChannels; }
  int64_t BandRows() const;
  Status ReadRow(uint8_t* dst);
  Status ReadBand();
  Status ReadTile(int64_t row, int64_t column);
  StatusOr<Planes> Open(int64_t row, int64_t column);
  Status ReadPlanes(Planes& planes);
  Status Finish(Planes& planes);

  ByteSource* bytes_;
  TiffLayout layout_;
  Limits limits_;
  TiffPixels pixels_;
  ImageInfo info_;
  int64_t y_px_ = 0;
  Planes strip_;                           // the present one.
  std::vector<std::vector<uint8_t>> row_;  // of samples, for each plane.
  std::vector<uint8_t> band_;              // RGB of a row of tiles.
};

int64_t TiffRows::BandRows() const {
  return layout_.tiled ? std::min(layout_.chunk_height_px, layout_.height_px)
                       : 0;
}

int64_t TiffRows::memory_bytes() const {
  return BandRows() * ImageRowBytes() +
         static_cast<int64_t>(layout_.chunks.size() * sizeof(TiffExtent)) +
         layout_.planes() * (TiffChunkBytes(layout_) + layout_.RowBytes());
}

Status TiffRows::ReadRows(int64_t count, uint8_t* dst,
                          int64_t dst_stride_bytes) {
  for (int64_t i = 0; i < count; ++i) {
    CYTO8_RETURN_IF_ERROR(ReadRow(dst + i * dst_stride_bytes));
  }
  return OkStatus();
}

Status TiffRows::ReadRow(uint8_t* dst) {
  const int64_t in_chunk = y_px_ % layout_.chunk_height_px;
  if (layout_.tiled) {
    if (in_chunk == 0) CYTO8_RETURN_IF_ERROR(ReadBand());
    std::copy_n(band_.data() + in_chunk * ImageRowBytes(), ImageRowBytes(),
                dst);
    ++y_px_;
    return OkStatus();
  }
  const int64_t row = y_px_ / layout_.chunk_height_px;
  if (in_chunk == 0) {
    CYTO8_ASSIGN_OR_RETURN(strip_, Open(row, 0));
  }
  CYTO8_RETURN_IF_ERROR(ReadPlanes(strip_));
  pixels_.Convert(row_, layout_.width_px, dst);
  ++y_px_;
  return in_chunk + 1 < layout_.RowsOfChunk(row) ? OkStatus() : Finish(strip_);
}

Status TiffRows::ReadBand() {
  band_.resize(static_cast<size_t>(BandRows() * ImageRowBytes()));
  const int64_t row = y_px_ / layout_.chunk_height_px;
  for (int64_t column = 0; column < layout_.chunks_across; ++column) {
    CYTO8_RETURN_IF_ERROR(ReadTile(row, column));
  }
  return OkStatus();
}

// Rows and columns of the tile beyond the image are read, checked and dropped.
Status TiffRows::ReadTile(int64_t row, int64_t column) {
  CYTO8_ASSIGN_OR_RETURN(Planes tile, Open(row, column));
  const int64_t x_px = column * layout_.chunk_width_px;
  const int64_t width =
      std::min(layout_.chunk_width_px, layout_.width_px - x_px);
  const int64_t height =
      std::min(layout_.chunk_height_px, layout_.height_px - y_px_);
  for (int64_t y = 0; y < layout_.chunk_height_px; ++y) {
    CYTO8_RETURN_IF_ERROR(ReadPlanes(tile));
    if (y >= height) continue;
    pixels_.Convert(row_, width,
                    band_.data() + y * ImageRowBytes() + x_px * kRgbChannels);
  }
  return Finish(tile);
}

StatusOr<TiffRows::Planes> TiffRows::Open(int64_t row, int64_t column) {
  Planes planes;
  row_.resize(static_cast<size_t>(layout_.planes()));
  for (int64_t plane = 0; plane < layout_.planes(); ++plane) {
    const int64_t index =
        (plane * layout_.chunks_down + row) * layout_.chunks_across + column;
    planes.name = layout_.NameOfChunk(index);
    CYTO8_ASSIGN_OR_RETURN(
        std::unique_ptr<TiffChunk> chunk,
        Annotate(OpenTiffChunk(layout_, *bytes_,
                               layout_.chunks[static_cast<size_t>(index)], row,
                               limits_),
                 planes.name));
    planes.chunks.push_back(std::move(chunk));
    row_[static_cast<size_t>(plane)].resize(
        static_cast<size_t>(layout_.RowBytes()));
  }
  return planes;
}

Status TiffRows::ReadPlanes(Planes& planes) {
  for (size_t plane = 0; plane < planes.chunks.size(); ++plane) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(planes.chunks[plane]->ReadRow(row_[plane]), planes.name));
  }
  return OkStatus();
}

Status TiffRows::Finish(Planes& planes) {
  for (const std::unique_ptr<TiffChunk>& chunk : planes.chunks) {
    CYTO8_RETURN_IF_ERROR(Annotate(chunk->Finish(), planes.name));
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<RowSource>> OpenTiffRows(ByteSource& bytes,
                                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(TiffLayout layout, ReadTiffLayout(bytes, limits));
  CYTO8_RETURN_IF_ERROR(CheckPlausible(layout, bytes.size_bytes()));
  auto rows = std::make_unique<TiffRows>(bytes, std::move(layout), limits);
  CYTO8_RETURN_IF_ERROR(CheckDecoderBytes(rows->memory_bytes(), limits));
  return std::unique_ptr<RowSource>(std::move(rows));
}

}  // namespace cyto8
