// SPDX-License-Identifier: Apache-2.0
// Samples of a TIFF to 8-bit RGB: grey, palette and RGB of every depth,
// transparency composited on white. Tested by
// tests/tiling/strict_tiff_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tiling/tiff_layout.h"

namespace cyto8 {

// Converts rows of samples. Belongs to one thread.
class TiffPixels {
 public:
  // `layout` outlives it.
  explicit TiffPixels(const TiffLayout& layout);

  // The first `width_px` pixels of a row to dst. Each of layout.planes() rows
  // is as TiffChunk::ReadRow gives it.
  void Convert(std::span<const std::vector<uint8_t>> planes, int64_t width_px,
               uint8_t* dst);

 private:
  int OnWhite(int value, int alpha) const;
  uint8_t To8Bits(int value) const;

  const TiffLayout* layout_;
  int most_;  // of a sample: 2^bits - 1.
};

}  // namespace cyto8
