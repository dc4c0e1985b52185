// SPDX-License-Identifier: Apache-2.0
// Uncompressing strips and tiles; see tiff_codec.h. PackBits is section 9 of
// "TIFF Revision 6.0" (Adobe, 1992), LZW section 13, deflate RFC 1950 by zlib.
//
// Not by libtiff: it takes a deflate stream whose end and checksum it never
// saw, since it stops at the last byte that it wants, and it holds the whole
// strip, which may be the whole image.
#include "tiling/tiff_codec.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace cyto8 {
namespace {

Status Damaged(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

// The input of a codec, byte by byte.
class Input {
 public:
  Input(ByteSource& bytes, const TiffExtent& extent)
      : source_(&bytes), blocks_(bytes, extent.begin, extent.end) {}

  // The next byte; -1 at the end.
  int Byte() {
    if (at_ == block_.size()) {
      block_ = blocks_.Next();
      at_ = 0;
      if (block_.empty()) return -1;
    }
    return std::to_integer<int>(block_[at_++]);
  }

  BlockReader& blocks() { return blocks_; }

  const Status& failure() const { return source_->failure(); }
  // Why there was no further byte.
  Status EndedEarly() const {
    CYTO8_RETURN_IF_ERROR(failure());
    return Damaged("the data ends early");
  }

 private:
  ByteSource* source_;
  BlockReader blocks_;
  std::span<const std::byte> block_;
  size_t at_ = 0;
};

class RawCodec final : public TiffCodec {
 public:
  RawCodec(ByteSource& bytes, const TiffExtent& extent)
      : input_(bytes, extent) {}

  Status Read(std::span<uint8_t> dst) override {
    if (input_.blocks().Read(std::as_writable_bytes(dst))) return OkStatus();
    return input_.EndedEarly();
  }
  Status Finish(int64_t) override { return OkStatus(); }

 private:
  Input input_;
};

// A codec that makes its bytes in pieces, which need not end where rows do.
class PieceCodec : public TiffCodec {
 public:
  Status Read(std::span<uint8_t> dst) final {
    while (!dst.empty()) {
      if (piece_.empty()) CYTO8_RETURN_IF_ERROR(NextPiece());
      const size_t here = std::min(dst.size(), piece_.size());
      std::ranges::copy(piece_.first(here), dst.begin());
      piece_ = piece_.subspan(here);
      dst = dst.subspan(here);
    }
    return OkStatus();
  }

 protected:
  PieceCodec(ByteSource& bytes, const TiffExtent& extent)
      : input_(bytes, extent) {}

  // What was made and not read.
  int64_t left() const { return static_cast<int64_t>(piece_.size()); }
  Input& input() { return input_; }
  void SetPiece(std::span<const uint8_t> piece) { piece_ = piece; }

  // Sets the next piece, which may be empty.
  virtual Status NextPiece() = 0;

  static Status TooMuch() { return Damaged("the data ends late"); }

 private:
  Input input_;
  std::span<const uint8_t> piece_;
};

class PackBitsCodec final : public PieceCodec {
 public:
  PackBitsCodec(ByteSource& bytes, const TiffExtent& extent)
      : PieceCodec(bytes, extent) {}

  // There is no end mark. A pad byte may follow, which begins no whole run.
  Status Finish(int64_t surplus) override {
    int64_t over = left();
    while (over <= surplus) {
      SetPiece({});
      if (!NextPiece().ok()) return input().failure();
      over += left();
    }
    return TooMuch();
  }

 private:
  Status NextPiece() override {
    constexpr int kNothing = 128;
    const int head = input().Byte();
    if (head < 0) return input().EndedEarly();
    if (head == kNothing) return OkStatus();
    const bool repeat = head > kNothing;
    const int count = repeat ? 257 - head : head + 1;
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (i == 0 || !repeat) value = input().Byte();
      if (value < 0) return input().EndedEarly();
      run_[static_cast<size_t>(i)] = static_cast<uint8_t>(value);
    }
    SetPiece(std::span(run_).first(static_cast<size_t>(count)));
    return OkStatus();
  }

  std::array<uint8_t, 128> run_ = {};
};

// Codes of 9 to 12 bits, the upper bits first. A code stands for the string of
// an earlier code and one more byte. The width grows one code early.
class LzwCodec final : public PieceCodec {
 public:
  LzwCodec(ByteSource& bytes, const TiffExtent& extent)
      : PieceCodec(bytes, extent) {
    for (int i = 0; i < kClear; ++i) {
      const auto byte = static_cast<uint8_t>(i);
      At(i) = {.before = 0, .length = 1, .first = byte, .last = byte};
    }
  }

  // Some writers leave the end mark out.
  Status Finish(int64_t surplus) override {
    int64_t over = left();
    while (over <= surplus) {
      SetPiece({});
      const int code = NextCode();
      if (code < 0 || code == kEnd) return input().failure();
      CYTO8_RETURN_IF_ERROR(Take(code));
      over += left();
    }
    return TooMuch();
  }

 private:
  static constexpr int kClear = 256;
  static constexpr int kEnd = 257;
  static constexpr int kFirst = 258;
  static constexpr int kCodes = 4096;
  static constexpr int kLeastBits = 9;
  static constexpr int kMostBits = 12;
  // What came before, where it is no string.
  static constexpr int kBegin = -2;
  static constexpr int kCleared = -1;

