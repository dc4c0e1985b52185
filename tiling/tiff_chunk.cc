// SPDX-License-Identifier: Apache-2.0
// Strips and tiles to samples; see tiff_chunk.h.
#include "tiling/tiff_chunk.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tiling/strict_jpeg.h"
#include "tiling/tiff_codec.h"

namespace cyto8 {
namespace {

// The coefficients of a progressive strip or tile, which are held whole. Two
// bytes for a sample; a strip may be the whole image, which is too much.
constexpr int64_t kMaxCoefficientBytes = int64_t{64} << 20;

// The sides of a JPEG are padded to whole blocks.
int64_t JpegBytes(const TiffLayout& layout) {
  constexpr int64_t kPadding = 32;
  const int64_t samples = (layout.chunk_width_px + kPadding) *
                          (layout.chunk_height_px + kPadding) * kRgbChannels;
  return JpegRowsBytes(layout.chunk_width_px) +
         std::min(2 * samples, kMaxCoefficientBytes);
}

// At most so many bytes for one byte of the file: the longest string of LZW for
// a code of 12 bits is below it, and so is all else.
constexpr int64_t kBestRatio = 4096;

// Before anything of that size is allocated.
Status CheckHolds(const TiffLayout& layout, const TiffExtent& extent,
                  int64_t rows) {
  const int64_t ratio =
      layout.compression == TiffCompression::kNone ? 1 : kBestRatio;
  const int64_t packed = extent.end - extent.begin;
  if (rows * layout.RowBytes() / ratio <= packed) return OkStatus();
  return DataLoss("damaged TIFF: " + std::to_string(packed) +
                  " bytes cannot hold " +
                  std::to_string(layout.chunk_width_px) + " x " +
                  std::to_string(rows) + " pixels");
}

uint16_t Sample16(const uint8_t* bytes, bool big_endian) {
  const int high = bytes[big_endian ? 0 : 1];
  const int low = bytes[big_endian ? 1 : 0];
  return static_cast<uint16_t>(high << 8 | low);
}

void ToMachineOrder(std::span<uint8_t> row, bool big_endian) {
  for (size_t i = 0; i + 1 < row.size(); i += 2) {
    const uint16_t sample = Sample16(&row[i], big_endian);
    std::memcpy(&row[i], &sample, sizeof(sample));
  }
}

// Each sample but those of the first pixel is the sum with the one before it,
// modulo 2^bits.
void SumUp8(std::span<uint8_t> row, size_t samples) {
  for (size_t i = samples; i < row.size(); ++i) {
    row[i] = static_cast<uint8_t>(row[i] + row[i - samples]);
  }
}

void SumUp16(std::span<uint8_t> row, size_t samples) {
  for (size_t i = 2 * samples; i + 1 < row.size(); i += 2) {
    uint16_t here;
    uint16_t before;
    std::memcpy(&here, &row[i], sizeof(here));
    std::memcpy(&before, &row[i - 2 * samples], sizeof(before));
    here = static_cast<uint16_t>(here + before);
    std::memcpy(&row[i], &here, sizeof(here));
  }
}

class CodedChunk final : public TiffChunk {
 public:
  CodedChunk(const TiffLayout& layout, std::unique_ptr<TiffCodec> codec)
      : layout_(&layout), codec_(std::move(codec)) {}

  Status ReadRow(std::span<uint8_t> row) override {
    CYTO8_RETURN_IF_ERROR(codec_->Read(row));
    const auto samples = static_cast<size_t>(layout_->samples_in_chunk());
    if (layout_->bits == 16) ToMachineOrder(row, layout_->big_endian);
    if (!layout_->differences) return OkStatus();
    if (layout_->bits == 16) {
      SumUp16(row, samples);
    } else {
      SumUp8(row, samples);
    }
    return OkStatus();
  }

  Status Finish() override { return codec_->Finish(); }

 private:
  const TiffLayout* layout_;
  std::unique_ptr<TiffCodec> codec_;
};

class JpegChunk final : public TiffChunk {
 public:
  JpegChunk(std::unique_ptr<RowSource> rows, bool grey)
      : rows_(std::move(rows)), left_(rows_->info().height_px), grey_(grey) {
    buffer_.resize(static_cast<size_t>(rows_->info().width_px * kRgbChannels));
  }

