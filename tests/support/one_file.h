// SPDX-License-Identifier: Apache-2.0
// A FileSystem with one file, which is in memory. Test code.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tests/support/image_encoding.h"

namespace cyto8 {

// One file in memory, with a hole of zeros where nothing is stored; notes what
// is read. Thread-safe.
class OneFile final : public FileSystem {
 public:
  explicit OneFile(Bytes bytes) : bytes_(std::move(bytes)) {}
  // From `begin` on everything lies `size` bytes further.
  OneFile(Bytes bytes, int64_t begin, int64_t size)
      : bytes_(std::move(bytes)), hole_begin_(begin), hole_size_(size) {}

  // Not while another thread reads.
  Bytes& bytes() { return bytes_; }
  int64_t bytes_read() const { return bytes_read_; }
  // Whether a byte of [begin, end) was read.
  void Watch(int64_t begin, int64_t end) {
    watch_begin_ = begin;
    watch_end_ = end;
  }
  bool touched() const { return touched_; }

  StatusOr<int> OpenForReading(const std::string&) override { return 3; }
  StatusOr<FileInfo> Stat(int, const std::string&) override {
    return FileInfo{
        .size_bytes = static_cast<int64_t>(bytes_.size()) + hole_size_,
        .is_regular = true};
  }
  StatusOr<int64_t> ReadAt(int, int64_t offset, std::span<std::byte> dst,
                           const std::string&) override {
    bytes_read_ += static_cast<int64_t>(dst.size());
    const auto end = offset + static_cast<int64_t>(dst.size());
    if (offset < watch_end_ && end > watch_begin_) touched_ = true;
    if (hole_size_ == 0) {
      std::ranges::copy(
          std::span(bytes_).subspan(static_cast<size_t>(offset), dst.size()),
          dst.begin());
      return static_cast<int64_t>(dst.size());
    }
    for (std::byte& byte : dst) byte = At(offset++);
    return static_cast<int64_t>(dst.size());
  }
  Status Close(int, const std::string&) override { return OkStatus(); }

  StatusOr<int> CreateNew(const std::string&) override { return Never(); }
  StatusOr<int> CreatePrivate(const std::string&) override { return Never(); }
  StatusOr<int> OpenDirectory(const std::string&) override { return Never(); }
  StatusOr<int> OpenLock(const std::string&) override { return Never(); }
  StatusOr<bool> TryLock(int, const std::string&) override { return Never(); }
  StatusOr<int64_t> Read(int, std::span<std::byte>,
                         const std::string&) override {
    return Never();
  }
  StatusOr<SharedBytes> Map(int, int64_t, const std::string&) override {
    return Never();
  }
  StatusOr<int64_t> Write(int, std::span<const std::byte>,
                          const std::string&) override {
    return Never();
  }
  StatusOr<int64_t> WriteAt(int, int64_t, std::span<const std::byte>,
                            const std::string&) override {
    return Never();
  }
  Status Sync(int, const std::string&) override { return Never(); }
  Status Rename(const std::string&, const std::string&) override {
    return Never();
  }
  Status Remove(const std::string&) override { return Never(); }
  Status MakeDirectory(const std::string&) override { return Never(); }
  StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string&) override {
    return Never();
  }

 private:
  static Status Never() { return Internal("a reader does not call this"); }
  std::byte At(int64_t offset) const {
    if (offset >= hole_begin_ && offset < hole_begin_ + hole_size_) return {};
    const int64_t at = offset < hole_begin_ ? offset : offset - hole_size_;
    return bytes_.at(static_cast<size_t>(at));
  }

  Bytes bytes_;
  int64_t hole_begin_ = 0;
  int64_t hole_size_ = 0;
  int64_t watch_begin_ = 0;
  int64_t watch_end_ = 0;
  std::atomic<int64_t> bytes_read_ = 0;
  std::atomic<bool> touched_ = false;
};

}  // namespace cyto8
