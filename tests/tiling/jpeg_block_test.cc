// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/jpeg_block.h: the pixels of plain libjpeg at every reduction,
// and an error for every damage that can be seen.
#include "tiling/jpeg_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>  // jpeglib.h needs it.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/image_encoding.h"
#include "tiling/strict_jpeg.h"

// Comes after cstdio.
#include <jpeglib.h>

namespace cyto8 {
namespace {

constexpr int64_t kReductions[] = {1, 2, 4, 8};

std::vector<JpegEncoding> AllEncodings() {
  return {
      {},
      {.progressive = true},
      {.subsample_chroma = false},
      {.restart_interval_blocks = 2},
      {.one_scan_per_component = true},
      {.optimize_huffman = true},
      {.kind = JpegKind::kGrey},
  };
}

StatusOr<Image> Decode(const Bytes& bytes, int64_t width_px, int64_t height_px,
                       int64_t reduction = 1) {
  return DecodeJpegBlock(
      {.bytes = bytes, .width_px = width_px, .height_px = height_px},
      reduction);
}

std::vector<uint8_t> PixelsOf(const Image& image) {
  const ImageView view = image.view();
  return {view.data, view.data + view.stride_bytes * view.height_px};
}

// What libjpeg gives a program that asks for no more than a scale.
struct Plain {
  int64_t width_px = 0;
  int64_t height_px = 0;
  std::vector<uint8_t> pixels = {};
};

Plain PlainLibjpeg(const Bytes& bytes, int64_t reduction) {
  jpeg_decompress_struct codec = {};
  jpeg_error_mgr errors = {};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes.data()),
               bytes.size());
  jpeg_read_header(&codec, TRUE);
  codec.scale_num = 1;
  codec.scale_denom = static_cast<unsigned int>(reduction);
  codec.out_color_space = JCS_RGB;
  jpeg_start_decompress(&codec);
  Plain plain = {.width_px = codec.output_width,
                 .height_px = codec.output_height};
  plain.pixels.resize(
      static_cast<size_t>(plain.width_px * plain.height_px * kRgbChannels));
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = plain.pixels.data() +
                   codec.output_scanline * plain.width_px * kRgbChannels;
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return plain;
}

TEST(JpegBlockTest, EveryReductionHasThePixelsOfLibjpeg) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    for (const int64_t width : {1, 7, 8, 9, 16, 33, 64}) {
      for (const int64_t height : {1, 8, 15, 17, 48}) {
        const Bytes bytes =
            EncodeJpeg(MakeTestImage(width, height).view(), encoding);
        for (const int64_t reduction : kReductions) {
          const auto image = Decode(bytes, width, height, reduction);
          ASSERT_TRUE(image.ok()) << image.status().ToString();
          const Plain plain = PlainLibjpeg(bytes, reduction);
          ASSERT_EQ(image->width_px(), plain.width_px);
          ASSERT_EQ(image->height_px(), plain.height_px);
          ASSERT_EQ(image->width_px(), (width + reduction - 1) / reduction);
          ASSERT_EQ(PixelsOf(*image), plain.pixels)
              << width << " x " << height << " / " << reduction;
        }
      }
    }
  }
}

TEST(JpegBlockTest, UnreducedItHasThePixelsOfDecodeJpeg) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    const Bytes bytes = EncodeJpeg(MakeTestImage(37, 50).view(), encoding);
    const auto image = Decode(bytes, 37, 50);
    const auto whole = DecodeJpeg(bytes, {});
    ASSERT_TRUE(image.ok() && whole.ok());
    EXPECT_EQ(PixelsOf(*image), PixelsOf(*whole));
  }
}

