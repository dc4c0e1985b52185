// SPDX-License-Identifier: Apache-2.0
// Choosing the decoder by content, and what all sources share; see
// row_source.h.
#include "tiling/row_source.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/input_file.h"
#include "tiling/strict_jpeg.h"
#include "tiling/strict_png.h"
#include "tiling/strict_tiff.h"

namespace cyto8 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF"sv;
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n"sv;
// Classic and BigTIFF, in both byte orders.
constexpr std::string_view kTiffMagic[] = {"II*\0"sv, "MM\0*"sv, "II+\0"sv,
                                           "MM\0+"sv};

struct Signature {
  size_t offset;
  std::string_view magic;
  std::string_view name;
};

// What users are known to try. A format that gains a reader leaves this list.
constexpr Signature kUnsupported[] = {
    {0, "BM"sv, "BMP"sv},
    {0, "GIF8"sv, "GIF"sv},
    {8, "WEBP"sv, "WebP"sv},
    {4, "jP  "sv, "JPEG 2000"sv},
    {0, "\xFF\x4F\xFF\x51"sv, "JPEG 2000"sv},
    {128, "DICM"sv, "DICOM"sv},
};

bool HasAt(std::string_view text, size_t offset, std::string_view magic) {
  return text.size() >= offset && text.substr(offset).starts_with(magic);
}

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A source with its bytes: names the file in errors, keeps the first error, and
// closes the file behind the last row.
class OpenedRows final : public RowSource {
 public:
  OpenedRows(std::unique_ptr<ByteSource> bytes, std::string path)
      : bytes_(std::move(bytes)), path_(std::move(path)) {}

  Status Open(const Limits& limits);

  const ImageInfo& info() const override { return rows_->info(); }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override;
  int64_t memory_bytes() const override { return rows_->memory_bytes(); }

 private:
  Status OpenByContent(const Limits& limits);
  Status ReadChecked(int64_t count, uint8_t* dst, int64_t dst_stride_bytes);
  Status Named(const Status& status) const;

  std::unique_ptr<ByteSource> bytes_;
  std::string path_;  // empty for bytes in memory.
  std::unique_ptr<RowSource> rows_;
  int64_t rows_left_ = 0;
  Status failure_;
};

Status OpenedRows::Open(const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(Named(OpenByContent(limits)));
  rows_left_ = info().height_px;
  return OkStatus();
}

Status OpenedRows::OpenByContent(const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> begin,
                         ReadSignature(*bytes_));
  CYTO8_ASSIGN_OR_RETURN(const ImageFormat format, RecogniseImage(begin));
  switch (format) {
    case ImageFormat::kJpeg: {
      CYTO8_ASSIGN_OR_RETURN(
          rows_, OpenJpegRows(*bytes_, {.end = bytes_->size_bytes()}, limits));
      return OkStatus();
    }
    case ImageFormat::kPng: {
      CYTO8_ASSIGN_OR_RETURN(rows_, OpenPngRows(*bytes_, limits));
      return OkStatus();
    }
    case ImageFormat::kTiff: {
      CYTO8_ASSIGN_OR_RETURN(rows_, OpenTiffRows(*bytes_, limits));
      return OkStatus();
    }
  }
  return Internal("an image format without a reader");
}

// A failure of the file explains what followed from it, and names the file.
Status OpenedRows::Named(const Status& status) const {
  CYTO8_RETURN_IF_ERROR(bytes_->failure());
  return path_.empty() ? status : Annotate(status, path_);
}

Status OpenedRows::ReadRows(int64_t count, uint8_t* dst,
                            int64_t dst_stride_bytes) {
  CYTO8_RETURN_IF_ERROR(failure_);
  failure_ = ReadChecked(count, dst, dst_stride_bytes);
  return failure_;
}

Status OpenedRows::ReadChecked(int64_t count, uint8_t* dst,
                               int64_t dst_stride_bytes) {
  CYTO8_ENSURE(count >= 0 && count <= rows_left_);
  CYTO8_RETURN_IF_ERROR(Named(rows_->ReadRows(count, dst, dst_stride_bytes)));
  rows_left_ -= count;
  return rows_left_ > 0 ? OkStatus() : bytes_->Close();
}

StatusOr<std::unique_ptr<RowSource>> OpenBytes(
    std::unique_ptr<ByteSource> bytes, const std::string& path,
    const Limits& limits) {
  auto rows = std::make_unique<OpenedRows>(std::move(bytes), path);
  CYTO8_RETURN_IF_ERROR(rows->Open(AsRows(limits)));
  return std::unique_ptr<RowSource>(std::move(rows));
}

}  // namespace

StatusOr<ImageFormat> RecogniseImage(std::span<const std::byte> bytes) {
  if (bytes.empty()) return DataLoss("the image is empty (0 bytes)");
  const std::string_view text = AsText(bytes);
  if (text.starts_with(kJpegMagic)) return ImageFormat::kJpeg;
  if (text.starts_with(kPngMagic)) return ImageFormat::kPng;
  for (const std::string_view magic : kTiffMagic) {
    if (text.starts_with(magic)) return ImageFormat::kTiff;
  }
  for (const Signature& signature : kUnsupported) {
    if (HasAt(text, signature.offset, signature.magic)) {
      return Unimplemented(std::string(signature.name) +
                           " is not supported yet: must be JPEG, PNG or TIFF");
    }
  }
  return Unimplemented("content is not recognised: must be JPEG, PNG or TIFF");
}

StatusOr<std::vector<std::byte>> ReadSignature(ByteSource& bytes) {
  std::vector<std::byte> begin(
      static_cast<size_t>(std::min(kSignatureBytes, bytes.size_bytes())));
  CYTO8_RETURN_IF_ERROR(bytes.ReadAt(0, begin));
  return begin;
}

StatusOr<Image> ReadAllRows(RowSource& rows, const Limits& limits) {
  const ImageInfo& info = rows.info();
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(info.width_px, info.height_px, limits));
  CYTO8_RETURN_IF_ERROR(rows.ReadRows(info.height_px, image.MutableRow(0),
                                      image.view().stride_bytes));
  return image;
}

StatusOr<std::unique_ptr<RowSource>> OpenRows(FileSystem& files,
                                              const std::string& path,
                                              const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  return OpenRows(std::move(file), path, limits);
}

StatusOr<std::unique_ptr<RowSource>> OpenRows(std::unique_ptr<InputFile> file,
                                              const std::string& path,
                                              const Limits& limits) {
  return OpenBytes(std::move(file), path, limits);
}

StatusOr<std::unique_ptr<RowSource>> OpenRows(std::span<const std::byte> bytes,
                                              const Limits& limits) {
  return OpenBytes(std::make_unique<MemoryBytes>(bytes), "", limits);
}

Status CheckRowsSize(int64_t width_px, int64_t height_px,
                     const Limits& limits) {
  Limits of_rows = limits;
  of_rows.max_image_pixels = limits.max_slide_pixels;
  return CheckImageSize(width_px, height_px, of_rows);
}

Status CheckDecoderBytes(int64_t memory_bytes, const Limits& limits) {
  return CheckRange("decoder bytes", memory_bytes, 0, limits.max_decoder_bytes);
}

Limits AsOnePiece(const Limits& limits) {
  Limits of_image = limits;
  of_image.max_slide_pixels =
      std::min(limits.max_slide_pixels, limits.max_image_pixels);
  return of_image;
}

Limits AsRows(const Limits& limits) {
  Limits of_rows = limits;
  of_rows.max_side_px = std::min(limits.max_side_px, limits.max_row_side_px);
  return of_rows;
}

}  // namespace cyto8
