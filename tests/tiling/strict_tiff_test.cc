// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/strict_tiff.h: what libtiff writes comes back exactly, in
// every layout; every damage that can be seen is an error with a pinned text.
// Also of tiff_handle.h, tiff_directory.h, tiff_layout.h, tiff_chunk.h and
// tiff_pixels.h, which are its parts.
#include "tiling/strict_tiff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/image_encoding.h"
#include "tiling/image_reader.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

constexpr int kNone = 1;
constexpr int kLzw = 5;
constexpr int kJpeg = 7;
constexpr int kDeflate = 8;
constexpr int kPackBits = 32773;
constexpr int kOldDeflate = 32946;

Status DecodeStatus(const Bytes& bytes, const Limits& limits = {}) {
  return DecodeImage(bytes, limits).status();
}

ImageInfo InfoOf(const Bytes& bytes) {
  return ParseImageHeader(bytes, {}).value();
}

testing::AssertionResult Same(const ImageView& a, const ImageView& b) {
  if (a.width_px != b.width_px || a.height_px != b.height_px) {
    return testing::AssertionFailure() << "sizes differ";
  }
  for (int64_t y = 0; y < a.height_px; ++y) {
    for (int64_t x = 0; x < a.width_px; ++x) {
      if (a.At(x, y) == b.At(x, y)) continue;
      const Rgb p = a.At(x, y);
      const Rgb q = b.At(x, y);
      return testing::AssertionFailure()
             << x << ", " << y << ": " << +p.red << " " << +p.green << " "
             << +p.blue << " and " << +q.red << " " << +q.green << " "
             << +q.blue;
    }
  }
  return testing::AssertionSuccess();
}

// What the samples of a source mean, worked out pixel by pixel.
int OnWhite(int value, int alpha, int most, int kind) {
  if (kind == 1) return std::min(value + most - alpha, most);
  return static_cast<int>(
      (int64_t{value} * alpha + int64_t{most} * (most - alpha) + most / 2) /
      most);
}

uint8_t Level(const TiffSource& source, const uint16_t* pixel, int channel) {
  const int most = (1 << source.bits) - 1;
  const int colours = source.colour == 2 ? 3 : 1;
  int value = pixel[colours == 3 ? channel : 0];
  if (source.colour == 0) value = most - value;
  for (size_t i = 0; i < source.extra_samples.size(); ++i) {
    const int kind = source.extra_samples[i];
    if (kind == 0) continue;
    value = OnWhite(value, pixel[static_cast<size_t>(colours) + i], most, kind);
    break;
  }
  return static_cast<uint8_t>(source.bits == 16 ? value / 256
                                                : value * 255 / most);
}

Image MeaningOf(const TiffSource& source) {
  Image image = Image::Create(source.width_px, source.height_px).value();
  const uint16_t* pixel = source.values.data();
  for (int64_t y = 0; y < source.height_px; ++y) {
    uint8_t* row = image.MutableRow(y);
    for (int64_t x = 0; x < source.width_px; ++x, pixel += source.samples) {
      for (int channel = 0; channel < 3; ++channel) {
        row[3 * x + channel] = Level(source, pixel, channel);
      }
      if (source.palette.empty()) continue;
      const Rgb colour = source.palette[pixel[0]];
      row[3 * x] = colour.red;
      row[3 * x + 1] = colour.green;
      row[3 * x + 2] = colour.blue;
    }
  }
  return image;
}

// Runs, ramps and noise, so that every codec has something to do. Associated
// colours do not exceed their alpha.
TiffSource Filled(TiffSource source) {
  const int most = (1 << source.bits) - 1;
  uint32_t noise = 20240607;
  const int64_t count = source.width_px * source.height_px * source.samples;
  for (int64_t i = 0; i < count; ++i) {
    noise = noise * 1664525 + 1013904223;
    const int64_t pixel = i / source.samples;
    const int64_t kind = pixel / 50 % 3;
    const int64_t value = kind == 0   ? 3
                          : kind == 1 ? pixel * 5 + i
                                      : static_cast<int64_t>(noise >> 8);
    source.values.push_back(static_cast<uint16_t>(value & most));
  }
  if (!source.extra_samples.empty() && source.extra_samples[0] == 1) {
    for (size_t i = 0; i < source.values.size();
         i += static_cast<size_t>(source.samples)) {
      const auto begin = source.values.begin() + static_cast<long>(i);
      const auto alpha = begin + source.samples - 1;
      std::for_each(begin, alpha,
                    [&](uint16_t& v) { v = std::min(v, *alpha); });
    }
  }
  return source;
}

std::vector<Rgb> PaletteOf(int bits) {
  std::vector<Rgb> palette;
  for (int i = 0; i < 1 << bits; ++i) {
    palette.push_back({.red = static_cast<uint8_t>(i * 7),
                       .green = static_cast<uint8_t>(255 - i),
                       .blue = static_cast<uint8_t>(i ^ 0x5A)});
  }
  return palette;
}

// Every kind of pixel; 37 x 23 is a multiple of nothing.
std::vector<TiffSource> AllColours() {
  std::vector<TiffSource> sources;
  const auto add = [&](TiffSource source) {
    source.width_px = 37;
    source.height_px = 23;
    if (source.colour == 3) source.palette = PaletteOf(source.bits);
    sources.push_back(Filled(source));
  };
  for (const int bits : {1, 2, 4, 8, 16}) {
    add({.bits = bits, .samples = 1, .colour = 0});
    add({.bits = bits, .samples = 1, .colour = 1});
    add({.bits = bits, .samples = 3, .colour = 2});
    if (bits < 16) add({.bits = bits, .samples = 1, .colour = 3});
  }
  for (const int bits : {8, 16}) {
    for (const uint16_t kind : {uint16_t{0}, uint16_t{1}, uint16_t{2}}) {
      add({.bits = bits, .samples = 4, .extra_samples = {kind}});
      add({.bits = bits, .samples = 2, .colour = 1, .extra_samples = {kind}});
    }
    add({.bits = bits, .samples = 5, .extra_samples = {0, 2}});
  }
  return sources;
}

struct Storage {
  int compression;
  int predictor;
};
constexpr Storage kStorages[] = {{kNone, 1},    {kLzw, 1},     {kLzw, 2},
                                 {kDeflate, 1}, {kDeflate, 2}, {kOldDeflate, 1},
                                 {kPackBits, 1}};

