// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/row_source.h: rows in any portions are the rows of the image,
// from files as from memory; a damaged or failing file never ends well; memory
// does not grow with the height.
#include "tiling/row_source.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

std::string_view AsText(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes Tiff(const ImageView& image, TiffSource how) {
  how.width_px = image.width_px;
  how.height_px = image.height_px;
  how.values = ValuesOf(image);
  return EncodeTiff(how);
}

Bytes InterlacedPng(const ImageView& image) {
  const int64_t size = 3 * image.width_px * image.height_px;
  return EncodePng({.width_px = image.width_px,
                    .height_px = image.height_px,
                    .interlaced = true,
                    .rows = {image.data, image.data + size}});
}

struct Kind {
  std::string name;
  Bytes (*encode)(const ImageView& image);
  bool streams = true;  // holds a few rows only.
};

const Kind kKinds[] = {
    {"JPEG", [](const ImageView& image) { return EncodeJpeg(image); }},
    {"grey JPEG",
     [](const ImageView& image) {
       return EncodeJpeg(image, {.kind = JpegKind::kGrey});
     }},
    {"JPEG with restarts",
     [](const ImageView& image) {
       return EncodeJpeg(image, {.restart_interval_blocks = 3});
     }},
    {"progressive JPEG",
     [](const ImageView& image) {
       return EncodeJpeg(image, {.progressive = true});
     },
     false},
    {"PNG", [](const ImageView& image) { return EncodePng(image); }},
    {"interlaced PNG", InterlacedPng, false},
    {"TIFF, one strip", [](const ImageView& image) { return Tiff(image, {}); }},
    {"TIFF, LZW strips",
     [](const ImageView& image) {
       return Tiff(image, {.compression = 5, .rows_per_strip = 5});
     }},
    {"TIFF, one LZW strip",
     [](const ImageView& image) { return Tiff(image, {.compression = 5}); },
     false},
    {"TIFF, one deflate strip",
     [](const ImageView& image) {
       return Tiff(image, {.compression = 8, .predictor = 2});
     }},
    {"TIFF, one PackBits strip in planes",
     [](const ImageView& image) {
       return Tiff(image, {.compression = 32773, .separate = true});
     },
     false},
    {"TIFF, JPEG strips",
     [](const ImageView& image) {
       return Tiff(image,
                   {.colour = 6, .compression = 7, .rows_per_strip = 16});
     }},
    {"TIFF, deflate tiles",
     [](const ImageView& image) {
       return Tiff(image, {.compression = 8, .tile_px = 16});
     }},
    {"TIFF, JPEG tiles",
     [](const ImageView& image) {
       return Tiff(image, {.colour = 6, .compression = 7, .tile_px = 32});
     }},
};

// All rows, `portion` at a time, with `gap` bytes between them.
StatusOr<std::vector<uint8_t>> ReadInPortions(RowSource& rows, int64_t portion,
                                              int64_t gap = 0) {
  const ImageInfo info = rows.info();
  const int64_t stride = 3 * info.width_px + gap;
  std::vector<uint8_t> pixels(static_cast<size_t>(stride * info.height_px),
                              0xEE);
  for (int64_t y = 0; y < info.height_px; y += portion) {
    const int64_t count = std::min(portion, info.height_px - y);
    CYTO8_RETURN_IF_ERROR(
        rows.ReadRows(count, pixels.data() + y * stride, stride));
  }
  return pixels;
}

std::vector<uint8_t> PixelsOf(const ImageView& image, int64_t gap) {
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < image.height_px; ++y) {
    pixels.insert(pixels.end(), image.Row(y),
                  image.Row(y) + 3 * image.width_px);
    pixels.insert(pixels.end(), static_cast<size_t>(gap), 0xEE);
  }
  return pixels;
}

TEST(RowSourceTest, AnyPortionsGiveTheRowsOfTheImage) {
  const Image image = MakeTestImage(45, 37);
  const TemporaryFolder folder;
  FaultyFileSystem files(RealFileSystem());
  files.ShortenTransfers(1000);
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(image.view());
    const Image whole = DecodeImage(bytes, {}).value();
    folder.Put("image", AsText(bytes));
    for (const int64_t portion : {1, 2, 3, 7, 16, 36, 37}) {
      const int64_t gap = portion % 3;
      const auto expected = PixelsOf(whole.view(), gap);
      const auto memory = OpenRows(bytes, {}).value();
      EXPECT_TRUE(ReadInPortions(*memory, portion, gap).value() == expected)
          << kind.name << ", " << portion;
      const auto file = OpenRows(files, folder.PathOf("image"), {}).value();
      EXPECT_TRUE(ReadInPortions(*file, portion, gap).value() == expected)
          << kind.name << ", " << portion;
      EXPECT_EQ(files.open_files(), 0);  // closed behind the last row.
    }
  }
}

