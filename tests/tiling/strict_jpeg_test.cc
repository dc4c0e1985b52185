// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/strict_jpeg.h: pixels as plain libjpeg gives them for whole
// files, an error for every kind of damage that can be seen.
#include "tiling/strict_jpeg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/image_encoding.h"

namespace cyto8 {
namespace {

// Marker codes, the second byte after 0xFF.
constexpr int kSof0 = 0xC0;
constexpr int kSof2 = 0xC2;
constexpr int kDht = 0xC4;
constexpr int kSof9 = 0xC9;
constexpr int kSoi = 0xD8;
constexpr int kEoi = 0xD9;
constexpr int kSos = 0xDA;

Status DecodeStatus(const Bytes& bytes) {
  return DecodeJpeg(bytes, {}).status();
}

int At(const Bytes& bytes, size_t i) { return std::to_integer<int>(bytes[i]); }

void Set16(Bytes& bytes, size_t at, int value) {
  bytes[at] = static_cast<std::byte>(value >> 8);
  bytes[at + 1] = static_cast<std::byte>(value & 255);
}

// A marker with its parameters and, for SOS, the scan data that follows.
struct Segment {
  int marker;
  size_t begin;
  size_t end;
};

// Scan data ends where 0xFF is followed by a marker that is no restart.
size_t EndOfScan(const Bytes& bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    const int next = At(bytes, at + 1);
    const bool restart = next >= 0xD0 && next <= 0xD7;
    if (At(bytes, at) == 0xFF && next != 0 && !restart) break;
    ++at;
  }
  return at;
}

std::vector<Segment> SegmentsOf(const Bytes& bytes) {
  std::vector<Segment> segments;
  size_t at = 0;
  while (at + 1 < bytes.size()) {
    const int marker = At(bytes, at + 1);
    size_t end = at + 2;
    if (marker != kSoi && marker != kEoi) {
      end += static_cast<size_t>(At(bytes, end) * 256 + At(bytes, end + 1));
    }
    if (marker == kSos) end = EndOfScan(bytes, end);
    segments.push_back({.marker = marker, .begin = at, .end = end});
    at = end;
  }
  return segments;
}

Segment Find(const Bytes& bytes, int marker) {
  for (const Segment& segment : SegmentsOf(bytes)) {
    if (segment.marker == marker) return segment;
  }
  ADD_FAILURE() << "no marker " << marker;
  return {};
}

Bytes Without(Bytes bytes, const Segment& segment) {
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(segment.begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(segment.end));
  return bytes;
}

// Height and width stand five bytes into the frame header.
Bytes WithSize(Bytes bytes, int frame_marker, int width_px, int height_px) {
  const size_t begin = Find(bytes, frame_marker).begin;
  Set16(bytes, begin + 5, height_px);
  Set16(bytes, begin + 7, width_px);
  return bytes;
}

void ExpectNear(const ImageView& a, const ImageView& b, int tolerance) {
  ASSERT_EQ(a.width_px, b.width_px);
  ASSERT_EQ(a.height_px, b.height_px);
  int worst = 0;
  for (int64_t y = 0; y < a.height_px; ++y) {
    for (int64_t i = 0; i < a.width_px * kRgbChannels; ++i) {
      worst = std::max(worst, std::abs(a.Row(y)[i] - b.Row(y)[i]));
    }
  }
  EXPECT_LE(worst, tolerance);
}

std::vector<JpegEncoding> AllEncodings() {
  return {
      {},
      {.progressive = true},
      {.subsample_chroma = false},
      {.restart_interval_blocks = 2},
      {.one_scan_per_component = true},
      {.optimize_huffman = true},
      {.progressive = true, .restart_interval_blocks = 3},
      {.kind = JpegKind::kGrey},
      {.kind = JpegKind::kGrey, .progressive = true},
  };
}

TEST(StrictJpegTest, HeaderGivesSizeFormatAndNoScale) {
  const StatusOr<ImageInfo> info =
      ParseJpegHeader(EncodeJpeg(MakeTestImage(37, 21).view()), {});
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info->format, ImageFormat::kJpeg);
  EXPECT_EQ(info->width_px, 37);
  EXPECT_EQ(info->height_px, 21);
  EXPECT_EQ(info->um_per_px, std::nullopt);  // although JFIF states a density.
}

