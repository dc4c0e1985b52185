// SPDX-License-Identifier: Apache-2.0
// Failing file calls; see faulty_file_system.h.
#include "tests/support/faulty_file_system.h"

#include <algorithm>

namespace cyto8 {

void FaultyFileSystem::Arm(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  counted_ = 0;
  calls_.clear();
}

void FaultyFileSystem::Disarm() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
  calls_.clear();
}

void FaultyFileSystem::ShortenTransfers(int64_t max_bytes) {
  const std::lock_guard lock(mutex_);
  max_bytes_ = max_bytes;
}

void FaultyFileSystem::Watch(const std::string& path, int64_t begin,
                             int64_t end) {
  const std::lock_guard lock(mutex_);
  watched_ = path;
  watch_begin_ = begin;
  watch_end_ = end;
  touched_ = false;
}

int64_t FaultyFileSystem::unannounced_reads() const {
  const std::lock_guard lock(mutex_);
  return unannounced_reads_;
}

int64_t FaultyFileSystem::hints() const {
  const std::lock_guard lock(mutex_);
  return std::ssize(hinted_);
}

bool FaultyFileSystem::touched() const {
  const std::lock_guard lock(mutex_);
  return touched_;
}

void FaultyFileSystem::LookAt(const std::string& path, int64_t begin,
                              int64_t end) {
  const std::lock_guard lock(mutex_);
  const bool meets = begin < watch_end_ && end > watch_begin_;
  touched_ = touched_ || (meets && path == watched_);
}

void FaultyFileSystem::PretendToLock() {
  const std::lock_guard lock(mutex_);
  pretends_ = true;
}

std::vector<FileCall> FaultyFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

int64_t FaultyFileSystem::open_files() const {
  const std::lock_guard lock(mutex_);
  return open_files_;
}

Status FaultyFileSystem::Meet(FileCall call, const std::string& path) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(call);
  if (!fault_ || fault_->kind.value_or(call) != call) return OkStatus();
  const int64_t index = counted_++;
  const bool fails =
      fault_->lasting ? index >= fault_->index : index == fault_->index;
  return fails ? ErrnoStatus(fault_->error_number, path) : OkStatus();
}

StatusOr<int> FaultyFileSystem::CountOpened(StatusOr<int> file) {
  const std::lock_guard lock(mutex_);
  if (file.ok()) ++open_files_;
  return file;
}

size_t FaultyFileSystem::Shortened(size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return max_bytes_ ? std::min(bytes, static_cast<size_t>(*max_bytes_)) : bytes;
}

StatusOr<int> FaultyFileSystem::OpenForReading(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kOpenForReading, path));
  return CountOpened(files_.OpenForReading(path));
}

StatusOr<int> FaultyFileSystem::CreateNew(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kCreateNew, path));
  return CountOpened(files_.CreateNew(path));
}

StatusOr<int> FaultyFileSystem::CreatePrivate(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kCreateNew, path));
  return CountOpened(files_.CreatePrivate(path));
}

StatusOr<int> FaultyFileSystem::OpenDirectory(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kOpenDirectory, path));
  return CountOpened(files_.OpenDirectory(path));
}

StatusOr<int> FaultyFileSystem::OpenLock(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kOpenLock, path));
  return CountOpened(files_.OpenLock(path));
}

StatusOr<bool> FaultyFileSystem::TryLock(int file, const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kTryLock, path));
  const std::lock_guard lock(mutex_);
  if (pretends_) return true;
  return files_.TryLock(file, path);
}

StatusOr<FileInfo> FaultyFileSystem::Stat(int file, const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kStat, path));
  return files_.Stat(file, path);
}

StatusOr<int64_t> FaultyFileSystem::Read(int file, std::span<std::byte> bytes,
                                         const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kRead, path));
  return files_.Read(file, bytes.first(Shortened(bytes.size())), path);
}

StatusOr<int64_t> FaultyFileSystem::ReadAt(int file, int64_t offset,
                                           std::span<std::byte> bytes,
                                           const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kReadAt, path));
  LookAt(path, offset, offset + std::ssize(bytes));
  {
    const std::lock_guard lock(mutex_);
    const bool announced = hinted_.contains({offset, std::ssize(bytes)});
    if (!hinted_.empty() && !announced) ++unannounced_reads_;
  }
  return files_.ReadAt(file, offset, bytes.first(Shortened(bytes.size())),
                       path);
}

void FaultyFileSystem::WillNeed(int file, int64_t offset, int64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    hinted_.insert({offset, bytes});
  }
  files_.WillNeed(file, offset, bytes);
}

StatusOr<SharedBytes> FaultyFileSystem::Map(int file, int64_t bytes,
                                            const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kMap, path));
  LookAt(path, 0, bytes);
  return files_.Map(file, bytes, path);
}

StatusOr<int64_t> FaultyFileSystem::Write(int file,
                                          std::span<const std::byte> bytes,
                                          const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kWrite, path));
  return files_.Write(file, bytes.first(Shortened(bytes.size())), path);
}

StatusOr<int64_t> FaultyFileSystem::WriteAt(int file, int64_t offset,
                                            std::span<const std::byte> bytes,
                                            const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kWriteAt, path));
  return files_.WriteAt(file, offset, bytes.first(Shortened(bytes.size())),
                        path);
}

Status FaultyFileSystem::Sync(int file, const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kSync, path));
  return files_.Sync(file, path);
}

Status FaultyFileSystem::Close(int file, const std::string& path) {
  const Status met = Meet(FileCall::kClose, path);
  const Status closed = files_.Close(file, path);
  const std::lock_guard lock(mutex_);
  --open_files_;
  return met.ok() ? closed : met;
}

Status FaultyFileSystem::Rename(const std::string& from,
                                const std::string& to) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kRename, to));
  return files_.Rename(from, to);
}

Status FaultyFileSystem::Remove(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kRemove, path));
  return files_.Remove(path);
}

Status FaultyFileSystem::MakeDirectory(const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kMakeDirectory, path));
  return files_.MakeDirectory(path);
}

StatusOr<std::vector<DirectoryEntry>> FaultyFileSystem::ListDirectory(
    const std::string& path) {
  CYTO8_RETURN_IF_ERROR(Meet(FileCall::kListDirectory, path));
  return files_.ListDirectory(path);
}

}  // namespace cyto8
