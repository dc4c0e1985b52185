// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/window.h.
#include "detector/kernels/window.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(WindowTest, TapsAreThoseThatHitTheImage) {
  for (int64_t start = -9; start <= 9; ++start) {
    for (int64_t kernel = 1; kernel <= 5; ++kernel) {
      for (int64_t dilation = 1; dilation <= 3; ++dilation) {
        for (int64_t in = 0; in <= 7; ++in) {
          const TapRange taps = TapsInside(start, kernel, dilation, in);
          EXPECT_LE(taps.begin, taps.end);
          for (int64_t t = 0; t < kernel; ++t) {
            const int64_t pixel = start + t * dilation;
            EXPECT_EQ(taps.begin <= t && t < taps.end, 0 <= pixel && pixel < in)
                << start << " " << kernel << " " << dilation << " " << in;
          }
        }
      }
    }
  }
}

TEST(WindowTest, TapsStayInsideTheKernel) {
  EXPECT_EQ(TapsInside(-100, 3, 1, 5), (TapRange{.begin = 3, .end = 3}));
  EXPECT_EQ(TapsInside(100, 3, 1, 5), (TapRange{.begin = 0, .end = 0}));
  EXPECT_EQ(TapsInside(-1, 3, 1, 500), (TapRange{.begin = 1, .end = 3}));
}

}  // namespace
}  // namespace cyto8
