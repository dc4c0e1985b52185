// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/strict_png.h: every kind of PNG gives the pixels that its
// samples mean, every damage is an error.
#include "tiling/strict_png.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "tests/support/image_encoding.h"

namespace cyto8 {
namespace {

constexpr size_t kSignatureBytes = 8;

Status DecodeStatus(const Bytes& bytes) {
  return DecodePng(bytes, {}).status();
}

uint32_t Get32(const Bytes& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  }
  return value;
}

void Put32(Bytes& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) {
    bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }
}

// [begin, end) with length, type, data and checksum.
struct Chunk {
  std::string type;
  size_t begin;
  size_t end;
};

std::vector<Chunk> ChunksOf(const Bytes& bytes) {
  std::vector<Chunk> chunks;
  for (size_t at = kSignatureBytes; at < bytes.size();) {
    const auto* text = reinterpret_cast<const char*>(&bytes[at + 4]);
    chunks.push_back({.type = std::string(text, 4),
                      .begin = at,
                      .end = at + 12 + Get32(bytes, at)});
    at = chunks.back().end;
  }
  return chunks;
}

Chunk Find(const Bytes& bytes, const std::string& type) {
  for (const Chunk& chunk : ChunksOf(bytes)) {
    if (chunk.type == type) return chunk;
  }
  ADD_FAILURE() << "no chunk " << type;
  return {};
}

void MendChecksum(Bytes& bytes, const Chunk& chunk) {
  const auto* data = reinterpret_cast<const Bytef*>(&bytes[chunk.begin + 4]);
  const size_t size = chunk.end - chunk.begin - 8;
  Put32(bytes, chunk.end - 4,
        static_cast<uint32_t>(crc32(0, data, static_cast<uInt>(size))));
}

Bytes WithSize(Bytes bytes, uint32_t width_px, uint32_t height_px) {
  const Chunk header = Find(bytes, "IHDR");
  Put32(bytes, header.begin + 8, width_px);
  Put32(bytes, header.begin + 12, height_px);
  MendChecksum(bytes, header);
  return bytes;
}

Bytes Without(Bytes bytes, const Chunk& chunk) {
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(chunk.begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(chunk.end));
  return bytes;
}

// value over white with the given opacity of `full`, rounded to nearest.
int OnWhite(int value, int opacity, int full) {
  const int64_t sum =
      int64_t{value} * opacity + int64_t{full} * (full - opacity);
  return static_cast<int>((sum + full / 2) / full);
}

StatusOr<Image> Decode(const PngSource& source) {
  return DecodePng(EncodePng(source), {});
}

Rgb Grey(int value) {
  const auto level = static_cast<uint8_t>(value);
  return {.red = level, .green = level, .blue = level};
}

void ExpectEqual(const ImageView& a, const ImageView& b) {
  ASSERT_EQ(a.width_px, b.width_px);
  ASSERT_EQ(a.height_px, b.height_px);
  for (int64_t y = 0; y < a.height_px; ++y) {
    for (int64_t x = 0; x < a.width_px; ++x) {
      ASSERT_EQ(a.At(x, y), b.At(x, y)) << x << ", " << y;
    }
  }
}

TEST(StrictPngTest, HeaderGivesSizeFormatAndNoScale) {
  const StatusOr<ImageInfo> info =
      ParsePngHeader(EncodePng(MakeTestImage(37, 21).view()), {});
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info->format, ImageFormat::kPng);
  EXPECT_EQ(info->width_px, 37);
  EXPECT_EQ(info->height_px, 21);
  EXPECT_EQ(info->um_per_px, std::nullopt);
}

TEST(StrictPngTest, RgbComesBackExactlyAtEverySmallSize) {
  for (int64_t height = 1; height <= 9; ++height) {
    for (int64_t width = 1; width <= 9; ++width) {
      const Image image = MakeTestImage(width, height);
      const StatusOr<Image> decoded = DecodePng(EncodePng(image.view()), {});
      ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
      ExpectEqual(decoded->view(), image.view());
    }
  }
}

TEST(StrictPngTest, InterlacedRgbComesBackExactlyAtEverySmallSize) {
  for (int64_t height = 1; height <= 9; ++height) {
    for (int64_t width = 1; width <= 9; ++width) {
      const Image image = MakeTestImage(width, height);
      const uint8_t* pixels = image.view().data;
      const StatusOr<Image> decoded =
          Decode({.width_px = width,
                  .height_px = height,
                  .interlaced = true,
                  .rows = {pixels, pixels + width * height * 3}});
      ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
      ExpectEqual(decoded->view(), image.view());
    }
  }
}

