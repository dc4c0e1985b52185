// SPDX-License-Identifier: Apache-2.0
// JPEG, PNG and TIFF files made in code, by libjpeg, libpng and libtiff. Test
// code: an encoder that fails ends the program.
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

// Numbers as they stand in the tags.
struct TiffSource {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int bits = 8;
  int samples = 3;
  int colour = 2;       // 0, 1 grey, 2 RGB, 3 palette, 6 YCbCr (JPEG, of RGB).
  int compression = 1;  // 1 none, 5 LZW, 7 JPEG, 8 deflate, 32773 PackBits.
  int predictor = 1;
  bool separate = false;
  bool big_endian = false;
  bool big_tiff = false;
  int64_t rows_per_strip = 0;  // 0: all.
  int64_t tile_px = 0;         // both sides; 0: strips.
  std::vector<uint16_t> extra_samples = {};
  std::vector<Rgb> palette = {};
  double x_resolution = 0;  // 0: none.
  double y_resolution = 0;
  int resolution_unit = 3;  // 2 inch, 3 cm.
  std::string description = {};
  int jpeg_quality = 90;
  int pages = 1;                      // the same image again and again.
  std::vector<uint16_t> values = {};  // samples side by side, no padding.
  int chroma_px = 2;                  // YCbCr: both steps of the chroma.
  int subfile_type = 0;
  int sub_directories = 0;                  // as many of those that follow.
  std::vector<int64_t> missing_tiles = {};  // of no bytes.
  std::string software = {};
};

Bytes EncodeTiff(const TiffSource& source);
// A directory for each, in this order; the first says which kind of TIFF.
Bytes EncodeTiff(const std::vector<TiffSource>& sources);
// 8-bit RGB values for a source.
std::vector<uint16_t> ValuesOf(const ImageView& image);

}  // namespace cyto8
