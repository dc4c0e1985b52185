// SPDX-License-Identifier: Apache-2.0
// A lock that processes share by a file: held until it goes, or its process
// does, however it ends. So there are no stale locks and nothing to clean
// (promises.md E8, R7). Tested by tests/base/file_lock_test.cc.
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

// Not thread-safe; movable. Two locks of one file exclude each other also
// inside a process.
class FileLock {
 public:
  // None if another one holds it. The file is made if it is missing and stays:
  // who removed it would let two hold "the" lock. `files` outlives the result.
  static StatusOr<std::optional<FileLock>> TryAcquire(FileSystem& files,
                                                      const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(FileSystem& files, std::string path, int file)
      : files_(&files), path_(std::move(path)), file_(file) {}

  FileSystem* files_;
  std::string path_;
  int file_;  // -1 once moved from.
};

// Tries until it has the lock, for as long as another holds it.
StatusOr<FileLock> WaitForLock(FileSystem& files, const std::string& path);

// Whether locks exclude in this folder, which some network file systems only
// pretend: takes the lock of `path` twice. kUnavailable if both are granted.
Status CheckLocking(FileSystem& files, const std::string& path);

}  // namespace cyto8
