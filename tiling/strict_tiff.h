// SPDX-License-Identifier: Apache-2.0
// TIFF to RGB rows: the first image of a classic or BigTIFF, in strips or
// tiles. What is cut or damaged is an error, never a picture. Tested by
// tests/tiling/strict_tiff_test.cc.
#pragma once

#include <memory>
#include <span>

#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"
#include "tiling/row_source.h"

namespace cyto8 {

// Reads the directory and no pixel. kInvalidArgument if a size exceeds a limit,
// kUnimplemented with tag and value for what TIFF knows and we do not,
// kDataLoss if damaged, or if so few bytes cannot hold so many pixels.
//
// Grey, RGB (1, 2, 4, 8, 16 bits) and palette (up to 8); samples side by side
// or in planes; uncompressed, PackBits, LZW, deflate (with differences) and
// JPEG (8 bits; grey, RGB, YCbCr).
// - Every strip and tile must be there, inside of the file, and hold all of its
//   rows; deflate is checked by its checksum, JPEG as in strict_jpeg.h.
// - Without compression, with PackBits or LZW there is no checksum: a changed
//   byte may be a changed pixel, as in JPEG.
// - Of 16 bits the upper 8 are kept; transparency is composited on white, in
//   the bit depth of the file; extra samples that are not declared as
//   transparency are ignored.
// - The orientation is ignored, as in JPEG; further pages and sub-images are
//   not read (ImageInfo::pages tells), nor are tags that do not bear on the
//   pixels.
// - um/px: "MPP" of an Aperio description, else the resolution, if it is one of
//   a microscope: [0.05, 10] um/px, both axes within 1 %.
//
// libtiff unpacks LZW and PackBits; how it is kept from mending what is damaged
// stands in tiff_codec.cc.
//
// `bytes` outlives the result.
StatusOr<std::unique_ptr<RowSource>> OpenTiffRows(ByteSource& bytes,
                                                  const Limits& limits);

}  // namespace cyto8
