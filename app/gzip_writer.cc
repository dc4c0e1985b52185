// SPDX-License-Identifier: Apache-2.0
// Compression by zlib; see gzip_writer.h.
#include "app/gzip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace cyto8 {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 16;

}  // namespace

void GzipWriter::Close::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  std::default_delete<z_stream_s>()(stream);
}

GzipWriter::GzipWriter(Sink sink, std::unique_ptr<z_stream_s, Close> stream)
    : sink_(std::move(sink)), stream_(std::move(stream)), block_(kBlockBytes) {}

StatusOr<GzipWriter> GzipWriter::Create(Sink sink) {
  constexpr int kLevel = 4;  // 3 % more bytes than 6 in two thirds of its time.
  constexpr int kLargestWindow = 15;
  constexpr int kGzipFormat = 16;  // added to the window: zlib's way to ask.
  constexpr int kMemoryLevel = 8;  // zlib's default: 128 KiB in all.
  // zlib keeps its address, so it must not move. Freed by deflateEnd even
  // where deflateInit2 failed.
  std::unique_ptr<z_stream_s, Close> stream(
      std::make_unique<z_stream_s>().release());
  if (deflateInit2(stream.get(), kLevel, Z_DEFLATED,
                   kLargestWindow + kGzipFormat, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return ResourceExhausted("zlib: out of memory");
  }
  return GzipWriter(std::move(sink), std::move(stream));
}

Status GzipWriter::Append(std::string_view bytes) {
  constexpr size_t kMost = std::numeric_limits<uInt>::max();
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kMost);
    // zlib reads only, though its type does not say so.
    stream_->next_in =
        const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream_->avail_in = static_cast<uInt>(count);
    CYTO8_RETURN_IF_ERROR(Deflate(Z_NO_FLUSH));
    bytes.remove_prefix(count);
  }
  return OkStatus();
}

Status GzipWriter::Finish() { return Deflate(Z_FINISH); }

// Until zlib leaves room in a block: then it has no more to give.
Status GzipWriter::Deflate(int flush) {
  do {
    stream_->next_out = reinterpret_cast<Bytef*>(block_.data());
    stream_->avail_out = static_cast<uInt>(block_.size());
    const int result = deflate(stream_.get(), flush);
    if (result == Z_STREAM_ERROR) return Internal("zlib: deflate failed");
    const size_t count = block_.size() - stream_->avail_out;
    if (count == 0) break;
    CYTO8_RETURN_IF_ERROR(sink_(std::string_view(block_.data(), count)));
  } while (stream_->avail_out == 0);
  return OkStatus();
}

}  // namespace cyto8