  struct String {
    int before = 0;  // the code of all but the last byte.
    int length = 0;
    uint8_t first = 0;
    uint8_t last = 0;
  };

  String& At(int code) { return strings_[static_cast<size_t>(code)]; }

  Status NextPiece() override {
    const int code = NextCode();
    if (code < 0 || code == kEnd) return input().EndedEarly();
    return Take(code);
  }

  // -1 at the end.
  int NextCode() {
    while (bit_count_ < width_) {
      const int byte = input().Byte();
      if (byte < 0) return -1;
      bits_ = bits_ << 8 | static_cast<uint32_t>(byte);
      bit_count_ += 8;
    }
    bit_count_ -= width_;
    return static_cast<int>(bits_ >> bit_count_ & ((1U << width_) - 1));
  }

  Status Take(int code) {
    if (code == kClear) {
      next_ = kFirst;
      width_ = kLeastBits;
      previous_ = kCleared;
      return OkStatus();
    }
    if (previous_ == kBegin) return Damaged("LZW data without a first clear");
    const int known = previous_ == kCleared ? kClear : next_ + 1;
    if (next_ == kCodes) return Damaged("LZW data without a clear in time");
    if (code >= known) {
      return Damaged("LZW code = " + std::to_string(code) +
                     ": must be in [0, " + std::to_string(known - 1) + "]");
    }
    if (previous_ != kCleared) Define(code);
    previous_ = code;
    Spell(code);
    return OkStatus();
  }

  // The string before with the first byte of this one, which may be itself.
  void Define(int code) {
    const String& before = At(previous_);
    At(next_) = {.before = previous_,
                 .length = before.length + 1,
                 .first = before.first,
                 .last = code == next_ ? before.first : At(code).first};
    ++next_;
    if (next_ == (1 << width_) - 1 && width_ < kMostBits) ++width_;
  }

  void Spell(int code) {
    const auto length = static_cast<size_t>(At(code).length);
    for (size_t i = length; i > 0; --i) {
      spelled_[i - 1] = At(code).last;
      code = At(code).before;
    }
    SetPiece(std::span(spelled_).first(length));
  }

  std::array<String, kCodes> strings_ = {};
  std::array<uint8_t, kCodes> spelled_ = {};
  uint32_t bits_ = 0;
  int bit_count_ = 0;
  int width_ = kLeastBits;
  int next_ = kFirst;
  int previous_ = kBegin;
};

class DeflateCodec final : public TiffCodec {
 public:
  DeflateCodec(ByteSource& bytes, const TiffExtent& extent)
      : input_(bytes, extent) {}
  DeflateCodec(const DeflateCodec&) = delete;
  DeflateCodec& operator=(const DeflateCodec&) = delete;
  ~DeflateCodec() override { inflateEnd(&stream_); }

  Status Start() {
    if (inflateInit(&stream_) == Z_OK) return OkStatus();
    return ResourceExhausted("TIFF: out of memory");
  }

  Status Read(std::span<uint8_t> dst) override {
    CYTO8_RETURN_IF_ERROR(Inflate(dst));
    return stream_.avail_out == 0 ? OkStatus() : Damaged("the data ends early");
  }

  // The checksum stands behind the last byte.
  Status Finish(int64_t surplus) override {
    std::array<uint8_t, 4096> unwanted;
    int64_t over = 0;
    while (!ended_ && over <= surplus) {
      CYTO8_RETURN_IF_ERROR(Inflate(unwanted));
      over += static_cast<int64_t>(unwanted.size()) - stream_.avail_out;
    }
    return over <= surplus ? OkStatus() : Damaged("the data ends late");
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
      return Damaged(std::string("deflate: ") +
                     (stream_.msg == nullptr ? "failed" : stream_.msg));
    }
    return OkStatus();
  }

  Status Refill() {
    const std::span<const std::byte> block = input_.blocks().Next();
    if (block.empty()) return input_.EndedEarly();
    // zlib does not write there.
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<std::byte*>(block.data()));
    stream_.avail_in = static_cast<uInt>(block.size());
    return OkStatus();
  }

  Input input_;
  z_stream stream_ = {};
  bool ended_ = false;
};

}  // namespace

StatusOr<std::unique_ptr<TiffCodec>> OpenTiffCodec(TiffCompression compression,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent) {
  switch (compression) {
    case TiffCompression::kNone:
      return std::unique_ptr<TiffCodec>(
          std::make_unique<RawCodec>(bytes, extent));
    case TiffCompression::kPackBits:
      return std::unique_ptr<TiffCodec>(
          std::make_unique<PackBitsCodec>(bytes, extent));
    case TiffCompression::kLzw:
      return std::unique_ptr<TiffCodec>(
          std::make_unique<LzwCodec>(bytes, extent));
    case TiffCompression::kDeflate:
    case TiffCompression::kOldDeflate: {
      auto codec = std::make_unique<DeflateCodec>(bytes, extent);
      CYTO8_RETURN_IF_ERROR(codec->Start());
      return std::unique_ptr<TiffCodec>(std::move(codec));
    }
    case TiffCompression::kJpeg:
      break;
  }
  return Internal("JPEG is not a codec of bytes");
}

}  // namespace cyto8