TEST(StrictPngTest, GreyOfEveryDepthIsSpreadOverTheWholeRange) {
  for (const int depth : {1, 2, 4, 8}) {
    const int levels = 1 << depth;
    for (int level = 0; level < levels; ++level) {
      const auto byte = static_cast<uint8_t>(level << (8 - depth));
      const StatusOr<Image> image = Decode({.width_px = 1,
                                            .height_px = 1,
                                            .bit_depth = depth,
                                            .colour_type = 0,
                                            .rows = {byte}});
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      EXPECT_EQ(image->view().At(0, 0), Grey(level * 255 / (levels - 1)));
    }
  }
}

TEST(StrictPngTest, OfSixteenBitsTheUpperEightAreKept) {
  for (int low = 0; low < 256; low += 5) {
    const auto byte = static_cast<uint8_t>(low);
    const StatusOr<Image> image =
        Decode({.width_px = 1,
                .height_px = 1,
                .bit_depth = 16,
                .rows = {10, byte, 200, byte, 255, byte}});
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    EXPECT_EQ(image->view().At(0, 0),
              (Rgb{.red = 10, .green = 200, .blue = 255}));
  }
}

TEST(StrictPngTest, PaletteColoursAreLookedUp) {
  const std::vector<Rgb> palette = {{1, 2, 3}, {40, 50, 60}, {255, 0, 7}};
  const StatusOr<Image> image = Decode({.width_px = 4,
                                        .height_px = 1,
                                        .bit_depth = 2,
                                        .colour_type = 3,
                                        .rows = {0b00'01'10'01},
                                        .palette = palette});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(0, 0), palette[0]);
  EXPECT_EQ(image->view().At(1, 0), palette[1]);
  EXPECT_EQ(image->view().At(2, 0), palette[2]);
  EXPECT_EQ(image->view().At(3, 0), palette[1]);
}

// A limit: libpng does not look at indices while it expands them.
TEST(StrictPngTest, PaletteIndexBeyondThePaletteIsBlack) {
  const StatusOr<Image> image = Decode({.width_px = 1,
                                        .height_px = 1,
                                        .colour_type = 3,
                                        .rows = {2},
                                        .palette = {{1, 2, 3}, {4, 5, 6}}});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(0, 0), Grey(0));
}

// Every value with every opacity, one row for each.
TEST(StrictPngTest, TransparencyIsCompositedOnWhite) {
  for (const bool interlaced : {false, true}) {
    std::vector<uint8_t> rows;
    for (int opacity = 0; opacity < 256; ++opacity) {
      for (int value = 0; value < 256; ++value) {
        rows.push_back(static_cast<uint8_t>(value));
        rows.push_back(static_cast<uint8_t>(opacity));
      }
    }
    const StatusOr<Image> image = Decode({.width_px = 256,
                                          .height_px = 256,
                                          .colour_type = 4,
                                          .interlaced = interlaced,
                                          .rows = rows});
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    for (int opacity = 0; opacity < 256; ++opacity) {
      for (int value = 0; value < 256; ++value) {
        ASSERT_EQ(image->view().At(value, opacity),
                  Grey(OnWhite(value, opacity, 255)))
            << value << ", " << opacity;
      }
    }
  }
}

TEST(StrictPngTest, TransparentColoursAreCompositedOnWhite) {
  const StatusOr<Image> image = Decode({.width_px = 2,
                                        .height_px = 1,
                                        .colour_type = 6,
                                        .rows = {10, 20, 30, 128,  //
                                                 90, 80, 70, 255}});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(0, 0),
            (Rgb{.red = static_cast<uint8_t>(OnWhite(10, 128, 255)),
                 .green = static_cast<uint8_t>(OnWhite(20, 128, 255)),
                 .blue = static_cast<uint8_t>(OnWhite(30, 128, 255))}));
  EXPECT_EQ(image->view().At(1, 0), (Rgb{.red = 90, .green = 80, .blue = 70}));
}

TEST(StrictPngTest, SixteenBitTransparencyIsCompositedBeforeTheCut) {
  for (int value = 0; value <= 65535; value += 771) {
    for (int opacity = 0; opacity <= 65535; opacity += 1285) {
      const auto byte = [](int bits) { return static_cast<uint8_t>(bits); };
      const StatusOr<Image> image =
          Decode({.width_px = 1,
                  .height_px = 1,
                  .bit_depth = 16,
                  .colour_type = 4,
                  .rows = {byte(value >> 8), byte(value), byte(opacity >> 8),
                           byte(opacity)}});
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      ASSERT_EQ(image->view().At(0, 0),
                Grey(OnWhite(value, opacity, 65535) >> 8))
          << value << ", " << opacity;
    }
  }
}

