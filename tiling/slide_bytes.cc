// SPDX-License-Identifier: Apache-2.0
// Bytes that threads share; see slide_bytes.h.
#include "tiling/slide_bytes.h"

#include <algorithm>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

class FileBytes final : public SlideBytes {
 public:
  FileBytes(FileSystem& files, std::string path, int file)
      : files_(&files), path_(std::move(path)), file_(file) {}
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  // Nothing was written, so nothing is lost if closing fails.
  ~FileBytes() override { static_cast<void>(files_->Close(file_, path_)); }

  Status FindSize() {
    CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files_->Stat(file_, path_));
    if (!info.is_regular) {
      return InvalidArgument(path_ + ": is not a regular file");
    }
    size_bytes_ = info.size_bytes;
    return OkStatus();
  }

  int64_t size_bytes() const override { return size_bytes_; }
  Status ReadAt(int64_t offset, std::span<std::byte> dst) const override {
    return ReadExactlyAt(*files_, file_, offset, dst, path_);
  }
  void WillNeed(int64_t offset, int64_t bytes) const override {
    files_->WillNeed(file_, offset, bytes);
  }
  Status Named(const Status& status) const override {
    return Annotate(status, path_);
  }

 private:
  FileSystem* files_;
  std::string path_;
  int file_;
  int64_t size_bytes_ = 0;
};

class BytesInMemory final : public SlideBytes {
 public:
  explicit BytesInMemory(std::span<const std::byte> bytes) : bytes_(bytes) {}

  int64_t size_bytes() const override { return std::ssize(bytes_); }
  Status ReadAt(int64_t offset, std::span<std::byte> dst) const override {
    std::ranges::copy(bytes_.subspan(static_cast<size_t>(offset), dst.size()),
                      dst.begin());
    return OkStatus();
  }
  void WillNeed(int64_t /*offset*/, int64_t /*bytes*/) const override {}
  Status Named(const Status& status) const override { return status; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

StatusOr<std::unique_ptr<SlideBytes>> SlideBytes::Open(
    FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  auto bytes = std::make_unique<FileBytes>(files, path, file);
  CYTO8_RETURN_IF_ERROR(bytes->FindSize());
  return std::unique_ptr<SlideBytes>(std::move(bytes));
}

std::unique_ptr<SlideBytes> SlideBytes::OfMemory(
    std::span<const std::byte> bytes) {
  return std::make_unique<BytesInMemory>(bytes);
}

Status SlideByteSource::Fill(int64_t offset, std::span<std::byte> dst) {
  read_bytes_ += std::ssize(dst);
  CYTO8_RETURN_IF_ERROR(
      bytes_->Named(CheckRange("directory bytes", read_bytes_, 0, max_bytes_)));
  return bytes_->ReadAt(offset, dst);
}

}  // namespace cyto8
