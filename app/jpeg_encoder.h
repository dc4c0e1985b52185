// SPDX-License-Identifier: Apache-2.0
// RGB rows to a JPEG as a stream, by libjpeg-turbo: baseline, 4:4:4. Tested by
// tests/app/overlay_test.cc.
#pragma once

#include <cstdint>
#include <memory>

#include "app/sink.h"
#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// What libjpeg-turbo writes at most.
inline constexpr int64_t kMaxJpegSide = 65'500;

struct JpegSize {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int quality = 85;  // in [1, 100].
};

// Rows from top to bottom; the bytes do not depend on how many come at a time.
// Holds a few rows and the bytes of one call. Not thread-safe; movable.
class JpegRowWriter {
 public:
  // kInvalidArgument if a side is outside [1, kMaxJpegSide] or the quality out
  // of range; kResourceExhausted without memory.
  static StatusOr<JpegRowWriter> Create(const JpegSize& size, Sink sink);
  JpegRowWriter(JpegRowWriter&&) noexcept;
  ~JpegRowWriter();

  // The next rows.height_px rows. kInvalidArgument if their width is another or
  // they are more than are left; else fails as the sink does, and then the
  // stream is of no use.
  Status WriteRows(const ImageView& rows);

  // The end. kInvalidArgument if rows are missing. At most once, last.
  Status Finish();

 private:
  class Codec;
  JpegRowWriter(std::unique_ptr<Codec> codec, Sink sink);
  Status PassOn();

  std::unique_ptr<Codec> codec_;
  Sink sink_;
};

}  // namespace cyto8