TEST(StrictPngTest, TransparentPaletteAndGreyAreCompositedOnWhite) {
  const StatusOr<Image> palette = Decode({.width_px = 2,
                                          .height_px = 1,
                                          .colour_type = 3,
                                          .rows = {0, 1},
                                          .palette = {{0, 0, 0}, {9, 9, 9}},
                                          .palette_alpha = {51}});
  ASSERT_TRUE(palette.ok()) << palette.status().ToString();
  EXPECT_EQ(palette->view().At(0, 0), Grey(OnWhite(0, 51, 255)));
  EXPECT_EQ(palette->view().At(1, 0), Grey(9));

  const StatusOr<Image> grey = Decode({.width_px = 2,
                                       .height_px = 1,
                                       .bit_depth = 4,
                                       .colour_type = 0,
                                       .rows = {0x5A},
                                       .transparent_grey = 5});
  ASSERT_TRUE(grey.ok()) << grey.status().ToString();
  EXPECT_EQ(grey->view().At(0, 0), Grey(255));
  EXPECT_EQ(grey->view().At(1, 0), Grey(0xAA));
}

TEST(StrictPngTest, BytesAfterTheEndChunkAreIgnored) {
  const Image image = MakeTestImage(20, 20);
  Bytes bytes = EncodePng(image.view());
  bytes.insert(bytes.end(), 1000, std::byte{0xAB});
  const StatusOr<Image> decoded = DecodePng(bytes, {});
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ExpectEqual(decoded->view(), image.view());
}

std::vector<Bytes> AllKinds() {
  const Image image = MakeTestImage(40, 30);
  const uint8_t* pixels = image.view().data;
  const std::vector<uint8_t> rows(pixels, pixels + 40 * 30 * 3);
  const std::vector<uint8_t> indices(40 * 30, 1);
  return {EncodePng(image.view()),
          EncodePng({.width_px = 40,
                     .height_px = 30,
                     .interlaced = true,
                     .rows = rows,
                     .comment = "made by a test"}),
          EncodePng({.width_px = 40,
                     .height_px = 30,
                     .colour_type = 3,
                     .rows = indices,
                     .palette = {{1, 2, 3}, {4, 5, 6}},
                     .palette_alpha = {1, 2}})};
}

// P4: not one of the cuts may give a picture.
TEST(PromiseP4, PngCutAtAnyByteIsAnError) {
  for (const Bytes& whole : AllKinds()) {
    ASSERT_TRUE(DecodeStatus(whole).ok()) << DecodeStatus(whole).ToString();
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(DecodeStatus(cut).ok()) << size << " of " << whole.size();
    }
  }
}

// P5 for PNG: unlike JPEG it has checksums, also in chunks that are skipped.
TEST(PromiseP5, PngWithAnyBitFlippedIsAnError) {
  for (const Bytes& whole : AllKinds()) {
    for (size_t i = 0; i < whole.size(); ++i) {
      Bytes bytes = whole;
      bytes[i] ^= static_cast<std::byte>(1 << (i % 8));
      ASSERT_FALSE(DecodeStatus(bytes).ok()) << "byte " << i;
    }
  }
}

TEST(PromiseP4, PngWithoutOneOfItsNeededChunksIsAnError) {
  for (const Bytes& whole : AllKinds()) {
    for (const Chunk& chunk : ChunksOf(whole)) {
      if (chunk.type == "tRNS" || chunk.type == "tEXt") continue;
      EXPECT_FALSE(DecodeStatus(Without(whole, chunk)).ok()) << chunk.type;
    }
  }
}

TEST(StrictPngTest, ImageDataThatEndsEarlyIsAnError) {
  const Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  const Status status = DecodeStatus(WithSize(bytes, 20, 21));
  EXPECT_EQ(status.ToString(), "DATA_LOSS: damaged PNG: Not enough image data");
}

TEST(StrictPngTest, ImageDataThatEndsLateIsAnError) {
  const Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  EXPECT_FALSE(DecodeStatus(WithSize(bytes, 20, 19)).ok());
}

TEST(StrictPngTest, NamesWhatLibpngSaid) {
  Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  bytes.pop_back();
  EXPECT_EQ(DecodeStatus(bytes).ToString(),
            "DATA_LOSS: damaged PNG: premature end of file");
  bytes[20] ^= std::byte{1};
  EXPECT_EQ(DecodeStatus(bytes).ToString(),
            "DATA_LOSS: damaged PNG: IHDR: CRC error");
}

