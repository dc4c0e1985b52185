// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/feature_fusion_u8.h.
#include "detector/kernels/feature_fusion_u8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

constexpr uint8_t kGuard = 0xa5;
constexpr size_t kGuards = 64;

using Codes = std::vector<uint8_t>;

// As it is, doubled, fourfold, or pooled 2x2 or 3x3 with stride 2 as
// TensorFlow's SAME, from an even or an odd side.
enum class Kind { kAsIs, kTwice, kFourTimes, kPool2, kPool3Even, kPool3Odd };
constexpr int kKinds = 6;

FusionSource SourceOf(Kind kind, const FeatureFusionShape& s) {
  if (kind == Kind::kAsIs) return {};
  if (kind == Kind::kTwice) return {.factor_y = 2, .factor_x = 2};
  if (kind == Kind::kFourTimes) return {.factor_y = 4, .factor_x = 4};
  const int64_t kernel = kind == Kind::kPool2 ? 2 : 3;
  const int64_t odd = kind == Kind::kPool3Odd ? 1 : 0;
  return {.pool = PoolShape{.in_height = 2 * s.height - odd,
                            .in_width = 2 * s.width - odd,
                            .channels = s.channels,
                            .out_height = s.height,
                            .out_width = s.width,
                            .kernel_height = kernel,
                            .kernel_width = kernel,
                            .stride_y = 2,
                            .stride_x = 2,
                            .pad_top = odd,
                            .pad_left = odd}};
}

TestShape SidesOf(const FeatureFusionShape& s, const FusionSource& source) {
  if (source.pool) {
    return {source.pool->in_height, source.pool->in_width, s.channels};
  }
  return {s.height / source.factor_y, s.width / source.factor_x, s.channels};
}

int64_t Saturated(int64_t x, int64_t low, int64_t high) {
  return std::clamp(x, low, high);
}

int64_t Sat16(int64_t x) { return Saturated(x, -32768, 32767); }

// Keeps the lowest 16 bits.
int64_t Wrapped16(int64_t x) { return static_cast<int16_t>(x & 0xffff); }

// What requantize.h says of p.
uint8_t LiteralCode(int64_t p, const Requantization& r) {
  if (r.table != nullptr) {
    const int64_t a = p < 0 ? -p : p;
    const auto i =
        static_cast<size_t>(std::min<int64_t>(a >> r.table->segment_shift, 31));
    const int64_t product = r.table->slope[i] * Wrapped16(a) + (1 << 14);
    const int64_t even = Wrapped16(r.table->intercept[i] + (product >> 15));
    p = Sat16(std::max<int64_t>(p, 0) - even);
  }
  return static_cast<uint8_t>(Saturated(p >> r.fraction_bits, 0, 255));
}

// The code of the source that output (y, x, c) sees.
int64_t SeenCode(const FeatureFusionShape& s, const FusionSource& source,
                 const Codes& src, int64_t y, int64_t x, int64_t c) {
  const auto at = [&](int64_t from_y, int64_t from_x, int64_t in_width) {
    return src[static_cast<size_t>((from_y * in_width + from_x) * s.channels +
                                   c)];
  };
  if (!source.pool) {
    return at(y / source.factor_y, x / source.factor_x,
              s.width / source.factor_x);
  }
  const PoolShape& pool = *source.pool;
  int64_t best = -1;
  for (int64_t ky = 0; ky < pool.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < pool.kernel_width; ++kx) {
      const int64_t from_y = y * pool.stride_y - pool.pad_top + ky;
      const int64_t from_x = x * pool.stride_x - pool.pad_left + kx;
      if (from_y < 0 || from_y >= pool.in_height) continue;
      if (from_x < 0 || from_x >= pool.in_width) continue;
      best = std::max<int64_t>(best, at(from_y, from_x, pool.in_width));
    }
  }
  return best;
}

Codes Literal(const FeatureFusionU8& fusion, const std::vector<Codes>& src) {
  const FeatureFusionShape& s = fusion.shape;
  Codes dst;
  for (int64_t y = 0; y < s.height; ++y) {
    for (int64_t x = 0; x < s.width; ++x) {
      for (int64_t c = 0; c < s.channels; ++c) {
        int64_t p = fusion.start[static_cast<size_t>(c)];
        for (size_t i = 0; i < src.size(); ++i) {
          const int64_t multiplier =
              fusion.multiplier[i * static_cast<size_t>(s.channels) +
                                static_cast<size_t>(c)];
          const int64_t code = SeenCode(s, s.sources[i], src[i], y, x, c);
          p = Sat16(p + ((code * 128 * multiplier + (1 << 14)) >> 15));
        }
        dst.push_back(LiteralCode(p, fusion.requantization));
      }
    }
  }
  return dst;
}

