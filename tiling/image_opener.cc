// SPDX-License-Identifier: Apache-2.0
// See image_opener.h.
#include "tiling/image_opener.h"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/input_file.h"
#include "tiling/slide_opener.h"

namespace cyto8 {
namespace {

// JPEG, PNG and what is empty are no slides.
bool MayBeSlide(std::span<const std::byte> begin) {
  const StatusOr<ImageFormat> format = RecogniseImage(begin);
  if (format.ok()) return *format == ImageFormat::kTiff;
  return format.status().code() == StatusCode::kUnimplemented;
}

// A plain TIFF in tiles is read as any other image is.
bool IsPyramid(const SlideInfo& slide) {
  return slide.levels.size() > 1 || slide.format != "tiled TIFF";
}

}  // namespace

StatusOr<OpenedImage> OpenImage(FileSystem& files, const std::string& path,
                                const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> begin,
                         ReadSignature(*file));
  OpenedImage image;
  if (IsNamedAsMirax(path) || MayBeSlide(begin)) {
    StatusOr<std::unique_ptr<SlideReader>> slide =
        OpenSlideFile(files, path, limits);
    if (slide.ok() && IsPyramid((*slide)->info())) {
      image.slide = std::move(*slide);
      return image;
    }
    const bool other_kind = slide.status().code() == StatusCode::kUnimplemented;
    if (!slide.ok() && !(other_kind && RecogniseImage(begin).ok())) {
      return slide.status();
    }
  }
  CYTO8_ASSIGN_OR_RETURN(image.rows, OpenRows(std::move(file), path, limits));
  return image;
}

}  // namespace cyto8
