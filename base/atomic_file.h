// SPDX-License-Identifier: Apache-2.0
// Results appear under their final name whole or not at all: unique temporary
// in the same folder, write, fsync, rename, fsync the folder (once for several
// files that are placed; promises.md R6). Tested by
// tests/base/atomic_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

// Who may read the file.
enum class FileReaders { kAsUsual, kOwnerOnly };

// A file that is being written. Not thread-safe; movable. Without Commit()
// or Place() the destructor removes the temporary.
class AtomicFile {
 public:
  // Makes "<path>.tmp-<pid>-<time>-<n>" beside the final path.
  static StatusOr<AtomicFile> Create(
      FileSystem& files, const std::string& path,
      FileReaders readers = FileReaders::kAsUsual);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  // Buffered; an error is also kept and returned again by Commit() and
  // Place().
  Status Append(std::span<const std::byte> bytes);
  Status Append(std::string_view text);

  // How much has been appended.
  int64_t size_bytes() const { return size_bytes_; }

  // Puts bytes in place of appended ones, for what is known last but stands
  // first: [offset, offset + bytes) lies within [0, size_bytes()), else
  // kInvalidArgument. An error is kept as Append's are.
  Status Overwrite(int64_t offset, std::span<const std::byte> bytes);

  // Everything on disk under the final name, or an error and nothing changed
  // there; except that when only the folder could not be synced, the error
  // comes with the new content in place, whole. At most once.
  Status Commit();

  // Commit, but for the folder: on disk and under the final name, which a loss
  // of power may still take back. Who places several files calls SyncFolder
  // once. Either this or Commit.
  Status Place();

 private:
  AtomicFile(FileSystem& files, std::string path, std::string temporary,
             int file);
  Status Flush();
  Status WriteOver(int64_t offset, std::span<const std::byte> bytes);
  Status SyncAndClose();

  FileSystem* files_;
  std::string path_;
  std::string temporary_;  // empty once renamed or removed.
  int file_;               // -1 once closed.
  int64_t size_bytes_ = 0;
  std::vector<std::byte> buffer_;
  Status error_;
};

// The names in a folder are on disk.
Status SyncFolder(FileSystem& files, const std::string& folder);

// Create, Append, Commit in one call.
Status WriteFileAtomically(FileSystem& files, const std::string& path,
                           std::span<const std::byte> bytes);
Status WriteFileAtomically(FileSystem& files, const std::string& path,
                           std::string_view text);

}  // namespace cyto8
