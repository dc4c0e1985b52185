// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tiff_codec.h: streams made by hand, where libtiff as a writer
// never goes. What it writes is read in strict_tiff_test.cc.
#include "tiling/tiff_codec.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

using Stream = std::vector<uint8_t>;

// What comes out: `size` bytes in pieces of `piece`, then the end.
StatusOr<std::string> Decode(TiffCompression compression, const Stream& stream,
                             size_t size, int64_t surplus = 0,
                             size_t piece = 1) {
  MemoryBytes bytes(std::as_bytes(std::span(stream)));
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<TiffCodec> codec,
      OpenTiffCodec(compression, bytes, {.begin = 0, .end = bytes.size_bytes()},
                    {.wanted_bytes = static_cast<int64_t>(size),
                     .surplus_bytes = surplus}));
  std::string out(size, '?');
  const std::span all(reinterpret_cast<uint8_t*>(out.data()), size);
  for (size_t at = 0; at < size; at += piece) {
    CYTO8_RETURN_IF_ERROR(
        codec->Read(all.subspan(at, std::min(piece, size - at))));
  }
  CYTO8_RETURN_IF_ERROR(codec->Finish());
  return out;
}

std::string ErrorOf(TiffCompression compression, const Stream& stream,
                    size_t size, int64_t surplus = 0) {
  return Decode(compression, stream, size, surplus).status().ToString();
}

constexpr char kEarly[] = "DATA_LOSS: damaged TIFF: the data ends early";
constexpr char kShort[] =
    "DATA_LOSS: damaged TIFF: Not enough data for scanline 0";
constexpr char kLate[] = "DATA_LOSS: damaged TIFF: the data ends late";

// --- PackBits ---

// The example of TIFF 6.0, section 9.
const Stream kPacked = {0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA,
                        0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA};
const std::string kUnpacked =
    "\xAA\xAA\xAA\x80" + std::string(1, '\0') + "\x2A\xAA\xAA\xAA\xAA\x80" +
    std::string(1, '\0') + "\x2A\x22\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA\xAA";

TEST(TiffPackBitsTest, TheExampleOfTheStandardIsUnpackedInAnyPieces) {
  for (size_t piece = 1; piece <= kUnpacked.size(); ++piece) {
    EXPECT_EQ(
        Decode(TiffCompression::kPackBits, kPacked, kUnpacked.size(), 0, piece)
            .value(),
        kUnpacked);
  }
}

TEST(TiffPackBitsTest, CutsAndSurplusAreErrors) {
  for (size_t size = 0; size < kPacked.size(); ++size) {
    const Stream cut(kPacked.begin(),
                     kPacked.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, cut, kUnpacked.size()),
              kShort);
  }
  const size_t size = kUnpacked.size();
  EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, kPacked, size - 1), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, kPacked, size - 14), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, kPacked, size - 14, 13), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, kPacked, size - 14, 14), "OK");
  Stream padded = kPacked;
  padded.push_back(0);
  EXPECT_EQ(ErrorOf(TiffCompression::kPackBits, padded, size), "OK");
}

// --- LZW ---

constexpr int kClear = 256;
constexpr int kEnd = 257;
constexpr char kNoCode[] =
    "DATA_LOSS: damaged TIFF: Using code not yet in table";
constexpr char kNoEnd[] =
    "DATA_LOSS: damaged TIFF: LZWDecode: Strip 0 not terminated with EOI code";

// Codes with widths as a writer grows them: one more string per code, except
// behind a clear.
Stream Lzw(const std::vector<int>& codes) {
  Stream stream;
  int filled = 8;
  int width = 9;
  int next = 258;
  bool first = true;
  for (const int code : codes) {
    for (int bit = width - 1; bit >= 0; --bit) {
      if (filled == 8) {
        stream.push_back(0);
        filled = 0;
      }
      const int value = code >> bit & 1;
      ++filled;
      stream.back() =
          static_cast<uint8_t>(stream.back() | value << (8 - filled));
    }
    if (code == kClear) {
      width = 9;
      next = 258;
      first = true;
      continue;
    }
    if (!first) ++next;
    first = false;
    while (width < 12 && next >= (1 << width) - 1) ++width;
  }
  return stream;
}

// The example of TIFF 6.0, section 13: 7 7 7 8 8 7 7 6 6.
TEST(TiffLzwTest, TheExampleOfTheStandardIsUnpackedInAnyPieces) {
  const Stream stream = Lzw({kClear, 7, 258, 8, 8, 258, 6, 6, kEnd});
  for (size_t piece = 1; piece <= 9; ++piece) {
    EXPECT_EQ(Decode(TiffCompression::kLzw, stream, 9, 0, piece).value(),
              "\7\7\7\10\10\7\7\6\6");
  }
}

TEST(TiffLzwTest, ACodeMayStandForTheStringThatItMakes) {
  EXPECT_EQ(Decode(TiffCompression::kLzw, Lzw({kClear, 'a', 258, 259, kEnd}), 6)
                .value(),
            "aaaaaa");
  EXPECT_EQ(
      Decode(TiffCompression::kLzw, Lzw({kClear, 'a', 'b', 258, 260, kEnd}), 7)
          .value(),
      "abababa");
}

