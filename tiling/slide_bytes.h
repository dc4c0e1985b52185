// SPDX-License-Identifier: Apache-2.0
// The bytes of a slide, read at any offset by any number of threads: an open
// file or memory. Tested by tests/tiling/tiff_pyramid_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/input_file.h"
#include "base/status.h"

namespace cyto8 {

// Thread-safe.
class SlideBytes {
 public:
  // kInvalidArgument if it is not a regular file. `files` outlives the result.
  static StatusOr<std::unique_ptr<SlideBytes>> Open(FileSystem& files,
                                                    const std::string& path);
  // The bytes outlive the result.
  static std::unique_ptr<SlideBytes> OfMemory(std::span<const std::byte> bytes);
  virtual ~SlideBytes() = default;

  // When it was opened.
  virtual int64_t size_bytes() const = 0;
  // All of `dst`, which lies within [0, size_bytes()). Failures of a file start
  // with its path.
  virtual Status ReadAt(int64_t offset, std::span<std::byte> dst) const = 0;
  // A hint that this range, which lies inside too, will be read soon.
  virtual void WillNeed(int64_t offset, int64_t bytes) const = 0;
  // The path in front of what is wrong with the content, if there is one.
  virtual Status Named(const Status& status) const = 0;
};

// For one thread, to parse with; kInvalidArgument after more than max_bytes in
// all, so that what a hostile index asks for has an end.
class SlideByteSource final : public ByteSource {
 public:
  SlideByteSource(const SlideBytes& bytes, int64_t max_bytes)
      : bytes_(&bytes), max_bytes_(max_bytes) {}

  int64_t size_bytes() const override { return bytes_->size_bytes(); }

 private:
  Status Fill(int64_t offset, std::span<std::byte> dst) override;

  const SlideBytes* bytes_;
  int64_t max_bytes_;
  int64_t read_bytes_ = 0;
};

}  // namespace cyto8
