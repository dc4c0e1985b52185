// SPDX-License-Identifier: Apache-2.0
// Patches for dense convolutions; see patch_rows.h.
#include "detector/kernels/patch_rows.h"

#include <algorithm>
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

constexpr int64_t kWide = 16;

// `count` patches of windows that lie on the image, side by side in one row of
// the output, from the window at `src` on. kWidely: rows of windows are copied
// 16 bytes at a time, which a call of memcpy would cost more than; what is too
// much goes to the next patch, which overwrites it.
template <bool kWidely>
void CopyInside(const Conv2dShape& s, const uint8_t* src, int64_t count,
                uint8_t* dst) {
  const int64_t height = s.kernel_height;
  const int64_t pitch = s.in_width * s.in_channels;
  const int64_t bytes = s.kernel_width * s.in_channels;
  const int64_t step = s.stride_x * s.in_channels;
  for (int64_t i = 0; i < count; ++i, src += step) {
    const uint8_t* row = src;
    for (int64_t ky = 0; ky < height; ++ky, row += pitch, dst += bytes) {
      std::memcpy(dst, row, static_cast<size_t>(kWidely ? kWide : bytes));
    }
  }
}

// Whether windows on the image that start in row `top` may be copied widely:
// neither the image nor the next patch ends within what is too much.
bool FitsWideCopy(const Conv2dShape& s, int64_t top) {
  const int64_t bytes = s.kernel_width * s.in_channels;
  return bytes <= kWide && s.kernel_height * bytes >= kWide &&
         s.in_width * s.in_channels >= kWide &&
         top + s.kernel_height < s.in_height;
}

// Patches of one row of the output: windows start in row `top`, the first one
// at `left`.
void CopyRow(const Conv2dShape& s, const uint8_t* src, const uint8_t* pad,
             int64_t top, int64_t left, int64_t count, uint8_t* dst) {
  const int64_t patch = s.kernel_height * s.kernel_width * s.in_channels;
  const bool rows_inside = s.dilation_y == 1 && s.dilation_x == 1 && top >= 0 &&
                           top + s.kernel_height <= s.in_height;
  const int64_t room = s.in_width - s.kernel_width;  // for `left`.
  for (int64_t i = 0; i < count;) {
    const int64_t x = left + i * s.stride_x;
    if (!rows_inside || x < 0 || x > room) {
      CopyPatch(s, src, pad, top, x, dst + i++ * patch);
      continue;
    }
    const int64_t inside = std::min(count - i, (room - x) / s.stride_x + 1);
    const uint8_t* window = src + (top * s.in_width + x) * s.in_channels;
    const int64_t widely = FitsWideCopy(s, top) ? inside - 1 : 0;
    CopyInside<true>(s, window, widely, dst + i * patch);
    CopyInside<false>(s, window + widely * s.stride_x * s.in_channels,
                      inside - widely, dst + (i + widely) * patch);
    i += inside;
  }
}

}  // namespace

void CopyPatches(const Conv2dShape& s, const uint8_t* src, const uint8_t* pad,
                 int64_t first, int64_t last, uint8_t* dst) {
  const int64_t patch = s.kernel_height * s.kernel_width * s.in_channels;
  while (first < last) {
    const int64_t y = first / s.out_width, x = first % s.out_width;
    const int64_t count = std::min(last - first, s.out_width - x);
    CopyRow(s, src, pad, y * s.stride_y - s.pad_top,
            x * s.stride_x - s.pad_left, count, dst);
    first += count;
    dst += count * patch;
  }
}

}  // namespace cyto8
