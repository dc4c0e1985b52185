// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/matmul_f32.h.
#include "detector/kernels/matmul_f32.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

float At(const std::vector<float>& m, int64_t columns, int64_t r, int64_t c,
         bool transposed, int64_t rows) {
  const int64_t at = transposed ? c * rows + r : r * columns + c;
  return m[static_cast<size_t>(at)];
}

std::vector<float> Literal(const MatMulShape& s, const std::vector<float>& a,
                           const std::vector<float>& b) {
  std::vector<float> dst;
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t c = 0; c < s.columns; ++c) {
      float sum = 0;
      for (int64_t k = 0; k < s.inner; ++k) {
        sum += At(a, s.inner, r, k, s.transpose_a, s.rows) *
               At(b, s.columns, k, c, s.transpose_b, s.inner);
      }
      dst.push_back(sum);
    }
  }
  return dst;
}

TEST(MatMulTest, EverySmallShapeEqualsTheDefinition) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const TestShape& dims : AllShapes(3, 0, 5)) {
    if (dims.size() != 3) continue;
    for (const int transposes : {0, 1, 2, 3}) {
      const MatMulShape shape = {.rows = dims[0],
                                 .inner = dims[1],
                                 .columns = dims[2],
                                 .transpose_a = (transposes & 1) != 0,
                                 .transpose_b = (transposes & 2) != 0};
      const auto a = random.WholeFloats(CountOf({dims[0], dims[1]}));
      const auto b = random.WholeFloats(CountOf({dims[1], dims[2]}));
      std::vector<float> dst(CountOf({dims[0], dims[2]}), -99);
      ASSERT_TRUE(MatMulF32(shape, a, b, dst).ok());
      ASSERT_EQ(dst, Literal(shape, a, b))
          << dims[0] << " " << dims[1] << " " << dims[2] << " " << transposes;
    }
  }
}

TEST(MatMulTest, SizesThatDoNotFitAreRefusedByName) {
  const MatMulShape shape = {.rows = 2, .inner = 3, .columns = 4};
  const std::vector<float> a(6), b(12);
  EXPECT_EQ(MatMulF32(shape, b, b, {}).message(), "a elements = 12: must be 6");
  EXPECT_EQ(MatMulF32(shape, a, a, {}).message(), "b elements = 6: must be 12");
  EXPECT_EQ(MatMulF32(shape, a, b, {}).message(),
            "dst elements = 0: must be 8");
}

}  // namespace
}  // namespace cyto8
