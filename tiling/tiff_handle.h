// SPDX-License-Identifier: Apache-2.0
// An open handle of libtiff over a ByteSource, with messages of its own instead
// of the process-wide handlers. Tested by tests/tiling/tiff_codec_test.cc.
#pragma once

#include <tiffio.h>

#include <cstdarg>
#include <cstdint>
#include <memory>
#include <string>

#include "base/input_file.h"
#include "base/status.h"

namespace cyto8 {

// The header has been read, no directory yet. Belongs to one thread.
class TiffHandle {
 public:
  // libtiff reads and allocates at most max_bytes, all in all and at a time.
  // `bytes` outlives the result.
  static StatusOr<std::unique_ptr<TiffHandle>> Open(ByteSource& bytes,
                                                    int64_t max_bytes);
  // Open is what others call.
  TiffHandle(ByteSource& bytes, int64_t max_bytes)
      : bytes_(&bytes), max_bytes_(max_bytes) {}
  TiffHandle(const TiffHandle&) = delete;
  TiffHandle& operator=(const TiffHandle&) = delete;
  ~TiffHandle();

  TIFF* tiff() { return tiff_; }

  // What libtiff complained of first: kDataLoss with its words, a warning too,
  // unless the source failed, memory did, or more than max_bytes were asked
  // for.
  Status failure() const;
  // The words of the last complaint.
  const std::string& last_message() const { return last_message_; }
  void Forget();

 private:
  static tmsize_t Read(thandle_t self, void* dst, tmsize_t size);
  static tmsize_t Write(thandle_t self, void* src, tmsize_t size);
  static toff_t Seek(thandle_t self, toff_t offset, int whence);
  static int Close(thandle_t self);
  static toff_t Size(thandle_t self);
  static int Message(TIFF* tiff, void* self, const char* module,
                     const char* format, va_list arguments)
      __attribute__((format(printf, 4, 0)));
  void Take(const std::string& message);

  ByteSource* bytes_;
  int64_t max_bytes_;
  int64_t read_bytes_ = 0;
  int64_t position_ = 0;
  bool out_of_memory_ = false;
  std::string first_message_;
  std::string last_message_;
  TIFF* tiff_ = nullptr;
};

}  // namespace cyto8
