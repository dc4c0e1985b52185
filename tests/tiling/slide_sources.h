// SPDX-License-Identifier: Apache-2.0
// Small slides as TIFFs, which several tests damage. Test code.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/image_encoding.h"

namespace cyto8 {

inline constexpr int kTiffNone = 1;
inline constexpr int kTiffLzw = 5;
inline constexpr int kTiffJpeg = 7;
inline constexpr int kTiffDeflate = 8;
inline constexpr int kTiffPackBits = 32773;

inline constexpr char kAperioDescription[] =
    "Aperio Image Library v11.2.1 \r\n46000x32914 [0,100] (256x256) "
    "JPEG/RGB Q=30|AppMag = 20|StripeWidth = 2040|Filename = Meier|Date = "
    "12/29/09|User = b414|MPP = 0.4990|OriginalWidth = 46000";

// YCbCr by JPEG, 4:2:0, tiles of 16 x 16.
inline TiffSource JpegTiles(int64_t width_px, int64_t height_px) {
  return {.width_px = width_px,
          .height_px = height_px,
          .colour = 6,
          .compression = kTiffJpeg,
          .tile_px = 16,
          .values = ValuesOf(MakeTestImage(width_px, height_px).view())};
}

inline TiffSource Tiles(int64_t width_px, int64_t height_px,
                        int compression = kTiffNone) {
  TiffSource source = JpegTiles(width_px, height_px);
  source.colour = 2;
  source.compression = compression;
  return source;
}

inline TiffSource Strips(int64_t width_px, int64_t height_px) {
  TiffSource source = Tiles(width_px, height_px);
  source.tile_px = 0;
  return source;
}

inline TiffSource Described(TiffSource source, const std::string& description) {
  source.description = description;
  return source;
}

// As Aperio writes: level 0, a thumbnail, more levels, label and macro.
inline std::vector<TiffSource> AperioSources() {
  const std::string aperio = kAperioDescription;
  return {Described(JpegTiles(100, 70), aperio),
          Described(Strips(30, 21), aperio + "|X = 1"),
          Described(JpegTiles(50, 35), aperio),
          Described(JpegTiles(25, 18), aperio),
          Described(Strips(20, 20), "Aperio \r\nlabel 20x20"),
          Described(Strips(40, 20), "Aperio \r\nmacro 40x20")};
}

}  // namespace cyto8
