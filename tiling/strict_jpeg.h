// SPDX-License-Identifier: Apache-2.0
// JPEG to RGB by libjpeg: a file that is cut or structurally damaged is an
// error, never a picture (promises.md E1-E4, R4). Bit flips inside scan data
// may pass: JPEG has no checksum. Tested by tests/tiling/strict_jpeg_test.cc.
#pragma once

#include <cstddef>
#include <span>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"

namespace cyto8 {

// Reads up to the first scan. kInvalidArgument if the size exceeds a limit,
// kUnimplemented for CMYK, 12-bit, arithmetic, lossless and hierarchical files,
// kDataLoss if damaged, or if so few bytes cannot hold so many pixels.
StatusOr<ImageInfo> ParseJpegHeader(std::span<const std::byte> bytes,
                                    const Limits& limits);

// The same refusals, then 8-bit RGB; grey is repeated in the three channels.
// Slow-integer DCT and smooth chroma up-sampling, so pixels equal those of
// OpenCV and Pillow. Baseline and progressive.
// - Every warning of libjpeg is an error; the end-of-image marker must be there
//   and every coefficient of every component must have been sent.
// - Bytes after the end-of-image marker are ignored: some cameras write them.
// - The EXIF orientation is ignored: boxes are in the pixels of the file.
StatusOr<Image> DecodeJpeg(std::span<const std::byte> bytes,
                           const Limits& limits);

}  // namespace cyto8
