// SPDX-License-Identifier: Apache-2.0
// An image file of any supported format to RGB pixels in one piece;
// row_source.h gives them row by row. Tested by
// tests/tiling/image_reader_test.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"
#include "tiling/row_source.h"

namespace cyto8 {

// Size and format from the header alone: no pixel is decoded, so the rest may
// still be damaged.
StatusOr<ImageInfo> ParseImageHeader(std::span<const std::byte> bytes,
                                     const Limits& limits);

// All pixels, or an error: see strict_jpeg.h, strict_png.h and strict_tiff.h.
StatusOr<Image> DecodeImage(std::span<const std::byte> bytes,
                            const Limits& limits);

// The same for a file, of which no more is read than needed; errors start with
// the path.
StatusOr<ImageInfo> ReadImageInfo(FileSystem& files, const std::string& path,
                                  const Limits& limits);
StatusOr<Image> ReadImage(FileSystem& files, const std::string& path,
                          const Limits& limits);

}  // namespace cyto8
