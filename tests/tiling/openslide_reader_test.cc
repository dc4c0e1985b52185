// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/openslide_reader.h and slide_opener.h: OpenSlide gives the
// pixels of the direct reader, a damaged tile costs that tile alone, and a file
// goes to the reader that its content asks for.
#include "tiling/openslide_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"
#include "tiling/slide_block.h"
#include "tiling/slide_opener.h"
#include "tiling/tiff_pyramid.h"

namespace cyto8 {
namespace {

constexpr int kJpeg = 7;

// Sides are even multiples of 4, so that a level is exact.
TiffSource JpegTiles(int64_t width_px, int64_t height_px, int level) {
  return {.width_px = width_px >> level,
          .height_px = height_px >> level,
          .colour = 6,
          .compression = kJpeg,
          .tile_px = 64,
          .values = ValuesOf(
              MakeTestImage(width_px >> level, height_px >> level).view()),
          .subfile_type = level > 0 ? 1 : 0};
}

std::vector<TiffSource> Pyramid(int64_t width_px, int64_t height_px) {
  return {JpegTiles(width_px, height_px, 0), JpegTiles(width_px, height_px, 1),
          JpegTiles(width_px, height_px, 2)};
}

// A file of the test, gone with it.
class SlideFile {
 public:
  explicit SlideFile(const Bytes& bytes, std::string_view name = "a.bin")
      : path_(folder_.PathOf(name)) {
    folder_.Put(name,
                {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

std::unique_ptr<SlideReader> Taken(
    StatusOr<std::unique_ptr<SlideReader>> reader) {
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return reader.ok() ? *std::move(reader) : nullptr;
}

std::unique_ptr<SlideReader> ByOpenSlide(const SlideFile& file,
                                         const OpenSlideOptions& options = {}) {
  return Taken(OpenByOpenSlide(file.path(), {}, options));
}

std::unique_ptr<SlideReader> Directly(const SlideFile& file) {
  return Taken(OpenTiffPyramid(RealFileSystem(), file.path(), {}));
}

std::vector<uint8_t> PixelsOf(const Image& image) {
  const ImageView view = image.view();
  return {view.data, view.data + view.stride_bytes * view.height_px};
}

std::vector<BlockId> BlocksOf(const SlideReader& reader, int64_t level) {
  const SlideLevel& grid = reader.info().levels[static_cast<size_t>(level)];
  std::vector<BlockId> blocks;
  for (int64_t row = 0; row < grid.blocks_down(); ++row) {
    for (int64_t column = 0; column < grid.blocks_across(); ++column) {
      blocks.push_back({.level = level, .column = column, .row = row});
    }
  }
  return blocks;
}

// The largest difference of a channel over all blocks of a level.
int WorstDifference(SlideReader& a, SlideReader& b, int64_t level) {
  int worst = 0;
  for (const BlockId& block : BlocksOf(a, level)) {
    const auto one = a.ReadBlock(block);
    const auto other = b.ReadBlock(block);
    EXPECT_TRUE(one.ok()) << one.status().ToString();
    EXPECT_TRUE(other.ok()) << other.status().ToString();
    if (!one.ok() || !other.ok()) return 256;
    const std::vector<uint8_t> p = PixelsOf(*one);
    const std::vector<uint8_t> q = PixelsOf(*other);
    if (p.size() != q.size()) return 256;
    for (size_t i = 0; i < p.size(); ++i) {
      worst = std::max(worst, std::abs(p[i] - q[i]));
    }
  }
  return worst;
}

TEST(OpenSlideReaderTest, EveryBlockEqualsThatOfTheDirectReader) {
  std::vector<TiffSource> sources = Pyramid(520, 360);
  for (const bool aperio : {false, true}) {
    if (aperio) {
      for (TiffSource& source : sources) {
        source.description = "Aperio X\r\n|AppMag = 20|MPP = 0.5";
      }
    }
    const SlideFile file(EncodeTiff(sources));
    const auto direct = Directly(file);
    const auto other = ByOpenSlide(file);
    ASSERT_TRUE(direct != nullptr && other != nullptr);
    ASSERT_EQ(other->info().levels, direct->info().levels);
    for (int64_t level = 0; level < 3; ++level) {
      EXPECT_EQ(WorstDifference(*direct, *other, level), 0) << level;
    }
  }
}

// 4099 / 1024 is no whole number: the header says what then. A ramp of one
// level for each pixel shows the shift: half a pixel of level 0 is an eighth of
// one of level 1, and rounding adds to it.
TEST(OpenSlideReaderTest, ALevelOfAnUnevenRatioIsShiftedByHalfAPixelAtMost) {
  const auto ramp = [](int64_t width_px, int64_t height_px) {
    TiffSource source = {.width_px = width_px,
                         .height_px = height_px,
                         .compression = 8,
                         .tile_px = 64};
    for (int64_t i = 0; i < width_px * height_px; ++i) {
      const int64_t step = i % width_px % 250;
      source.values.insert(
          source.values.end(), 3,
          static_cast<uint16_t>(step < 125 ? step : 249 - step));
    }
    return source;
  };
  TiffSource reduced = ramp(1024, 64);
  reduced.subfile_type = 1;
  const SlideFile file(EncodeTiff({ramp(4099, 258), reduced}));
  const auto direct = Directly(file);
  const auto other = ByOpenSlide(file);
  ASSERT_TRUE(direct != nullptr && other != nullptr);
  ASSERT_EQ(other->info().levels, direct->info().levels);
  EXPECT_EQ(WorstDifference(*direct, *other, 0), 0);
  int worst = 0;
  for (const BlockId& block : BlocksOf(*direct, 1)) {
    if (block.row > 0) continue;
    const auto one = direct->ReadBlock(block);
    const auto two = other->ReadBlock(block);
    ASSERT_TRUE(one.ok() && two.ok());
    // But the rim, where a shifted level ends early.
    for (int64_t x = 1; x + 1 < one->width_px(); ++x) {
      worst = std::max(
          worst, std::abs(one->view().At(x, 8).red - two->view().At(x, 8).red));
    }
  }
  EXPECT_EQ(worst, 1);
}

// Debian's libtiff puts such a level at the bottom of its tile, where OpenSlide
// does not look for it; the JPEG tiles of makers do not go that way.
TEST(OpenSlideReaderTest, LevelsOfAPlainTiffThatAreLessThanATileAreLeftOut) {
  std::vector<TiffSource> sources = {
      JpegTiles(260, 252, 0), JpegTiles(260, 252, 1), JpegTiles(260, 252, 2)};
  const SlideFile plain(EncodeTiff(sources));
  EXPECT_EQ(ByOpenSlide(plain)->info().levels.size(), 2);
  for (TiffSource& source : sources) source.description = "Aperio X\r\n";
  const SlideFile aperio(EncodeTiff(sources));
  EXPECT_EQ(ByOpenSlide(aperio)->info().levels.size(), 3);
  const SlideFile small(EncodeTiff(JpegTiles(64, 63, 0)));
  EXPECT_EQ(OpenByOpenSlide(small.path(), {}).status().ToString(),
            "UNIMPLEMENTED: " + small.path() +
                ": level 0: a plain TIFF smaller than one of its tiles is not "
                "read by OpenSlide");
}

TEST(OpenSlideReaderTest, FactsAreThoseOfTheAllowList) {
  std::vector<TiffSource> sources = Pyramid(256, 192);
  for (TiffSource& source : sources) {
    source.description =
        "Aperio X\r\n|AppMag = 40|Filename = Meier|User = b414|MPP = 0.2500";
  }
  TiffSource label = JpegTiles(64, 64, 0);
  label.tile_px = 0;
  label.colour = 2;
  label.compression = 1;
  label.description = "Aperio X\r\nlabel 64x64";
  sources.insert(sources.begin() + 1, label);
  const SlideFile file(EncodeTiff(sources));
  const auto reader = ByOpenSlide(file);
  ASSERT_NE(reader, nullptr);
  const SlideInfo& info = reader->info();
  EXPECT_EQ(info.format, "aperio");
  EXPECT_EQ(info.reader, "openslide");
  EXPECT_EQ(info.um_per_px, 0.25);
  EXPECT_EQ(info.mpp_source, "openslide.mpp-x");
  EXPECT_EQ(info.magnification, 40);
  EXPECT_EQ(info.focal_planes, 1);
  EXPECT_EQ(info.levels.size(), 3);
  EXPECT_EQ(info.associated.size(), 1);
  EXPECT_EQ(reader->largest_reduction(), 1);
  EXPECT_GT(reader->memory_bytes(), 32 << 20);
}

TEST(OpenSlideReaderTest, APlainTiffHasTheScaleOfItsResolution) {
  TiffSource source = JpegTiles(128, 64, 0);
  source.x_resolution = source.y_resolution = 40'000;
  const SlideFile same(EncodeTiff(source));
  EXPECT_EQ(ByOpenSlide(same)->info().um_per_px, 0.25);
  EXPECT_EQ(ByOpenSlide(same)->info().mpp_source, "tiff.XResolution");
  source.y_resolution = 41'000;
  const SlideFile differs(EncodeTiff(source));
  EXPECT_EQ(ByOpenSlide(differs)->info().um_per_px, std::nullopt);
  EXPECT_EQ(ByOpenSlide(differs)->info().mpp_source,
            "tiff.XResolution differs from that of y");
  source.x_resolution = source.y_resolution = 72;
  const SlideFile print(EncodeTiff(source));
  EXPECT_EQ(ByOpenSlide(print)->info().um_per_px, std::nullopt);
}

TEST(OpenSlideReaderTest, ABlockOutsideOfTheGridIsRefused) {
  const SlideFile file(EncodeTiff(Pyramid(512, 256)));
  const auto reader = ByOpenSlide(file);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->ReadBlock({.level = 3}).status().ToString(),
            "INVALID_ARGUMENT: level = 3: must be in [0, 2]");
  EXPECT_EQ(reader->ReadBlock({.column = 8}).status().ToString(),
            "INVALID_ARGUMENT: column = 8: must be in [0, 7]");
  EXPECT_EQ(reader->ReadBlock({.row = -1}).status().ToString(),
            "INVALID_ARGUMENT: row = -1: must be in [0, 3]");
  EXPECT_EQ(reader->ReadBlock({.reduction = 2}).status().ToString(),
            "UNIMPLEMENTED: reduction = 2 is not supported: must be at most 1");
}

// --- damage ---

uint32_t Number32(const Bytes& bytes, size_t at) {
  uint32_t number = 0;
  std::memcpy(&number, &bytes[at], sizeof(number));
  return number;
}

// Zeroes the begin of a tile of the first directory.
Bytes WithDamagedTile(Bytes bytes, size_t tile) {
  const size_t directory = Number32(bytes, 4);
  for (size_t at = directory + 2; at < bytes.size(); at += 12) {
    uint16_t id = 0;
    std::memcpy(&id, &bytes[at], sizeof(id));
    if (id != 324) continue;
    const size_t begin = Number32(bytes, Number32(bytes, at + 8) + 4 * tile);
    std::memset(&bytes[begin], 0, 40);
    return bytes;
  }
  ADD_FAILURE() << "no tiles";
  return bytes;
}

TEST(PromiseP4, ADamagedTileCostsOpenSlideThatTileAlone) {
  const Bytes whole = EncodeTiff(Pyramid(520, 360));
  const SlideFile good(whole);
  const SlideFile bad(WithDamagedTile(WithDamagedTile(whole, 3), 10));
  const auto expected = ByOpenSlide(good);
  const auto reader = ByOpenSlide(bad);
  ASSERT_TRUE(expected != nullptr && reader != nullptr);
  for (int round = 0; round < 2; ++round) {
    int64_t index = 0;
    for (const BlockId& block : BlocksOf(*reader, 0)) {
      const auto image = reader->ReadBlock(block);
      if (index == 3 || index == 10) {
        ASSERT_EQ(image.status().code(), StatusCode::kDataLoss) << index;
        ASSERT_TRUE(image.status().message().starts_with(
            bad.path() + ": " + NameOfBlock(block) + ": OpenSlide: "))
            << image.status().message();
      } else {
        ASSERT_TRUE(image.ok()) << index << image.status().ToString();
        ASSERT_EQ(PixelsOf(*image), PixelsOf(*expected->ReadBlock(block)));
      }
      ++index;
    }
  }
}

TEST(OpenSlideReaderTest, AfterTooManyErrorsTheSlideHasFailed) {
  const SlideFile file(WithDamagedTile(EncodeTiff(Pyramid(520, 360)), 0));
  const auto reader = ByOpenSlide(file, {.max_reopens = 2});
  ASSERT_NE(reader, nullptr);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(reader->ReadBlock({.column = 1}).ok());
    EXPECT_FALSE(reader->ReadBlock({}).ok());
  }
  const Status status = reader->ReadBlock({.column = 1}).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(
                "given up after 3 errors, the last one: OpenSlide: "),
            std::string::npos)
      << status.message();
}

TEST(OpenSlideReaderTest, AFileThatGoesWhileItIsReadFailsItsBlocks) {
  const TemporaryFolder folder;
  const Bytes bytes = WithDamagedTile(EncodeTiff(Pyramid(520, 360)), 0);
  folder.Put("a", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto reader = Taken(OpenByOpenSlide(folder.PathOf("a"), {}));
  ASSERT_NE(reader, nullptr);
  EXPECT_FALSE(reader->ReadBlock({}).ok());  // the handle is dead.
  ASSERT_TRUE(RealFileSystem().Remove(folder.PathOf("a")).ok());
  const Status status = reader->ReadBlock({.column = 1}).status();
  EXPECT_EQ(status.message(), folder.PathOf("a") +
                                  ": level 0, column 1, row 0: is no slide "
                                  "that OpenSlide knows");
}

TEST(OpenSlideReaderTest, MoreThreadsThanHandlesReadTheSameBlocks) {
  const Bytes whole = EncodeTiff(Pyramid(520, 360));
  const SlideFile good(whole);
  const SlideFile bad(WithDamagedTile(whole, 5));
  const auto expected = Directly(good);
  const auto reader = ByOpenSlide(bad, {.max_handles = 2});
  ASSERT_TRUE(expected != nullptr && reader != nullptr);
  const std::vector<BlockId> blocks = BlocksOf(*reader, 0);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < blocks.size(); ++i) {
        const size_t at = (i * (2 * t + 1)) % blocks.size();
        const auto image = reader->ReadBlock(blocks[at]);
        const bool right =
            at == 5
                ? !image.ok()
                : image.ok() && PixelsOf(*image) ==
                                    PixelsOf(*expected->ReadBlock(blocks[at]));
        if (!right) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(OpenSlideReaderTest, WhatIsNoSlideIsUnimplemented) {
  const SlideFile text({std::byte{'x'}});
  EXPECT_EQ(
      OpenByOpenSlide(text.path(), {}).status().ToString(),
      "UNIMPLEMENTED: " + text.path() + ": is no slide that OpenSlide knows");
  const SlideFile jpeg(EncodeJpeg(MakeTestImage(64, 64).view()));
  EXPECT_EQ(OpenByOpenSlide(jpeg.path(), {}).status().code(),
            StatusCode::kUnimplemented);
  const SlideFile slide(EncodeTiff(Pyramid(128, 64)));
  EXPECT_EQ(
      OpenByOpenSlide(slide.path(), {.max_side_px = 127}).status().message(),
      slide.path() + ": level 0: width_px = 128: must be in [1, 127]");
  EXPECT_EQ(
      OpenByOpenSlide(slide.path(), {}, {.max_handles = 0}).status().message(),
      slide.path() + ": max_handles = 0: must be in [1, 1024]");
}

// --- which reader ---

StatusOr<std::unique_ptr<SlideReader>> OpenAny(const SlideFile& file,
                                               const Limits& limits = {}) {
  return OpenSlideFile(RealFileSystem(), file.path(), limits);
}

TEST(SlideOpenerTest, ATiledTiffIsReadDirectlyWhateverItsName) {
  const Bytes bytes = EncodeTiff(Pyramid(128, 64));
  for (const char* name : {"a.svs", "a.jpg", "a"}) {
    const SlideFile file(bytes, name);
    const auto reader = Taken(OpenAny(file));
    ASSERT_NE(reader, nullptr);
    EXPECT_EQ(reader->info().reader, "direct");
  }
}

// A coding that we have not and OpenSlide's libtiff has.
TEST(SlideOpenerTest, WhatIsNotReadDirectlyGoesToOpenSlide) {
  TiffSource source = JpegTiles(128, 64, 0);
  source.colour = 2;
  source.compression = 34925;  // LZMA.
  const SlideFile file(EncodeTiff(source));
  const auto reader = Taken(OpenAny(file));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info().reader, "openslide");
  const auto image = reader->ReadBlock({.column = 1});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  const Image whole = MakeTestImage(128, 64);
  EXPECT_EQ(image->view().At(3, 5), whole.view().At(67, 5));
}

TEST(SlideOpenerTest, WhatIsNoSlideIsNamedWithTheReasonOfItsReader) {
  TiffSource strips = JpegTiles(128, 64, 0);
  strips.colour = 2;
  strips.compression = 1;
  strips.tile_px = 0;
  const SlideFile tiff(EncodeTiff(strips));
  EXPECT_EQ(
      OpenAny(tiff).status().ToString(),
      "UNIMPLEMENTED: " + tiff.path() + ": TIFF without tiles is not a slide");
  const SlideFile jpeg(EncodeJpeg(MakeTestImage(64, 64).view()), "a.svs");
  EXPECT_EQ(
      OpenAny(jpeg).status().ToString(),
      "UNIMPLEMENTED: " + jpeg.path() + ": is no slide that OpenSlide knows");
  const SlideFile empty(Bytes{});
  EXPECT_EQ(OpenAny(empty).status().ToString(),
            "DATA_LOSS: " + empty.path() + ": the file is empty");
  const TemporaryFolder folder;
  EXPECT_EQ(
      OpenSlideFile(RealFileSystem(), folder.path(), {}).status().ToString(),
      "INVALID_ARGUMENT: " + folder.path() + ": is not a regular file");
  EXPECT_EQ(
      OpenSlideFile(RealFileSystem(), folder.PathOf("b"), {}).status().code(),
      StatusCode::kNotFound);
}

// A TIFF of Hamamatsu (tag 65420) with a tag that stands twice: what is said is
// OpenSlide's.
TEST(SlideOpenerTest, ADamagedTiffOfAMakerIsLeftToOpenSlide) {
  Bytes bytes = EncodeTiff(JpegTiles(128, 64, 0));
  const size_t directory = Number32(bytes, 4);
  uint16_t tags = 0;
  std::memcpy(&tags, &bytes[directory], sizeof(tags));
  const uint16_t flag = 65420;
  for (const size_t tag : {tags - size_t{2}, tags - size_t{1}}) {
    std::memcpy(&bytes[directory + 2 + 12 * tag], &flag, sizeof(flag));
  }
  const SlideFile file(bytes);
  EXPECT_EQ(
      OpenTiffPyramid(RealFileSystem(), file.path(), {}).status().message(),
      file.path() + ": directory 0: damaged TIFF: tag 65420 stands twice");
  EXPECT_EQ(OpenSlideVendor(file.path()), "hamamatsu");
  const Status status = OpenAny(file).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_TRUE(status.message().starts_with(file.path() + ": OpenSlide: "))
      << status.message();
}

TEST(OpenSlideReaderTest, TheVendorIsThatOfTheContent) {
  const SlideFile plain(EncodeTiff(JpegTiles(128, 64, 0)));
  EXPECT_EQ(OpenSlideVendor(plain.path()), "generic-tiff");
  const SlideFile text({std::byte{'x'}});
  EXPECT_EQ(OpenSlideVendor(text.path()), "");
}

// OpenSlide is not asked to mend what is damaged.
TEST(SlideOpenerTest, ADamagedTiffIsAnErrorOfTheDirectReader) {
  Bytes bytes = EncodeTiff(Pyramid(128, 64));
  bytes.resize(bytes.size() - 100);
  const SlideFile file(bytes);
  EXPECT_EQ(OpenAny(file).status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace cyto8