TEST(StrictJpegTest, FineQualityComesBackNearlyAsItWas) {
  const Image image = MakeTestImage(40, 24);
  const StatusOr<Image> decoded = DecodeJpeg(
      EncodeJpeg(image.view(), {.quality = 100, .subsample_chroma = false}),
      {});
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ExpectNear(decoded->view(), image.view(), 4);
}

TEST(StrictJpegTest, EveryEncodingAndSmallSizeIsDecoded) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    for (int64_t height = 1; height <= 18; ++height) {
      for (int64_t width = 1; width <= 18; ++width) {
        const Bytes bytes =
            EncodeJpeg(MakeTestImage(width, height).view(), encoding);
        const StatusOr<Image> image = DecodeJpeg(bytes, {});
        ASSERT_TRUE(image.ok()) << image.status().ToString();
        EXPECT_EQ(image->width_px(), width);
        EXPECT_EQ(image->height_px(), height);
      }
    }
  }
}

TEST(StrictJpegTest, ProgressiveGivesTheSamePixelsAsBaseline) {
  const Image image = MakeTestImage(50, 30);
  const StatusOr<Image> baseline = DecodeJpeg(EncodeJpeg(image.view()), {});
  const StatusOr<Image> progressive =
      DecodeJpeg(EncodeJpeg(image.view(), {.progressive = true}), {});
  ASSERT_TRUE(baseline.ok() && progressive.ok());
  ExpectNear(baseline->view(), progressive->view(), 0);
}

TEST(StrictJpegTest, GreyIsRepeatedInAllChannels) {
  const StatusOr<Image> image = DecodeJpeg(
      EncodeJpeg(MakeTestImage(9, 9).view(), {.kind = JpegKind::kGrey}), {});
  ASSERT_TRUE(image.ok());
  for (int64_t y = 0; y < 9; ++y) {
    for (int64_t x = 0; x < 9; ++x) {
      const Rgb pixel = image->view().At(x, y);
      EXPECT_EQ(pixel.red, pixel.green);
      EXPECT_EQ(pixel.red, pixel.blue);
    }
  }
}

TEST(StrictJpegTest, BytesAfterTheEndMarkerAreIgnored) {
  const Bytes whole = EncodeJpeg(MakeTestImage(20, 20).view());
  Bytes longer = whole;
  longer.insert(longer.end(), 1000, std::byte{0xAB});
  const StatusOr<Image> a = DecodeJpeg(whole, {});
  const StatusOr<Image> b = DecodeJpeg(longer, {});
  ASSERT_TRUE(a.ok() && b.ok());
  ExpectNear(a->view(), b->view(), 0);
}

// P4: not one of the cuts may give a picture.
TEST(PromiseP4, JpegCutAtAnyByteIsAnError) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    const Bytes whole = EncodeJpeg(MakeTestImage(64, 48).view(), encoding);
    ASSERT_TRUE(DecodeStatus(whole).ok());
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(DecodeStatus(cut).ok()) << size << " of " << whole.size();
    }
  }
}

// The same cuts with an end marker put behind them: the hole is in the data.
TEST(PromiseP4, JpegCutInsideItsScanAndClosedAgainIsAnError) {
  const Bytes whole = EncodeJpeg(MakeTestImage(64, 48).view());
  const Segment scan = Find(whole, kSos);
  for (size_t size = scan.begin + 14; size < scan.end; ++size) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (At(cut, size - 1) == 0xFF) continue;  // would become FF FF D9.
    cut.push_back(std::byte{0xFF});
    cut.push_back(std::byte{kEoi});
    ASSERT_FALSE(DecodeStatus(cut).ok()) << size;
  }
}

TEST(PromiseP4, JpegWithoutOneOfItsSegmentsIsAnError) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    const Bytes whole = EncodeJpeg(MakeTestImage(48, 48).view(), encoding);
    for (const Segment& segment : SegmentsOf(whole)) {
      if (segment.marker == 0xE0) continue;  // JFIF: says nothing of pixels.
      EXPECT_FALSE(DecodeStatus(Without(whole, segment)).ok())
          << "marker " << std::hex << segment.marker;
    }
  }
}

