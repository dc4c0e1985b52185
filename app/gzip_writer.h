// SPDX-License-Identifier: Apache-2.0
// Compression on the fly by zlib: one gzip member (RFC 1952) without name,
// time 0, so that equal input gives equal bytes. Tested by
// tests/app/gzip_writer_test.cc.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "app/sink.h"
#include "base/status.h"

struct z_stream_s;  // of zlib.h.

namespace cyto8 {

// Memory does not grow with what is written. Not thread-safe; movable.
class GzipWriter {
 public:
  // kResourceExhausted if zlib finds no memory.
  static StatusOr<GzipWriter> Create(Sink sink);

  // After an error of the sink the stream is of no use.
  Status Append(std::string_view bytes);
  // The rest and the trailer. At most once, last.
  Status Finish();

 private:
  struct Close {
    void operator()(z_stream_s* stream) const;
  };
  GzipWriter(Sink sink, std::unique_ptr<z_stream_s, Close> stream);
  Status Deflate(int flush);

  Sink sink_;
  std::unique_ptr<z_stream_s, Close> stream_;
  std::vector<char> block_;
};

}  // namespace cyto8
