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
  std::vector<float> dst(src.size());
  ASSERT_TRUE(NormalizeU8F32(kParameters, src, dst).ok());
  EXPECT_EQ(dst, expected);
}

TEST(NormalizeTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<uint8_t> src(4);
  std::vector<float> dst(6);
  EXPECT_EQ(NormalizeU8F32({}, src, dst).message(),
            "src elements = 4: must be 3");
  EXPECT_EQ(NormalizeU8F32({}, std::span(src).first(3), dst).message(),
            "dst elements = 6: must be 3");
}

TEST(NormalizeTest, DeviationsMustBePositiveAndFinite) {
  for (const float wrong : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    NormalizeParameters parameters;
    parameters.deviation[1] = wrong;
    EXPECT_EQ(NormalizeU8F32(parameters, {}, {}).code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace cyto8
