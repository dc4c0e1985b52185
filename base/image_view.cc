// SPDX-License-Identifier: Apache-2.0
// 8-bit RGB pixels; see image_view.h.
#include "base/image_view.h"

#include <cstring>

#include "base/checked_math.h"

namespace cyto8 {

Rgb ImageView::At(int64_t x_px, int64_t y_px) const {
  const uint8_t* pixel = Row(y_px) + x_px * kRgbChannels;
  return {.red = pixel[0], .green = pixel[1], .blue = pixel[2]};
}

ImageView ImageView::Crop(int64_t x_px, int64_t y_px, int64_t width,
                          int64_t height) const {
  return {.data = Row(y_px) + x_px * kRgbChannels,
          .width_px = width,
          .height_px = height,
          .stride_bytes = stride_bytes};
}

Status CheckImageSize(int64_t width_px, int64_t height_px,
                      const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", width_px, 1, limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height_px", height_px, 1, limits.max_side_px));
  CYTO8_ASSIGN_OR_RETURN(const int64_t area, CheckedMul(width_px, height_px));
  return CheckRange("image pixels", area, 1, limits.max_image_pixels);
}

StatusOr<Image> Image::Create(int64_t width_px, int64_t height_px,
                              const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Image image, CreateUnset(width_px, height_px, limits));
  std::memset(image.pixels_.get(), 0, static_cast<size_t>(image.size_bytes()));
  return image;
}

StatusOr<Image> Image::CreateUnset(int64_t width_px, int64_t height_px,
                                   const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckImageSize(width_px, height_px, limits));
  Image image;
  image.width_px_ = width_px;
  image.height_px_ = height_px;
  image.pixels_ = std::make_unique_for_overwrite<uint8_t[]>(
      static_cast<size_t>(image.size_bytes()));
  return image;
}

ImageView Image::view() const {
  return {.data = pixels_.get(),
          .width_px = width_px_,
          .height_px = height_px_,
          .stride_bytes = width_px_ * kRgbChannels};
}

uint8_t* Image::MutableRow(int64_t y_px) {
  return pixels_.get() + y_px * width_px_ * kRgbChannels;
}

void Image::Fill(Rgb colour) {
  for (int64_t i = 0; i < size_bytes(); i += kRgbChannels) {
    pixels_[i] = colour.red;
    pixels_[i + 1] = colour.green;
    pixels_[i + 2] = colour.blue;
  }
}

}  // namespace cyto8