TEST(RowSourceTest, NoRowsMayBeAskedFor) {
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(MakeTestImage(20, 20).view());
    const auto rows = OpenRows(bytes, {}).value();
    EXPECT_TRUE(rows->ReadRows(0, nullptr, 0).ok()) << kind.name;
    EXPECT_TRUE(ReadInPortions(*rows, 20).ok()) << kind.name;
    EXPECT_TRUE(rows->ReadRows(0, nullptr, 0).ok()) << kind.name;
  }
}

// Whoever reads to the last row has an error by then.
TEST(PromiseP4, RowsOfACutImageNeverEndWell) {
  for (const Kind& kind : kKinds) {
    const Bytes whole = kind.encode(MakeTestImage(24, 20).view());
    for (size_t size = 0; size < whole.size(); ++size) {
      const auto rows = OpenRows(std::span(whole).first(size), {});
      if (!rows.ok()) continue;
      const auto pixels = ReadInPortions(**rows, 1);
      ASSERT_FALSE(pixels.ok()) << kind.name << ", " << size;
      // The error stays.
      EXPECT_EQ((*rows)->ReadRows(0, nullptr, 0).ToString(),
                pixels.status().ToString());
    }
  }
}

TEST(PromiseP10, AnyFailingCallIsAnErrorWithTheNameOfTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("image");
  FaultyFileSystem files(RealFileSystem());
  files.ShortenTransfers(500);
  const auto read = [&]() -> Status {
    CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                           OpenRows(files, path, {}));
    return ReadInPortions(*rows, 3).status();
  };
  for (const Kind& kind : kKinds) {
    folder.Put("image", AsText(kind.encode(MakeTestImage(24, 20).view())));
    files.Disarm();
    ASSERT_TRUE(read().ok());
    const auto calls = static_cast<int64_t>(files.calls().size());
    ASSERT_GT(calls, 4) << kind.name;
    for (int64_t i = 0; i < calls; ++i) {
      files.Arm({.index = i, .error_number = EIO});
      EXPECT_EQ(read().ToString(), "IO_ERROR: " + path + ": Input/output error")
          << kind.name << ", call " << i;
      EXPECT_EQ(files.open_files(), 0);
    }
  }
}

TEST(RowSourceTest, AFileThatShrinksIsAnErrorWithItsName) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("image");
  const Image image = MakeTestImage(400, 300);
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(image.view());
    if (bytes.size() < 100'000) continue;  // may be in the first block whole.
    folder.Put("image", AsText(bytes));
    const auto rows = OpenRows(RealFileSystem(), path, {}).value();
    folder.Put("image", "");
    EXPECT_EQ(ReadInPortions(*rows, 1).status().ToString(),
              "DATA_LOSS: " + path + ": became shorter while read")
        << kind.name;
  }
}

// A few reads of a block each, whatever the size of the file.
TEST(RowSourceTest, AHeaderIsReadWithoutTheFile) {
  const TemporaryFolder folder;
  const Image image = MakeTestImage(500, 300);
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(image.view());
    folder.Put("image", AsText(bytes));
    FaultyFileSystem files(RealFileSystem());
    files.Disarm();
    const ImageInfo info =
        ReadImageInfo(files, folder.PathOf("image"), {}).value();
    EXPECT_EQ(info.width_px, 500);
    EXPECT_EQ(info.height_px, 300);
    const bool tiff = info.format == ImageFormat::kTiff;
    // Of a TIFF these are single numbers.
    EXPECT_LE(files.calls().size(), tiff ? 120 : 5) << kind.name;
    EXPECT_EQ(files.open_files(), 0);
  }
}

// Of this program; nothing in the sanitized builds, which count otherwise.
int64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

// The most that a source holds between two rows.
int64_t HeldBytes(const std::string& path) {
  std::vector<uint8_t> row;
  const int64_t before = HeapBytes();
  const auto rows = OpenRows(RealFileSystem(), path, {}).value();
  row.resize(static_cast<size_t>(rows->info().width_px * 3));
  int64_t most = 0;
  for (int64_t y = 0; y < rows->info().height_px; ++y) {
    EXPECT_TRUE(rows->ReadRows(1, row.data(), 0).ok());
    most = std::max(most, HeapBytes() - before);
  }
  return most;
}

