// SPDX-License-Identifier: Apache-2.0
// Errors as values: Status, StatusOr<T> and the macros that pass them on. Never
// prints, never throws. Tested by tests/base/status_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cyto8 {

enum class StatusCode {
  kOk,
  kInvalidArgument,    // a value outside its documented range.
  kNotFound,           // a file, name or key that does not exist.
  kDataLoss,           // a file that is truncated or structurally damaged.
  kUnimplemented,      // well formed, but a kind that Cyto8 does not support.
  kPermissionDenied,   // the operating system refused access.
  kResourceExhausted,  // disk, quota or memory is full, or a limit is exceeded.
  kIoError,            // any other failed system call.
  kUnavailable,        // held by somebody else; retrying later may help.
  kInternal,           // a defect of the program.
};

// "INVALID_ARGUMENT" and so on; a stable name for logs.
std::string_view StatusCodeName(StatusCode code);

// The outcome of an operation without a value. Immutable, hence thread-safe.
class [[nodiscard]] Status {
 public:
  Status() = default;  // success.
  Status(StatusCode code, std::string message)
      : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // "CODE: message", or "OK".
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

Status OkStatus();
Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status DataLoss(std::string message);
Status Unimplemented(std::string message);
Status ResourceExhausted(std::string message);
Status Internal(std::string message);

// The status that a failed system call means: errno value, what was tried.
Status ErrnoStatus(int error_number, std::string_view what);

// Puts "prefix: " before the message of a failure; used by whoever opened the
// file, so that the message starts with its name. Success passes unchanged.
Status Annotate(const Status& status, std::string_view prefix);

// Either a value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] StatusOr {
 public:
  StatusOr(T value) : value_(std::move(value)) {}         // NOLINT: implicit
  StatusOr(Status status) : status_(std::move(status)) {  // NOLINT: implicit
    if (status_.ok()) status_ = Internal("StatusOr made from an OK status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // Only when ok().
  const T& value() const& { return *value_; }
  T& value() & { return *value_; }
  T&& value() && { return *std::move(value_); }
  const T& operator*() const& { return *value_; }
  T& operator*() & { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  const T* operator->() const { return &*value_; }
  T* operator->() { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

template <typename T>
StatusOr<T> Annotate(StatusOr<T> result, std::string_view prefix) {
  if (result.ok()) return result;
  return Annotate(result.status(), prefix);
}

namespace internal {
// Aborts in debug builds; the release path of CYTO8_ENSURE.
Status EnsureFailed(const char* condition, const char* file, int line);
}  // namespace internal

}  // namespace cyto8

#define CYTO8_CONCAT_INNER(a, b) a##b
#define CYTO8_CONCAT(a, b) CYTO8_CONCAT_INNER(a, b)

#define CYTO8_RETURN_IF_ERROR(expression)        \
  do {                                           \
    ::cyto8::Status cyto8_status = (expression); \
    if (!cyto8_status.ok()) return cyto8_status; \
  } while (false)

#define CYTO8_ASSIGN_OR_RETURN(declaration, expression)              \
  CYTO8_ASSIGN_OR_RETURN_IMPL(CYTO8_CONCAT(cyto8_result_, __LINE__), \
                              declaration, expression)
#define CYTO8_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                        \
  if (!result.ok()) return result.status();                          \
  declaration = *std::move(result)

// An assumption of ours, not of the input: aborts in debug, kInternal
// otherwise.
#define CYTO8_ENSURE(condition)                                               \
  do {                                                                        \
    if (!(condition)) {                                                       \
      return ::cyto8::internal::EnsureFailed(#condition, __FILE__, __LINE__); \
    }                                                                         \
  } while (false)
