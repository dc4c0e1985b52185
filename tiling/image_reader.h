// SPDX-License-Identifier: Apache-2.0
// An image file of any supported format to RGB pixels; the format is told by
// the content, never by the name. Tested by tests/tiling/image_reader_test.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"

namespace cyto8 {

// kDataLoss for no bytes at all; kUnimplemented for what is neither JPEG nor
// PNG, by name where the name is known.
StatusOr<ImageFormat> RecogniseImage(std::span<const std::byte> bytes);

// Size and format from the header alone: no pixel is decoded, so the rest may
// still be damaged.
StatusOr<ImageInfo> ParseImageHeader(std::span<const std::byte> bytes,
                                     const Limits& limits);

// All pixels, or an error: see strict_jpeg.h and strict_png.h.
StatusOr<Image> DecodeImage(std::span<const std::byte> bytes,
                            const Limits& limits);

// The same for a file; errors start with the path.
StatusOr<ImageInfo> ReadImageInfo(FileSystem& files, const std::string& path,
                                  const Limits& limits);
StatusOr<Image> ReadImage(FileSystem& files, const std::string& path,
                          const Limits& limits);

}  // namespace cyto8
