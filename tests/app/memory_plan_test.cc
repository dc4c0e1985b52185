// SPDX-License-Identifier: Apache-2.0
// Tests of app/memory_plan.h.
#include "app/memory_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace cyto8 {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

TEST(MemoryPlanTest, TheTotalIsTheSumOverAllThreads) {
  const MemoryPlan plan = {.program_bytes = 100 * kMebibyte,
                           .threads = 3,
                           .scratch_bytes = 20 * kMebibyte,
                           .pixel_bytes = 5 * kMebibyte,
                           .reserve_bytes = 7 * kMebibyte};
  EXPECT_EQ(plan.total_bytes(), 182 * kMebibyte);
  EXPECT_EQ(DescribeMemory(plan),
            "at most 182 MiB: program and model 100, 3 threads of 20 "
            "activations and 5 pixels, reserve 7; boxes come on top, about 1 a "
            "5,000");
}

TEST(MemoryPlanTest, ResidentBytesGrowWithWhatIsTouched) {
  const int64_t before = ResidentBytes();
  EXPECT_GT(before, kMebibyte);
  const std::vector<char> touched(static_cast<size_t>(64 * kMebibyte), 1);
  EXPECT_GT(ResidentBytes(), before + 60 * kMebibyte);
  EXPECT_EQ(touched.back(), 1);
}

}  // namespace
}  // namespace cyto8