TEST(PromiseP4, JpegBlockCutAtAnyByteIsAnErrorAtEveryReduction) {
  for (const JpegEncoding& encoding : AllEncodings()) {
    const Bytes whole = EncodeJpeg(MakeTestImage(48, 32).view(), encoding);
    for (const int64_t reduction : kReductions) {
      ASSERT_TRUE(Decode(whole, 48, 32, reduction).ok());
      for (size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(),
                        whole.begin() + static_cast<std::ptrdiff_t>(size));
        const Status status = Decode(cut, 48, 32, reduction).status();
        ASSERT_EQ(status.code(), StatusCode::kDataLoss) << size;
      }
    }
  }
}

TEST(JpegBlockTest, NamesWhatLibjpegSaid) {
  Bytes bytes = EncodeJpeg(MakeTestImage(16, 16).view());
  bytes.pop_back();
  EXPECT_EQ(Decode(bytes, 16, 16).status().ToString(),
            "DATA_LOSS: damaged JPEG: Premature end of JPEG file");
  EXPECT_EQ(Decode({}, 16, 16).status().ToString(),
            "DATA_LOSS: damaged JPEG: Premature end of JPEG file");
  EXPECT_EQ(Decode(Bytes(100), 16, 16).status().ToString(),
            "DATA_LOSS: damaged JPEG: Not a JPEG file: starts with 0x00 0x00");
}

TEST(JpegBlockTest, AnotherSizeThanTheContainersIsAnError) {
  const Bytes bytes = EncodeJpeg(MakeTestImage(16, 24).view());
  for (const auto& [width, height] :
       {std::pair{16, 16}, {24, 24}, {15, 24}, {24, 16}, {0, 0}}) {
    EXPECT_EQ(Decode(bytes, width, height).status().ToString(),
              "DATA_LOSS: damaged JPEG: it has 16 x 24 pixels: must have " +
                  std::to_string(width) + " x " + std::to_string(height));
  }
}

// Height and width stand five bytes into the frame header.
Bytes WithSize(Bytes bytes, int frame, int width_px, int height_px) {
  for (size_t i = 0; i + 9 < bytes.size(); ++i) {
    if (bytes[i] != std::byte{0xFF} ||
        std::to_integer<int>(bytes[i + 1]) != frame) {
      continue;
    }
    const int values[] = {height_px >> 8, height_px & 255, width_px >> 8,
                          width_px & 255};
    for (size_t k = 0; k < 4; ++k) {
      bytes[i + 5 + k] = static_cast<std::byte>(values[k]);
    }
    break;
  }
  return bytes;
}

TEST(PromiseP6, JpegBlockThatClaimsToBeHugeIsRefusedByTheContainersSize) {
  for (const bool progressive : {false, true}) {
    const Bytes bytes = WithSize(
        EncodeJpeg(MakeTestImage(16, 16).view(), {.progressive = progressive}),
        progressive ? 0xC2 : 0xC0, 32000, 32000);
    EXPECT_EQ(Decode(bytes, 256, 256).status().message(),
              "damaged JPEG: it has 32000 x 32000 pixels: must have 256 x 256");
    EXPECT_EQ(Decode(bytes, 32000, 32000).status().message(),
              "damaged JPEG: " + std::to_string(bytes.size()) +
                  " bytes cannot hold 32000 x 32000 pixels");
  }
}

TEST(JpegBlockTest, BytesBehindTheEndMarkerAreIgnored) {
  Bytes bytes = EncodeJpeg(MakeTestImage(16, 16).view());
  const auto whole = Decode(bytes, 16, 16);
  bytes.insert(bytes.end(), 100, std::byte{0xAB});
  const auto longer = Decode(bytes, 16, 16);
  ASSERT_TRUE(whole.ok() && longer.ok());
  EXPECT_EQ(PixelsOf(*whole), PixelsOf(*longer));
}