TEST(PromiseP4, JpegWithSwappedHuffmanTablesIsAnError) {
  Bytes bytes = EncodeJpeg(MakeTestImage(48, 48).view());
  for (const Segment& segment : SegmentsOf(bytes)) {
    if (segment.marker != kDht) continue;
    bytes[segment.begin + 4] ^= std::byte{1};  // luminance <-> chrominance.
  }
  EXPECT_FALSE(DecodeStatus(bytes).ok());
}

TEST(PromiseP4, JpegWithSwappedRestartMarkersIsAnError) {
  Bytes bytes =
      EncodeJpeg(MakeTestImage(64, 64).view(), {.restart_interval_blocks = 1});
  int swapped = 0;
  for (size_t i = 0; i + 1 < bytes.size() && swapped < 2; ++i) {
    const int next = At(bytes, i + 1);
    if (At(bytes, i) != 0xFF || next < 0xD0 || next > 0xD1) continue;
    bytes[i + 1] ^= std::byte{1};
    ++swapped;
  }
  ASSERT_EQ(swapped, 2);
  EXPECT_FALSE(DecodeStatus(bytes).ok());
}

TEST(StrictJpegTest, NamesTheMissingScan) {
  const Bytes whole = EncodeJpeg(MakeTestImage(48, 48).view(),
                                 {.one_scan_per_component = true});
  Segment last = {};
  for (const Segment& segment : SegmentsOf(whole)) {
    if (segment.marker == kSos) last = segment;
  }
  const Status status = DecodeStatus(Without(whole, last));
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "damaged JPEG: a scan of component 3 is missing");
}

TEST(StrictJpegTest, NamesWhatLibjpegSaid) {
  Bytes bytes = EncodeJpeg(MakeTestImage(48, 48).view());
  bytes.resize(bytes.size() - 2);
  const Status status = DecodeStatus(bytes);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "damaged JPEG: Premature end of JPEG file");
}

TEST(StrictJpegTest, RefusesNoBytes) {
  const Status status = DecodeStatus({});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "JPEG bytes = 0: must be in [1, 1073741824]");
}

TEST(StrictJpegTest, RefusesMoreBytesThanTheLimit) {
  const Bytes bytes = EncodeJpeg(MakeTestImage(8, 8).view());
  const Status status = DecodeJpeg(bytes, {.max_image_bytes = 100}).status();
  EXPECT_EQ(status.message(), "JPEG bytes = " + std::to_string(bytes.size()) +
                                  ": must be in [1, 100]");
}

TEST(StrictJpegTest, RefusesSidesAndAreasBeyondTheLimits) {
  const Bytes bytes = EncodeJpeg(MakeTestImage(30, 20).view());
  EXPECT_EQ(ParseJpegHeader(bytes, {.max_side_px = 29}).status().message(),
            "width_px = 30: must be in [1, 29]");
  EXPECT_EQ(DecodeJpeg(bytes, {.max_image_pixels = 599}).status().message(),
            "image pixels = 600: must be in [1, 599]");
  EXPECT_TRUE(
      DecodeJpeg(bytes, {.max_side_px = 30, .max_image_pixels = 600}).ok());
}

TEST(PromiseP6, JpegClaiming65535x65535IsRefused) {
  for (const bool progressive : {false, true}) {
    const Bytes bytes =
        EncodeJpeg(MakeTestImage(48, 48).view(), {.progressive = progressive});
    const Status status = DecodeStatus(
        WithSize(bytes, progressive ? kSof2 : kSof0, 65535, 65535));
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "width_px = 65535: must be in [1, 65500]");
  }
}

TEST(PromiseP6, JpegTooShortForItsSizeIsRefusedBeforeAllocation) {
  for (const bool progressive : {false, true}) {
    const Bytes bytes =
        EncodeJpeg(MakeTestImage(16, 16).view(), {.progressive = progressive});
    const Status status = DecodeStatus(
        WithSize(bytes, progressive ? kSof2 : kSof0, 16000, 16000));
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_EQ(status.message(),
              "damaged JPEG: " + std::to_string(bytes.size()) +
                  " bytes cannot hold 16000 x 16000 pixels");
  }
}