int16_t AnyInt16(RandomNumbers& random) {
  switch (random.Int(0, 15)) {
    case 0:
      return std::numeric_limits<int16_t>::min();
    case 1:
      return std::numeric_limits<int16_t>::max();
    default:
      return static_cast<int16_t>(random.Int(-32768, 32767));
  }
}

// Mostly moderate numbers, which make all codes; now and then any.
std::vector<int16_t> Numbers(size_t count, RandomNumbers& random) {
  std::vector<int16_t> numbers(count);
  for (int16_t& x : numbers) {
    x = random.Int(0, 3) == 0 ? AnyInt16(random)
                              : static_cast<int16_t>(random.Int(-2000, 12000));
  }
  return numbers;
}

EvenTable RandomTable(RandomNumbers& random) {
  EvenTable table = {.segment_shift = static_cast<int32_t>(random.Int(0, 15))};
  const bool any = random.Int(0, 1) == 0;
  for (size_t i = 0; i < kEvenSegments; ++i) {
    table.intercept[i] =
        any ? AnyInt16(random) : static_cast<int16_t>(random.Int(-4000, 100));
    table.slope[i] =
        any ? AnyInt16(random) : static_cast<int16_t>(random.Int(-8000, 16000));
  }
  return table;
}

// Rows [first, last) equal, nothing else is written.
void ExpectRows(Isa isa, const FeatureFusionU8& fusion,
                const std::vector<Codes>& src, const Codes& expected,
                int64_t first, int64_t last) {
  std::vector<const uint8_t*> sources;
  for (const Codes& codes : src) sources.push_back(codes.data());
  const auto scratch_bytes =
      static_cast<size_t>(FeatureFusionU8Scratch(fusion));
  Codes scratch(scratch_bytes + 2 * kGuards, kGuard);
  Codes dst(expected.size() + 2 * kGuards, kGuard);
  Codes wanted = dst;
  const int64_t row = fusion.shape.width * fusion.shape.channels;
  std::copy(expected.begin() + first * row, expected.begin() + last * row,
            wanted.begin() + static_cast<int64_t>(kGuards) + first * row);
  FeatureFusionU8Rows(isa, fusion, sources, first, last,
                      scratch.data() + kGuards, dst.data() + kGuards);
  ASSERT_EQ(dst, wanted) << IsaName(isa);
  for (size_t i = 0; i < kGuards; ++i) {
    ASSERT_EQ(scratch[i], kGuard) << IsaName(isa);
    ASSERT_EQ(scratch[scratch.size() - 1 - i], kGuard) << IsaName(isa);
  }
}

// Every isa makes what the formula says, with random numbers.
void ExpectFormula(const FeatureFusionShape& s, RandomNumbers& random) {
  const auto channels = static_cast<size_t>(s.channels);
  FeatureFusionU8 fusion = {
      .shape = s,
      .start = Numbers(channels, random),
      .multiplier = Numbers(s.sources.size() * channels, random),
      .requantization = {.fraction_bits =
                             static_cast<int32_t>(random.Int(0, 5))}};
  const EvenTable table = RandomTable(random);
  if (random.Int(0, 2) > 0) fusion.requantization.table = &table;
  ASSERT_EQ(CheckFeatureFusionU8(fusion).message(), "");
  std::vector<Codes> src;
  for (const FusionSource& source : s.sources) {
    src.emplace_back(CountOf(SidesOf(s, source)));
    for (uint8_t& x : src.back()) x = static_cast<uint8_t>(random.Int(0, 255));
  }
  const Codes expected = Literal(fusion, src);
  const int64_t first = random.Int(0, s.height - 1);
  const int64_t last = random.Int(first, s.height);
  for (const Isa isa : UsableIsas()) {
    ASSERT_NO_FATAL_FAILURE(
        ExpectRows(isa, fusion, src, expected, 0, s.height));
    ASSERT_NO_FATAL_FAILURE(
        ExpectRows(isa, fusion, src, expected, first, last));
  }
}

