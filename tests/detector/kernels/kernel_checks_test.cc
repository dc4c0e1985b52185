// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/kernel_checks.h.
#include "detector/kernels/kernel_checks.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace cyto8 {
namespace {

TEST(KernelChecksTest, ASizeThatFitsPasses) {
  EXPECT_TRUE(CheckSize("src", 6, {2, 3}).ok());
  EXPECT_TRUE(CheckSize("src", 1, std::vector<int64_t>{}).ok());
  EXPECT_TRUE(CheckSize("src", 0, {7, 0}).ok());
}

TEST(KernelChecksTest, ASizeThatDoesNotFitIsNamed) {
  const Status status = CheckSize("src", 5, {2, 3});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "src elements = 5: must be 6");
}

TEST(KernelChecksTest, RawMemoryIsCountedInBytes) {
  EXPECT_TRUE(CheckBytes("src", 12, {3, 4}).ok());
  EXPECT_EQ(CheckBytes("src", 5, {2, 3}).message(), "src bytes = 5: must be 6");
}

TEST(KernelChecksTest, SizesThatOverflowOrAreNegativeAreRefused) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(CheckSize("src", 5, {huge, 2}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckSize("src", 6, {-2, -3}).code(), StatusCode::kInvalidArgument);
}

TEST(KernelChecksTest, RankAboveTheLimitIsRefused) {
  EXPECT_TRUE(CheckShape("src", std::vector<int64_t>(8, 1)).ok());
  EXPECT_EQ(CheckShape("src", std::vector<int64_t>(9, 1)).message(),
            "rank of src = 9: must be in [0, 8]");
}

}  // namespace
}  // namespace cyto8
