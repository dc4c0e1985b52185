// SPDX-License-Identifier: Apache-2.0
// Callbacks for libtiff; see tiff_handle.h. None of them may throw.
#include "tiling/tiff_handle.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <span>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

TiffHandle& Self(thandle_t self) { return *static_cast<TiffHandle*>(self); }

struct OptionsDeleter {
  void operator()(TIFFOpenOptions* options) const {
    TIFFOpenOptionsFree(options);
  }
};

// libtiff has no code for it. Of what is beyond max_bytes it says so first.
bool IsOutOfMemory(const std::string& message) {
  return message.find("Out of memory") != std::string::npos ||
         message.find("Failed to allocate") != std::string::npos ||
         message.find("No space") != std::string::npos;
}

}  // namespace

StatusOr<std::unique_ptr<TiffHandle>> TiffHandle::Open(ByteSource& bytes,
                                                       int64_t max_bytes) {
  auto handle = std::make_unique<TiffHandle>(bytes, max_bytes);
  const std::unique_ptr<TIFFOpenOptions, OptionsDeleter> options(
      TIFFOpenOptionsAlloc());
  if (options == nullptr) return ResourceExhausted("TIFF: out of memory");
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), max_bytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), Message, handle.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), Message, handle.get());
  // Read only, header only, no mapping, no strips but those of the file.
  handle->tiff_ =
      TIFFClientOpenExt("libtiff", "rhmc", handle.get(), Read, Write, Seek,
                        Close, Size, nullptr, nullptr, options.get());
  CYTO8_RETURN_IF_ERROR(handle->failure());
  if (handle->tiff_ == nullptr) return DataLoss("damaged TIFF: no header");
  return handle;
}

TiffHandle::~TiffHandle() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

Status TiffHandle::failure() const {
  CYTO8_RETURN_IF_ERROR(bytes_->failure());
  if (out_of_memory_) return ResourceExhausted("TIFF: out of memory");
  CYTO8_RETURN_IF_ERROR(
      CheckRange("TIFF header bytes", read_bytes_, 0, max_bytes_));
  if (first_message_.empty()) return OkStatus();
  return DataLoss("damaged TIFF: " + first_message_);
}

void TiffHandle::Forget() {
  first_message_.clear();
  last_message_.clear();
}

tmsize_t TiffHandle::Read(thandle_t self, void* dst, tmsize_t size) {
  TiffHandle& handle = Self(self);
  const int64_t left = handle.bytes_->size_bytes() - handle.position_;
  const int64_t count = std::min<int64_t>(left, size);
  if (count <= 0) return 0;
  handle.read_bytes_ += count;
  if (handle.read_bytes_ > handle.max_bytes_) return 0;
  const std::span to(static_cast<std::byte*>(dst), static_cast<size_t>(count));
  if (!handle.bytes_->ReadAt(handle.position_, to).ok()) return 0;
  handle.position_ += count;
  return count;
}

tmsize_t TiffHandle::Write(thandle_t, void*, tmsize_t) { return 0; }

// -1 for what is no position.
toff_t TiffHandle::Seek(thandle_t self, toff_t offset, int whence) {
  TiffHandle& handle = Self(self);
  const int64_t from = whence == SEEK_SET   ? 0
                       : whence == SEEK_CUR ? handle.position_
                                            : handle.bytes_->size_bytes();
  const StatusOr<int64_t> to = CheckedAdd(from, static_cast<int64_t>(offset));
  if (!to.ok() || *to < 0) return static_cast<toff_t>(-1);
  handle.position_ = *to;
  return static_cast<toff_t>(*to);
}

int TiffHandle::Close(thandle_t) { return 0; }

toff_t TiffHandle::Size(thandle_t self) {
  return static_cast<toff_t>(Self(self).bytes_->size_bytes());
}

int TiffHandle::Message(TIFF*, void* self, const char*, const char* format,
                        va_list arguments) {
  TiffHandle& handle = Self(self);
  std::array<char, 512> text = {};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  try {
    handle.Take(text.data());
  } catch (const std::bad_alloc&) {
    handle.out_of_memory_ = true;
  }
  return 1;  // nobody else need know.
}

void TiffHandle::Take(const std::string& message) {
  if (IsOutOfMemory(message) && first_message_.empty()) out_of_memory_ = true;
  if (first_message_.empty()) first_message_ = message;
  last_message_ = message;
}

}  // namespace cyto8
