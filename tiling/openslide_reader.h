// SPDX-License-Identifier: Apache-2.0
// Slides of every maker that OpenSlide knows: what the direct readers leave.
// Tested by tests/tiling/openslide_reader_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

struct OpenSlideOptions {
  // Readers that wait for none else; each handle has a cache of 32 MiB.
  int64_t max_handles = 4;
  // After an error a handle of OpenSlide is dead: it is closed and another one
  // opened. After so many the slide has failed.
  int64_t max_reopens = 1000;
};

// What OpenSlide takes a file for: "hamamatsu", "generic-tiff"; empty for what
// it does not know.
std::string OpenSlideVendor(const std::string& path);

// kUnimplemented for a file that OpenSlide does not know, kDataLoss if it
// cannot open it, kInvalidArgument beyond a limit. Errors start with the path;
// OpenSlide opens the file by itself, not through a FileSystem.
//
// Blocks are the tiles where the file has some of a common size, else 256 x
// 256; largest_reduction() is 1. Transparent pixels are put on the slide's
// background colour, or white. Blocks outside of the bounds of the scan are
// background. um/px is that of both axes, which must agree within 1 %: else
// mpp_source says that they differ, and there is none.
//
// Levels of a plain TIFF that are smaller than a tile are left out: OpenSlide
// misplaces their pixels.
//
// OpenSlide takes the corner of a region in whole pixels of level 0, divides it
// by the ratio of the sides (the mean of both axes) and interpolates where that
// is no whole pixel. So a block is exactly the pixels of its level where the
// ratio is a whole number. Else the nearest corner is taken: the block is
// shifted by at most half a pixel of level 0, and interpolated.
StatusOr<std::unique_ptr<SlideReader>> OpenByOpenSlide(
    const std::string& path, const Limits& limits,
    const OpenSlideOptions& options = {});

// A label, macro or thumbnail image, RGB on white; only for who asks for it.
// kNotFound if OpenSlide has none of this name, kInvalidArgument beyond a
// limit, else errors as of OpenByOpenSlide.
StatusOr<Image> ReadOpenSlideAssociated(const std::string& path,
                                        std::string_view name,
                                        const Limits& limits);

}  // namespace cyto8
