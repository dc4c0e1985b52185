// SPDX-License-Identifier: Apache-2.0
// Every file call of the program goes through FileSystem, so that tests can
// make any of them fail. Whole-file reading and atomic writing stand on it.
// Tested by tests/base/file_system_test.cc and atomic_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "base/status.h"

namespace cyto8 {

struct FileInfo {
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;  // since 1970.
  uint64_t inode = 0;
  bool is_regular = false;
  bool is_directory = false;
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

enum class EntryKind { kRegular, kDirectory, kSymlink, kOther };

// One name in a directory; a symbolic link is not followed.
struct DirectoryEntry {
  std::string name = {};  // bytes as they are, without the directory.
  EntryKind kind = EntryKind::kOther;
  friend bool operator==(const DirectoryEntry&,
                         const DirectoryEntry&) = default;
};

// One method per system call or little more; EINTR is retried inside.
// Thread-safe. Every failure is a Status that starts with the path.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual StatusOr<int> OpenForReading(const std::string& path) = 0;
  // Fails if the path exists (O_EXCL).
  virtual StatusOr<int> CreateNew(const std::string& path) = 0;
  // The same for a file that only its owner may read and write.
  virtual StatusOr<int> CreatePrivate(const std::string& path) = 0;
  virtual StatusOr<int> OpenDirectory(const std::string& path) = 0;
  // Made empty if it is missing; for TryLock alone.
  virtual StatusOr<int> OpenLock(const std::string& path) = 0;
  // flock: whether this open file has the lock now, that is, no other one has
  // it. The kernel frees it when the file is closed or its process ends.
  virtual StatusOr<bool> TryLock(int file, const std::string& path) = 0;
  virtual StatusOr<FileInfo> Stat(int file, const std::string& path) = 0;
  // Bytes read, 0 at the end; may be fewer than asked for.
  virtual StatusOr<int64_t> Read(int file, std::span<std::byte> bytes,
                                 const std::string& path) = 0;
  // The same from an offset >= 0; the position of Read does not move. So a file
  // that several threads share can be read without a lock.
  virtual StatusOr<int64_t> ReadAt(int file, int64_t offset,
                                   std::span<std::byte> bytes,
                                   const std::string& path) = 0;
  // A hint that this range will be read soon: the system may fetch it now.
  virtual void WillNeed(int /*file*/, int64_t /*offset*/, int64_t /*bytes*/) {}
  // The first `bytes` (at least 1) of the file, read-only and until the last
  // copy of the result goes, also after Close. Who makes the file shorter in
  // the meantime ends the process (SIGBUS; docs/limits.md).
  virtual StatusOr<SharedBytes> Map(int file, int64_t bytes,
                                    const std::string& path) = 0;
  // Bytes written, at least 1; may be fewer than given.
  virtual StatusOr<int64_t> Write(int file, std::span<const std::byte> bytes,
                                  const std::string& path) = 0;
  // The same at an offset >= 0; the position of Write does not move.
  virtual StatusOr<int64_t> WriteAt(int file, int64_t offset,
                                    std::span<const std::byte> bytes,
                                    const std::string& path) = 0;
  virtual Status Sync(int file, const std::string& path) = 0;
  virtual Status Close(int file, const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  // Success if the directory exists already.
  virtual Status MakeDirectory(const std::string& path) = 0;
  // What stands in the directory, in no order, without "." and "..". A name
  // that vanishes while it is looked at is left out.
  virtual StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string& path) = 0;
};

// The operating system's files. Stateless; one shared instance.
FileSystem& RealFileSystem();

// All of `bytes` from an offset on; kDataLoss if the file ends before.
Status ReadExactlyAt(FileSystem& files, int file, int64_t offset,
                     std::span<std::byte> bytes, const std::string& path);

// All of `bytes`, in as many writes as it takes.
Status WriteAll(FileSystem& files, int file, std::span<const std::byte> bytes,
                const std::string& path);

// The whole content. kInvalidArgument if the file is larger than max_bytes
// (checked before allocation) or not a regular file.
StatusOr<std::vector<std::byte>> ReadWholeFile(FileSystem& files,
                                               const std::string& path,
                                               int64_t max_bytes);

// The same without a copy: the file is mapped. A file that is to be mapped is
// replaced by AtomicFile, never written in place.
StatusOr<SharedBytes> MapWholeFile(FileSystem& files, const std::string& path,
                                   int64_t max_bytes);

// Creates the directory and its missing parents.
Status MakeDirectories(FileSystem& files, const std::string& path);

}  // namespace cyto8
