// SPDX-License-Identifier: Apache-2.0
// Choosing the decoder by content; see image_reader.h.
#include "tiling/image_reader.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include "tiling/strict_jpeg.h"
#include "tiling/strict_png.h"

namespace cyto8 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF"sv;
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n"sv;

struct Signature {
  size_t offset;
  std::string_view magic;
  std::string_view name;
};

// What users are known to try. A format that gains a reader leaves this list.
constexpr Signature kUnsupported[] = {
    {0, "II*\0"sv, "TIFF"sv},
    {0, "MM\0*"sv, "TIFF"sv},
    {0, "II+\0"sv, "BigTIFF"sv},
    {0, "MM\0+"sv, "BigTIFF"sv},
    {0, "\xF1\x01\xEE\xEEKFB"sv, "KFB"sv},
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

}  // namespace

StatusOr<ImageFormat> RecogniseImage(std::span<const std::byte> bytes) {
  if (bytes.empty()) return DataLoss("the image is empty (0 bytes)");
  const std::string_view text = AsText(bytes);
  if (text.starts_with(kJpegMagic)) return ImageFormat::kJpeg;
  if (text.starts_with(kPngMagic)) return ImageFormat::kPng;
  for (const Signature& signature : kUnsupported) {
    if (HasAt(text, signature.offset, signature.magic)) {
      return Unimplemented(std::string(signature.name) +
                           " is not supported yet: must be JPEG or PNG");
    }
  }
  return Unimplemented("content is not recognised: must be JPEG or PNG");
}

StatusOr<ImageInfo> ParseImageHeader(std::span<const std::byte> bytes,
                                     const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const ImageFormat format, RecogniseImage(bytes));
  if (format == ImageFormat::kJpeg) return ParseJpegHeader(bytes, limits);
  return ParsePngHeader(bytes, limits);
}

StatusOr<Image> DecodeImage(std::span<const std::byte> bytes,
                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const ImageFormat format, RecogniseImage(bytes));
  if (format == ImageFormat::kJpeg) return DecodeJpeg(bytes, limits);
  return DecodePng(bytes, limits);
}

StatusOr<ImageInfo> ReadImageInfo(FileSystem& files, const std::string& path,
                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_image_bytes));
  return Annotate(ParseImageHeader(bytes, limits), path);
}

StatusOr<Image> ReadImage(FileSystem& files, const std::string& path,
                          const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_image_bytes));
  return Annotate(DecodeImage(bytes, limits), path);
}

}  // namespace cyto8
