// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/slide_writer.h: TIFFs are read back with libtiff, KFBs by
// their layout.
#include "tiling/slide_writer.h"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "tests/support/faulty_file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

constexpr int64_t kWidth = 700;
constexpr int64_t kHeight = 500;

TilePainter PaintFrom(const Image& whole) {
  return [&whole](int64_t x_px, int64_t y_px, Image& dst) {
    for (int64_t y = 0; y < dst.height_px(); ++y) {
      std::copy_n(whole.view().Row(y_px + y) + x_px * kRgbChannels,
                  dst.width_px() * kRgbChannels, dst.MutableRow(y));
    }
    return OkStatus();
  };
}

// Smooth, so that a JPEG is close to it; every place differs.
Image MakeSlide() {
  Image image = Image::Create(kWidth, kHeight).value();
  for (int64_t y = 0; y < kHeight; ++y) {
    for (int64_t x = 0; x < kWidth; ++x) {
      uint8_t* pixel = image.MutableRow(y) + x * kRgbChannels;
      pixel[0] = static_cast<uint8_t>(x * 255 / kWidth);
      pixel[1] = static_cast<uint8_t>(y * 255 / kHeight);
      pixel[2] = static_cast<uint8_t>((x + y) * 255 / (kWidth + kHeight));
    }
  }
  return image;
}

SlideFileOptions OptionsOf(const std::string& path) {
  SlideFileOptions options = {
      .path = path,
      .levels = PyramidLevels(kWidth, kHeight, 256).value(),
      .um_per_px = 0.5,
      .magnification = 20,
      .quality = 95,
      .statement = "synthetic"};
  options.level_count = static_cast<int64_t>(options.levels.size());
  return options;
}

Status Write(FileSystem& files, SlideFormat format,
             const SlideFileOptions& options) {
  const Image image = MakeSlide();
  CYTO8_ASSIGN_OR_RETURN(const auto writer,
                         CreateSlideWriter(files, format, options));
  CYTO8_RETURN_IF_ERROR(
      WritePyramid(options.levels, PaintFrom(image), *writer));
  CYTO8_RETURN_IF_ERROR(writer->Finish());
  return writer->Commit();
}

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffFile = std::unique_ptr<TIFF, TiffCloser>;

template <typename Value>
int64_t Field(TIFF* tiff, uint32_t tag) {
  Value value = 0;
  EXPECT_EQ(TIFFGetFieldDefaulted(tiff, tag, &value), 1) << tag;
  return value;
}

std::string Description(TIFF* tiff) {
  char* text = nullptr;
  EXPECT_EQ(TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text), 1);
  return text == nullptr ? "" : text;
}

// Every pixel of the level is where it was, but for JPEG's loss.
void ExpectPixels(TIFF* tiff, int64_t level) {
  const int64_t width_px = Field<uint32_t>(tiff, TIFFTAG_IMAGEWIDTH);
  const int64_t height_px = Field<uint32_t>(tiff, TIFFTAG_IMAGELENGTH);
  EXPECT_EQ(width_px, kWidth >> level);
  EXPECT_EQ(height_px, kHeight >> level);
  EXPECT_EQ(Field<uint32_t>(tiff, TIFFTAG_TILEWIDTH), 256);
  EXPECT_EQ(Field<uint16_t>(tiff, TIFFTAG_COMPRESSION), COMPRESSION_JPEG);
  std::vector<uint32_t> pixels(static_cast<size_t>(width_px * height_px));
  ASSERT_EQ(
      TIFFReadRGBAImageOriented(tiff, static_cast<uint32_t>(width_px),
                                static_cast<uint32_t>(height_px), pixels.data(),
                                ORIENTATION_TOPLEFT, /*stop_on_error=*/1),
      1);
  int64_t worst = 0;
  for (int64_t i = 0; i < width_px * height_px; ++i) {
    const uint32_t pixel = pixels[static_cast<size_t>(i)];
    const int64_t x = (i % width_px) << level;
    const int64_t y = (i / width_px) << level;
    worst = std::max(worst, std::abs(static_cast<int64_t>(TIFFGetR(pixel)) -
                                     x * 255 / kWidth));
    worst = std::max(worst, std::abs(static_cast<int64_t>(TIFFGetG(pixel)) -
                                     y * 255 / kHeight));
  }
  EXPECT_LE(worst, 6);
}

