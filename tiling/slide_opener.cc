// SPDX-License-Identifier: Apache-2.0
// Content to reader; see slide_opener.h.
#include "tiling/slide_opener.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/input_file.h"
#include "base/lower_case.h"
#include "tiling/kfb_slide.h"
#include "tiling/openslide_reader.h"
#include "tiling/row_source.h"
#include "tiling/tiff_pyramid.h"

namespace cyto8 {
namespace {

bool IsTiff(std::span<const std::byte> begin) {
  const StatusOr<ImageFormat> format = RecogniseImage(begin);
  return format.ok() && *format == ImageFormat::kTiff;
}

// Whether OpenSlide knows a TIFF as one of a maker that the direct reader
// leaves to it.
bool IsOfAnotherMaker(const std::string& path) {
  const std::string vendor = OpenSlideVendor(path);
  return !vendor.empty() && vendor != "aperio" && vendor != "generic-tiff";
}

// Whether a TIFF that was refused for this reason may be OpenSlide's.
bool IsForOpenSlide(const Status& status, const std::string& path) {
  if (status.code() == StatusCode::kUnimplemented) return true;
  return status.code() == StatusCode::kDataLoss && IsOfAnotherMaker(path);
}

// OpenSlide knows it by its name and by the folder beside it.
StatusOr<std::unique_ptr<SlideReader>> OpenMirax(const std::string& path,
                                                 const Limits& limits) {
  if (!OpenSlideVendor(path).empty()) return OpenByOpenSlide(path, limits);
  return DataLoss(path +
                  ": is no MIRAX slide that OpenSlide knows: its name must end "
                  "in .mrxs, and Slidedat.ini must lie in the folder of the "
                  "same name without .mrxs");
}

// Neither KFB nor TIFF. What nobody knows is named by its content.
StatusOr<std::unique_ptr<SlideReader>> OpenOtherKind(
    std::span<const std::byte> begin, const std::string& path,
    const Limits& limits) {
  StatusOr<std::unique_ptr<SlideReader>> slide = OpenByOpenSlide(path, limits);
  if (slide.status().code() != StatusCode::kUnimplemented) return slide;
  const Status unknown = RecogniseImage(begin).status();
  return unknown.ok() ? slide.status() : Annotate(unknown, path);
}

}  // namespace

bool IsNamedAsMirax(std::string_view path) {
  constexpr std::string_view kEnding = ".mrxs";
  if (path.size() < kEnding.size()) return false;
  return std::ranges::equal(path.substr(path.size() - kEnding.size()), kEnding,
                            {}, LowerCase);
}

StatusOr<std::unique_ptr<SlideReader>> OpenSlideFile(FileSystem& files,
                                                     const std::string& path,
                                                     const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> begin,
                         ReadSignature(*file));
  if (begin.empty()) return DataLoss(path + ": the file is empty");
  if (IsNamedAsMirax(path)) return OpenMirax(path, limits);
  if (LooksLikeKfb(begin)) return OpenKfb(files, path, limits);
  if (!IsTiff(begin)) return OpenOtherKind(begin, path, limits);
  StatusOr<std::unique_ptr<SlideReader>> direct =
      OpenTiffPyramid(files, path, limits);
  if (direct.ok() || !IsForOpenSlide(direct.status(), path)) return direct;
  StatusOr<std::unique_ptr<SlideReader>> other = OpenByOpenSlide(path, limits);
  // If both refuse it: the direct reader names the tag and its value.
  return other.ok() || IsOfAnotherMaker(path) ? std::move(other)
                                              : std::move(direct);
}

}  // namespace cyto8
