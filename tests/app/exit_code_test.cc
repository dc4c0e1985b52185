// SPDX-License-Identifier: Apache-2.0
// Tests of app/exit_code.h.
#include "app/exit_code.h"

#include <gtest/gtest.h>

#include <array>

namespace cyto8 {
namespace {

TEST(ExitCodeTest, NumbersAreThoseOfTheDocumentedTable) {
  EXPECT_EQ(static_cast<int>(ExitCode::kWhole), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kInternal), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kRefused), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kNoInput), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kPartial), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::kGateFailed), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::kDegraded), 6);
  EXPECT_EQ(static_cast<int>(ExitCode::kTemporary), 75);
  EXPECT_EQ(static_cast<int>(ExitCode::kInterrupted), 130);
  EXPECT_EQ(static_cast<int>(ExitCode::kTerminated), 143);
}

// docs/formats.md: the first of 130/143, 1, 2, 3, 75, 4, 6, 5 wins.
TEST(ExitCodeTest, TheDocumentedOrderDecidesForEveryPair) {
  constexpr std::array kOrder = {130, 143, 1, 2, 3, 75, 4, 6, 5, 0};
  for (size_t i = 0; i < kOrder.size(); ++i) {
    for (size_t j = i; j < kOrder.size(); ++j) {
      const auto a = static_cast<ExitCode>(kOrder[i]);
      const auto b = static_cast<ExitCode>(kOrder[j]);
      EXPECT_EQ(Worse(a, b), a);
      EXPECT_EQ(Worse(b, a), a);
    }
  }
}

TEST(ExitCodeTest, DefectsRefusalsAndTemporaryTroubleAreToldApart) {
  EXPECT_EQ(ExitCodeOf(OkStatus()), ExitCode::kWhole);
  EXPECT_EQ(ExitCodeOf(Internal("")), ExitCode::kInternal);
  EXPECT_EQ(ExitCodeOf(ResourceExhausted("")), ExitCode::kTemporary);
  EXPECT_EQ(ExitCodeOf(Status(StatusCode::kIoError, "")), ExitCode::kTemporary);
  EXPECT_EQ(ExitCodeOf(Status(StatusCode::kUnavailable, "")),
            ExitCode::kTemporary);
  EXPECT_EQ(ExitCodeOf(InvalidArgument("")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(NotFound("")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(DataLoss("")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(Unimplemented("")), ExitCode::kRefused);
  EXPECT_EQ(ExitCodeOf(Status(StatusCode::kPermissionDenied, "")),
            ExitCode::kRefused);
}

}  // namespace
}  // namespace cyto8