  Status ReadRow(std::span<uint8_t> row) override {
    CYTO8_ENSURE(left_ > 0);
    --left_;
    if (!grey_) return rows_->ReadRows(1, row.data(), 0);
    CYTO8_RETURN_IF_ERROR(rows_->ReadRows(1, buffer_.data(), 0));
    for (size_t x = 0; x < row.size(); ++x) row[x] = buffer_[3 * x];
    return OkStatus();
  }

  // A last strip may be as long as the others.
  Status Finish() override {
    for (; left_ > 0; --left_) {
      CYTO8_RETURN_IF_ERROR(rows_->ReadRows(1, buffer_.data(), 0));
    }
    return OkStatus();
  }

 private:
  std::unique_ptr<RowSource> rows_;
  int64_t left_;
  bool grey_;  // one sample of a pixel, not three.
  std::vector<uint8_t> buffer_;
};

JpegColours ColoursOf(const TiffLayout& layout) {
  if (layout.samples_in_chunk() == 1) return JpegColours::kGrey;
  return layout.colour == TiffColour::kYcbcr ? JpegColours::kYcbcr
                                             : JpegColours::kRgb;
}

StatusOr<std::unique_ptr<TiffChunk>> OpenJpegChunk(const TiffLayout& layout,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent,
                                                   int64_t row_of_chunks,
                                                   const Limits& limits) {
  Limits of_chunk = limits;
  of_chunk.max_decoder_bytes = JpegBytes(layout);
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<RowSource> rows,
                         OpenJpegRows(bytes,
                                      {.begin = extent.begin,
                                       .end = extent.end,
                                       .tables = layout.jpeg_tables,
                                       .colours = ColoursOf(layout)},
                                      of_chunk));
  const ImageInfo& info = rows->info();
  const int64_t height = layout.RowsOfChunk(row_of_chunks);
  const bool fits =
      info.width_px == layout.chunk_width_px &&
      (info.height_px == height || info.height_px == layout.chunk_height_px);
  if (!fits) {
    return DataLoss(
        "damaged TIFF: its JPEG has " + std::to_string(info.width_px) + " x " +
        std::to_string(info.height_px) + " pixels: must have " +
        std::to_string(layout.chunk_width_px) + " x " + std::to_string(height));
  }
  return std::unique_ptr<TiffChunk>(std::make_unique<JpegChunk>(
      std::move(rows), layout.samples_in_chunk() == 1));
}

}  // namespace

int64_t TiffChunkBytes(const TiffLayout& layout) {
  if (layout.compression == TiffCompression::kJpeg) return JpegBytes(layout);
  int64_t packed_bytes = 0;
  for (const TiffExtent& extent : layout.chunks) {
    packed_bytes = std::max(packed_bytes, extent.end - extent.begin);
  }
  return TiffCodecBytes(layout.compression, packed_bytes,
                        layout.chunk_height_px * layout.RowBytes());
}

StatusOr<std::unique_ptr<TiffChunk>> OpenTiffChunk(const TiffLayout& layout,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent,
                                                   int64_t row_of_chunks,
                                                   const Limits& limits) {
  if (layout.compression == TiffCompression::kJpeg) {
    return OpenJpegChunk(layout, bytes, extent, row_of_chunks, limits);
  }
  // A last strip may be as long as the others.
  const int64_t rows = layout.RowsOfChunk(row_of_chunks);
  CYTO8_RETURN_IF_ERROR(CheckHolds(layout, extent, rows));
  const TiffCodecSize size = {
      .wanted_bytes = rows * layout.RowBytes(),
      .surplus_bytes = (layout.chunk_height_px - rows) * layout.RowBytes()};
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<TiffCodec> codec,
      OpenTiffCodec(layout.compression, bytes, extent, size));
  return std::unique_ptr<TiffChunk>(
      std::make_unique<CodedChunk>(layout, std::move(codec)));
}

}  // namespace cyto8
