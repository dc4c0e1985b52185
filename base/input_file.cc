// SPDX-License-Identifier: Apache-2.0
// Bytes at any offset; see input_file.h.
#include "base/input_file.h"

#include <algorithm>
#include <utility>

namespace cyto8 {

Status ByteSource::ReadAt(int64_t offset, std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(failure_);
  const auto size = static_cast<int64_t>(dst.size());
  CYTO8_ENSURE(offset >= 0 && size <= size_bytes() &&
               offset <= size_bytes() - size);
  failure_ = Fill(offset, dst);
  return failure_;
}

Status MemoryBytes::Fill(int64_t offset, std::span<std::byte> dst) {
  std::ranges::copy(bytes_.subspan(static_cast<size_t>(offset), dst.size()),
                    dst.begin());
  return OkStatus();
}

StatusOr<std::unique_ptr<InputFile>> InputFile::Open(FileSystem& files,
                                                     const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  auto opened = std::make_unique<InputFile>(files, path, file);
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) {
    return InvalidArgument(path + ": is not a regular file");
  }
  opened->size_bytes_ = info.size_bytes;
  return opened;
}

InputFile::InputFile(FileSystem& files, std::string path, int file)
    : files_(&files), path_(std::move(path)), file_(file) {}

// Nothing was written, so nothing is lost if closing fails here.
InputFile::~InputFile() { static_cast<void>(Close()); }

Status InputFile::Close() {
  if (!std::exchange(open_, false)) return OkStatus();
  return files_->Close(file_, path_);
}

Status InputFile::Fill(int64_t offset, std::span<std::byte> dst) {
  CYTO8_ENSURE(open_);
  return ReadExactlyAt(*files_, file_, offset, dst, path_);
}

BlockReader::BlockReader(ByteSource& source, int64_t begin, int64_t end)
    : source_(&source),
      position_(begin),
      end_(end),
      block_(static_cast<size_t>(std::min(kBlockBytes, end - begin))) {}

std::span<const std::byte> BlockReader::Next() {
  if (!unread_.empty()) return std::exchange(unread_, {});
  const int64_t size =
      std::min(static_cast<int64_t>(block_.size()), end_ - position_);
  const std::span dst = std::span(block_).first(static_cast<size_t>(size));
  if (!source_->ReadAt(position_, dst).ok()) return {};
  position_ += size;
  return dst;
}

bool BlockReader::Read(std::span<std::byte> dst) {
  while (!dst.empty()) {
    if (unread_.empty()) unread_ = Next();
    if (unread_.empty()) return false;
    const size_t here = std::min(dst.size(), unread_.size());
    std::ranges::copy(unread_.first(here), dst.begin());
    unread_ = unread_.subspan(here);
    dst = dst.subspan(here);
  }
  return true;
}

void BlockReader::Skip(int64_t bytes) {
  const int64_t here = std::min(bytes, static_cast<int64_t>(unread_.size()));
  unread_ = unread_.subspan(static_cast<size_t>(here));
  position_ += std::min(bytes - here, end_ - position_);
}

}  // namespace cyto8