TEST(StrictJpegTest, ZeroSidesAreRefused) {
  const Bytes bytes = EncodeJpeg(MakeTestImage(16, 16).view());
  EXPECT_EQ(DecodeStatus(WithSize(bytes, kSof0, 0, 16)).message(),
            "width_px = 0: must be in [1, 65500]");
  EXPECT_EQ(DecodeStatus(WithSize(bytes, kSof0, 16, 0)).message(),
            "height_px = 0: must be in [1, 65500]");
}

// The scan of one component sent again and again: no warning, but much time.
TEST(PromiseP6, JpegWithTooManyScansIsRefused) {
  Bytes bytes = EncodeJpeg(MakeTestImage(16, 16).view(),
                           {.one_scan_per_component = true});
  const Segment scan = Find(bytes, kSos);
  const Bytes again(bytes.begin() + static_cast<std::ptrdiff_t>(scan.begin),
                    bytes.begin() + static_cast<std::ptrdiff_t>(scan.end));
  for (int scans = 4; scans <= 100; ++scans) {
    bytes.insert(bytes.end() - 2, again.begin(), again.end());
  }
  EXPECT_TRUE(DecodeStatus(bytes).ok());
  bytes.insert(bytes.end() - 2, again.begin(), again.end());
  const Status status = DecodeStatus(bytes);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "scans = 101: must be in [0, 100]");
}

TEST(StrictJpegTest, NamesTheKindsThatAreNotSupported) {
  const Image image = MakeTestImage(16, 16);
  const Bytes cmyk = EncodeJpeg(image.view(), {.kind = JpegKind::kCmyk});
  EXPECT_EQ(DecodeStatus(cmyk).ToString(),
            "UNIMPLEMENTED: JPEG in CMYK colours is not supported");

  Bytes arithmetic = EncodeJpeg(image.view());
  arithmetic[Find(arithmetic, kSof0).begin + 1] = std::byte{kSof9};
  EXPECT_EQ(DecodeStatus(arithmetic).ToString(),
            "UNIMPLEMENTED: JPEG with arithmetic coding is not supported");

  Bytes twelve_bits = EncodeJpeg(image.view());
  twelve_bits[Find(twelve_bits, kSof0).begin + 4] = std::byte{12};
  EXPECT_EQ(DecodeStatus(twelve_bits).ToString(),
            "UNIMPLEMENTED: Unsupported JPEG data precision 12");

  Bytes lossless = EncodeJpeg(image.view());
  lossless[Find(lossless, kSof0).begin + 1] = std::byte{0xC3};
  EXPECT_EQ(DecodeStatus(lossless).ToString(),
            "UNIMPLEMENTED: Unsupported JPEG process: SOF type 0xc3");
}

// --- inside of other bytes ---

// The tables of a JPEG as a file of their own, and what is left without them.
std::pair<Bytes, Bytes> Abbreviated(const Bytes& whole) {
  Bytes tables(whole.begin(), whole.begin() + 2);
  Bytes image = tables;
  for (const Segment& segment : SegmentsOf(whole)) {
    const bool is_table = segment.marker == kDht || segment.marker == 0xDB;
    Bytes& part = is_table ? tables : image;
    if (segment.marker == kSoi) continue;
    part.insert(part.end(),
                whole.begin() + static_cast<std::ptrdiff_t>(segment.begin),
                whole.begin() + static_cast<std::ptrdiff_t>(segment.end));
  }
  tables.push_back(std::byte{0xFF});
  tables.push_back(std::byte{kEoi});
  return {tables, image};
}

StatusOr<Image> DecodeStream(const Bytes& bytes, const JpegStream& stream) {
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenJpegRows(source, stream, {}));
  return ReadAllRows(*rows, {});
}

