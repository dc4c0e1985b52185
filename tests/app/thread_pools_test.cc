// SPDX-License-Identifier: Apache-2.0
// Tests of app/thread_pools.h.
#include "app/thread_pools.h"

#include <gtest/gtest.h>

#include <opencv2/core/utility.hpp>

namespace cyto8 {
namespace {

TEST(ThreadPoolsTest, OpenCvHasOneThread) {
  cv::setNumThreads(4);
  HoldLibraryPoolsAtOneThread();
  EXPECT_EQ(cv::getNumThreads(), 1);
}

}  // namespace
}  // namespace cyto8