void ExpectComesBack(const TiffSource& source) {
  const StatusOr<Image> image = DecodeImage(EncodeTiff(source), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  ASSERT_TRUE(Same(image->view(), MeaningOf(source).view()))
      << "colour " << source.colour << ", bits " << source.bits << ", samples "
      << source.samples << ", compression " << source.compression
      << ", predictor " << source.predictor << ", tile " << source.tile_px
      << ", rows " << source.rows_per_strip << ", separate " << source.separate
      << ", big endian " << source.big_endian;
}

TEST(StrictTiffTest, EveryLayoutComesBackExactly) {
  for (TiffSource source : AllColours()) {
    for (const Storage& storage : kStorages) {
      if (storage.predictor == 2 && source.bits < 8) continue;
      source.compression = storage.compression;
      source.predictor = storage.predictor;
      for (const int64_t tile : {0, 16, 48}) {
        source.tile_px = tile;
        source.rows_per_strip = tile == 0 ? 5 : 0;
        for (const bool other : {false, true}) {
          source.big_endian = other;
          source.separate = other && source.samples > 1;
          source.big_tiff = other != (tile == 0);
          ASSERT_NO_FATAL_FAILURE(ExpectComesBack(source));
        }
      }
    }
  }
}

TEST(StrictTiffTest, EverySmallSizeComesBackExactly) {
  for (const int compression : {kNone, kLzw, kDeflate, kPackBits}) {
    for (int64_t height = 1; height <= 6; ++height) {
      for (int64_t width = 1; width <= 18; ++width) {
        for (int64_t rows = 1; rows <= height; ++rows) {
          ASSERT_NO_FATAL_FAILURE(
              ExpectComesBack(Filled({.width_px = width,
                                      .height_px = height,
                                      .compression = compression,
                                      .rows_per_strip = rows})));
        }
      }
    }
  }
}

// Long runs and long strings: the tables of LZW fill up and are cleared.
TEST(StrictTiffTest, LargerImagesComeBackExactly) {
  for (const Storage& storage : kStorages) {
    const Image image = MakeTestImage(300, 200);
    for (const int64_t tile : {0, 64}) {
      ASSERT_NO_FATAL_FAILURE(
          ExpectComesBack({.width_px = 300,
                           .height_px = 200,
                           .compression = storage.compression,
                           .predictor = storage.predictor,
                           .tile_px = tile,
                           .values = ValuesOf(image.view())}));
      ASSERT_NO_FATAL_FAILURE(ExpectComesBack(
          {.width_px = 300,
           .height_px = 200,
           .compression = storage.compression,
           .predictor = storage.predictor,
           .tile_px = tile,
           .values = std::vector<uint16_t>(300 * 200 * 3, 235)}));
    }
  }
}

TEST(StrictTiffTest, InfoGivesSizeCompressionPagesAndNoScale) {
  TiffSource source = Filled(
      {.width_px = 20, .height_px = 10, .compression = kLzw, .pages = 3});
  const ImageInfo info = InfoOf(EncodeTiff(source));
  EXPECT_EQ(info.format, ImageFormat::kTiff);
  EXPECT_EQ(info.width_px, 20);
  EXPECT_EQ(info.height_px, 10);
  EXPECT_EQ(info.compression, "LZW");
  EXPECT_EQ(info.pages, 3);
  EXPECT_EQ(info.um_per_px, std::nullopt);
  EXPECT_EQ(info.mpp_source, "");
  ExpectComesBack(source);
}

// --- um/px ---

std::optional<double> MppOf(double x, double y, int unit,
                            const std::string& description = "") {
  const ImageInfo info =
      InfoOf(EncodeTiff(Filled({.width_px = 2,
                                .height_px = 2,
                                .x_resolution = x,
                                .y_resolution = y,
                                .resolution_unit = unit,
                                .description = description})));
  EXPECT_EQ(info.mpp_source.empty(), !info.um_per_px.has_value());
  return info.um_per_px;
}

TEST(StrictTiffTest, AMicroscopesResolutionIsTheScale) {
  EXPECT_EQ(MppOf(10'000 / 0.25, 10'000 / 0.25, 3), 0.25);
  EXPECT_EQ(MppOf(10'000 / 0.484, 10'000 / 0.484, 3), 0.484);
  EXPECT_EQ(MppOf(25'400 / 0.5, 25'400 / 0.5, 2), 0.5);
  EXPECT_EQ(MppOf(1000, 1000, 3), 10);
  EXPECT_EQ(MppOf(200'000, 200'000, 3), 0.05);
  EXPECT_EQ(MppOf(40'000, 40'390, 3), 0.25);
}

TEST(StrictTiffTest, APrintsResolutionIsNoScale) {
  EXPECT_EQ(MppOf(72, 72, 2), std::nullopt);
  EXPECT_EQ(MppOf(300, 300, 2), std::nullopt);
  EXPECT_EQ(MppOf(2400, 2400, 2), std::nullopt);
  EXPECT_EQ(MppOf(40'000, 40'000, 1), std::nullopt);  // no unit.
  EXPECT_EQ(MppOf(40'000, 40'410, 3), std::nullopt);  // axes differ.
  EXPECT_EQ(MppOf(201'000, 201'000, 3), std::nullopt);
  EXPECT_EQ(MppOf(999, 999, 3), std::nullopt);
}

TEST(StrictTiffTest, AnAperioDescriptionIsTheScale) {
  const std::string aperio = "Aperio Image Library v11.2.1\r\n46000x32914 ->";
  EXPECT_EQ(MppOf(0, 0, 3, aperio + "|AppMag = 20|MPP = 0.4990|Left = 2"),
            0.499);
  EXPECT_EQ(MppOf(0, 0, 3, aperio + "|MPP = 0.2525"), 0.2525);
  EXPECT_EQ(MppOf(72, 72, 2, aperio + "|MPP = 0.2525"), 0.2525);
  for (const char* wrong :
       {"|MPP = 0", "|MPP = -0.5", "|MPP = nan", "|MPP = ", "|MPP = 0.5x",
        "|MPP = 350", "|XMPP = 0.5", "MPP = 0.5", "|MPP", "|MPP 0.5",
        "|mpp = 0.5", "|MPP == 0.5", "|Title = MPP = 0.5", "|= 0.5",
        "|MPP = x|MPP = 0.5"}) {
    EXPECT_EQ(MppOf(0, 0, 3, aperio + wrong), std::nullopt) << wrong;
  }
  for (const char* right :
       {"|MPP=0.5", "| MPP = 0.5", "|MPP  =  0.5 ", "|\tMPP\t=\t0.5\r\n",
        "|MPP = 0.5 um", "|A=|MPP=0.5|B", "|MPP=0.5|MPP=0.7", "|x||MPP= 0.5"}) {
    EXPECT_EQ(MppOf(0, 0, 3, aperio + right), 0.5) << right;
  }
  EXPECT_EQ(MppOf(0, 0, 3, "made by hand|MPP = 0.5"), std::nullopt);
  const ImageInfo info = InfoOf(EncodeTiff(Filled(
      {.width_px = 2, .height_px = 2, .description = aperio + "|MPP = 0.5"})));
  EXPECT_EQ(info.mpp_source, "aperio.MPP");
}

// --- JPEG inside ---

// libtiff asks libjpeg for the same tables and sampling as EncodeJpeg does, so
// the pixels of a strip or tile are those of a JPEG of its own.
TEST(StrictTiffTest, AJpegStripHasThePixelsOfThatJpeg) {
  const Image image = MakeTestImage(50, 37);
  const StatusOr<Image> decoded =
      DecodeImage(EncodeTiff({.width_px = 50,
                              .height_px = 37,
                              .colour = 6,
                              .compression = kJpeg,
                              .values = ValuesOf(image.view())}),
                  {});
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  const Image expected = DecodeJpeg(EncodeJpeg(image.view()), {}).value();
  EXPECT_TRUE(Same(decoded->view(), expected.view()));
}

TEST(StrictTiffTest, EveryJpegTileHasThePixelsOfThatJpeg) {
  const Image image = MakeTestImage(64, 48);
  const StatusOr<Image> decoded =
      DecodeImage(EncodeTiff({.width_px = 64,
                              .height_px = 48,
                              .colour = 6,
                              .compression = kJpeg,
                              .tile_px = 16,
                              .values = ValuesOf(image.view())}),
                  {});
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  for (int64_t y = 0; y < 48; y += 16) {
    for (int64_t x = 0; x < 64; x += 16) {
      const ImageView tile = image.view().Crop(x, y, 16, 16);
      const Image expected = DecodeJpeg(EncodeJpeg(tile), {}).value();
      EXPECT_TRUE(Same(decoded->view().Crop(x, y, 16, 16), expected.view()));
    }
  }
}

// RGB that was never YCbCr, and planes: each sample has its own quantization,
// so the difference is that of quality 100.
TEST(StrictTiffTest, JpegInRgbGreyAndPlanesComesBackNearly) {
  const Image image = MakeTestImage(40, 30);
  for (const int64_t tile : {0, 16}) {
    for (const bool separate : {false, true}) {
      for (const int samples : {1, 3}) {
        TiffSource source = {.width_px = 40,
                             .height_px = 30,
                             .samples = samples,
                             .colour = samples == 3 ? 2 : 1,
                             .compression = kJpeg,
                             .separate = separate && samples == 3,
                             .rows_per_strip = tile == 0 ? 8 : 0,
                             .tile_px = tile,
                             .jpeg_quality = 100,
                             .values = ValuesOf(image.view())};
        if (samples == 1) source.values.resize(40 * 30);
        const StatusOr<Image> decoded = DecodeImage(EncodeTiff(source), {});
        ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
        const Image expected = MeaningOf(source);
        int worst = 0;
        for (int64_t y = 0; y < 30; ++y) {
          for (int64_t i = 0; i < 120; ++i) {
            worst = std::max(worst, std::abs(decoded->view().Row(y)[i] -
                                             expected.view().Row(y)[i]));
          }
        }
        EXPECT_LE(worst, 3) << tile << ", " << separate << ", " << samples;
      }
    }
  }
}

// --- damage ---

TiffSource SmallSource(int compression, int64_t tile_px) {
  const bool jpeg = compression == kJpeg;
  return Filled({.width_px = 20,
                 .height_px = 18,
                 .colour = jpeg ? 6 : 2,
                 .compression = compression,
                 .rows_per_strip = tile_px > 0 ? 0
                                   : jpeg      ? 16
                                               : 7,
                 .tile_px = tile_px});
}

// libtiff puts the directory at the end, so no cut leaves one.
TEST(PromiseP4, TiffCutAtAnyByteIsAnError) {
  for (const int compression : {kNone, kLzw, kDeflate, kPackBits, kJpeg}) {
    for (const int64_t tile : {0, 16}) {
      const Bytes whole = EncodeTiff(SmallSource(compression, tile));
      ASSERT_TRUE(DecodeStatus(whole).ok()) << DecodeStatus(whole).ToString();
      for (size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(),
                        whole.begin() + static_cast<std::ptrdiff_t>(size));
        ASSERT_FALSE(DecodeStatus(cut).ok()) << size << " of " << whole.size();
      }
    }
  }
}

