// SPDX-License-Identifier: Apache-2.0
// A FileSystem in which any call can be made to fail, and which counts calls
// and open files. Test code. Tested by tests/base/faulty_file_system_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

enum class FileCall {
  kOpenForReading,
  kCreateNew,  // and CreatePrivate.
  kOpenDirectory,
  kOpenLock,
  kTryLock,
  kStat,
  kRead,
  kReadAt,
  kMap,
  kWrite,
  kWriteAt,
  kSync,
  kClose,
  kRename,
  kRemove,
  kMakeDirectory,
  kListDirectory,
};

struct Fault {
  // None: calls of every kind are counted.
  std::optional<FileCall> kind = std::nullopt;
  int64_t index = 0;     // the first call that fails, from 0.
  int error_number = 0;  // an errno value.
  bool lasting = false;  // all later calls that count fail too.
};

// Passes every call on, except those that a fault says shall fail. A failing
// Close closes nevertheless, as Linux does. Thread-safe.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& files) : files_(files) {}

  // Calls are counted from here.
  void Arm(const Fault& fault);
  void Disarm();
  // Read, ReadAt, Write and WriteAt move at most so many bytes at a time; at
  // least 1.
  void ShortenTransfers(int64_t max_bytes);
  // From now on: whether ReadAt or Map asks for a byte of [begin, end) of this
  // file. Read, which goes through whole files, is not watched.
  void Watch(const std::string& path, int64_t begin, int64_t end);
  bool touched() const;
  // From now on TryLock grants all, as some network file systems do.
  void PretendToLock();

  // The calls since Arm or Disarm, failed ones included.
  std::vector<FileCall> calls() const;
  // The ranges that ReadAt read, from the first WillNeed on, without one of
  // just that range before.
  int64_t unannounced_reads() const;
  int64_t hints() const;
  // Opened and not closed.
  int64_t open_files() const;

  StatusOr<int> OpenForReading(const std::string& path) override;
  StatusOr<int> CreateNew(const std::string& path) override;
  StatusOr<int> CreatePrivate(const std::string& path) override;
  StatusOr<int> OpenDirectory(const std::string& path) override;
  StatusOr<int> OpenLock(const std::string& path) override;
  StatusOr<bool> TryLock(int file, const std::string& path) override;
  StatusOr<FileInfo> Stat(int file, const std::string& path) override;
  StatusOr<int64_t> Read(int file, std::span<std::byte> bytes,
                         const std::string& path) override;
  StatusOr<int64_t> ReadAt(int file, int64_t offset, std::span<std::byte> bytes,
                           const std::string& path) override;
  void WillNeed(int file, int64_t offset, int64_t bytes) override;
  StatusOr<SharedBytes> Map(int file, int64_t bytes,
                            const std::string& path) override;
  StatusOr<int64_t> Write(int file, std::span<const std::byte> bytes,
                          const std::string& path) override;
  StatusOr<int64_t> WriteAt(int file, int64_t offset,
                            std::span<const std::byte> bytes,
                            const std::string& path) override;
  Status Sync(int file, const std::string& path) override;
  Status Close(int file, const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectory(const std::string& path) override;
  StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string& path) override;

 private:
  // Notes the call; the error if it shall fail.
  Status Meet(FileCall call, const std::string& path);
  StatusOr<int> CountOpened(StatusOr<int> file);
  size_t Shortened(size_t bytes) const;
  void LookAt(const std::string& path, int64_t begin, int64_t end);

  FileSystem& files_;
  mutable std::mutex mutex_;  // guards everything below.
  std::optional<Fault> fault_;
  int64_t counted_ = 0;
  int64_t open_files_ = 0;
  std::optional<int64_t> max_bytes_;
  bool pretends_ = false;
  std::string watched_;  // path; empty: none.
  int64_t watch_begin_ = 0;
  int64_t watch_end_ = 0;
  bool touched_ = false;
  std::set<std::pair<int64_t, int64_t>> hinted_;  // offset, bytes.
  int64_t unannounced_reads_ = 0;
  std::vector<FileCall> calls_;
};

}  // namespace cyto8
