// SPDX-License-Identifier: Apache-2.0
// Tiled TIFF and Aperio SVS as slides: every tile is decoded once, straight
// from the bytes of the file. Tested by tests/tiling/tiff_pyramid_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// Levels: the tiled directories of one aspect, the largest first, each smaller
// than the one before. SubIFDs of the first directory count, as OME-TIFF has
// them. A directory of the size of level 0 is another focal plane. What is not
// tiled, or Aperio's label and macro, is named and never read.
//
// Blocks are the tiles. largest_reduction() is 8 if all levels are JPEG, else
// 1. Pixels as of OpenTiffRows (strict_tiff.h): transparency and missing tiles
// are white. Only MPP and AppMag are taken of a description.
//
// kUnimplemented, so that OpenSlide may try: no tiles (whatever is wrong with
// the other pages of a plain image), JPEG 2000 and other
// codings or colours that strict_tiff.h has not, and TIFFs of makers whose
// tiles do not simply lie side by side (Hamamatsu, Leica, Philips, Trestle,
// Ventana). kDataLoss if any tag of a level is damaged or a tile lies outside
// of the file; kInvalidArgument beyond a limit: a block together with what its
// decoder holds may have limits.max_decoder_bytes, and so may all directories.
// Errors start with the path; of a damaged tile follow level, column and row.
//
// `files` outlives the result.
StatusOr<std::unique_ptr<SlideReader>> OpenTiffPyramid(FileSystem& files,
                                                       const std::string& path,
                                                       const Limits& limits);

// The same for bytes in memory, which outlive the result.
StatusOr<std::unique_ptr<SlideReader>> OpenTiffPyramid(
    std::span<const std::byte> bytes, const Limits& limits);

}  // namespace cyto8
