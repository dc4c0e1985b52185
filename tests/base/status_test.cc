// SPDX-License-Identifier: Apache-2.0
// Tests of base/status.h.
#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace cyto8 {
namespace {

TEST(StatusTest, DefaultIsSuccess) {
  EXPECT_TRUE(Status().ok());
  EXPECT_TRUE(OkStatus().ok());
  EXPECT_EQ(OkStatus().code(), StatusCode::kOk);
  EXPECT_EQ(OkStatus().ToString(), "OK");
}

TEST(StatusTest, FailureHasCodeAndMessage) {
  const Status status = InvalidArgument("side = 0: must be in [1, 9]");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "side = 0: must be in [1, 9]");
  EXPECT_EQ(status.ToString(), "INVALID_ARGUMENT: side = 0: must be in [1, 9]");
}

TEST(StatusTest, EveryMakerHasItsCode) {
  EXPECT_EQ(NotFound("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(DataLoss("x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(Unimplemented("x").code(), StatusCode::kUnimplemented);
  EXPECT_EQ(ResourceExhausted("x").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Internal("x").code(), StatusCode::kInternal);
}

TEST(StatusTest, EveryCodeHasAStableName) {
  const std::pair<StatusCode, std::string_view> names[] = {
      {StatusCode::kOk, "OK"},
      {StatusCode::kInvalidArgument, "INVALID_ARGUMENT"},
      {StatusCode::kNotFound, "NOT_FOUND"},
      {StatusCode::kDataLoss, "DATA_LOSS"},
      {StatusCode::kUnimplemented, "UNIMPLEMENTED"},
      {StatusCode::kPermissionDenied, "PERMISSION_DENIED"},
      {StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED"},
      {StatusCode::kIoError, "IO_ERROR"},
      {StatusCode::kUnavailable, "UNAVAILABLE"},
      {StatusCode::kInternal, "INTERNAL"},
  };
  for (const auto& [code, name] : names) EXPECT_EQ(StatusCodeName(code), name);
}

TEST(StatusTest, ErrnoBecomesTheCodeThatItMeans) {
  const std::pair<int, StatusCode> meanings[] = {
      {ENOENT, StatusCode::kNotFound},
      {ENOTDIR, StatusCode::kNotFound},
      {EACCES, StatusCode::kPermissionDenied},
      {EPERM, StatusCode::kPermissionDenied},
      {EROFS, StatusCode::kPermissionDenied},
      {ENOSPC, StatusCode::kResourceExhausted},
      {EDQUOT, StatusCode::kResourceExhausted},
      {ENOMEM, StatusCode::kResourceExhausted},
      {EMFILE, StatusCode::kResourceExhausted},
      {ENFILE, StatusCode::kResourceExhausted},
      {EWOULDBLOCK, StatusCode::kUnavailable},
      {EISDIR, StatusCode::kInvalidArgument},
      {ELOOP, StatusCode::kInvalidArgument},
      {ENAMETOOLONG, StatusCode::kInvalidArgument},
      {EIO, StatusCode::kIoError},
      {EEXIST, StatusCode::kIoError},
  };
  for (const auto& [error_number, code] : meanings) {
    EXPECT_EQ(ErrnoStatus(error_number, "x").code(), code) << error_number;
  }
  EXPECT_EQ(ErrnoStatus(ENOSPC, "out/a.csv").message(),
            "out/a.csv: No space left on device");
}

TEST(StatusTest, AnnotatePutsThePrefixBeforeFailuresOnly) {
  EXPECT_EQ(Annotate(DataLoss("cut"), "a.jpg").ToString(),
            "DATA_LOSS: a.jpg: cut");
  EXPECT_TRUE(Annotate(OkStatus(), "a.jpg").ok());
}

TEST(StatusOrTest, HoldsAValueOrAStatus) {
  const StatusOr<int> value = 7;
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  EXPECT_EQ(value.value(), 7);
  EXPECT_TRUE(value.status().ok());
  const StatusOr<int> failure = NotFound("none");
  EXPECT_FALSE(failure.ok());
  EXPECT_EQ(failure.status().message(), "none");
}

TEST(StatusOrTest, MadeFromAnOkStatusIsADefect) {
  const StatusOr<int> result = OkStatus();
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kInternal);
}

TEST(StatusOrTest, MovesValuesThatCannotBeCopied) {
  StatusOr<std::unique_ptr<int>> result = std::make_unique<int>(5);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(**result, 5);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 5);
}

TEST(StatusOrTest, AnnotateKeepsTheValueOrNamesTheFailure) {
  EXPECT_EQ(*Annotate(StatusOr<int>(7), "a.jpg"), 7);
  EXPECT_EQ(
      Annotate(StatusOr<int>(DataLoss("cut")), "a.jpg").status().message(),
      "a.jpg: cut");
}

Status ReturnIfError(const Status& status, bool* reached_end) {
  CYTO8_RETURN_IF_ERROR(status);
  *reached_end = true;
  return OkStatus();
}

TEST(StatusMacrosTest, ReturnIfErrorLeavesOnFailureOnly) {
  bool reached_end = false;
  EXPECT_EQ(ReturnIfError(NotFound("none"), &reached_end).message(), "none");
  EXPECT_FALSE(reached_end);
  EXPECT_TRUE(ReturnIfError(OkStatus(), &reached_end).ok());
  EXPECT_TRUE(reached_end);
}

StatusOr<int> Sum(StatusOr<int> a, StatusOr<int> b) {
  CYTO8_ASSIGN_OR_RETURN(const int first, std::move(a));
  CYTO8_ASSIGN_OR_RETURN(const int second, std::move(b));
  return first + second;
}

TEST(StatusMacrosTest, AssignOrReturnTakesTheValueOrLeaves) {
  EXPECT_EQ(Sum(3, 4).value(), 7);
  EXPECT_EQ(Sum(NotFound("a"), NotFound("b")).status().message(), "a");
  EXPECT_EQ(Sum(3, NotFound("b")).status().message(), "b");
}

Status EnsurePositive(int value) {
  CYTO8_ENSURE(value > 0);
  return OkStatus();
}

TEST(StatusMacrosTest, EnsureAbortsInDebugAndIsAnErrorInRelease) {
  EXPECT_TRUE(EnsurePositive(1).ok());
#ifdef NDEBUG
  const Status status = EnsurePositive(0);
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_NE(status.message().find("not true: value > 0"), std::string::npos);
#else
  EXPECT_DEATH(static_cast<void>(EnsurePositive(0).ok()), "CYTO8_ENSURE");
#endif
}

}  // namespace
}  // namespace cyto8
