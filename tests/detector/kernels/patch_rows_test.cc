// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/patch_rows.h.
#include "detector/kernels/patch_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

constexpr uint8_t kGuard = 0xa5;

// The definition, index by index.
std::vector<uint8_t> LiteralPatches(const Conv2dShape& s,
                                    const std::vector<uint8_t>& src,
                                    const std::vector<uint8_t>& pad,
                                    int64_t first, int64_t last) {
  std::vector<uint8_t> dst;
  for (int64_t i = first; i < last; ++i) {
    for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
      for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
        const int64_t y =
            i / s.out_width * s.stride_y + ky * s.dilation_y - s.pad_top;
        const int64_t x =
            i % s.out_width * s.stride_x + kx * s.dilation_x - s.pad_left;
        const bool inside =
            y >= 0 && y < s.in_height && x >= 0 && x < s.in_width;
        for (int64_t c = 0; c < s.in_channels; ++c) {
          const int64_t at = (y * s.in_width + x) * s.in_channels + c;
          dst.push_back(inside ? src[static_cast<size_t>(at)]
                               : pad[static_cast<size_t>(c)]);
        }
      }
    }
  }
  return dst;
}

std::vector<uint8_t> RandomBytes(RandomNumbers& random, int64_t count) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Int(0, 255));
  return bytes;
}

void ExpectLiteral(const Conv2dShape& s, int64_t first, int64_t last,
                   RandomNumbers& random) {
  const std::vector<uint8_t> src =
      RandomBytes(random, s.in_height * s.in_width * s.in_channels);
  const std::vector<uint8_t> pad = RandomBytes(random, s.in_channels);
  std::vector<uint8_t> expected = LiteralPatches(s, src, pad, first, last);
  std::vector<uint8_t> dst(expected.size() + 64, kGuard);
  expected.resize(dst.size(), kGuard);
  CopyPatches(s, src.data(), pad.data(), first, last, dst.data());
  ASSERT_TRUE(dst == expected)
      << "kernel " << s.kernel_height << "x" << s.kernel_width << " stride "
      << s.stride_x << " dilation " << s.dilation_x << " pads " << s.pad_top
      << ", " << s.pad_left << " width " << s.in_width << " channels "
      << s.in_channels << " patches " << first << " to " << last;
}

// The stem of EfficientDet and its likes: 3 channels, 3x3, stride 2.
TEST(PatchRowsTest, StemsOfEverySmallSizeFromEveryPatch) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t side = 1; side <= 12; ++side) {
    for (int64_t pad = 0; pad <= 2; ++pad) {
      const int64_t out = (side + 1) / 2;
      const Conv2dShape shape = {.in_height = side,
                                 .in_width = side,
                                 .in_channels = 3,
                                 .out_height = out,
                                 .out_width = out,
                                 .out_channels = 1,
                                 .kernel_height = 3,
                                 .kernel_width = 3,
                                 .stride_y = 2,
                                 .stride_x = 2,
                                 .pad_top = pad,
                                 .pad_left = pad};
      for (int64_t first = 0; first < out * out; ++first) {
        ExpectLiteral(shape, first, first + 1, random);
        ExpectLiteral(shape, first, out * out, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PatchRowsTest, AxesHaveTheirOwnKernelsStridesDilationsAndPads) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int round = 0; round < 2000; ++round) {
    const Conv2dShape shape = {.in_height = random.Int(1, 12),
                               .in_width = random.Int(1, 40),
                               .in_channels = random.Int(1, 9),
                               .out_height = random.Int(1, 6),
                               .out_width = random.Int(1, 24),
                               .out_channels = 1,
                               .kernel_height = random.Int(1, 7),
                               .kernel_width = random.Int(1, 7),
                               .stride_y = random.Int(1, 3),
                               .stride_x = random.Int(1, 3),
                               .dilation_y = random.Int(1, 3),
                               .dilation_x = random.Int(1, 3),
                               .pad_top = random.Int(0, 8),
                               .pad_left = random.Int(0, 8)};
    const int64_t patches = shape.out_height * shape.out_width;
    const int64_t first = random.Int(0, patches - 1);
    ExpectLiteral(shape, first, random.Int(first, patches), random);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace cyto8