TEST(StrictJpegTest, AnImageIsReadWithTheTablesOfItsContainer) {
  const Bytes whole = EncodeJpeg(MakeTestImage(30, 20).view());
  const auto [tables, image] = Abbreviated(whole);
  EXPECT_FALSE(DecodeStatus(image).ok());
  Bytes around(7, std::byte{0xAB});
  around.insert(around.end(), image.begin(), image.end());
  const auto end = static_cast<int64_t>(around.size());
  around.insert(around.end(), 9, std::byte{0xAB});
  const auto decoded =
      DecodeStream(around, {.begin = 7, .end = end, .tables = tables});
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ExpectNear(decoded->view(), DecodeJpeg(whole, {})->view(), 0);
  EXPECT_EQ(DecodeStream(around, {.begin = 7, .end = end - 1, .tables = tables})
                .status()
                .message(),
            "damaged JPEG: Premature end of JPEG file");
}

TEST(StrictJpegTest, TablesThatAreCutOrHoldAnImageAreErrors) {
  const Bytes whole = EncodeJpeg(MakeTestImage(30, 20).view());
  const auto [tables, image] = Abbreviated(whole);
  const auto end = static_cast<int64_t>(image.size());
  for (size_t size = 1; size < tables.size(); ++size) {
    EXPECT_FALSE(DecodeStream(image, {.end = end,
                                      .tables = std::span(tables).first(size)})
                     .ok())
        << size;
  }
  EXPECT_EQ(
      DecodeStream(image, {.end = end, .tables = whole}).status().ToString(),
      "DATA_LOSS: tables: damaged JPEG: an image where only tables may be");
}

TEST(StrictJpegTest, TheContainerSaysWhatTheComponentsAre) {
  const Bytes colour =
      EncodeJpeg(MakeTestImage(16, 16).view(), {.subsample_chroma = false});
  const Bytes grey =
      EncodeJpeg(MakeTestImage(16, 16).view(), {.kind = JpegKind::kGrey});
  const auto decode = [](const Bytes& bytes, JpegColours colours) {
    return DecodeStream(
        bytes, {.end = static_cast<int64_t>(bytes.size()), .colours = colours});
  };
  const Image marked = decode(colour, JpegColours::kMarked).value();
  ExpectNear(decode(colour, JpegColours::kYcbcr)->view(), marked.view(), 0);
  // Y, Cb and Cr as they are: Y is the grey of the picture.
  const Image raw = decode(colour, JpegColours::kRgb).value();
  const Rgb a = raw.view().At(3, 3);
  const Rgb b = marked.view().At(3, 3);
  EXPECT_NEAR(a.red, 0.299 * b.red + 0.587 * b.green + 0.114 * b.blue, 2);
  EXPECT_TRUE(decode(grey, JpegColours::kGrey).ok());
  EXPECT_EQ(decode(grey, JpegColours::kYcbcr).status().ToString(),
            "DATA_LOSS: damaged JPEG: 1 components, not those that its "
            "container says");
  EXPECT_EQ(decode(colour, JpegColours::kGrey).status().ToString(),
            "DATA_LOSS: damaged JPEG: 3 components, not those that its "
            "container says");
}

TEST(StrictJpegTest, RandomBytesAreNeverAPicture) {
  uint32_t seed = 20240607;
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes bytes = {std::byte{0xFF}, std::byte{kSoi}, std::byte{0xFF}};
    for (int i = 0; i < 300; ++i) {
      seed = seed * 1664525 + 1013904223;
      bytes.push_back(static_cast<std::byte>(seed >> 24));
    }
    EXPECT_FALSE(DecodeStatus(bytes).ok()) << "trial " << trial;
  }
}

// E3: most flips in scan data are silent, which is a stated limit. None may do
// more than change pixels or be an error.
TEST(StrictJpegTest, FlippedBitsGiveAnErrorOrAnImageOfTheSameSize) {
  for (const bool progressive : {false, true}) {
    const Bytes whole =
        EncodeJpeg(MakeTestImage(32, 32).view(), {.progressive = progressive});
    const size_t scan = Find(whole, kSos).begin;
    int errors = 0;
    for (size_t i = scan + 14; i < whole.size(); ++i) {
      Bytes bytes = whole;
      bytes[i] ^= std::byte{0x10};
      const StatusOr<Image> image = DecodeJpeg(bytes, {});
      errors += image.ok() ? 0 : 1;
      if (image.ok()) {
        EXPECT_EQ(image->width_px(), 32);
      }
    }
    EXPECT_GT(errors, 0);
  }
}

}  // namespace
}  // namespace cyto8
