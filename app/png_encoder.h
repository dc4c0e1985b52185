// SPDX-License-Identifier: Apache-2.0
// Palette pictures and RGB images to PNG by libpng, with fixed settings, so
// that equal input gives equal bytes. Tested by tests/app/heatmap_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

struct PalettePicture {
  int64_t width_px = 0;  // both sides in [1, 65536].
  int64_t height_px = 0;
  std::vector<uint8_t> pixels = {};  // row by row; indices into the palette.
  std::vector<Rgb> palette = {};     // 1 to 256 colours.
  bool first_is_transparent = false;
  // tEXt chunks: a keyword of at most 79 bytes and a text, both ASCII.
  std::vector<std::pair<std::string, std::string>> texts = {};
};

// The file. kInvalidArgument if sizes do not fit together, kResourceExhausted
// without memory, kInternal if libpng fails otherwise.
StatusOr<std::string> EncodePng(const PalettePicture& picture);

// 8-bit RGB; sides in [1, 65536].
StatusOr<std::string> EncodePng(const ImageView& image);

}  // namespace cyto8