TEST(JpegBlockTest, TheContainerSaysWhatTheComponentsAre) {
  const Bytes colour = EncodeJpeg(MakeTestImage(16, 16).view());
  const Bytes grey =
      EncodeJpeg(MakeTestImage(16, 16).view(), {.kind = JpegKind::kGrey});
  const auto with = [](const Bytes& bytes, JpegColours colours) {
    return DecodeJpegBlock(
        {.bytes = bytes, .colours = colours, .width_px = 16, .height_px = 16},
        1);
  };
  const auto marked = with(colour, JpegColours::kMarked);
  const auto ycbcr = with(colour, JpegColours::kYcbcr);
  const auto rgb = with(colour, JpegColours::kRgb);
  ASSERT_TRUE(marked.ok() && ycbcr.ok() && rgb.ok());
  EXPECT_EQ(PixelsOf(*marked), PixelsOf(*ycbcr));
  EXPECT_NE(PixelsOf(*marked), PixelsOf(*rgb));
  EXPECT_TRUE(with(grey, JpegColours::kGrey).ok());
  EXPECT_EQ(with(grey, JpegColours::kYcbcr).status().message(),
            "damaged JPEG: 1 components, not those that its container says");
  EXPECT_EQ(with(colour, JpegColours::kGrey).status().message(),
            "damaged JPEG: 3 components, not those that its container says");
  EXPECT_EQ(
      with(EncodeJpeg(MakeTestImage(16, 16).view(), {.kind = JpegKind::kCmyk}),
           JpegColours::kMarked)
          .status()
          .ToString(),
      "UNIMPLEMENTED: JPEG in CMYK colours is not supported");
}

// The tables of a JPEG as a file of their own, and what is left without them.
// All segments stand before the scan, each with its length.
std::pair<Bytes, Bytes> Abbreviated(const Bytes& whole) {
  Bytes tables(whole.begin(), whole.begin() + 2);
  Bytes image = tables;
  size_t at = 2;
  while (whole[at + 1] != std::byte{0xDA}) {
    const size_t end = at + 2 + std::to_integer<size_t>(whole[at + 2]) * 256 +
                       std::to_integer<size_t>(whole[at + 3]);
    const int marker = std::to_integer<int>(whole[at + 1]);
    Bytes& part = marker == 0xC4 || marker == 0xDB ? tables : image;
    for (; at < end; ++at) part.push_back(whole[at]);
  }
  image.insert(image.end(), whole.begin() + static_cast<std::ptrdiff_t>(at),
               whole.end());
  tables.push_back(std::byte{0xFF});
  tables.push_back(std::byte{0xD9});
  return {tables, image};
}

TEST(JpegBlockTest, ItIsReadWithTheTablesOfItsContainer) {
  const Bytes whole = EncodeJpeg(MakeTestImage(32, 16).view());
  const auto [tables, image] = Abbreviated(whole);
  EXPECT_FALSE(Decode(image, 32, 16).ok());
  const auto with = [&](std::span<const std::byte> with_tables) {
    return DecodeJpegBlock({.bytes = image,
                            .tables = with_tables,
                            .width_px = 32,
                            .height_px = 16},
                           1);
  };
  const auto decoded = with(tables);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(PixelsOf(*decoded), PixelsOf(*Decode(whole, 32, 16)));
  for (size_t size = 1; size < tables.size(); ++size) {
    EXPECT_FALSE(with(std::span(tables).first(size)).ok()) << size;
  }
  EXPECT_EQ(with(whole).status().ToString(),
            "DATA_LOSS: tables: damaged JPEG: an image where only tables may "
            "be");
}

TEST(JpegBlockTest, ThreadsDoNotDisturbEachOther) {
  const Bytes whole = EncodeJpeg(MakeTestImage(64, 64).view());
  const Bytes cut(whole.begin(), whole.end() - 40);
  const std::vector<uint8_t> expected = PixelsOf(*Decode(whole, 64, 64));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto image = Decode(whole, 64, 64);
        if (!image.ok() || PixelsOf(*image) != expected) ++wrong[t];
        if (Decode(cut, 64, 64).ok()) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace cyto8
