// SPDX-License-Identifier: Apache-2.0
// See image_opener.h.
#include "tiling/image_opener.h"

#include <algorithm>
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

// Of a field of view, as cameras give them.
constexpr int64_t kMaxFieldPx = 4096;

bool HasAllBlocks(const SlideReader& slide) {
  const SlideLevel& level = slide.info().levels.front();
  for (int64_t row = 0; row < level.blocks_down(); ++row) {
    for (int64_t column = 0; column < level.blocks_across(); ++column) {
      if (!slide.HasBlock({.column = column, .row = row})) return false;
    }
  }
  return true;
}

// A plain TIFF in tiles that is whole and no larger than a field: read as any
// other image is. Of a slide a tile may be missing or damaged.
bool IsField(const SlideReader& slide) {
  const SlideInfo& info = slide.info();
  if (info.levels.size() > 1 || info.format != "tiled TIFF") return false;
  const SlideLevel& level = info.levels.front();
  return std::max(level.width_px, level.height_px) <= kMaxFieldPx &&
         HasAllBlocks(slide);
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
    if (slide.ok() && !IsField(**slide)) {
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
