// SPDX-License-Identifier: Apache-2.0
// A slide of two levels, a tiled pyramidal TIFF made in code. Test code.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/image_encoding.h"

namespace cyto8 {

// Square; `side_px` is even.
inline Bytes SmallPyramid(int64_t side_px) {
  constexpr int kYCbCr = 6;
  constexpr int kJpeg = 7;
  std::vector<TiffSource> levels;
  for (const int64_t side : {side_px, side_px / 2}) {
    levels.push_back({.width_px = side,
                      .height_px = side,
                      .colour = kYCbCr,
                      .compression = kJpeg,
                      .tile_px = 32,
                      .values = ValuesOf(MakeTestImage(side, side).view()),
                      .subfile_type = side == side_px ? 0 : 1});
  }
  return EncodeTiff(levels);
}

}  // namespace cyto8