class SlideWriterTest : public testing::Test {
 protected:
  SlideFileOptions Options(const std::string& name) const {
    return OptionsOf(folder_.PathOf(name));
  }
  void Put(SlideFormat format, const SlideFileOptions& options) {
    const Status status = Write(RealFileSystem(), format, options);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  TiffFile Open(const std::string& name) const {
    TiffFile tiff(TIFFOpen(folder_.PathOf(name).c_str(), "r"));
    EXPECT_NE(tiff, nullptr);
    return tiff;
  }

  TemporaryFolder folder_;
};

TEST_F(SlideWriterTest, ATiffHasItsLevelsAsPages) {
  Put(SlideFormat::kTiff, Options("a.tif"));
  const TiffFile tiff = Open("a.tif");
  ASSERT_EQ(TIFFNumberOfDirectories(tiff.get()), 3);
  for (int64_t level = 0; level < 3; ++level) {
    ASSERT_EQ(TIFFSetDirectory(tiff.get(), static_cast<uint16_t>(level)), 1);
    EXPECT_EQ(Field<uint32_t>(tiff.get(), TIFFTAG_SUBFILETYPE), level > 0);
    EXPECT_EQ(Description(tiff.get()), "synthetic");
    float per_cm = 0;
    TIFFGetField(tiff.get(), TIFFTAG_XRESOLUTION, &per_cm);
    EXPECT_FLOAT_EQ(per_cm, 20000.0f / static_cast<float>(1 << level));
    ExpectPixels(tiff.get(), level);
  }
}

TEST_F(SlideWriterTest, ATiffCanHaveFewerLevels) {
  SlideFileOptions options = Options("a.tif");
  options.level_count = 1;
  Put(SlideFormat::kTiff, options);
  const TiffFile tiff = Open("a.tif");
  EXPECT_EQ(TIFFNumberOfDirectories(tiff.get()), 1);
  ExpectPixels(tiff.get(), 0);
}

TEST_F(SlideWriterTest, AnSvsIsWhatOpenSlideTakesForAperio) {
  Put(SlideFormat::kSvs, Options("a.svs"));
  const TiffFile tiff = Open("a.svs");
  ASSERT_EQ(TIFFNumberOfDirectories(tiff.get()), 6);
  EXPECT_EQ(Description(tiff.get()),
            "Aperio layout by cyto8; synthetic\r\n700x500 (256x256) JPEG/YCC "
            "Q=95|AppMag = 20|MPP = 0.5000|Synthetic = yes");
  ExpectPixels(tiff.get(), 0);
  std::vector<int> is_tiled;
  std::vector<std::string> second_lines;
  do {
    is_tiled.push_back(TIFFIsTiled(tiff.get()));
    const std::string text = Description(tiff.get());
    EXPECT_TRUE(text.starts_with("Aperio")) << text;
    second_lines.push_back(text.substr(text.find('\n') + 1));
  } while (TIFFReadDirectory(tiff.get()) == 1);
  EXPECT_EQ(is_tiled, (std::vector<int>{1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(second_lines[4], "label 160x96");
  EXPECT_EQ(second_lines[5], "macro 160x96");
}

TEST_F(SlideWriterTest, MppKeepsAllItsDigits) {
  SlideFileOptions options = Options("a.svs");
  options.um_per_px = 0.24721;
  Put(SlideFormat::kSvs, options);
  EXPECT_NE(Description(Open("a.svs").get()).find("|MPP = 0.24721|"),
            std::string::npos);
}

TEST_F(SlideWriterTest, ALargeOneIsABigTiff) {
  SlideFileOptions options = Options("a.svs");
  Put(SlideFormat::kSvs, options);
  const auto size = static_cast<int64_t>(folder_.Get("a.svs").size());
  EXPECT_EQ(folder_.Get("a.svs").substr(0, 4), std::string("II\x2A\0", 4));
  options.max_classic_bytes = size;
  Put(SlideFormat::kSvs, options);
  EXPECT_EQ(folder_.Get("a.svs")[2], '\x2A');
  options.max_classic_bytes = size - 1;
  Put(SlideFormat::kSvs, options);
  EXPECT_EQ(folder_.Get("a.svs")[2], '\x2B');
  const TiffFile tiff = Open("a.svs");
  ASSERT_EQ(TIFFNumberOfDirectories(tiff.get()), 6);
  ExpectPixels(tiff.get(), 0);
  ASSERT_EQ(TIFFSetDirectory(tiff.get(), 3), 1);
  ExpectPixels(tiff.get(), 2);
}

TEST_F(SlideWriterTest, SameTilesGiveSameBytes) {
  for (const SlideFormat format :
       {SlideFormat::kTiff, SlideFormat::kSvs, SlideFormat::kKfb}) {
    Put(format, Options("a.kfb"));
    Put(format, Options("b.kfb"));
    EXPECT_EQ(folder_.Get("a.kfb"), folder_.Get("b.kfb"));
  }
}

template <typename Value>
Value ValueAt(const std::string& bytes, int64_t offset) {
  Value value = {};
  std::memcpy(&value, bytes.data() + offset, sizeof(Value));
  return value;
}

// kfb.md, sections 2 to 4 and 8.
TEST_F(SlideWriterTest, AKfbKeepsToTheStrictestReaders) {
  Put(SlideFormat::kKfb, Options("a.kfb"));
  EXPECT_EQ(folder_.Names(), std::vector<std::string>{"a.kfb"});
  const std::string bytes = folder_.Get("a.kfb");
  EXPECT_EQ(bytes.substr(0, 8), std::string("\xF1\x01\xEE\xEEKFB\0", 8));
  EXPECT_EQ(ValueAt<uint32_t>(bytes, 0x08), 0u);
  EXPECT_EQ(ValueAt<float>(bytes, 0x0C), 1.6f);
  EXPECT_EQ(ValueAt<int32_t>(bytes, 0x10), 6 + 2 + 1);
  EXPECT_EQ(ValueAt<int32_t>(bytes, 0x14), kHeight);
  EXPECT_EQ(ValueAt<int32_t>(bytes, 0x18), kWidth);
  EXPECT_EQ(ValueAt<int32_t>(bytes, 0x1C), 20);
  EXPECT_EQ(bytes.substr(0x20, 8), std::string("JPEG\0\0\0\0", 8));
  EXPECT_EQ(ValueAt<float>(bytes, 0x4C), 0.5f);
  EXPECT_EQ(ValueAt<int32_t>(bytes, 0x58), 256);
  EXPECT_EQ(bytes.substr(0x5C, 4), "\xFF\x01\xEE\xEE");
  const int64_t overview = ValueAt<uint32_t>(bytes, 0x34);
  const int64_t label = ValueAt<uint32_t>(bytes, 0x38);
  const int64_t thumbnail = ValueAt<int64_t>(bytes, 0x3C);
  const int64_t index = ValueAt<int64_t>(bytes, 0x44);
  EXPECT_EQ(bytes.substr(overview, 4), "\xF1\x02\xEE\xEE");
  EXPECT_EQ(bytes.substr(label, 4), "\xF1\x03\xEE\xEE");
  EXPECT_EQ(bytes.substr(thumbnail, 4), "\xF1\x02\xEE\xEE");
  EXPECT_EQ(thumbnail, index + 9 * 64);
  // Payloads lie one behind the other from the end of the label on.
  int64_t begin = label + 52 + ValueAt<uint32_t>(bytes, label + 20);
  const int64_t x_px[] = {0, 256, 512, 0, 256, 512, 0, 256, 0};
  const int64_t y_px[] = {0, 0, 0, 256, 256, 256, 0, 0, 0};
  const int64_t widths[] = {256, 256, 188, 256, 256, 188, 256, 94, 175};
  const int64_t heights[] = {256, 256, 256, 244, 244, 244, 250, 250, 125};
  const float scales[] = {20, 20, 20, 20, 20, 20, 10, 10, 5};
  for (int64_t i = 0; i < 9; ++i) {
    const int64_t at = index + i * 64;
    EXPECT_EQ(bytes.substr(at, 4), "\xF1\x04\xEE\xEE");
    EXPECT_EQ(ValueAt<uint32_t>(bytes, at + 4), x_px[i]);
    EXPECT_EQ(ValueAt<uint32_t>(bytes, at + 8), y_px[i]);
    EXPECT_EQ(ValueAt<uint32_t>(bytes, at + 12), widths[i]);
    EXPECT_EQ(ValueAt<uint32_t>(bytes, at + 16), heights[i]);
    EXPECT_EQ(ValueAt<float>(bytes, at + 20), scales[i]);
    EXPECT_EQ(ValueAt<uint64_t>(bytes, at + 24), 0u);
    EXPECT_EQ(ValueAt<int64_t>(bytes, at + 36), begin - index);
    EXPECT_EQ(bytes.substr(at + 60, 4), "\xFF\x04\xEE\xEE");
    const int64_t length = ValueAt<uint32_t>(bytes, at + 32);
    const std::string jpeg = bytes.substr(begin, length);
    const Image tile =
        DecodeImage(std::as_bytes(std::span(jpeg)), Limits()).value();
    EXPECT_EQ(tile.width_px(), widths[i]);
    EXPECT_EQ(tile.height_px(), heights[i]);
    const auto reduction = static_cast<int64_t>(20 / scales[i]);
    EXPECT_NEAR(tile.view().At(40, 20).red,
                static_cast<int>((x_px[i] + 40) * reduction * 255 / kWidth), 6);
    begin += length;
  }
  EXPECT_EQ(begin, index);
}

TEST_F(SlideWriterTest, WhatAFormatDoesNotAllowIsRefused) {
  const auto refusal = [](SlideFormat format, const SlideFileOptions& options) {
    return CreateSlideWriter(RealFileSystem(), format, options)
        .status()
        .message();
  };
  SlideFileOptions options = Options("a.kfb");
  options.level_count = 2;
  EXPECT_EQ(refusal(SlideFormat::kKfb, options),
            "levels of a KFB = 2: must be in [3, 3]");
  options.level_count = 4;
  EXPECT_EQ(refusal(SlideFormat::kTiff, options),
            "levels = 4: must be in [1, 3]");
  options.levels = PyramidLevels(kWidth, kHeight, 128).value();
  EXPECT_EQ(refusal(SlideFormat::kKfb, options),
            "tile_px of a KFB = 128: must be in [256, 256]");
  options = Options("a.kfb");
  options.levels[0].width_px = 200'001;
  EXPECT_EQ(refusal(SlideFormat::kKfb, options),
            "width of a KFB = 200001: must be in [1, 200000]");
  options.levels[0].width_px = 200'000;
  options.levels[0].height_px = 200'001;
  EXPECT_EQ(refusal(SlideFormat::kKfb, options),
            "height of a KFB = 200001: must be in [1, 200000]");
  EXPECT_EQ(refusal(SlideFormat::kKfb, Options("a.svs")),
            folder_.PathOf("a.svs") + ": the name of a KFB ends in .kfb");
  EXPECT_TRUE(folder_.Names().empty());
}

// Whichever call fails: a named error, and nothing in the folder.
TEST_F(SlideWriterTest, AFailingCallLeavesNothing) {
  for (const SlideFormat format : {SlideFormat::kSvs, SlideFormat::kKfb}) {
    int64_t index = 0;
    for (;; ++index) {
      FaultyFileSystem files(RealFileSystem());
      files.Arm({.index = index, .error_number = ENOSPC});
      const Status status = Write(files, format, Options("a.kfb"));
      EXPECT_EQ(files.open_files(), 0);
      if (status.ok()) break;
      EXPECT_TRUE(status.message().starts_with(folder_.PathOf("a.kfb")) ||
                  status.message().starts_with(folder_.path()))
          << status.message();
      for (const std::string& name : folder_.Names()) {
        // The folder could not be synced, or the file not be removed.
        EXPECT_TRUE(name == "a.kfb" || status.message().starts_with(
                                           folder_.PathOf("a.kfb.levels:")))
            << name;
        ASSERT_TRUE(RealFileSystem().Remove(folder_.PathOf(name)).ok());
      }
    }
    EXPECT_GE(index, 8);
  }
}

}  // namespace
}  // namespace cyto8
