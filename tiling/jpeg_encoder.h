// SPDX-License-Identifier: Apache-2.0
// RGB rows to a JPEG as a stream, by libjpeg-turbo: baseline. Tested by
// tests/app/overlay_test.cc and tests/tiling/slide_writer_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// What libjpeg-turbo writes at most.
inline constexpr int64_t kMaxJpegSide = 65'500;

// The bytes live for the call only.
using JpegSink = std::function<Status(std::string_view bytes)>;

enum class JpegSampling {
  k444,  // colour as fine as brightness.
  k422,  // one colour for two pixels of a row, as slide scanners write it.
};

struct JpegSize {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int quality = 85;  // in [1, 100].
  JpegSampling sampling = JpegSampling::k444;
};

// Rows from top to bottom; the bytes do not depend on how many come at a time.
// Holds a few rows and the bytes of one call. Not thread-safe; movable.
class JpegRowWriter {
 public:
  // kInvalidArgument if a side is outside [1, kMaxJpegSide] or the quality out
  // of range; kResourceExhausted without memory.
  static StatusOr<JpegRowWriter> Create(const JpegSize& size, JpegSink sink);
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
  JpegRowWriter(std::unique_ptr<Codec> codec, JpegSink sink);
  Status PassOn();

  std::unique_ptr<Codec> codec_;
  JpegSink sink_;
};

// A whole JPEG. `size` says how; its sides are the image's.
StatusOr<std::string> JpegBytes(const ImageView& image, JpegSize size);

}  // namespace cyto8
