// SPDX-License-Identifier: Apache-2.0
// Samples to RGB; see tiff_pixels.h.
#include "tiling/tiff_pixels.h"

#include <algorithm>
#include <cstring>

namespace cyto8 {
namespace {

// Sample i of a row of packed samples, the upper bits first.
uint16_t SampleAt(const uint8_t* row, int64_t i, int64_t bits) {
  if (bits == 8) return row[i];
  if (bits == 16) {
    uint16_t sample;
    std::memcpy(&sample, row + 2 * i, sizeof(sample));
    return sample;
  }
  const int64_t bit = i * bits;
  const int64_t shift = 8 - bits - bit % 8;
  return static_cast<uint16_t>(row[bit / 8] >> shift & ((1 << bits) - 1));
}

bool IsPlainRgb(const TiffLayout& layout) {
  const bool rgb =
      layout.colour == TiffColour::kRgb || layout.colour == TiffColour::kYcbcr;
  return rgb && layout.samples == 3 && layout.bits == 8 && !layout.separate;
}

}  // namespace

TiffPixels::TiffPixels(const TiffLayout& layout)
    : layout_(&layout), most_((1 << layout.bits) - 1) {}

// value over white; premultiplied values have their share already.
int TiffPixels::OnWhite(int value, int alpha) const {
  if (layout_->alpha == TiffAlpha::kNone) return value;
  if (layout_->alpha == TiffAlpha::kAssociated) {
    return std::min(value + most_ - alpha, most_);
  }
  const int64_t sum = int64_t{value} * alpha + int64_t{most_} * (most_ - alpha);
  return static_cast<int>((sum + most_ / 2) / most_);
}

// The upper 8 bits, or the same share of the whole range.
uint8_t TiffPixels::To8Bits(int value) const {
  return static_cast<uint8_t>(layout_->bits == 16 ? value >> 8
                                                  : value * 255 / most_);
}

void TiffPixels::Convert(std::span<const std::vector<uint8_t>> planes,
                         int64_t width_px, uint8_t* dst) {
  const TiffLayout& layout = *layout_;
  if (IsPlainRgb(layout)) {
    std::copy_n(planes.front().data(), width_px * kRgbChannels, dst);
    return;
  }
  const bool three =
      layout.colour == TiffColour::kRgb || layout.colour == TiffColour::kYcbcr;
  const int flip = layout.colour == TiffColour::kWhiteIsZero ? most_ : 0;
  const auto sample = [&](int64_t x, int64_t i) -> int {
    return layout.separate
               ? SampleAt(planes[static_cast<size_t>(i)].data(), x, layout.bits)
               : SampleAt(planes.front().data(), x * layout.samples + i,
                          layout.bits);
  };
  for (int64_t x = 0; x < width_px; ++x, dst += kRgbChannels) {
    if (!layout.palette.empty()) {
      const Rgb colour = layout.palette[static_cast<size_t>(sample(x, 0))];
      dst[0] = colour.red;
      dst[1] = colour.green;
      dst[2] = colour.blue;
      continue;
    }
    const int alpha = layout.alpha == TiffAlpha::kNone
                          ? most_
                          : sample(x, layout.alpha_sample);
    for (int64_t channel = 0; channel < kRgbChannels; ++channel) {
      const int value = sample(x, three ? channel : 0) ^ flip;
      dst[channel] = To8Bits(OnWhite(value, alpha));
    }
  }
}

}  // namespace cyto8