TEST(FeatureFusionU8Test, AnyThreeSourcesAreSummedInOrder) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int kinds = 0; kinds < kKinds * kKinds * kKinds; ++kinds) {
    for (const int64_t channels : {3, 65}) {
      FeatureFusionShape s = {
          .height = 4, .width = 8, .channels = channels, .sources = {}};
      int rest = kinds;
      for (int i = 0; i < 3; ++i) {
        s.sources.push_back(SourceOf(static_cast<Kind>(rest % kKinds), s));
        rest /= kKinds;
      }
      ASSERT_NO_FATAL_FAILURE(ExpectFormula(s, random))
          << "kinds " << kinds << " channels " << channels;
    }
  }
}

TEST(FeatureFusionU8Test, EveryWidthAndNumberOfChannelsIsRight) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t width = 1; width <= 9; ++width) {
    for (const int64_t channels :
         {1,  2,  7,  8,  15, 16, 17,  31,  32,  33,  47,  48,  49,
          63, 64, 65, 95, 96, 97, 111, 112, 113, 127, 128, 129, 140}) {
      FeatureFusionShape s = {
          .height = 4, .width = width, .channels = channels, .sources = {}};
      const int64_t count = random.Int(1, random.Int(1, kMaxFusionSources));
      while (std::ssize(s.sources) < count) {
        const auto kind = static_cast<Kind>(random.Int(0, kKinds - 1));
        const FusionSource source = SourceOf(kind, s);
        if (width % source.factor_x == 0) s.sources.push_back(source);
      }
      ASSERT_NO_FATAL_FAILURE(ExpectFormula(s, random))
          << "width " << width << " channels " << channels;
    }
  }
}

TEST(FeatureFusionU8Test, SidesAreScaledApart) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const int64_t factor_y : {1, 2, 3}) {
    for (const int64_t factor_x : {1, 2, 3, 6}) {
      const FeatureFusionShape s = {
          .height = 6,
          .width = 6,
          .channels = 5,
          .sources = {{.factor_y = factor_y, .factor_x = factor_x}}};
      ASSERT_NO_FATAL_FAILURE(ExpectFormula(s, random))
          << factor_y << " " << factor_x;
    }
  }
}

// All |p|, by sources whose code and multiplier are one.
TEST(FeatureFusionU8Test, EveryPreactivationGoesThroughTheTable) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  const EvenTable table = RandomTable(random);
  constexpr int64_t kAll = 1 << 16;
  FeatureFusionU8 fusion = {
      .shape = {.height = 1, .width = 1, .channels = kAll, .sources = {{}}},
      .start = Iota<int16_t>(kAll, -32768),
      .multiplier = std::vector<int16_t>(kAll),
      .requantization = {.fraction_bits = 3, .table = &table}};
  const std::vector<Codes> src = {Codes(kAll)};
  for (const bool activates : {false, true}) {
    fusion.requantization.table = activates ? &table : nullptr;
    const Codes expected = Literal(fusion, src);
    for (const Isa isa : UsableIsas()) {
      ExpectRows(isa, fusion, src, expected, 0, 1);
    }
  }
}

TEST(FeatureFusionU8Test, WhatDoesNotFitIsRefusedByName) {
  const EvenTable table = {.segment_shift = 16};
  const FeatureFusionU8 good = {
      .shape = {.height = 4, .width = 6, .channels = 2, .sources = {{}}},
      .start = {1, 2},
      .multiplier = {3, 4}};
  EXPECT_EQ(CheckFeatureFusionU8(good).message(), "");
  const auto message = [&](auto change) {
    FeatureFusionU8 fusion = good;
    change(fusion);
    return CheckFeatureFusionU8(fusion).message();
  };
  EXPECT_EQ(message([](auto& f) { f.shape.batch = 2; }),
            "batch = 2: must be in [1, 1]");
  EXPECT_EQ(message([](auto& f) { f.shape.channels = 0; }),
            "channels = 0: must be in [1, 1073741824]");
  EXPECT_EQ(message([](auto& f) { f.shape.sources[0].factor_y = 3; }),
            "height % factor_y = 1: must be in [0, 0]");
  EXPECT_EQ(message([](auto& f) { f.start.pop_back(); }),
            "start elements = 1: must be 2");
  EXPECT_EQ(message([](auto& f) { f.multiplier.push_back(5); }),
            "multiplier elements = 3: must be 2");
  EXPECT_EQ(message([](auto& f) { f.requantization.fraction_bits = 6; }),
            "fraction_bits = 6: must be in [0, 5]");
  EXPECT_EQ(message([&](auto& f) { f.requantization.table = &table; }),
            "segment_shift = 16: must be in [0, 15]");
}

}  // namespace
}  // namespace cyto8
