// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/softmax_f32.h.
#include "detector/kernels/softmax_f32.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

// tf.nn.softmax of the same rows in float32.
TEST(SoftmaxTest, EqualsTensorFlowWithoutOverflow) {
  std::vector<float> x = {1, 2, 3, -1, 1000, 1001, -1000, 1000};
  ASSERT_TRUE(SoftmaxF32({.rows = 2, .columns = 4}, x, x).ok());
  ExpectClose(
      x, {0.08894681185483932f, 0.2417825162410736f, 0.6572329998016357f,
          0.012037642300128937f, 0.21194157004356384f, 0.5761169195175171f, 0,
          0.21194157004356384f});
}

TEST(SoftmaxTest, EqualsItsFormulaInDouble) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (int64_t columns = 1; columns <= 70; ++columns) {
    const auto src = random.Floats(static_cast<size_t>(columns), -20, 20);
    double sum = 0;
    for (const float x : src) sum += std::exp(static_cast<double>(x));
    std::vector<float> expected;
    for (const float x : src) {
      expected.push_back(
          static_cast<float>(std::exp(static_cast<double>(x)) / sum));
    }
    // The difference to the largest has an error of its own, up to 2e-6.
    std::vector<float> dst(src.size());
    ASSERT_TRUE(SoftmaxF32({.rows = 1, .columns = columns}, src, dst).ok());
    ExpectClose(dst, expected, /*relative=*/3e-6);
  }
}

TEST(SoftmaxTest, EmptyRowsAndNoRowsAreFine) {
  EXPECT_TRUE(SoftmaxF32({.rows = 3, .columns = 0}, {}, {}).ok());
  EXPECT_TRUE(SoftmaxF32({.rows = 0, .columns = 3}, {}, {}).ok());
}

TEST(SoftmaxTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<float> src(6);
  EXPECT_EQ(SoftmaxF32({.rows = 2, .columns = 2}, src, {}).message(),
            "src elements = 6: must be 4");
  EXPECT_EQ(SoftmaxF32({.rows = 2, .columns = 3}, src, {}).message(),
            "dst elements = 0: must be 6");
}

}  // namespace
}  // namespace cyto8