// P7: ten times the height, the same memory where the format allows; and no
// more than was announced.
TEST(PromiseP7, MemoryDoesNotGrowWithTheHeight) {
  constexpr int64_t kSlack = int64_t{160} << 10;  // the block, the allocator.
  const TemporaryFolder folder;
  const Image tall = MakeTestImage(96, 4800);
  for (const Kind& kind : kKinds) {
    int64_t held[2] = {};
    for (const int64_t height : {480, 4800}) {
      const ImageView image = tall.view().Crop(0, 0, 96, height);
      folder.Put("image", AsText(kind.encode(image)));
      const std::string path = folder.PathOf("image");
      const int64_t bytes = HeldBytes(path);
      held[height == 4800] = bytes;
      EXPECT_LE(
          bytes,
          OpenRows(RealFileSystem(), path, {}).value()->memory_bytes() + kSlack)
          << kind.name << ", " << height;
    }
    if (!kind.streams) continue;
    EXPECT_LE(held[1], held[0] + kSlack) << kind.name;
  }
}

TEST(PromiseP6, WhatMustBeHeldWholeHasALimit) {
  const Image image = MakeTestImage(600, 400);
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(image.view());
    const int64_t held = OpenRows(bytes, {}).value()->memory_bytes();
    EXPECT_EQ(held > 600 * 400 * 3, !kind.streams) << kind.name << held;
    EXPECT_EQ(
        OpenRows(bytes, {.max_decoder_bytes = held - 1}).status().ToString(),
        "INVALID_ARGUMENT: decoder bytes = " + std::to_string(held) +
            ": must be in [0, " + std::to_string(held - 1) + "]")
        << kind.name;
    const auto rows = OpenRows(bytes, {.max_decoder_bytes = held});
    ASSERT_TRUE(rows.ok()) << rows.status().ToString();
    EXPECT_TRUE(ReadInPortions(**rows, 50).ok()) << kind.name;
  }
}

TEST(RowSourceTest, RowsMayBeMoreThanAnImageInOnePiece) {
  const Limits limits = {.max_slide_pixels = 1000, .max_image_pixels = 100};
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(MakeTestImage(40, 25).view());
    EXPECT_TRUE(OpenRows(bytes, limits).ok()) << kind.name;
    EXPECT_EQ(DecodeImage(bytes, limits).status().message(),
              "image pixels = 1000: must be in [1, 100]");
    const Bytes more = kind.encode(MakeTestImage(40, 26).view());
    EXPECT_EQ(OpenRows(more, limits).status().message(),
              "image pixels = 1040: must be in [1, 1000]");
  }
}

// Rows are held whole: their sides have a limit of their own.
TEST(RowSourceTest, SidesOfRowsAreBoundedBelowThoseOfSlides) {
  const Limits limits = {.max_side_px = 50, .max_row_side_px = 40};
  for (const Kind& kind : kKinds) {
    const Bytes bytes = kind.encode(MakeTestImage(40, 25).view());
    EXPECT_TRUE(OpenRows(bytes, limits).ok()) << kind.name;
    const Bytes wide = kind.encode(MakeTestImage(41, 25).view());
    EXPECT_EQ(OpenRows(wide, limits).status().message(),
              "width_px = 41: must be in [1, 40]");
    EXPECT_EQ(OpenRows(bytes, {.max_side_px = 39}).status().message(),
              "width_px = 40: must be in [1, 39]");
  }
}

TEST(RowSourceTest, WhatIsNoImageIsNamed) {
  const TemporaryFolder folder;
  folder.Put("empty", "");
  folder.Put("text", "hello");
  const auto error = [&](const std::string& path) {
    return OpenRows(RealFileSystem(), path, {}).status().ToString();
  };
  const std::string empty = folder.PathOf("empty");
  EXPECT_EQ(error(empty),
            "DATA_LOSS: " + empty + ": the image is empty (0 bytes)");
  const std::string text = folder.PathOf("text");
  EXPECT_EQ(error(text),
            "UNIMPLEMENTED: " + text +
                ": content is not recognised: must be JPEG, PNG or TIFF");
  EXPECT_EQ(error(folder.path()),
            "INVALID_ARGUMENT: " + folder.path() + ": is not a regular file");
  const std::string none = folder.PathOf("none");
  EXPECT_EQ(error(none), "NOT_FOUND: " + none + ": No such file or directory");
}

}  // namespace
}  // namespace cyto8
