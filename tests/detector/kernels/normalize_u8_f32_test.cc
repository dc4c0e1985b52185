// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/normalize_u8_f32.h.
#include "detector/kernels/normalize_u8_f32.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

const NormalizeParameters kParameters = {.mean = {1, 2.5f, 127.5f},
                                         .deviation = {2, 0.3f, 57.3f}};

TEST(NormalizeTest, EveryByteInEveryChannelEqualsTheFormula) {
  std::vector<uint8_t> src;
  std::vector<float> expected;
  for (int level = 0; level < 256; ++level) {
    for (size_t c = 0; c < 3; ++c) {
      src.push_back(static_cast<uint8_t>(level));
      expected.push_back((static_cast<float>(level) - kParameters.mean[c]) /
                         kParameters.deviation[c]);
    }
  }
  for (const Isa isa : UsableIsas()) {
    // Every number of pixels up to two rounds of the widest loop, then all.
    for (size_t pixels = 0; pixels <= 256; pixels += pixels < 34 ? 1 : 222) {
      std::vector<float> dst(pixels * 3 + 1, -99);
      ASSERT_TRUE(NormalizeU8F32(isa, kParameters,
                                 std::span(src).first(pixels * 3),
                                 std::span(dst).first(pixels * 3))
                      .ok());
      EXPECT_EQ(dst.back(), -99) << IsaName(isa);
      dst.pop_back();
      EXPECT_EQ(dst, std::vector(expected.begin(),
                                 expected.begin() + std::ssize(dst)))
          << IsaName(isa) << " " << pixels;
    }
  }
}

TEST(NormalizeTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<uint8_t> src(4);
  std::vector<float> dst(6);
  EXPECT_EQ(NormalizeU8F32(Isa::kPlain, {}, src, dst).message(),
            "src elements = 4: must be 3");
  EXPECT_EQ(
      NormalizeU8F32(Isa::kPlain, {}, std::span(src).first(3), dst).message(),
      "dst elements = 6: must be 3");
}

TEST(NormalizeTest, DeviationsMustBePositiveAndFinite) {
  for (const float wrong : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    NormalizeParameters parameters;
    parameters.deviation[1] = wrong;
    EXPECT_EQ(NormalizeU8F32(Isa::kPlain, parameters, {}, {}).code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cyto8