size_t BeginOfDirectory(const Bytes& bytes) {
  size_t at = 0;
  for (size_t i = 8; i-- > 4;) {
    at = at << 8 | std::to_integer<size_t>(bytes[i]);
  }
  return at;
}

// Its checksum sees every bit of the pixels; the strips fill the file up to
// the directory.
TEST(PromiseP5, DeflatedTiffWithAFlippedBitInItsPixelsIsAnError) {
  for (const int64_t tile : {0, 16}) {
    const Bytes whole = EncodeTiff(SmallSource(kDeflate, tile));
    // libtiff pads to an even byte before the directory.
    for (size_t i = 8; i + 1 < BeginOfDirectory(whole); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes bytes = whole;
        bytes[i] ^= static_cast<std::byte>(1 << bit);
        const StatusOr<Image> image = DecodeImage(bytes, {});
        // Some bits of a deflate header say nothing of the data.
        if (!image.ok()) continue;
        ASSERT_TRUE(Same(image->view(), DecodeImage(whole, {})->view()))
            << i << ", " << bit;
      }
    }
  }
}

// Whatever byte of the whole file changes: an error, or an image of a size that
// the header gives; never a crash. The sanitized build looks closer.
TEST(StrictTiffTest, AnyChangedByteGivesAnErrorOrAnImage) {
  for (const int compression : {kNone, kLzw, kDeflate, kPackBits, kJpeg}) {
    const Bytes whole = EncodeTiff(SmallSource(compression, 16));
    for (size_t i = 0; i < whole.size(); ++i) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        Bytes bytes = whole;
        bytes[i] ^= static_cast<std::byte>(change);
        const StatusOr<Image> image =
            DecodeImage(bytes, {.max_image_pixels = 1 << 20});
        if (image.ok()) {
          EXPECT_EQ(image->width_px(), InfoOf(bytes).width_px);
        } else {
          EXPECT_NE(image.status().code(), StatusCode::kInternal);
        }
      }
    }
  }
}

