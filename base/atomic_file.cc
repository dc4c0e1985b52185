// SPDX-License-Identifier: Apache-2.0
// Atomic writing; see atomic_file.h.
#include "base/atomic_file.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

// Unique in this process by the counter, in this machine by the process id. A
// killed process may have left its temporary, and in a container the next one
// has the same id: the time keeps the two apart.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return path + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(now) +
         "-" + std::to_string(counter.fetch_add(1));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A message about the temporary as one about the file: the name of the
// temporary holds a clock, which may not stand in results.
Status Renamed(const Status& status, const std::string& temporary,
               const std::string& path) {
  const std::string& message = status.message();
  if (!message.starts_with(temporary)) return status;
  return Status(status.code(), path + message.substr(temporary.size()));
}

}  // namespace

StatusOr<AtomicFile> AtomicFile::Create(FileSystem& files,
                                        const std::string& path,
                                        FileReaders readers) {
  std::string temporary = TemporaryName(path);
  const StatusOr<int> file = readers == FileReaders::kOwnerOnly
                                 ? files.CreatePrivate(temporary)
                                 : files.CreateNew(temporary);
  if (!file.ok()) return Renamed(file.status(), temporary, path);
  return AtomicFile(files, path, std::move(temporary), *file);
}

AtomicFile::AtomicFile(FileSystem& files, std::string path,
                       std::string temporary, int file)
    : files_(&files),
      path_(std::move(path)),
      temporary_(std::move(temporary)),
      file_(file) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : files_(other.files_),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::exchange(other.file_, -1)),
      size_bytes_(other.size_bytes_),
      buffer_(std::move(other.buffer_)),
      error_(std::move(other.error_)) {}

AtomicFile::~AtomicFile() {
  // Clean-up of an abandoned file: nobody is left to hear of a failure.
  if (file_ >= 0) static_cast<void>(files_->Close(file_, temporary_).ok());
  if (!temporary_.empty()) {
    static_cast<void>(files_->Remove(temporary_).ok());
  }
}

Status AtomicFile::Append(std::span<const std::byte> bytes) {
  CYTO8_RETURN_IF_ERROR(error_);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  size_bytes_ += static_cast<int64_t>(bytes.size());
  if (buffer_.size() >= kBufferBytes) error_ = Flush();
  return error_;
}

Status AtomicFile::Append(std::string_view text) {
  return Append(std::as_bytes(std::span(text)));
}

Status AtomicFile::Flush() {
  CYTO8_RETURN_IF_ERROR(WriteAll(*files_, file_, buffer_, path_));
  buffer_.clear();
  return OkStatus();
}

Status AtomicFile::Overwrite(int64_t offset, std::span<const std::byte> bytes) {
  CYTO8_RETURN_IF_ERROR(error_);
  const auto count = static_cast<int64_t>(bytes.size());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("bytes to overwrite", count, 0, size_bytes_));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("offset to overwrite", offset, 0, size_bytes_ - count));
  error_ = WriteOver(offset, bytes);
  return error_;
}

Status AtomicFile::WriteOver(int64_t offset, std::span<const std::byte> rest) {
  CYTO8_RETURN_IF_ERROR(Flush());
  while (!rest.empty()) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count,
                           files_->WriteAt(file_, offset, rest, path_));
    rest = rest.subspan(static_cast<size_t>(count));
    offset += count;
  }
  return OkStatus();
}

Status AtomicFile::SyncAndClose() {
  CYTO8_RETURN_IF_ERROR(Flush());
  CYTO8_RETURN_IF_ERROR(files_->Sync(file_, path_));
  return files_->Close(std::exchange(file_, -1), path_);
}

Status AtomicFile::Place() {
  CYTO8_RETURN_IF_ERROR(error_);
  CYTO8_RETURN_IF_ERROR(SyncAndClose());
  CYTO8_RETURN_IF_ERROR(
      Renamed(files_->Rename(temporary_, path_), temporary_, path_));
  temporary_.clear();
  return OkStatus();
}

Status AtomicFile::Commit() {
  CYTO8_RETURN_IF_ERROR(Place());
  return SyncFolder(*files_, FolderOf(path_));
}

Status SyncFolder(FileSystem& files, const std::string& folder) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenDirectory(folder));
  const Status synced = files.Sync(file, folder);
  const Status closed = files.Close(file, folder);
  return synced.ok() ? closed : synced;
}

Status WriteFileAtomically(FileSystem& files, const std::string& path,
                           std::span<const std::byte> bytes) {
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(files, path));
  CYTO8_RETURN_IF_ERROR(file.Append(bytes));
  return file.Commit();
}

Status WriteFileAtomically(FileSystem& files, const std::string& path,
                           std::string_view text) {
  return WriteFileAtomically(files, path, std::as_bytes(std::span(text)));
}

}  // namespace cyto8
