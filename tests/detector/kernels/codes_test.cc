// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/codes.h.
#include "detector/kernels/codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr uint8_t kGuard = 0xa5;
constexpr size_t kGuards = 64;

using Codes = std::vector<uint8_t>;

uint8_t LiteralCode(float x, float inverse_scale, int32_t zero_point) {
  const float product = x * inverse_scale;
  const double rounded =
      std::isnan(product) ? 0 : std::nearbyint(static_cast<double>(product));
  return static_cast<uint8_t>(
      std::clamp(rounded + static_cast<double>(zero_point), 0.0, 255.0));
}

// Quantized between guards, which must stay.
Codes Quantized(Isa isa, const std::vector<float>& src, float inverse_scale,
                int32_t zero_point) {
  Codes dst(src.size() + 2 * kGuards, kGuard);
  const auto inner = std::span(dst).subspan(kGuards, src.size());
  QuantizeF32(isa, src, inverse_scale, zero_point, inner);
  for (size_t i = 0; i < kGuards; ++i) {
    EXPECT_EQ(dst[i], kGuard);
    EXPECT_EQ(dst[dst.size() - 1 - i], kGuard);
  }
  return {inner.begin(), inner.end()};
}

TEST(CodesTest, QuantizesAsTheHeaderSays) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  std::vector<float> src = {kNan,   kInfinity, -kInfinity, 0.0f,   -0.0f,
                            0.5f,   1.5f,      2.5f,       -0.5f,  -1.5f,
                            254.5f, 255.5f,    3e38f,      -3e38f, 1e-45f,
                            2.0e9f, -2.0e9f,   4194304.5f, 1e6f,   -1e6f};
  for (int i = 0; i < 200; ++i) src.push_back(random.Float(-300, 300));
  for (const int32_t zero_point : {0, 1, 127, 255, 1 << 20, -(1 << 20)}) {
    for (const float inverse_scale : {1.0f, 0.37f, 1e-3f, 5.0f, 1e38f}) {
      Codes expected;
      for (const float x : src) {
        expected.push_back(LiteralCode(x, inverse_scale, zero_point));
      }
      for (const Isa isa : UsableIsas()) {
        EXPECT_EQ(Quantized(isa, src, inverse_scale, zero_point), expected)
            << IsaName(isa) << " " << zero_point << " " << inverse_scale;
      }
    }
  }
}

TEST(CodesTest, EveryLengthIsConvertedAndNothingElse) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (size_t count = 0; count <= 70; ++count) {
    const std::vector<float> src = random.Floats(count, -10, 300);
    const Codes expected = Quantized(Isa::kPlain, src, 1, 7);
    for (const Isa isa : UsableIsas()) {
      const Codes codes = Quantized(isa, src, 1, 7);
      EXPECT_EQ(codes, expected) << IsaName(isa) << " " << count;
      std::vector<float> values(count + 1, -99);
      DequantizeU8(isa, codes, 0.3f, 7, std::span(values).first(count));
      for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(values[i], static_cast<float>(codes[i] - 7) * 0.3f);
      }
      EXPECT_EQ(values.back(), -99) << IsaName(isa) << " " << count;
    }
  }
}

Codes LiteralPool(const PoolShape& s, const Codes& src) {
  Codes dst;
  for (int64_t y = 0; y < s.out_height; ++y) {
    for (int64_t x = 0; x < s.out_width; ++x) {
      for (int64_t c = 0; c < s.channels; ++c) {
        int best = -1;
        for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
          for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
            const int64_t from_y = y * s.stride_y - s.pad_top + ky;
            const int64_t from_x = x * s.stride_x - s.pad_left + kx;
            if (from_y < 0 || from_y >= s.in_height) continue;
            if (from_x < 0 || from_x >= s.in_width) continue;
            best = std::max<int>(
                best, src[Ravel({from_y, from_x, c},
                                {s.in_height, s.in_width, s.channels})]);
          }
        }
        dst.push_back(static_cast<uint8_t>(best));
      }
    }
  }
  return dst;
}

void ExpectPool(const PoolShape& s, RandomNumbers& random) {
  Codes src(CountOf({s.in_height, s.in_width, s.channels}));
  for (uint8_t& code : src) code = static_cast<uint8_t>(random.Int(0, 255));
  const Codes expected = LiteralPool(s, src);
  const int64_t first = random.Int(0, s.out_height - 1);
  const int64_t last = random.Int(first, s.out_height);
  const auto row = static_cast<size_t>(s.out_width * s.channels);
  for (const Isa isa : UsableIsas()) {
    Codes dst(expected.size() + 2 * kGuards, kGuard);
    Codes wanted = dst;
    MaxPoolU8Rows(isa, s, src.data(), first, last, dst.data() + kGuards);
    const auto begin = static_cast<std::ptrdiff_t>(first * row);
    const auto end = static_cast<std::ptrdiff_t>(last * row);
    std::copy(expected.begin() + begin, expected.begin() + end,
              wanted.begin() + kGuards + begin);
    ASSERT_EQ(dst, wanted) << IsaName(isa) << " rows " << first << " to "
                           << last;
  }
}

TEST(CodesTest, EverySmallPoolTakesTheGreatestCode) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t kernel : {1, 2, 3}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (int64_t in = 1; in <= 9; ++in) {
        for (int64_t pad = 0; pad < kernel; ++pad) {
          const PoolShape s = {.in_height = 4,
                               .in_width = in,
                               .channels = random.Int(1, 140),
                               .out_height = 2,
                               .out_width = (in - 1 + pad) / stride + 1,
                               .kernel_height = 3,
                               .kernel_width = kernel,
                               .stride_y = 2,
                               .stride_x = stride,
                               .pad_top = pad % 2,
                               .pad_left = pad};
          ASSERT_NO_FATAL_FAILURE(ExpectPool(s, random))
              << kernel << " " << stride << " " << in << " " << pad << " "
              << s.channels;
        }
      }
    }
  }
}

TEST(CodesTest, EveryNumberOfChannelsIsPooled) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t channels = 1; channels <= 140; ++channels) {
    const PoolShape s = {.in_height = 5,
                         .in_width = 4,
                         .channels = channels,
                         .out_height = 3,
                         .out_width = 2,
                         .kernel_height = 3,
                         .kernel_width = 3,
                         .stride_y = 2,
                         .stride_x = 2,
                         .pad_top = 1,
                         .pad_left = 0};
    ASSERT_NO_FATAL_FAILURE(ExpectPool(s, random)) << channels;
  }
}

}  // namespace
}  // namespace cyto8
