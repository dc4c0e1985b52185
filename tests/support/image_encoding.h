// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG files made in code, by libjpeg and libpng. Test code: an encoder
// that fails ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/image_view.h"

namespace cyto8 {

using Bytes = std::vector<std::byte>;

// A picture with smooth and rough parts; every channel differs. No two sizes
// share their pixels. Ends the program unless the sides are in [1, 10000].
Image MakeTestImage(int64_t width_px, int64_t height_px);

enum class JpegKind { kColour, kGrey, kCmyk };

struct JpegEncoding {
  JpegKind kind = JpegKind::kColour;
  int quality = 90;
  bool progressive = false;
  bool one_scan_per_component = false;  // sequential, not interleaved.
  bool subsample_chroma = true;         // 4:2:0
  bool optimize_huffman = false;        // tables of its own.
  int restart_interval_blocks = 0;
};

Bytes EncodeJpeg(const ImageView& image, const JpegEncoding& encoding = {});

// Samples as they stand in the file, rows without padding between them.
struct PngSource {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int bit_depth = 8;
  int colour_type = 2;  // as in IHDR: 0 grey, 2 RGB, 3 palette, 4 GA, 6 RGBA.
  bool interlaced = false;
  std::vector<uint8_t> rows = {};
  std::vector<Rgb> palette = {};
  std::vector<uint8_t> palette_alpha = {};  // tRNS of a palette image.
  int transparent_grey = -1;                // tRNS of a grey image; -1: none.
  std::string comment = {};                 // a tEXt chunk, if not empty.
};

Bytes EncodePng(const PngSource& source);
// 8-bit RGB.
Bytes EncodePng(const ImageView& image);

}  // namespace cyto8
