// SPDX-License-Identifier: Apache-2.0
// Patches for dense convolutions; see patch_rows.h.
#include "detector/kernels/patch_rows.h"

#include <cstring>

#include "detector/kernels/window.h"

namespace cyto8 {
namespace {

// Adds `taps` pixels of padding; the end of what was written.
uint8_t* AppendPad(const uint8_t* pad, int64_t taps, int64_t channels,
                   uint8_t* dst) {
  for (; taps > 0; --taps, dst += channels) {
    std::memcpy(dst, pad, static_cast<size_t>(channels));
  }
  return dst;
}

// Adds the taps that lie on the image in a row that does; `row` is its start.
uint8_t* AppendTaps(const Conv2dShape& s, const uint8_t* row, int64_t left,
                    TapRange taps, uint8_t* dst) {
  const int64_t channels = s.in_channels;
  const uint8_t* src = row + (left + taps.begin * s.dilation_x) * channels;
  const int64_t count = taps.end - taps.begin;
  if (s.dilation_x == 1) {
    std::memcpy(dst, src, static_cast<size_t>(count * channels));
    return dst + count * channels;
  }
  for (int64_t i = 0; i < count; ++i, dst += channels) {
    std::memcpy(dst, src + i * s.dilation_x * channels,
                static_cast<size_t>(channels));
  }
  return dst;
}

// The patch whose window starts at (top, left).
void CopyPatch(const Conv2dShape& s, const uint8_t* src, const uint8_t* pad,
               int64_t top, int64_t left, uint8_t* dst) {
  const int64_t channels = s.in_channels;
  const TapRange rows =
      TapsInside(top, s.kernel_height, s.dilation_y, s.in_height);
  const TapRange columns =
      TapsInside(left, s.kernel_width, s.dilation_x, s.in_width);
  for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
    if (ky < rows.begin || ky >= rows.end) {
      dst = AppendPad(pad, s.kernel_width, channels, dst);
      continue;
    }
    const int64_t y = top + ky * s.dilation_y;
    dst = AppendPad(pad, columns.begin, channels, dst);
    dst = AppendTaps(s, src + y * s.in_width * channels, left, columns, dst);
    dst = AppendPad(pad, s.kernel_width - columns.end, channels, dst);
  }
}

}  // namespace

void CopyPatches(const Conv2dShape& s, const uint8_t* src, const uint8_t* pad,
                 int64_t first, int64_t last, uint8_t* dst) {
  const int64_t patch = s.kernel_height * s.kernel_width * s.in_channels;
  for (int64_t i = first; i < last; ++i, dst += patch) {
    CopyPatch(s, src, pad, i / s.out_width * s.stride_y - s.pad_top,
              i % s.out_width * s.stride_x - s.pad_left, dst);
  }
}

}  // namespace cyto8
