// SPDX-License-Identifier: Apache-2.0
// See image_opener.h.
#include "tiling/image_opener.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/input_file.h"
#include "tiling/slide_opener.h"

namespace cyto8 {
namespace {

// kUnimplemented for what is none of JPEG, PNG and TIFF.
StatusOr<ImageFormat> FormatOf(FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  std::vector<std::byte> bytes(static_cast<size_t>(
      std::min<int64_t>(kSignatureBytes, file->size_bytes())));
  CYTO8_RETURN_IF_ERROR(file->ReadAt(0, bytes));
  return RecogniseImage(bytes);
}

// A plain TIFF in tiles is read as any other image is.
bool IsPyramid(const SlideInfo& slide) {
  return slide.levels.size() > 1 || slide.format != "tiled TIFF";
}

}  // namespace

StatusOr<OpenedImage> OpenImage(FileSystem& files, const std::string& path,
                                const Limits& limits) {
  const StatusOr<ImageFormat> format = FormatOf(files, path);
  const bool is_tiff = format.ok() && *format == ImageFormat::kTiff;
  const bool is_unknown = format.status().code() == StatusCode::kUnimplemented;
  OpenedImage image;
  if (is_tiff || is_unknown) {
    StatusOr<std::unique_ptr<SlideReader>> slide =
        OpenSlideFile(files, path, limits);
    if (slide.ok() && IsPyramid((*slide)->info())) {
      image.slide = std::move(*slide);
      return image;
    }
    if (is_unknown && slide.status().code() != StatusCode::kUnimplemented) {
      return slide.status();
    }
  }
  CYTO8_ASSIGN_OR_RETURN(image.rows, OpenRows(files, path, limits));
  return image;
}

}  // namespace cyto8
