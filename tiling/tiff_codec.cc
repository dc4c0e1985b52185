// SPDX-License-Identifier: Apache-2.0
// Uncompressing strips and tiles; see tiff_codec.h. PackBits and LZW are done
// by libtiff. Deflate is RFC 1950 by zlib and not by libtiff, which stops at
// the last byte that it wants and so takes a stream whose end and checksum it
// never saw.
#include "tiling/tiff_codec.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tiling/tiff_handle.h"

namespace cyto8 {
namespace {

// Of libtiff's handle and tables, or of zlib's window and a block of input.
constexpr int64_t kFixedBytes = int64_t{192} << 10;

Status Damaged(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

Status OutOfMemory() { return ResourceExhausted("TIFF: out of memory"); }

// Why there was no further byte.
Status EndedEarly(const ByteSource& source) {
  CYTO8_RETURN_IF_ERROR(source.failure());
  return Damaged("the data ends early");
}

class RawCodec final : public TiffCodec {
 public:
  RawCodec(ByteSource& bytes, const TiffExtent& extent)
      : source_(&bytes), blocks_(bytes, extent.begin, extent.end) {}

  Status Read(std::span<uint8_t> dst) override {
    if (blocks_.Read(std::as_writable_bytes(dst))) return OkStatus();
    return EndedEarly(*source_);
  }
  Status Finish() override { return OkStatus(); }

 private:
  ByteSource* source_;
  BlockReader blocks_;
};

// What libtiff says of bytes that end, be it with the end mark of LZW or not,
// and not of bytes that mean nothing.
bool IsPlainEnd(const std::string& message) {
  return message.starts_with("Not enough data") ||
         message.ends_with("not terminated with EOI code");
}

// PackBits or LZW by libtiff, whole. Its handle stands over a header alone and
// has a directory of one strip of plain bytes, so that nothing in the file but
// the packed bytes has a part in it.
class LibraryCodec final : public TiffCodec {
 public:
  LibraryCodec() : header_(std::as_bytes(std::span(kHeader))) {}

  Status Start(TiffCompression compression) {
    CYTO8_ASSIGN_OR_RETURN(handle_, TiffHandle::Open(header_, kFixedBytes));
    TIFF* tiff = handle_->tiff();
    TIFFCreateDirectory(tiff);
    const bool ready =
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 1) != 0 &&
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1) != 0 &&
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 1) != 0 &&
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8) != 0 &&
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1) != 0 &&
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) != 0 &&
        TIFFSetField(tiff, TIFFTAG_COMPRESSION,
                     static_cast<int>(compression)) != 0 &&
        TIFFSetupStrips(tiff) != 0;
    CYTO8_RETURN_IF_ERROR(handle_->failure());
    return ready ? OkStatus() : OutOfMemory();  // these values are all good.
  }

  // libtiff does not tell whether more would have come, so it is asked for more
  // than there may be, which must fail, and then for what is wanted.
  Status Unpack(std::vector<std::byte> packed, const TiffCodecSize& size) {
    const int64_t too_many = size.wanted_bytes + size.surplus_bytes + 1;
    unpacked_.resize(static_cast<size_t>(too_many));
    const bool late = Decode(packed, too_many);
    const std::string ending = handle_->last_message();
    // LZW of before TIFF 6.0, which libtiff reads with one warning.
    const Status first = handle_->failure();
    if (first.code() == StatusCode::kResourceExhausted) return first;
    if (first.message().find("Old-style") != std::string::npos) return first;
    const bool whole = Decode(packed, size.wanted_bytes);
    const Status second = handle_->failure();
    if (second.code() == StatusCode::kResourceExhausted) return second;
    const std::string& message = handle_->last_message();
    const bool cut_run = message.starts_with("Discarding");  // in the surplus.
    if (!whole || !(message.empty() || cut_run)) return Damaged(message);
    if (late) return Damaged("the data ends late");
    if (!IsPlainEnd(ending)) return Damaged(ending);
    unread_ = std::span(unpacked_);
    return OkStatus();
  }

  Status Read(std::span<uint8_t> dst) override {
    CYTO8_ENSURE(dst.size() < unread_.size());
    std::ranges::copy(unread_.first(dst.size()), dst.begin());
    unread_ = unread_.subspan(dst.size());
    return OkStatus();
  }
  Status Finish() override { return OkStatus(); }

 private:
  // Little-endian, classic, no directory.
  static constexpr std::array<uint8_t, 8> kHeader = {'I', 'I', 42};

  bool Decode(std::vector<std::byte>& packed, int64_t count) {
    handle_->Forget();
    return TIFFReadFromUserBuffer(handle_->tiff(), 0, packed.data(),
                                  static_cast<tmsize_t>(packed.size()),
                                  unpacked_.data(),
                                  static_cast<tmsize_t>(count)) != 0;
  }

  MemoryBytes header_;
  std::unique_ptr<TiffHandle> handle_;
  std::vector<uint8_t> unpacked_;
  std::span<const uint8_t> unread_;
};

