// SPDX-License-Identifier: Apache-2.0
// Bytes that can be read at any offset, never as a whole: an open file or
// memory. So a reader of a format serves both. Tested by
// tests/base/input_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

// Belongs to one thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // When it was opened.
  virtual int64_t size_bytes() const = 0;

  // All of `dst`, which lies within [0, size_bytes()). The first failure is
  // kept: libraries in C can hand on no more than that there was one.
  Status ReadAt(int64_t offset, std::span<std::byte> dst);
  const Status& failure() const { return failure_; }

  // Ends the use; a second call does nothing.
  virtual Status Close() { return OkStatus(); }

 private:
  virtual Status Fill(int64_t offset, std::span<std::byte> dst) = 0;

  Status failure_;
};

// The bytes outlive the source.
class MemoryBytes final : public ByteSource {
 public:
  explicit MemoryBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  int64_t size_bytes() const override {
    return static_cast<int64_t>(bytes_.size());
  }

 private:
  Status Fill(int64_t offset, std::span<std::byte> dst) override;

  std::span<const std::byte> bytes_;
};

// An open file. Failures start with the path.
class InputFile final : public ByteSource {
 public:
  // kInvalidArgument if it is not a regular file. `files` outlives the result.
  static StatusOr<std::unique_ptr<InputFile>> Open(FileSystem& files,
                                                   const std::string& path);
  // Takes over the open file; Open is what others call.
  InputFile(FileSystem& files, std::string path, int file);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() override;

  int64_t size_bytes() const override { return size_bytes_; }
  Status Close() override;

 private:
  Status Fill(int64_t offset, std::span<std::byte> dst) override;

  FileSystem* files_;
  std::string path_;
  int file_;
  bool open_ = true;
  int64_t size_bytes_ = 0;
};

// A part of a source from its begin to its end, a block at a time.
class BlockReader {
 public:
  static constexpr int64_t kBlockBytes = int64_t{64} << 10;

  // [begin, end) lies within the source, which outlives the reader.
  BlockReader(ByteSource& source, int64_t begin, int64_t end);

  // All that is left of the present block, else the next one. It stays until
  // the next call; empty at the end or after a failure of the source.
  std::span<const std::byte> Next();
  // All of dst; false if the end comes before, or after a failure.
  bool Read(std::span<std::byte> dst);
  // Leaves out what comes next, up to the end.
  void Skip(int64_t bytes);

 private:
  ByteSource* source_;
  int64_t position_;  // of the next block.
  int64_t end_;
  std::vector<std::byte> block_;
  std::span<const std::byte> unread_;  // of the present block.
};

}  // namespace cyto8