// Through all widths to the last code, then once more behind a clear.
TEST(TiffLzwTest, TheTableMayFillUpAndBeCleared) {
  std::vector<int> codes;
  std::string expected;
  for (int round = 0; round < 2; ++round) {
    codes.push_back(kClear);
    for (int i = 258; i < 4095; ++i) {
      codes.push_back(i % 251);
      expected += static_cast<char>(i % 251);
    }
  }
  codes.push_back(kEnd);
  EXPECT_TRUE(
      Decode(TiffCompression::kLzw, Lzw(codes), expected.size()).value() ==
      expected);
}

// libtiff reads on for 1024 codes, for the sake of old writers.
TEST(TiffLzwTest, ATableThatOverflowsByFarIsAnError) {
  const auto error = [](size_t count) {
    std::vector<int> codes = {kClear};
    for (size_t i = 0; i < count; ++i)
      codes.push_back(static_cast<int>(i % 251));
    return ErrorOf(TiffCompression::kLzw, Lzw(codes), count);
  };
  EXPECT_EQ(error(4000), "OK");
  EXPECT_EQ(error(6000), kNoCode);
}

TEST(TiffLzwTest, TheEndMarkMayBeMissingAndClearsMayRepeat) {
  EXPECT_EQ(
      Decode(TiffCompression::kLzw, Lzw({kClear, 'a', 'b', 'c'}), 3).value(),
      "abc");
  EXPECT_EQ(Decode(TiffCompression::kLzw,
                   Lzw({kClear, kClear, 'a', kClear, 'b', kClear, kEnd}), 2)
                .value(),
            "ab");
}

TEST(TiffLzwTest, CodesThatMeanNothingAreErrors) {
  for (const Stream& stream :
       {Lzw({kClear, 'a', 259}), Lzw({kClear, 258}), Lzw({'a', 'b'})}) {
    EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 2), kNoCode);
  }
  // Behind the bytes that are wanted.
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, Lzw({kClear, 'a', 259}), 1),
            kNoCode);
}

// Of before TIFF 6: the lower bits first, which begins with 00 01.
TEST(TiffLzwTest, OldCodesAreAnError) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{2}}) {
    EXPECT_EQ(ErrorOf(TiffCompression::kLzw, {0x00, 0x01, 0x02, 0x03}, size),
              "DATA_LOSS: damaged TIFF: Old-style LZW codes, convert file");
  }
}

TEST(TiffLzwTest, CutsAndSurplusAreErrors) {
  const Stream stream = Lzw({kClear, 'a', 'b', 258, 'c', kEnd});
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, {}, 1), kNoEnd);
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, {0x80}, 1), kNoEnd);
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 6),
            "DATA_LOSS: damaged TIFF: Not enough data at scanline 0 (short 1 "
            "bytes)");
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 5), "OK");
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 4), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 3), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 3, 1), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kLzw, stream, 3, 2), "OK");
}

// --- deflate ---

Stream Deflated(const std::string& text) {
  Stream stream(compressBound(text.size()));
  uLongf size = stream.size();
  compress(stream.data(), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  stream.resize(size);
  return stream;
}

TEST(TiffDeflateTest, TextIsUnpackedInAnyPieces) {
  const std::string text = "to be or not to be, that is the question";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(
        Decode(TiffCompression::kDeflate, Deflated(text), text.size(), 0, piece)
            .value(),
        text);
  }
}

TEST(TiffDeflateTest, CutsAtAnyByteAreErrors) {
  const std::string text(1000, 'x');
  const Stream whole = Deflated(text);
  for (size_t size = 0; size < whole.size(); ++size) {
    const Stream cut(whole.begin(),
                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, cut, text.size()), kEarly);
  }
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, whole, 1001), kEarly);
}

// A whole stream of more bytes: libtiff takes it.
TEST(TiffDeflateTest, SurplusIsAnErrorBeyondWhatIsAllowed) {
  const Stream stream = Deflated(std::string(10'000, 'x'));
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 9'999), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 1), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 1'000, 8'999), kLate);
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 1'000, 9'000), "OK");
}

TEST(TiffDeflateTest, DamageIsNamedAsZlibNamesIt) {
  Stream stream = Deflated("to be or not to be");
  stream.back() ^= 1;
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 18),
            "DATA_LOSS: damaged TIFF: deflate: incorrect data check");
  stream[0] = 0;
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate, stream, 18),
            "DATA_LOSS: damaged TIFF: deflate: incorrect header check");
  EXPECT_EQ(ErrorOf(TiffCompression::kDeflate,
                    {0x78, 0xBB, 0x00, 0x00, 0x00, 0x01}, 1),
            "DATA_LOSS: damaged TIFF: deflate: failed");  // a dictionary.
}

// --- none ---

TEST(TiffRawTest, BytesAreThemselves) {
  EXPECT_EQ(Decode(TiffCompression::kNone, {'a', 'b', 'c'}, 3).value(), "abc");
  EXPECT_EQ(Decode(TiffCompression::kNone, {'a', 'b', 'c'}, 2).value(), "ab");
  EXPECT_EQ(ErrorOf(TiffCompression::kNone, {'a', 'b', 'c'}, 4), kEarly);
}

}  // namespace
}  // namespace cyto8
