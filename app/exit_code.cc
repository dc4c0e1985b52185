// SPDX-License-Identifier: Apache-2.0
// Exit codes; see exit_code.h.
#include "app/exit_code.h"

#include <algorithm>
#include <array>

namespace cyto8 {
namespace {

constexpr std::array kWorstFirst = {
    ExitCode::kInterrupted, ExitCode::kTerminated, ExitCode::kInternal,
    ExitCode::kRefused,     ExitCode::kNoInput,    ExitCode::kTemporary,
    ExitCode::kPartial,     ExitCode::kDegraded,   ExitCode::kGateFailed,
    ExitCode::kWhole};

}  // namespace

ExitCode Worse(ExitCode a, ExitCode b) {
  return *std::find_if(kWorstFirst.begin(), kWorstFirst.end(),
                       [&](ExitCode code) { return code == a || code == b; });
}

ExitCode ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return ExitCode::kWhole;
    case StatusCode::kInternal:
      return ExitCode::kInternal;
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable:
    case StatusCode::kIoError:
      return ExitCode::kTemporary;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kDataLoss:
    case StatusCode::kUnimplemented:
    case StatusCode::kPermissionDenied:
      return ExitCode::kRefused;
  }
  return ExitCode::kInternal;
}

}  // namespace cyto8
