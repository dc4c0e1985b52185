// SPDX-License-Identifier: Apache-2.0
// What the header of an image file says, before any pixel is decoded. Plain
// data. Tested by tests/tiling/image_reader_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cyto8 {

enum class ImageFormat { kJpeg, kPng };

// "JPEG", "PNG".
constexpr std::string_view ImageFormatName(ImageFormat format) {
  return format == ImageFormat::kJpeg ? "JPEG" : "PNG";
}

struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  int64_t width_px = 0;
  int64_t height_px = 0;
  // Only where the format states the size of a pixel on the slide. A JFIF or
  // EXIF dpi and a PNG pHYs speak of prints, so JPEG and PNG have none.
  std::optional<double> um_per_px = std::nullopt;
};

}  // namespace cyto8
