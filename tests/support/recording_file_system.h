// SPDX-License-Identifier: Apache-2.0
// A FileSystem that remembers what was changed and what was synced, and then
// tells what a disk may hold after the power went: all that was synced, and any
// part of the rest (promises.md P9). Test code, tested by its use in
// tests/app/power_loss_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace cyto8 {

// Passes every call on. Files are written from begin to end (WriteAt is
// refused); locks are not followed, and folders once made are taken for kept.
// Thread-safe.
class RecordingFileSystem final : public FileSystem {
 public:
  explicit RecordingFileSystem(FileSystem& files) : files_(files) {}

  // Of changes and syncs so far.
  size_t events() const;
  // Writes into `folder`, which is new, what may stand below `root` if the
  // power goes after `events`; `random` chooses.
  void PutAfterPowerLoss(size_t events, const std::string& root,
                         const std::string& folder,
                         std::mt19937_64& random) const;

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
  enum class Kind { kCreate, kWrite, kSync, kSyncFolder, kRename, kRemove };
  struct Event {
    Kind kind = Kind::kCreate;
    int64_t file = 0;       // kCreate, kWrite, kSync.
    std::string path = {};  // of the name or folder.
    std::string to = {};    // kRename.
    std::string bytes = {};
  };
  void Note(Event event);
  StatusOr<int> Created(const StatusOr<int>& file, const std::string& path);

  FileSystem& files_;
  mutable std::mutex mutex_;  // guards everything below.
  std::vector<Event> events_;
  std::map<int, int64_t> open_;         // written files by descriptor.
  std::map<int, std::string> folders_;  // open ones by descriptor.
  int64_t next_file_ = 0;
};

}  // namespace cyto8
