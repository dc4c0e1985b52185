// SPDX-License-Identifier: Apache-2.0
// See file_lock.h.
#include "base/file_lock.h"

#include <chrono>
#include <thread>
#include <utility>

namespace cyto8 {

StatusOr<std::optional<FileLock>> FileLock::TryAcquire(
    FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenLock(path));
  FileLock lock(files, path, file);  // closes it on the ways out.
  CYTO8_ASSIGN_OR_RETURN(const bool taken, files.TryLock(file, path));
  if (!taken) return std::optional<FileLock>();
  return std::optional<FileLock>(std::move(lock));
}

FileLock::FileLock(FileLock&& other) noexcept
    : files_(other.files_),
      path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)) {}

FileLock::~FileLock() {
  if (file_ >= 0) static_cast<void>(files_->Close(file_, path_).ok());
}

StatusOr<FileLock> WaitForLock(FileSystem& files, const std::string& path) {
  constexpr std::chrono::milliseconds kPause(20);
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(std::optional<FileLock> lock,
                           FileLock::TryAcquire(files, path));
    if (lock) return *std::move(lock);
    std::this_thread::sleep_for(kPause);
  }
}

Status CheckLocking(FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<FileLock> first,
                         FileLock::TryAcquire(files, path));
  if (!first) return OkStatus();  // another process has it.
  CYTO8_ASSIGN_OR_RETURN(const std::optional<FileLock> second,
                         FileLock::TryAcquire(files, path));
  if (!second) return OkStatus();
  return {StatusCode::kUnavailable,
          path +
              ": two locks were granted at once: this file system does not "
              "lock; use one process, or a local folder"};
}

}  // namespace cyto8
