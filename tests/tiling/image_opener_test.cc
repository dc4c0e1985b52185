// SPDX-License-Identifier: Apache-2.0
// Which files are rows, which are slides, and which are neither.
#include "tiling/image_opener.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/kfb_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiff_bytes.h"

namespace cyto8 {
namespace {

std::string_view TextOf(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TiffSource Tiled(int64_t width_px, int64_t height_px) {
  return {.width_px = width_px,
          .height_px = height_px,
          .tile_px = 16,
          .values = ValuesOf(MakeTestImage(width_px, height_px).view())};
}

class ImageOpenerTest : public testing::Test {
 protected:
  // "rows", the reader of a slide, or the error.
  std::string Open(const Bytes& content, std::string_view name = "file") {
    folder_.Put(name, TextOf(content));
    const StatusOr<OpenedImage> image =
        OpenImage(files_, folder_.PathOf(name), {});
    if (!image.ok()) return image.status().ToString();
    EXPECT_NE(image->rows == nullptr, image->slide == nullptr);
    return image->rows ? "rows" : image->slide->info().reader;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("file");
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(ImageOpenerTest, PlainImagesAreRows) {
  const Image image = MakeTestImage(40, 30);
  EXPECT_EQ(Open(EncodeJpeg(image.view())), "rows");
  EXPECT_EQ(Open(EncodePng(image.view())), "rows");
  EXPECT_EQ(Open(EncodeTiff(Tiled(40, 30))), "rows");
  TiffSource strips = Tiled(40, 30);
  strips.tile_px = 0;
  EXPECT_EQ(Open(EncodeTiff(strips)), "rows");
}

TEST_F(ImageOpenerTest, PyramidsAreSlides) {
  EXPECT_EQ(Open(EncodeTiff({Tiled(64, 48), Tiled(32, 24)})), "direct");
  TiffSource aperio = Tiled(64, 48);
  aperio.description = "Aperio Image Library\r\nx|AppMag = 20|MPP = 0.5";
  EXPECT_EQ(Open(EncodeTiff(aperio)), "direct");
  EXPECT_EQ(Open(EncodeKfb(KfbWithPictures(300, 200, 0))), "kfb");
}

// The file of a MIRAX slide is a small JPEG: it must not pass for the slide.
TEST_F(ImageOpenerTest, WhatIsNamedAsMiraxIsLeftToOpenSlide) {
  const Bytes jpeg = EncodeJpeg(MakeTestImage(40, 30).view());
  EXPECT_EQ(Open(jpeg, "a.jpg"), "rows");
  for (const char* name : {"a.mrxs", "a.MRXS", "a.Mrxs", ".mrxs"}) {
    EXPECT_EQ(Open(jpeg, name),
              "DATA_LOSS: " + folder_.PathOf(name) +
                  ": is no MIRAX slide that OpenSlide knows: its name must end "
                  "in .mrxs, and Slidedat.ini must lie in the folder of the "
                  "same name without .mrxs");
  }
  EXPECT_EQ(Open({}, "a.mrxs"),
            "DATA_LOSS: " + folder_.PathOf("a.mrxs") + ": the file is empty");
  EXPECT_EQ(Open(jpeg, "mrxs"), "rows");
  // Now OpenSlide knows it, and says what is wrong with it.
  ASSERT_TRUE(RealFileSystem().MakeDirectory(folder_.PathOf("a")).ok());
  folder_.Put("a/Slidedat.ini", "[GENERAL]\n");
  const std::string error = Open(jpeg, "a.mrxs");
  EXPECT_TRUE(error.starts_with("DATA_LOSS: " + folder_.PathOf("a.mrxs") +
                                ": OpenSlide: "))
      << error;
}

// Of several pages the first is read, whatever the others are.
TEST_F(ImageOpenerTest, PlainImagesOfManyPagesAreRows) {
  TiffSource strips = Tiled(4, 3);
  strips.tile_px = 0;
  EXPECT_EQ(Open(EncodeTiff(std::vector<TiffSource>(1100, strips))), "rows");
  TiffBytes damaged(EncodeTiff({strips, strips}));
  damaged.PutTag(1, 257, 256);  // stands twice.
  EXPECT_EQ(Open(damaged.bytes), "rows");
}

// One level in tiles: a field if it is small and whole, else a slide, of which
// the tiles that are there can be read.
TEST_F(ImageOpenerTest, OneLevelInTilesIsAFieldIfItIsSmallAndWhole) {
  EXPECT_EQ(Open(EncodeTiff(Tiled(4096, 16))), "rows");
  EXPECT_EQ(Open(EncodeTiff(Tiled(4097, 16))), "direct");
  EXPECT_EQ(Open(EncodeTiff(Tiled(16, 4096))), "rows");
  EXPECT_EQ(Open(EncodeTiff(Tiled(16, 4097))), "direct");
  TiffSource sparse = Tiled(40, 30);  // 3 x 2 tiles.
  for (const int64_t missing : {0, 3, 5}) {
    sparse.missing_tiles = {missing};
    EXPECT_EQ(Open(EncodeTiff(sparse)), "direct") << missing;
  }
}

TEST_F(ImageOpenerTest, WhatNobodyReadsIsNamedAsRowsNameIt) {
  const auto bytes = [](std::string_view text) {
    const auto span = std::as_bytes(std::span(text));
    return Bytes(span.begin(), span.end());
  };
  EXPECT_EQ(Open({}), "DATA_LOSS: " + path_ + ": the image is empty (0 bytes)");
  EXPECT_EQ(Open(bytes("BM......")),
            "UNIMPLEMENTED: " + path_ +
                ": BMP is not supported yet: must be JPEG, PNG or TIFF");
}

TEST_F(ImageOpenerTest, AFluorescenceSlideIsRefusedByName) {
  Bytes bytes = EncodeKfb(KfbWithPictures(300, 200, 0));
  bytes[7] = std::byte{'F'};
  EXPECT_TRUE(Open(bytes).starts_with("UNIMPLEMENTED: " + path_ +
                                      ": fluorescence slide (KFBF)"))
      << Open(bytes);
}

// Never handed on to a reader that sees the good part only.
TEST_F(ImageOpenerTest, ADamagedSlideIsNoImage) {
  Bytes bytes = EncodeTiff({Tiled(64, 48), Tiled(32, 24)});
  bytes.resize(bytes.size() - 40);
  EXPECT_TRUE(Open(bytes).starts_with("DATA_LOSS: " + path_ + ": "))
      << Open(bytes);
}

TEST_F(ImageOpenerTest, EveryFailingCallIsNamed) {
  const Bytes slide = EncodeTiff({Tiled(64, 48), Tiled(32, 24)});
  for (const Bytes& content : {EncodePng(MakeTestImage(9, 9).view()), slide}) {
    files_.Disarm();
    ASSERT_TRUE(Open(content).find(' ') == std::string::npos);
    const std::vector<FileCall> calls = files_.calls();
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i] == FileCall::kClose) continue;  // nothing was written.
      files_.Arm({.index = static_cast<int64_t>(i), .error_number = EIO});
      EXPECT_EQ(Open(content), "IO_ERROR: " + path_ + ": Input/output error")
          << i;
      EXPECT_EQ(files_.open_files(), 0);
    }
  }
}

}  // namespace
}  // namespace cyto8