TEST(StrictPngTest, RefusesNoBytesAndTooMany) {
  EXPECT_EQ(DecodeStatus({}).message(),
            "PNG bytes = 0: must be in [1, 1073741824]");
  const Bytes bytes = EncodePng(MakeTestImage(8, 8).view());
  EXPECT_EQ(
      DecodePng(bytes, {.max_image_bytes = 9}).status().message(),
      "PNG bytes = " + std::to_string(bytes.size()) + ": must be in [1, 9]");
}

TEST(StrictPngTest, RefusesSidesAndAreasBeyondTheLimits) {
  const Bytes bytes = EncodePng(MakeTestImage(30, 20).view());
  EXPECT_EQ(ParsePngHeader(bytes, {.max_side_px = 29}).status().message(),
            "width_px = 30: must be in [1, 29]");
  EXPECT_EQ(DecodePng(bytes, {.max_image_pixels = 599}).status().message(),
            "image pixels = 600: must be in [1, 599]");
  EXPECT_TRUE(
      DecodePng(bytes, {.max_side_px = 30, .max_image_pixels = 600}).ok());
}

TEST(PromiseP6, PngClaimingHugeSidesIsRefused) {
  const Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  EXPECT_EQ(DecodeStatus(WithSize(bytes, 65535, 65535)).ToString(),
            "INVALID_ARGUMENT: image pixels = 4294836225: must be in "
            "[1, 268435456]");
  EXPECT_EQ(DecodeStatus(WithSize(bytes, 0x7FFFFFFF, 1)).ToString(),
            "INVALID_ARGUMENT: width_px = 2147483647: must be in "
            "[1, 1000000]");
  EXPECT_FALSE(DecodeStatus(WithSize(bytes, 0x80000000, 1)).ok());
  EXPECT_FALSE(DecodeStatus(WithSize(bytes, 0, 20)).ok());
}

TEST(PromiseP6, PngTooShortForItsSizeIsRefusedBeforeAllocation) {
  const Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  EXPECT_EQ(DecodeStatus(WithSize(bytes, 16000, 16000)).ToString(),
            "DATA_LOSS: damaged PNG: " + std::to_string(bytes.size()) +
                " bytes cannot hold 16000 x 16000 pixels");
}

// The best that deflate can do must pass the check above.
TEST(StrictPngTest, EvenTheEmptiestPictureIsDecoded) {
  const StatusOr<Image> image =
      Decode({.width_px = 8000,
              .height_px = 1000,
              .bit_depth = 1,
              .colour_type = 0,
              .rows = std::vector<uint8_t>(1000 * 1000)});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->width_px(), 8000);
}

// An image with a chunk of one byte, right in its checksum, before the data.
Bytes WithChunk(const std::string& type) {
  Bytes chunk(13);
  Put32(chunk, 0, 1);
  for (size_t i = 0; i < 4; ++i) chunk[4 + i] = static_cast<std::byte>(type[i]);
  MendChecksum(chunk, {.type = type, .begin = 0, .end = chunk.size()});
  Bytes bytes = EncodePng(MakeTestImage(20, 20).view());
  const size_t at = Find(bytes, "IDAT").begin;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), chunk.begin(),
               chunk.end());
  return bytes;
}

TEST(StrictPngTest, UnknownCriticalChunkIsAnError) {
  EXPECT_EQ(DecodeStatus(WithChunk("QQQQ")).ToString(),
            "DATA_LOSS: damaged PNG: QQQQ: unhandled critical chunk");
}

// One byte is right for none of these, but none says anything of the samples.
TEST(StrictPngTest, ChunksThatDoNotBearOnThePixelsAreNotRead) {
  for (const char* type : {"gAMA", "cHRM", "iCCP", "sRGB", "pHYs", "bKGD",
                           "eXIf", "tEXt", "zTXt", "iTXt", "tIME", "qqqq"}) {
    EXPECT_TRUE(DecodeStatus(WithChunk(type)).ok())
        << type << ": " << DecodeStatus(WithChunk(type)).ToString();
  }
}

TEST(StrictPngTest, RandomBytesAreNeverAPicture) {
  const Bytes whole = EncodePng(MakeTestImage(4, 4).view());
  uint32_t seed = 20240607;
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes bytes(whole.begin(), whole.begin() + kSignatureBytes);
    for (int i = 0; i < 300; ++i) {
      seed = seed * 1664525 + 1013904223;
      bytes.push_back(static_cast<std::byte>(seed >> 24));
    }
    EXPECT_FALSE(DecodeStatus(bytes).ok()) << "trial " << trial;
  }
}

}  // namespace
}  // namespace cyto8
