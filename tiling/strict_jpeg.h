// SPDX-License-Identifier: Apache-2.0
// JPEG to RGB by libjpeg: a file that is cut or structurally damaged is an
// error, never a picture (promises.md E1-E4, R4). Bit flips inside scan data
// may pass: JPEG has no checksum. Tested by tests/tiling/strict_jpeg_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"
#include "tiling/jpeg_decompressor.h"
#include "tiling/row_source.h"

namespace cyto8 {

// A JPEG inside of other bytes.
struct JpegStream {
  int64_t begin = 0;
  int64_t end = 0;
  std::span<const std::byte> tables = {};  // an abbreviated JPEG before it.
  JpegColours colours = JpegColours::kMarked;
};

// Reads up to the first scan. kInvalidArgument if a size exceeds a limit,
// kUnimplemented for CMYK, 12-bit, arithmetic, lossless and hierarchical files,
// kDataLoss if damaged, or if so few bytes cannot hold so many pixels.
//
// The rows are 8-bit RGB; grey is repeated in the three channels. Slow-integer
// DCT and smooth chroma up-sampling, so pixels equal those of OpenCV and
// Pillow. Baseline and progressive; the coefficients of a JPEG with several
// scans are held in memory, all others need a few rows.
// - Every warning of libjpeg is an error; the end-of-image marker must be there
//   and every coefficient of every component must have been sent.
// - Bytes after the end-of-image marker are ignored: some cameras write them.
// - The EXIF orientation is ignored: boxes are in the pixels of the file.
//
// `bytes` outlives the result, `tables` may end before it.
StatusOr<std::unique_ptr<RowSource>> OpenJpegRows(ByteSource& bytes,
                                                  const JpegStream& stream,
                                                  const Limits& limits);

// What the source of a JPEG of this width holds beside its coefficients.
int64_t JpegRowsBytes(int64_t width_px);

// The header alone, and all pixels, of bytes in memory.
StatusOr<ImageInfo> ParseJpegHeader(std::span<const std::byte> bytes,
                                    const Limits& limits);
StatusOr<Image> DecodeJpeg(std::span<const std::byte> bytes,
                           const Limits& limits);

}  // namespace cyto8