// A classic TIFF put together by hand: directory first, pixels last.
struct Tag {
  int type = 3;  // SHORT; 1 BYTE, 2 ASCII, 4 LONG, 5 RATIONAL, 7 UNDEFINED.
  std::vector<uint64_t> values = {};
  int64_t count = -1;  // of values, where it shall differ.
};
using Tags = std::map<int, Tag>;

// A value that stands for the offset of byte i of the pixels.
constexpr uint64_t kPixelsAt = uint64_t{1} << 40;

void Put(Bytes& bytes, size_t at, uint64_t value, size_t size) {
  if (bytes.size() < at + size) bytes.resize(at + size);
  for (size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
  }
}

size_t TypeBytes(int type) {
  return type == 3 ? 2 : type == 4 || type == 5 ? 4 : 1;
}

size_t SizeOf(const Tag& tag) {
  return tag.values.size() * TypeBytes(tag.type);
}

Bytes MakeTiff(const Tags& tags, const Bytes& pixels, uint64_t next = 0) {
  Bytes bytes;
  for (const uint64_t c : {0x49, 0x49, 42, 0}) Put(bytes, bytes.size(), c, 1);
  Put(bytes, 4, 8, 4);
  Put(bytes, 8, tags.size(), 2);
  const size_t end = 10 + 12 * tags.size() + 4;
  size_t pixels_at = end;
  for (const auto& [id, tag] : tags) {
    if (SizeOf(tag) > 4) pixels_at += SizeOf(tag);
  }
  size_t entry = 10;
  size_t values_at = end;
  for (const auto& [id, tag] : tags) {
    const size_t size = TypeBytes(tag.type);
    const size_t count =
        tag.type == 5 ? tag.values.size() / 2 : tag.values.size();
    Put(bytes, entry, static_cast<uint64_t>(id), 2);
    Put(bytes, entry + 2, static_cast<uint64_t>(tag.type), 2);
    Put(bytes, entry + 4,
        tag.count < 0 ? count : static_cast<uint64_t>(tag.count), 4);
    const bool inside = SizeOf(tag) <= 4;
    Put(bytes, entry + 8, inside ? 0 : values_at, 4);
    size_t at = inside ? entry + 8 : values_at;
    for (const uint64_t value : tag.values) {
      const bool in_pixels = value >= kPixelsAt && value < 2 * kPixelsAt;
      Put(bytes, at, in_pixels ? value - kPixelsAt + pixels_at : value, size);
      at += size;
    }
    if (!inside) values_at = at;
    entry += 12;
  }
  Put(bytes, entry, next, 4);
  bytes.resize(pixels_at);
  bytes.insert(bytes.end(), pixels.begin(), pixels.end());
  return bytes;
}

// 4 x 4 pixels of RGB, uncompressed, in two strips.
Tags PlainTags() {
  return {{256, {.values = {4}}},
          {257, {.values = {4}}},
          {258, {.values = {8, 8, 8}}},
          {259, {.values = {1}}},
          {262, {.values = {2}}},
          {273, {.type = 4, .values = {kPixelsAt, kPixelsAt + 24}}},
          {277, {.values = {3}}},
          {278, {.values = {2}}},
          {279, {.type = 4, .values = {24, 24}}}};
}

Tags TiledTags() {
  Tags tags = PlainTags();
  for (const int id : {273, 278, 279}) tags.erase(id);
  tags[322] = {.values = {16}};
  tags[323] = {.values = {16}};
  tags[324] = {.type = 4, .values = {kPixelsAt}};
  tags[325] = {.type = 4, .values = {768}};
  return tags;
}

Bytes PlainPixels(size_t size = 48) {
  Bytes pixels;
  for (size_t i = 0; i < size; ++i) {
    pixels.push_back(static_cast<std::byte>(i * 5));
  }
  return pixels;
}

TEST(StrictTiffTest, ATiffMadeByHandIsRead) {
  const StatusOr<Image> image =
      DecodeImage(MakeTiff(PlainTags(), PlainPixels()), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(3, 3),
            (Rgb{.red = 225, .green = 230, .blue = 235}));
  EXPECT_TRUE(DecodeStatus(MakeTiff(TiledTags(), PlainPixels(768))).ok());
}

TEST(PromiseP4, TiffWithItsPixelsLastCutAtAnyByteIsAnError) {
  for (const bool tiled : {false, true}) {
    const Bytes whole = tiled ? MakeTiff(TiledTags(), PlainPixels(768))
                              : MakeTiff(PlainTags(), PlainPixels());
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(DecodeStatus(cut).ok()) << size;
    }
  }
}

// Bytes that no tag points to may go: nobody reads them.
TEST(StrictTiffTest, BytesBehindThePixelsMayBeMissing) {
  Bytes bytes = MakeTiff(PlainTags(), PlainPixels(100));
  const StatusOr<Image> whole = DecodeImage(bytes, {});
  bytes.resize(bytes.size() - 52);
  const StatusOr<Image> cut = DecodeImage(bytes, {});
  ASSERT_TRUE(whole.ok() && cut.ok());
  EXPECT_TRUE(Same(whole->view(), cut->view()));
}

Tag Short(std::vector<uint64_t> values) { return {.values = values}; }
Tag Long(std::vector<uint64_t> values) { return {.type = 4, .values = values}; }

// As some programs write it: 4 x 4 pixels of RGB and a fourth sample of which
// nothing is said, so it has no part in the colour.
TEST(StrictTiffTest, SamplesOfWhichNothingIsSaidAreIgnored) {
  Tags tags = PlainTags();
  tags[258] = Short({8, 8, 8, 8});
  tags[273] = Long({kPixelsAt, kPixelsAt + 32});
  tags[277] = Short({4});
  tags[279] = Long({32, 32});
  const Bytes pixels = PlainPixels(64);
  const StatusOr<Image> image = DecodeImage(MakeTiff(tags, pixels), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(1, 0), (Rgb{.red = 20, .green = 25, .blue = 30}));
  EXPECT_EQ(image->view().At(3, 3), (Rgb{.red = 44, .green = 49, .blue = 54}));
  tags[338] = Short({0});
  const StatusOr<Image> said = DecodeImage(MakeTiff(tags, pixels), {});
  ASSERT_TRUE(said.ok()) << said.status().ToString();
  EXPECT_TRUE(Same(image->view(), said->view()));
}

TEST(StrictTiffTest, OneValueMayStandForAllSamples) {
  const Bytes pixels = PlainPixels();
  const StatusOr<Image> image = DecodeImage(MakeTiff(PlainTags(), pixels), {});
  Tags tags = PlainTags();
  tags[258] = Short({8});
  tags[339] = Short({1});  // SampleFormat.
  const StatusOr<Image> once = DecodeImage(MakeTiff(tags, pixels), {});
  ASSERT_TRUE(image.ok() && once.ok()) << once.status().ToString();
  EXPECT_TRUE(Same(image->view(), once->view()));
}

