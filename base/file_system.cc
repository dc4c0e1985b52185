// SPDX-License-Identifier: Apache-2.0
// The operating system's files; see file_system.h.
#include "base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

namespace cyto8 {
namespace {

// Calls until the result is not EINTR.
template <typename Call>
auto RetryInterrupted(const Call& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

EntryKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::kRegular;
  if (S_ISDIR(mode)) return EntryKind::kDirectory;
  return S_ISLNK(mode) ? EntryKind::kSymlink : EntryKind::kOther;
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};
using DirectoryHandle = std::unique_ptr<DIR, DirectoryCloser>;

// fstatat, because not every file system fills d_type.
StatusOr<std::vector<DirectoryEntry>> EntriesOf(DIR* directory,
                                                const std::string& path) {
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;
    const dirent* found = readdir(directory);
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    if (fstatat(dirfd(directory), found->d_name, &info, AT_SYMLINK_NOFOLLOW) !=
        0) {
      if (errno == ENOENT) continue;
      return ErrnoStatus(errno, path);
    }
    entries.push_back(
        {.name = std::string(name), .kind = KindOf(info.st_mode)});
  }
  if (errno != 0) return ErrnoStatus(errno, path);
  return entries;
}

class PosixFileSystem final : public FileSystem {
 public:
  StatusOr<int> OpenForReading(const std::string& path) override {
    return Open(path, O_RDONLY | O_NONBLOCK);
  }
  StatusOr<int> CreateNew(const std::string& path) override {
    return Open(path, O_WRONLY | O_CREAT | O_EXCL);
  }
  StatusOr<int> CreatePrivate(const std::string& path) override {
    return Open(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
  }
  StatusOr<int> OpenDirectory(const std::string& path) override {
    return Open(path, O_RDONLY | O_DIRECTORY);
  }
  StatusOr<int> OpenLock(const std::string& path) override {
    return Open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOFOLLOW);
  }
  StatusOr<bool> TryLock(int file, const std::string& path) override {
    const int taken =
        RetryInterrupted([&] { return flock(file, LOCK_EX | LOCK_NB); });
    if (taken == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return ErrnoStatus(errno, path);
  }

  StatusOr<FileInfo> Stat(int file, const std::string& path) override {
    struct stat info {};
    if (fstat(file, &info) != 0) return ErrnoStatus(errno, path);
    constexpr int64_t kNanoseconds = 1'000'000'000;
    return FileInfo{.size_bytes = info.st_size,
                    .modified_ns = info.st_mtim.tv_sec * kNanoseconds +
                                   info.st_mtim.tv_nsec,
                    .inode = info.st_ino,
                    .is_regular = S_ISREG(info.st_mode),
                    .is_directory = S_ISDIR(info.st_mode)};
  }

  StatusOr<int64_t> Read(int file, std::span<std::byte> bytes,
                         const std::string& path) override {
    const ssize_t count = RetryInterrupted(
        [&] { return read(file, bytes.data(), bytes.size()); });
    if (count < 0) return ErrnoStatus(errno, path);
    return static_cast<int64_t>(count);
  }

  StatusOr<int64_t> ReadAt(int file, int64_t offset, std::span<std::byte> bytes,
                           const std::string& path) override {
    const ssize_t count = RetryInterrupted(
        [&] { return pread(file, bytes.data(), bytes.size(), offset); });
    if (count < 0) return ErrnoStatus(errno, path);
    return static_cast<int64_t>(count);
  }

  void WillNeed(int file, int64_t offset, int64_t bytes) override {
    posix_fadvise(file, offset, bytes, POSIX_FADV_WILLNEED);
  }

  StatusOr<SharedBytes> Map(int file, int64_t bytes,
                            const std::string& path) override {
    const auto size = static_cast<size_t>(bytes);
    void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (start == MAP_FAILED) return ErrnoStatus(errno, path);
    return SharedBytes{
        .owner = std::shared_ptr<const void>(
            start, [start, size](const void*) { munmap(start, size); }),
        .bytes = {static_cast<const std::byte*>(start), size}};
  }

  StatusOr<int64_t> Write(int file, std::span<const std::byte> bytes,
                          const std::string& path) override {
    const ssize_t count = RetryInterrupted(
        [&] { return write(file, bytes.data(), bytes.size()); });
    if (count < 0) return ErrnoStatus(errno, path);
    if (count == 0) return ErrnoStatus(ENOSPC, path);
    return static_cast<int64_t>(count);
  }

  StatusOr<int64_t> WriteAt(int file, int64_t offset,
                            std::span<const std::byte> bytes,
                            const std::string& path) override {
    const ssize_t count = RetryInterrupted(
        [&] { return pwrite(file, bytes.data(), bytes.size(), offset); });
    if (count < 0) return ErrnoStatus(errno, path);
    if (count == 0) return ErrnoStatus(ENOSPC, path);
    return static_cast<int64_t>(count);
  }

  Status Sync(int file, const std::string& path) override {
    return Check(RetryInterrupted([&] { return fsync(file); }), path);
  }
  Status Close(int file, const std::string& path) override {
    return Check(close(file), path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return Check(rename(from.c_str(), to.c_str()), to);
  }
  Status Remove(const std::string& path) override {
    return Check(unlink(path.c_str()), path);
  }

  Status MakeDirectory(const std::string& path) override {
    constexpr mode_t kMode = 0777;  // less the umask.
    if (mkdir(path.c_str(), kMode) == 0) return OkStatus();
    const int error = errno;
    struct stat info {};
    if (error != EEXIST || stat(path.c_str(), &info) != 0) {
      return ErrnoStatus(error, path);
    }
    return S_ISDIR(info.st_mode) ? OkStatus() : ErrnoStatus(ENOTDIR, path);
  }

  StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string& path) override {
    const DirectoryHandle directory(opendir(path.c_str()));
    if (directory == nullptr) return ErrnoStatus(errno, path);
    return EntriesOf(directory.get(), path);
  }

 private:
  // `mode` is that of a new file, less the umask.
  static StatusOr<int> Open(const std::string& path, int flags,
                            mode_t mode = 0666) {
    const int file = RetryInterrupted(
        [&] { return open(path.c_str(), flags | O_CLOEXEC, mode); });
    if (file < 0) return ErrnoStatus(errno, path);
    return file;
  }

  static Status Check(int result, const std::string& path) {
    return result == 0 ? OkStatus() : ErrnoStatus(errno, path);
  }
};

StatusOr<int64_t> SizeOfOpenFile(FileSystem& files, int file,
                                 const std::string& path, int64_t max_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) {
    return InvalidArgument(path + ": is not a regular file");
  }
  if (info.size_bytes > max_bytes) {
    return InvalidArgument(
        path + ": size = " + std::to_string(info.size_bytes) +
        " bytes: must be in [0, " + std::to_string(max_bytes) + "]");
  }
  return info.size_bytes;
}

StatusOr<SharedBytes> MapOpenFile(FileSystem& files, int file,
                                  const std::string& path, int64_t max_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t size,
                         SizeOfOpenFile(files, file, path, max_bytes));
  if (size == 0) return SharedBytes();  // mmap takes no empty range.
  return files.Map(file, size, path);
}

