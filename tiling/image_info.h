// SPDX-License-Identifier: Apache-2.0
// What the header of an image file says, before any pixel is decoded. Plain
// data. Tested by tests/tiling/image_reader_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cyto8 {

enum class ImageFormat { kJpeg, kPng, kTiff };

// "JPEG", "PNG", "TIFF".
constexpr std::string_view ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kTiff:
      return "TIFF";
  }
  return "";
}

struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  int64_t width_px = 0;
  int64_t height_px = 0;
  // Only where the format states the size of a pixel on the slide. A JFIF or
  // EXIF dpi and a PNG pHYs speak of prints, so JPEG and PNG have none.
  std::optional<double> um_per_px = std::nullopt;
  // Where um_per_px stands: "aperio.MPP" or "tiff.XResolution"; else empty.
  std::string mpp_source = {};
  // How the pixels are stored: "baseline", "progressive", "deflate", "lzw"...
  std::string compression = {};
  // Images in the file. Only a TIFF has more than one; the first is read.
  int64_t pages = 1;
};

}  // namespace cyto8