struct Malformed {
  const char* error;
  std::function<void(Tags&)> change;
  bool tiled = false;
};

const Malformed kMalformed[] = {
    {"DATA_LOSS: damaged TIFF: ImageWidth is missing",
     [](Tags& tags) { tags.erase(256); }},
    {"DATA_LOSS: damaged TIFF: ImageLength is missing",
     [](Tags& tags) { tags.erase(257); }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample is missing",
     [](Tags& tags) { tags.erase(258); }},
    {"DATA_LOSS: damaged TIFF: PhotometricInterpretation is missing",
     [](Tags& tags) { tags.erase(262); }},
    {"DATA_LOSS: damaged TIFF: StripOffsets is missing",
     [](Tags& tags) { tags.erase(273); }},
    {"DATA_LOSS: damaged TIFF: StripByteCounts is missing",
     [](Tags& tags) { tags.erase(279); }},
    {"DATA_LOSS: damaged TIFF: SamplesPerPixel = 1: must be 3 and 0 "
     "ExtraSamples",
     [](Tags& tags) { tags.erase(277); }},
    {"INVALID_ARGUMENT: width_px = 0: must be in [1, 200000]",
     [](Tags& tags) { tags[256] = Short({0}); }},
    {"INVALID_ARGUMENT: height_px = 0: must be in [1, 200000]",
     [](Tags& tags) { tags[257] = Short({0}); }},
    {"INVALID_ARGUMENT: width_px = 4294967295: must be in [1, 200000]",
     [](Tags& tags) { tags[256] = Long({0xFFFFFFFF}); }},
    {"INVALID_ARGUMENT: height_px = 2147483648: must be in [1, 200000]",
     [](Tags& tags) { tags[257] = Long({0x80000000}); }},
    {"DATA_LOSS: damaged TIFF: 176 bytes cannot hold 16000 x 16000 pixels",
     [](Tags& tags) {
       tags[256] = tags[257] = tags[278] = Short({16000});
       tags[273] = Long({kPixelsAt});
       tags[279] = Long({48});
     }},
    {"DATA_LOSS: damaged TIFF: ImageWidth has 2 values: must be 1",
     [](Tags& tags) {
       tags[256] = Short({4, 4});
     }},
    {"DATA_LOSS: damaged TIFF: ImageWidth has 0 values: must be 1",
     [](Tags& tags) { tags[256].count = 0; }},
    {"DATA_LOSS: damaged TIFF: ImageWidth has values of type 2: must be BYTE, "
     "SHORT, LONG or LONG8",
     [](Tags& tags) { tags[256].type = 2; }},
    {"DATA_LOSS: damaged TIFF: ImageLength has values of type 99: must be "
     "BYTE, SHORT, LONG or LONG8",
     [](Tags& tags) { tags[257].type = 99; }},
    {"DATA_LOSS: damaged TIFF: ImageLength has values of type 0: must be BYTE, "
     "SHORT, LONG or LONG8",
     [](Tags& tags) { tags[257].type = 0; }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample has 2 values: must be 3",
     [](Tags& tags) {
       tags[258] = Short({8, 8});
     }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample has 17 values: must have at most "
     "16",
     [](Tags& tags) { tags[258] = Short(std::vector<uint64_t>(17, 8)); }},
    {"UNIMPLEMENTED: BitsPerSample = 32 is not supported: must be 1, 2, 4, 8 "
     "or 16",
     [](Tags& tags) { tags[258] = Short({32}); }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample has 4 values: must be 3",
     [](Tags& tags) {
       tags[258] = Short({8, 8, 8, 8});
     }},
    {"UNIMPLEMENTED: BitsPerSample = 8, 8, 4 is not supported: must be the "
     "same for all samples",
     [](Tags& tags) {
       tags[258] = Short({8, 8, 4});
     }},
    {"UNIMPLEMENTED: BitsPerSample = 32 is not supported: must be 1, 2, 4, 8 "
     "or 16",
     [](Tags& tags) {
       tags[258] = Short({32, 32, 32});
     }},
    {"UNIMPLEMENTED: BitsPerSample = 0 is not supported: must be 1, 2, 4, 8 or "
     "16",
     [](Tags& tags) {
       tags[258] = Short({0, 0, 0});
     }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample has 3 values of type 4 at byte "
     "4294967283: the file ends at byte 186",
     [](Tags& tags) {
       tags[258] = {.type = 4, .values = {0xFFFFFFFF - 12}, .count = 3};
     }},
    {"UNIMPLEMENTED: Compression = 4 (CCITT Group 4) is not supported: must be "
     "1 (none), 5 (LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)",
     [](Tags& tags) { tags[259] = Short({4}); }},
    {"UNIMPLEMENTED: Compression = 34712 (JPEG 2000) is not supported: must be "
     "1 (none), 5 (LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)",
     [](Tags& tags) { tags[259] = Short({34712}); }},
    {"UNIMPLEMENTED: Compression = 6 (old-style JPEG) is not supported: must "
     "be 1 (none), 5 (LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)",
     [](Tags& tags) { tags[259] = Short({6}); }},
    {"UNIMPLEMENTED: Compression = 0 is not supported: must be 1 (none), 5 "
     "(LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)",
     [](Tags& tags) { tags[259] = Short({0}); }},
    {"UNIMPLEMENTED: PhotometricInterpretation = 5 (CMYK) is not supported: "
     "must be 0, 1 (grey), 2 (RGB) or 3 (palette)",
     [](Tags& tags) { tags[262] = Short({5}); }},
    {"UNIMPLEMENTED: PhotometricInterpretation = 8 (CIE L*a*b*) is not "
     "supported: must be 0, 1 (grey), 2 (RGB) or 3 (palette)",
     [](Tags& tags) { tags[262] = Short({8}); }},
    {"UNIMPLEMENTED: PhotometricInterpretation = 6 is not supported: must be "
     "0, 1 (grey), 2 (RGB) or 3 (palette)",
     [](Tags& tags) { tags[262] = Short({6}); }},
    {"UNIMPLEMENTED: FillOrder = 2 is not supported: must be 1",
     [](Tags& tags) { tags[266] = Short({2}); }},
    {"DATA_LOSS: damaged TIFF: StripOffsets has 1 values: must be 2",
     [](Tags& tags) { tags[273] = Long({kPixelsAt}); }},
    {"DATA_LOSS: damaged TIFF: StripByteCounts has 3 values: must be 2",
     [](Tags& tags) {
       tags[279] = Long({24, 24, 24});
     }},
    {"INVALID_ARGUMENT: values of tag 273 = 4294967295: must be in [0, "
     "4000000]",
     [](Tags& tags) { tags[273].count = 0xFFFFFFFF; }},
    {"DATA_LOSS: damaged TIFF: StripOffsets has values of type 7: must be "
     "BYTE, "
     "SHORT, LONG or LONG8",
     [](Tags& tags) {
       tags[273] = {.type = 7, .values = {0, 0}};
     }},
    {"DATA_LOSS: strip 1: damaged TIFF: it has 0 bytes",
     [](Tags& tags) {
       tags[279] = Long({24, 0});
     }},
    {"DATA_LOSS: strip 0: damaged TIFF: it has 25000 bytes at byte 144: the "
     "file "
     "has 192",
     [](Tags& tags) {
       tags[279] = Long({25000, 24});
     }},
    {"DATA_LOSS: strip 1: damaged TIFF: it has 24 bytes at byte 4294967295: "
     "the "
     "file has 192",
     [](Tags& tags) {
       tags[273] = Long({kPixelsAt, 0xFFFFFFFF});
     }},
    {"DATA_LOSS: strip 1: damaged TIFF: 23 bytes cannot hold 4 x 2 pixels",
     [](Tags& tags) {
       tags[279] = Long({24, 23});
     }},
    {"INVALID_ARGUMENT: SamplesPerPixel = 17: must be in [1, 16]",
     [](Tags& tags) { tags[277] = Short({17}); }},
    {"INVALID_ARGUMENT: SamplesPerPixel = 0: must be in [1, 16]",
     [](Tags& tags) { tags[277] = Short({0}); }},
    {"DATA_LOSS: damaged TIFF: BitsPerSample has 3 values: must be 4",
     [](Tags& tags) { tags[277] = Short({4}); }},
    {"DATA_LOSS: damaged TIFF: SamplesPerPixel = 2: must be 3 and 0 "
     "ExtraSamples",
     [](Tags& tags) { tags[277] = Short({2}); }},
    {"DATA_LOSS: damaged TIFF: SamplesPerPixel = 5: must be 3 and 0 "
     "ExtraSamples",
     [](Tags& tags) { tags[277] = Short({5}); }},
    {"DATA_LOSS: damaged TIFF: SamplesPerPixel = 3: must be 1 and 0 "
     "ExtraSamples",
     [](Tags& tags) { tags[262] = Short({1}); }},
    {"DATA_LOSS: damaged TIFF: SamplesPerPixel = 3: must be 3 and 1 "
     "ExtraSamples",
     [](Tags& tags) { tags[338] = Short({2}); }},
    {"DATA_LOSS: damaged TIFF: ExtraSamples has 17 values: must have at most "
     "16",
     [](Tags& tags) {
       tags[338] = {.type = 1, .values = std::vector<uint64_t>(17)};
     }},
    {"UNIMPLEMENTED: ExtraSamples = 3 is not supported: must be 0, 1 or 2",
     [](Tags& tags) {
       tags[277] = Short({4});
       tags[258] = Short({8, 8, 8, 8});
       tags[338] = Short({3});
     }},
    {"DATA_LOSS: damaged TIFF: RowsPerStrip = 0: must be at least 1",
     [](Tags& tags) { tags[278] = Short({0}); }},
    {"UNIMPLEMENTED: PlanarConfiguration = 3 is not supported: must be 1 or 2",
     [](Tags& tags) { tags[284] = Short({3}); }},
    {"DATA_LOSS: damaged TIFF: StripOffsets has 2 values: must be 6",
     [](Tags& tags) { tags[284] = Short({2}); }},
    {"UNIMPLEMENTED: Predictor = 3 is not supported: must be 1 or 2 "
     "(horizontal)",
     [](Tags& tags) {
       tags[259] = Short({8});
       tags[317] = Short({3});
     }},
    {"UNIMPLEMENTED: Predictor = 2 with BitsPerSample = 4 is not supported: "
     "must be 1",
     [](Tags& tags) {
       tags[258] = Short({4, 4, 4});
       tags[259] = Short({5});
       tags[317] = Short({2});
     }},
    {"DATA_LOSS: damaged TIFF: ColorMap is missing",
     [](Tags& tags) {
       tags[258] = tags[277] = Short({1});
       tags[262] = Short({3});
     }},
    {"DATA_LOSS: damaged TIFF: ColorMap has 5 values: must be 6",
     [](Tags& tags) {
       tags[258] = tags[277] = Short({1});
       tags[262] = Short({3});
       tags[320] = Short({1, 2, 3, 4, 5});
     }},
    {"UNIMPLEMENTED: BitsPerSample = 16 with a palette is not supported: must "
     "be 1, 2, 4 or 8",
     [](Tags& tags) {
       tags[258] = Short({16});
       tags[277] = Short({1});
       tags[262] = Short({3});
     }},
    {"UNIMPLEMENTED: SampleFormat = 3 is not supported: must be 1 (unsigned)",
     [](Tags& tags) {
       tags[339] = Short({3, 3, 3});
     }},
    {"DATA_LOSS: damaged TIFF: SampleFormat has 2 values: must be 3",
     [](Tags& tags) {
       tags[339] = Short({1, 1});
     }},
    {"UNIMPLEMENTED: ImageDepth = 7 is not supported: must be 1",
     [](Tags& tags) { tags[32997] = Short({7}); }},
    {"DATA_LOSS: damaged TIFF: there are strips and tiles",
     [](Tags& tags) { tags[322] = tags[323] = Short({16}); }},
    {"UNIMPLEMENTED: BitsPerSample = 16 with JPEG is not supported: must be 8",
     [](Tags& tags) {
       tags[258] = Short({16, 16, 16});
       tags[259] = Short({7});
     }},
    {"UNIMPLEMENTED: PhotometricInterpretation = 3 is not supported: must be "
     "0, 1 (grey), 2 (RGB) or 6 (YCbCr) with JPEG",
     [](Tags& tags) {
       tags[259] = Short({7});
       tags[262] = Short({3});
     }},
    {"UNIMPLEMENTED: PlanarConfiguration = 2 with YCbCr is not supported: must "
     "be 1",
     [](Tags& tags) {
       tags[259] = Short({7});
       tags[262] = Short({6});
       tags[284] = Short({2});
     }},
    {"INVALID_ARGUMENT: JPEGTables bytes = 70000: must be in [0, 65536]",
     [](Tags& tags) {
       tags[259] = Short({7});
       tags[347] = {.type = 7, .values = std::vector<uint64_t>(70000)};
     }},
    {"DATA_LOSS: damaged TIFF: ImageDescription has 50000 values of type 2 at "
     "byte 1094795585: the file ends at byte 204",
     [](Tags& tags) {
       tags[270] = {.type = 2, .values = {65, 65, 65, 65}, .count = 50000};
     }},
    {"DATA_LOSS: damaged TIFF: TileLength is missing",
     [](Tags& tags) { tags.erase(323); }, true},
    {"DATA_LOSS: damaged TIFF: TileWidth is missing",
     [](Tags& tags) { tags.erase(322); }, true},
    {"INVALID_ARGUMENT: TileWidth = 0: must be in [1, 200000]",
     [](Tags& tags) { tags[322] = Short({0}); }, true},
    {"INVALID_ARGUMENT: TileLength = 4294967295: must be in [1, 200000]",
     [](Tags& tags) { tags[323] = Long({0xFFFFFFFF}); }, true},
    {"DATA_LOSS: damaged TIFF: TileOffsets has 1 values: must be 4",
     [](Tags& tags) { tags[322] = tags[323] = Short({2}); }, true},
    {"DATA_LOSS: tile 0: damaged TIFF: it has 0 bytes",
     [](Tags& tags) { tags[325] = Long({0}); }, true},
    {"DATA_LOSS: tile 0: damaged TIFF: 767 bytes cannot hold 16 x 16 pixels",
     [](Tags& tags) { tags[325] = Long({767}); }, true},
};

