// SPDX-License-Identifier: Apache-2.0
// Which taps of a sliding window lie on the image, along one axis. Tested by
// tests/detector/kernels/window_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cyto8 {

// Taps [begin, end) of a window; begin <= end.
struct TapRange {
  int64_t begin = 0;
  int64_t end = 0;
  friend bool operator==(const TapRange&, const TapRange&) = default;
};

// The taps t in [0, kernel) with 0 <= start + t * dilation < in.
inline TapRange TapsInside(int64_t start, int64_t kernel, int64_t dilation,
                           int64_t in) {
  const int64_t before = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t upto = start < in ? (in - 1 - start) / dilation + 1 : 0;
  const int64_t end = std::min(kernel, upto);
  return {.begin = std::min(before, end), .end = end};
}

}  // namespace cyto8
