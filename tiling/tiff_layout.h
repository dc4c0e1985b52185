// SPDX-License-Identifier: Apache-2.0
// What an image of a TIFF is and where its strips or tiles lie. Checks every
// tag that bears on the pixels; reads no pixel. Tested by
// tests/tiling/strict_tiff_test.cc and tiff_pyramid_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/tiff_directory.h"

namespace cyto8 {

// By their numbers in the file.
enum class TiffCompression {
  kNone = 1,
  kLzw = 5,
  kJpeg = 7,
  kDeflate = 8,
  kOldDeflate = 32946,
  kPackBits = 32773,
};

// "none", "LZW", "JPEG", "deflate", "PackBits".
const char* TiffCompressionName(TiffCompression compression);

enum class TiffColour {
  kWhiteIsZero = 0,
  kBlackIsZero = 1,
  kRgb = 2,
  kPalette = 3,
  kYcbcr = 6,
};

enum class TiffAlpha { kNone, kAssociated, kUnassociated };

// Where a chunk lies, [begin, end) in the file; of one that is missing, 0 and
// 0.
struct TiffExtent {
  int64_t begin = 0;
  int64_t end = 0;
};

// Strips are chunks as wide as the image; the last one may be shorter. Tiles
// are all of one size and may reach past the image.
struct TiffLayout {
  int64_t width_px = 0;
  int64_t height_px = 0;
  bool tiled = false;
  int64_t chunk_width_px = 0;
  int64_t chunk_height_px = 0;
  int64_t chunks_across = 0;
  int64_t chunks_down = 0;
  // From left to right, then down, then by plane.
  std::vector<TiffExtent> chunks = {};
  int64_t samples = 0;       // per pixel, those beyond the colours included.
  bool separate = false;     // a chunk holds one sample of each pixel.
  int64_t bits = 0;          // per sample: 1, 2, 4, 8 or 16.
  bool big_endian = false;   // samples of 16 bits.
  bool differences = false;  // a sample is stored less its left neighbour.
  TiffCompression compression = TiffCompression::kNone;
  TiffColour colour = TiffColour::kRgb;
  TiffAlpha alpha = TiffAlpha::kNone;
  int64_t alpha_sample = 0;
  std::vector<Rgb> palette = {};            // 2^bits colours; else none.
  std::vector<std::byte> jpeg_tables = {};  // may be none.
  std::optional<double> um_per_px = std::nullopt;
  std::string mpp_source = {};
  std::optional<double> magnification = std::nullopt;  // Aperio's AppMag.
  int64_t pages = 1;

  int64_t planes() const { return separate ? samples : 1; }
  int64_t samples_in_chunk() const { return separate ? 1 : samples; }
  // Of one row of a chunk, decoded; rows begin at a byte.
  int64_t RowBytes() const;
  // The rows of a chunk that show the image, or all of a tile.
  int64_t RowsOfChunk(int64_t row_of_chunks) const;
  // "strip 3".
  std::string NameOfChunk(int64_t index) const;
};

// kUnimplemented for what TIFF knows and we do not, with tag and value;
// kDataLoss for what is missing, contradicts itself or lies outside of the
// file; kInvalidArgument beyond a limit.
StatusOr<TiffLayout> ReadTiffLayout(ByteSource& bytes, const Limits& limits);

// The same of any directory, in a file of so many bytes. A chunk of 0 bytes is
// missing, not an error: of a slide, only what was scanned need be there. But
// not all may be missing, and none may share some of its bytes with another.
StatusOr<TiffLayout> ReadSparseTiffLayout(const TiffDirectory& directory,
                                          int64_t file_bytes,
                                          const Limits& limits);

}  // namespace cyto8