TEST(PromiseP3, MalformedTiffsAreRefusedByName) {
  for (const Malformed& malformed : kMalformed) {
    Tags tags = malformed.tiled ? TiledTags() : PlainTags();
    malformed.change(tags);
    EXPECT_EQ(
        DecodeStatus(MakeTiff(tags, PlainPixels(malformed.tiled ? 768 : 48)))
            .ToString(),
        malformed.error);
  }
}

std::string ErrorOfBytes(const Bytes& bytes) {
  return DecodeStatus(bytes).ToString();
}

TEST(PromiseP3, MalformedDirectoriesAreRefusedByName) {
  const Bytes whole = MakeTiff(PlainTags(), PlainPixels());
  const auto with = [&](size_t at, uint64_t value, size_t size) {
    Bytes bytes = whole;
    Put(bytes, at, value, size);
    return ErrorOfBytes(bytes);
  };
  const std::string damaged = "DATA_LOSS: damaged TIFF: ";
  const auto needs = [&](int size, int at) {
    return damaged + "a directory needs " + std::to_string(size) +
           " bytes at byte " + std::to_string(at) +
           ": the file ends at byte 192";
  };
  EXPECT_EQ(with(4, 0, 4), damaged + "directories = 0: must be in [1, 65535]");
  EXPECT_EQ(with(4, 5000, 4), needs(2, 5000));
  EXPECT_EQ(with(4, 191, 4), needs(2, 191));
  EXPECT_EQ(with(8, 4000, 2), needs(4, 48'010));
  EXPECT_EQ(with(22, 256, 2), damaged + "tag 256 stands twice");
  const size_t next_at = 10 + 12 * PlainTags().size();
  EXPECT_EQ(with(next_at, 8, 4),
            damaged +
                "directory 1 is at byte 8, as is directory 0: the chain "
                "must not be a loop");
  EXPECT_EQ(with(next_at, 193, 4), needs(2, 193));
  EXPECT_EQ(with(next_at, 2, 4),
            damaged + "a directory is at byte 2: the header has 8");
}

// Room for a link behind it, so that only the count is wrong.
TEST(PromiseP3, AnEmptyOrHugeDirectoryIsRefused) {
  for (const uint64_t entries : {0, 4097}) {
    Bytes bytes = MakeTiff(PlainTags(), PlainPixels(100'000));
    Put(bytes, 8, entries, 2);
    Put(bytes, 10 + 12 * entries, 0, 4);
    EXPECT_EQ(ErrorOfBytes(bytes),
              "DATA_LOSS: damaged TIFF: tags of the directory at byte 8 = " +
                  std::to_string(entries) + ": must be in [1, 4096]");
  }
}

// Many tags share their bytes: a small file that asks for much memory.
TEST(PromiseP6, TagsOfMoreBytesThanTheLimitAreRefused) {
  Tags tags = PlainTags();
  for (int id = 50'000; id < 50'100; ++id) {
    tags[id] = {.type = 1, .values = {8, 0, 0, 0}, .count = 1000};
  }
  const Bytes bytes = MakeTiff(tags, PlainPixels(1000));
  EXPECT_TRUE(DecodeStatus(bytes, {.max_decoder_bytes = 1 << 20}).ok());
  const std::string error =
      DecodeStatus(bytes, {.max_decoder_bytes = 90'000}).ToString();
  EXPECT_TRUE(error.starts_with("INVALID_ARGUMENT: TIFF directory bytes = "))
      << error;
}

// Writers do not all keep the order; what counts is that none stands twice.
TEST(StrictTiffTest, TagsInAnyOrderAreRead) {
  Bytes bytes = MakeTiff(PlainTags(), PlainPixels());
  std::swap_ranges(bytes.begin() + 10, bytes.begin() + 22, bytes.begin() + 22);
  EXPECT_EQ(ErrorOfBytes(bytes), "OK");
}

TEST(PromiseP3, MalformedBigTiffHeadersAreRefusedByName) {
  const Bytes whole =
      EncodeTiff(Filled({.width_px = 3, .height_px = 3, .big_tiff = true}));
  const auto with = [&](size_t at, uint64_t value, size_t size) {
    Bytes bytes = whole;
    Put(bytes, at, value, size);
    return ErrorOfBytes(bytes);
  };
  EXPECT_EQ(
      with(4, 4, 2),
      "DATA_LOSS: damaged TIFF: bytes of a BigTIFF offset = 4: must be 8");
  EXPECT_EQ(with(6, 1, 2),
            "DATA_LOSS: damaged TIFF: BigTIFF constant = 1: must be 0");
  EXPECT_EQ(with(8, 0xFFFFFFFFFFFFFFFF, 8),
            "DATA_LOSS: damaged TIFF: a directory needs 8 bytes at byte -1: "
            "the file ends at byte 260");
}

// Two pages that follow each other in a ring.
TEST(PromiseP3, ARingOfDirectoriesIsRefused) {
  Bytes bytes = MakeTiff(PlainTags(), PlainPixels());
  const size_t next_at = 10 + 12 * PlainTags().size();
  const size_t second = bytes.size();
  Put(bytes, next_at, second, 4);
  Put(bytes, second, 1, 2);
  Put(bytes, second + 14, 8, 4);
  EXPECT_EQ(ErrorOfBytes(bytes),
            "DATA_LOSS: damaged TIFF: directory 2 is at byte 8, as is "
            "directory 0: the chain must not be a loop");
  Put(bytes, second + 14, 0, 4);
  EXPECT_EQ(InfoOf(bytes).pages, 2);
}

TEST(StrictTiffTest, TagsThatDoNotBearOnThePixelsAreNotRead) {
  Tags tags = PlainTags();
  tags[34665] = {.type = 99, .values = {1}, .count = 0x7FFFFFFF};  // EXIF.
  tags[50000] = {.type = 4, .values = {0xFFFFFFFF}, .count = 100};
  tags[274] = Short({6});  // the orientation.
  const Image plain =
      DecodeImage(MakeTiff(PlainTags(), PlainPixels()), {}).value();
  const StatusOr<Image> image = DecodeImage(MakeTiff(tags, PlainPixels()), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_TRUE(Same(image->view(), plain.view()));
}

TEST(StrictTiffTest, BilevelNeedsNeitherBitsNorSamples) {
  Tags tags = {{256, Short({4})},
               {257, Short({2})},
               {262, Short({0})},
               {273, Long({kPixelsAt})},
               {279, Short({2})}};
  const StatusOr<Image> image =
      DecodeImage(MakeTiff(tags, {std::byte{0x50}, std::byte{0xA0}}), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  for (int64_t x = 0; x < 4; ++x) {
    EXPECT_EQ(image->view().At(x, 0).red, x % 2 == 0 ? 255 : 0);
    EXPECT_EQ(image->view().At(x, 1).red, x % 2 == 0 ? 0 : 255);
  }
}

TEST(StrictTiffTest, AnOldPaletteOfEightBitsIsKept) {
  Tags tags = {{256, Short({2})},
               {257, Short({1})},
               {258, Short({1})},
               {262, Short({3})},
               {273, Long({kPixelsAt})},
               {279, Short({1})},
               {320, Short({10, 200, 20, 100, 30, 255})}};
  const StatusOr<Image> image =
      DecodeImage(MakeTiff(tags, {std::byte{0x40}}), {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->view().At(0, 0), (Rgb{.red = 10, .green = 20, .blue = 30}));
  EXPECT_EQ(image->view().At(1, 0),
            (Rgb{.red = 200, .green = 100, .blue = 255}));
}

// A last strip that was written as long as the others.
TEST(StrictTiffTest, APaddedLastStripIsReadButNotALongerOne) {
  for (const int compression : {kDeflate, kLzw, kPackBits}) {
    for (const int64_t rows : {4, 5}) {
      // Two strips of 4 rows each, written as 8 rows; the image shows 8 or 7,
      // then the same data as strips of 3 rows.
      const TiffSource source = Filled({.width_px = 6,
                                        .height_px = 8,
                                        .compression = compression,
                                        .rows_per_strip = 4});
      Bytes bytes = EncodeTiff(source);
      const size_t directory = BeginOfDirectory(bytes);
      for (size_t at = directory + 2; at + 12 < bytes.size(); at += 12) {
        const int id = std::to_integer<int>(bytes[at]) +
                       256 * std::to_integer<int>(bytes[at + 1]);
        if (id == 257) Put(bytes, at + 8, static_cast<uint64_t>(rows + 2), 2);
      }
      const StatusOr<Image> image = DecodeImage(bytes, {});
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      EXPECT_TRUE(Same(image->view(),
                       MeaningOf(source).view().Crop(0, 0, 6, rows + 2)));
    }
  }
}

TEST(StrictTiffTest, AStripThatHoldsMoreThanItsRowsIsAnError) {
  for (const int compression : {kDeflate, kLzw, kPackBits}) {
    Bytes bytes = EncodeTiff(Filled({.width_px = 6,
                                     .height_px = 8,
                                     .compression = compression,
                                     .rows_per_strip = 8}));
    const size_t directory = BeginOfDirectory(bytes);
    for (size_t at = directory + 2; at + 12 < bytes.size(); at += 12) {
      const int id = std::to_integer<int>(bytes[at]) +
                     256 * std::to_integer<int>(bytes[at + 1]);
      // Height and rows of a strip: 5 of the 8 that it holds.
      if (id == 257 || id == 278) Put(bytes, at + 8, 5, 2);
    }
    EXPECT_EQ(ErrorOfBytes(bytes),
              "DATA_LOSS: strip 0: damaged TIFF: the data ends late")
        << compression;
  }
}

// --- limits ---

TEST(PromiseP6, TiffBeyondALimitIsRefused) {
  const Bytes bytes =
      EncodeTiff(Filled({.width_px = 30, .height_px = 20, .tile_px = 16}));
  EXPECT_EQ(DecodeStatus(bytes, {.max_side_px = 29}).message(),
            "width_px = 30: must be in [1, 29]");
  EXPECT_EQ(DecodeStatus(bytes, {.max_image_pixels = 599}).message(),
            "image pixels = 600: must be in [1, 599]");
  EXPECT_EQ(OpenRows(bytes, {.max_slide_pixels = 599}).status().message(),
            "image pixels = 600: must be in [1, 599]");
  const int64_t held = OpenRows(bytes, {}).value()->memory_bytes();
  EXPECT_EQ(DecodeStatus(bytes, {.max_decoder_bytes = held - 1}).message(),
            "decoder bytes = " + std::to_string(held) + ": must be in [0, " +
                std::to_string(held - 1) + "]");
  EXPECT_TRUE(DecodeStatus(bytes, {.max_decoder_bytes = held}).ok());
}

TEST(StrictTiffTest, RandomBytesAreNeverAPicture) {
  uint32_t seed = 20240607;
  for (int trial = 0; trial < 2000; ++trial) {
    Bytes bytes;
    for (const uint64_t c : {0x49, 0x49, 42, 0, 8, 0, 0, 0, 9, 0}) {
      Put(bytes, bytes.size(), c, 1);
    }
    for (int i = 0; i < 300; ++i) {
      seed = seed * 1664525 + 1013904223;
      bytes.push_back(static_cast<std::byte>(seed >> 24));
    }
    EXPECT_FALSE(DecodeStatus(bytes).ok()) << "trial " << trial;
  }
}

}  // namespace
}  // namespace cyto8
