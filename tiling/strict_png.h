// SPDX-License-Identifier: Apache-2.0
// PNG to RGB by libpng: a file that is cut or damaged is an error, never a
// picture. Colour management is not done: gAMA, iCCP and sRGB are ignored.
// Tested by tests/tiling/strict_png_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"
#include "tiling/row_source.h"

namespace cyto8 {

// Reads up to the first image data. kInvalidArgument if a size exceeds a
// limit, kDataLoss if damaged, or if so few bytes cannot hold so many pixels.
//
// The rows are 8-bit RGB from every colour type and bit depth. The pixels of an
// interlaced PNG are held in memory, all others need a few rows.
// - Every checksum is compared, in every chunk; every warning of libpng is an
//   error; the IEND chunk must be there; bytes after it are ignored.
// - Chunks that do not bear on the pixels are skipped (but checked) unread.
// - Of 16 bits the upper 8 are kept, as OpenCV does.
// - A palette index beyond the palette is black, as in other readers.
// - Transparency is composited on white, in the bit depth of the file.
//
// `bytes` outlives the result.
StatusOr<std::unique_ptr<RowSource>> OpenPngRows(ByteSource& bytes,
                                                 const Limits& limits);

// The header alone, and all pixels, of bytes in memory.
StatusOr<ImageInfo> ParsePngHeader(std::span<const std::byte> bytes,
                                   const Limits& limits);
StatusOr<Image> DecodePng(std::span<const std::byte> bytes,
                          const Limits& limits);

}  // namespace cyto8