class DeflateCodec final : public TiffCodec {
 public:
  DeflateCodec(ByteSource& bytes, const TiffExtent& extent, int64_t surplus)
      : source_(&bytes),
        blocks_(bytes, extent.begin, extent.end),
        surplus_(surplus) {}
  DeflateCodec(const DeflateCodec&) = delete;
  DeflateCodec& operator=(const DeflateCodec&) = delete;
  ~DeflateCodec() override { inflateEnd(&stream_); }

  Status Start() {
    if (inflateInit(&stream_) == Z_OK) return OkStatus();
    return OutOfMemory();
  }

  Status Read(std::span<uint8_t> dst) override {
    CYTO8_RETURN_IF_ERROR(Inflate(dst));
    return stream_.avail_out == 0 ? OkStatus() : Damaged("the data ends early");
  }

  // The checksum stands behind the last byte.
  Status Finish() override {
    std::array<uint8_t, 4096> unwanted;
    int64_t over = 0;
    while (!ended_ && over <= surplus_) {
      CYTO8_RETURN_IF_ERROR(Inflate(unwanted));
      over += static_cast<int64_t>(unwanted.size()) - stream_.avail_out;
    }
    return over <= surplus_ ? OkStatus() : Damaged("the data ends late");
  }

 private:
  // Up to the end of dst or of the stream.
  Status Inflate(std::span<uint8_t> dst) {
    stream_.next_out = dst.data();
    stream_.avail_out = static_cast<uInt>(dst.size());
    while (stream_.avail_out > 0 && !ended_) {
      if (stream_.avail_in == 0) CYTO8_RETURN_IF_ERROR(Refill());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      ended_ = result == Z_STREAM_END;
      if (ended_ || result == Z_OK || result == Z_BUF_ERROR) continue;
      if (result == Z_MEM_ERROR) return OutOfMemory();
      return Damaged(std::string("deflate: ") +
                     (stream_.msg == nullptr ? "failed" : stream_.msg));
    }
    return OkStatus();
  }

  Status Refill() {
    const std::span<const std::byte> block = blocks_.Next();
    if (block.empty()) return EndedEarly(*source_);
    // zlib does not write there.
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<std::byte*>(block.data()));
    stream_.avail_in = static_cast<uInt>(block.size());
    return OkStatus();
  }

  ByteSource* source_;
  BlockReader blocks_;
  int64_t surplus_;
  z_stream stream_ = {};
  bool ended_ = false;
};

StatusOr<std::unique_ptr<TiffCodec>> OpenDeflate(ByteSource& bytes,
                                                 const TiffExtent& extent,
                                                 int64_t surplus) {
  auto codec = std::make_unique<DeflateCodec>(bytes, extent, surplus);
  CYTO8_RETURN_IF_ERROR(codec->Start());
  return std::unique_ptr<TiffCodec>(std::move(codec));
}

StatusOr<std::unique_ptr<TiffCodec>> OpenLibrary(TiffCompression compression,
                                                 ByteSource& bytes,
                                                 const TiffExtent& extent,
                                                 const TiffCodecSize& size) {
  std::vector<std::byte> packed(static_cast<size_t>(extent.end - extent.begin));
  CYTO8_RETURN_IF_ERROR(bytes.ReadAt(extent.begin, packed));
  auto codec = std::make_unique<LibraryCodec>();
  CYTO8_RETURN_IF_ERROR(codec->Start(compression));
  CYTO8_RETURN_IF_ERROR(codec->Unpack(std::move(packed), size));
  return std::unique_ptr<TiffCodec>(std::move(codec));
}

bool IsWhole(TiffCompression compression) {
  return compression == TiffCompression::kLzw ||
         compression == TiffCompression::kPackBits;
}

}  // namespace

int64_t TiffCodecBytes(TiffCompression compression, int64_t packed_bytes,
                       int64_t unpacked_bytes) {
  if (!IsWhole(compression)) return kFixedBytes;
  return kFixedBytes + packed_bytes + unpacked_bytes;
}

StatusOr<std::unique_ptr<TiffCodec>> OpenTiffCodec(TiffCompression compression,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent,
                                                   const TiffCodecSize& size) {
  if (IsWhole(compression)) {
    return OpenLibrary(compression, bytes, extent, size);
  }
  if (compression != TiffCompression::kNone) {
    return OpenDeflate(bytes, extent, size.surplus_bytes);
  }
  return std::unique_ptr<TiffCodec>(std::make_unique<RawCodec>(bytes, extent));
}

}  // namespace cyto8
