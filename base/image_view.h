// SPDX-License-Identifier: Apache-2.0
// 8-bit RGB pixels: a view that owns nothing and an image that owns its pixels.
// Interleaved R, G, B; rows from top to bottom. Tested by
// tests/base/image_view_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

inline constexpr int64_t kRgbChannels = 3;

struct Rgb {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

// Read-only window on RGB pixels. The pixels outlive the view.
struct ImageView {
  const uint8_t* data = nullptr;  // first byte of the top left pixel.
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t stride_bytes = 0;  // from a row to the next, >= 3 * width_px.

  const uint8_t* Row(int64_t y_px) const { return data + y_px * stride_bytes; }
  Rgb At(int64_t x_px, int64_t y_px) const;
  // The rectangle [x, x + width) x [y, y + height), which must lie inside.
  ImageView Crop(int64_t x_px, int64_t y_px, int64_t width,
                 int64_t height) const;
};

// kInvalidArgument if a side is outside [1, limits.max_side_px] or the area
// exceeds limits.max_image_pixels. For whoever reads a size from a file.
Status CheckImageSize(int64_t width_px, int64_t height_px,
                      const Limits& limits);

// RGB pixels without padding between rows. Moved, never copied.
class Image {
 public:
  Image() = default;
  // All pixels zero. kInvalidArgument if CheckImageSize refuses the size.
  static StatusOr<Image> Create(int64_t width_px, int64_t height_px,
                                const Limits& limits = {});
  // The same, with pixels of any value: for whoever writes all of them.
  static StatusOr<Image> CreateUnset(int64_t width_px, int64_t height_px,
                                     const Limits& limits = {});

  int64_t width_px() const { return width_px_; }
  int64_t height_px() const { return height_px_; }
  ImageView view() const;
  uint8_t* MutableRow(int64_t y_px);
  void Fill(Rgb colour);

 private:
  int64_t size_bytes() const { return width_px_ * height_px_ * kRgbChannels; }

  int64_t width_px_ = 0;
  int64_t height_px_ = 0;
  std::unique_ptr<uint8_t[]> pixels_;
};

}  // namespace cyto8