StatusOr<std::vector<std::byte>> ReadOpenFile(FileSystem& files, int file,
                                              const std::string& path,
                                              int64_t max_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t size,
                         SizeOfOpenFile(files, file, path, max_bytes));
  std::vector<std::byte> bytes(static_cast<size_t>(size));
  size_t done = 0;
  while (done < bytes.size()) {
    CYTO8_ASSIGN_OR_RETURN(
        const int64_t count,
        files.Read(file, std::span(bytes).subspan(done), path));
    if (count == 0) return DataLoss(path + ": became shorter while read");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

}  // namespace

FileSystem& RealFileSystem() {
  static PosixFileSystem files;
  return files;
}

Status ReadExactlyAt(FileSystem& files, int file, int64_t offset,
                     std::span<std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count,
                           files.ReadAt(file, offset, bytes, path));
    if (count == 0) return DataLoss(path + ": became shorter while read");
    offset += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return OkStatus();
}

Status WriteAll(FileSystem& files, int file, std::span<const std::byte> bytes,
                const std::string& path) {
  while (!bytes.empty()) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count, files.Write(file, bytes, path));
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return OkStatus();
}

StatusOr<std::vector<std::byte>> ReadWholeFile(FileSystem& files,
                                               const std::string& path,
                                               int64_t max_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  auto bytes = ReadOpenFile(files, file, path, max_bytes);
  const Status closed = files.Close(file, path);
  if (bytes.ok() && !closed.ok()) return closed;
  return bytes;
}

StatusOr<SharedBytes> MapWholeFile(FileSystem& files, const std::string& path,
                                   int64_t max_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  auto bytes = MapOpenFile(files, file, path, max_bytes);
  const Status closed = files.Close(file, path);
  if (bytes.ok() && !closed.ok()) return closed;
  return bytes;
}

Status MakeDirectories(FileSystem& files, const std::string& path) {
  for (size_t i = path.find('/', 1); i != std::string::npos;
       i = path.find('/', i + 1)) {
    CYTO8_RETURN_IF_ERROR(files.MakeDirectory(path.substr(0, i)));
  }
  return files.MakeDirectory(path);
}

}  // namespace cyto8
