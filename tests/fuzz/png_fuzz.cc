// SPDX-License-Identifier: Apache-2.0
// Any bytes as a PNG: an error or a picture of the size that the header gives.
// The seeds were made by Pillow from computed pictures, like the images of
// tests/tiling/golden.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tiling/strict_png.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes = std::as_bytes(std::span(data, size));
  const cyto8::Limits limits = {.max_image_pixels = 1 << 16};
  const auto info = cyto8::ParsePngHeader(bytes, limits);
  const auto image = cyto8::DecodePng(bytes, limits);
  if (!image.ok()) return 0;
  const bool as_announced = info.ok() && info->width_px == image->width_px() &&
                            info->height_px == image->height_px();
  if (!as_announced) std::abort();
  return 0;
}
