// SPDX-License-Identifier: Apache-2.0
// One tile of a slide, a JPEG in memory, to RGB pixels, at full size or reduced
// as it is decoded. As strict as strict_jpeg.h. Tested by
// tests/tiling/jpeg_block_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/image_view.h"
#include "base/status.h"
#include "tiling/jpeg_decompressor.h"

namespace cyto8 {

struct JpegBlock {
  std::span<const std::byte> bytes = {};
  std::span<const std::byte> tables = {};  // an abbreviated JPEG; may be none.
  JpegColours colours = JpegColours::kMarked;
  // What the container says; a JPEG of another size is kDataLoss, found before
  // anything of that size is allocated.
  int64_t width_px = 0;
  int64_t height_px = 0;
};

// Sides divided by `reduction` (1, 2, 4 or 8) and rounded up: libjpeg's scaled
// DCT. At 1 the pixels are those of DecodeJpeg. kDataLoss also for sides of 0
// and for more scans than libjpeg is given: no limit is the caller's here.
StatusOr<Image> DecodeJpegBlock(const JpegBlock& block, int64_t reduction);

}  // namespace cyto8
