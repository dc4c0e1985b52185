// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/tiff_pyramid.h: every block is what the row reader of TIFF
// gives there, at every reduction; what is damaged or not for us is named. Also
// of slide_bytes.h and slide_block.h, which are its parts.
#include "tiling/tiff_pyramid.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiff_bytes.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/image_reader.h"
#include "tiling/slide_block.h"

namespace cyto8 {
namespace {

std::unique_ptr<SlideReader> Open(const Bytes& bytes) {
  StatusOr<std::unique_ptr<SlideReader>> reader = OpenTiffPyramid(bytes, {});
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return reader.ok() ? *std::move(reader) : nullptr;
}

std::string ErrorOf(const Bytes& bytes, const Limits& limits = {}) {
  return OpenTiffPyramid(bytes, limits).status().ToString();
}

std::vector<uint8_t> PixelsOf(const ImageView& view) {
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < view.height_px; ++y) {
    pixels.insert(pixels.end(), view.Row(y),
                  view.Row(y) + view.width_px * kRgbChannels);
  }
  return pixels;
}

// The part of a whole image that is a block.
ImageView PartOf(const Image& whole, const SlideLevel& level,
                 const BlockId& block) {
  const auto [width, height] = BlockSize(level, block);
  return whole.view().Crop(block.column * level.block_width_px,
                           block.row * level.block_height_px, width, height);
}

// Every block of a level against the rows of the same image as a file of its
// own, whose reader is another.
void ExpectLevelIs(SlideReader& reader, int64_t level,
                   const TiffSource& source) {
  const Bytes alone = EncodeTiff(source);
  const auto whole = DecodeImage(alone, {});
  ASSERT_TRUE(whole.ok()) << whole.status().ToString();
  const SlideLevel grid = reader.info().levels[static_cast<size_t>(level)];
  EXPECT_EQ(grid, (SlideLevel{.width_px = source.width_px,
                              .height_px = source.height_px,
                              .block_width_px = source.tile_px,
                              .block_height_px = source.tile_px}));
  for (int64_t row = 0; row < grid.blocks_down(); ++row) {
    for (int64_t column = 0; column < grid.blocks_across(); ++column) {
      const BlockId block = {.level = level, .column = column, .row = row};
      const auto image = reader.ReadBlock(block);
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      ASSERT_TRUE(reader.HasBlock(block));
      ASSERT_EQ(PixelsOf(image->view()), PixelsOf(PartOf(*whole, grid, block)))
          << NameOfBlock(block);
    }
  }
}

TEST(TiffPyramidTest, EveryBlockOfAnAperioSlideIsWhatItsLevelShows) {
  const std::vector<TiffSource> sources = AperioSources();
  const Bytes bytes = EncodeTiff(sources);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  const SlideInfo& info = reader->info();
  EXPECT_EQ(info.format, "Aperio SVS");
  EXPECT_EQ(info.reader, "direct");
  EXPECT_EQ(info.um_per_px, 0.499);
  EXPECT_EQ(info.mpp_source, "aperio.MPP");
  EXPECT_EQ(info.magnification, 20);
  EXPECT_EQ(info.focal_planes, 1);
  EXPECT_EQ(info.associated,
            (std::vector<std::string>{"thumbnail", "label", "macro"}));
  EXPECT_EQ(reader->largest_reduction(), 8);
  ASSERT_EQ(info.levels.size(), 3);
  ExpectLevelIs(*reader, 0, sources[0]);
  ExpectLevelIs(*reader, 1, sources[2]);
  ExpectLevelIs(*reader, 2, sources[3]);
}

TEST(PromiseP20, OnlyNumbersLeaveTheDescriptionOfASlide) {
  const Bytes bytes = EncodeTiff(AperioSources());
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  const SlideInfo& info = reader->info();
  std::string all = info.format + info.reader + info.mpp_source;
  for (const std::string& name : info.associated) all += name;
  for (const char* secret : {"Meier", "12/29/09", "b414", "Filename"}) {
    EXPECT_EQ(all.find(secret), std::string::npos) << secret;
  }
}

TEST(TiffPyramidTest, EveryCodingAndKindOfTiffIsRead) {
  for (const int compression : {kTiffNone, kTiffLzw, kTiffDeflate, kTiffJpeg}) {
    for (const bool big_tiff : {false, true}) {
      for (const bool big_endian : {false, true}) {
        for (const int chroma : {1, 2}) {
          std::vector<TiffSource> sources = {Tiles(50, 40, compression),
                                             Tiles(25, 20, compression)};
          for (TiffSource& source : sources) {
            source.big_tiff = big_tiff;
            source.big_endian = big_endian;
            source.chroma_px = chroma;
            if (compression == kTiffJpeg && chroma == 2) source.colour = 6;
            if (compression == kTiffDeflate) source.predictor = chroma;
          }
          const Bytes bytes = EncodeTiff(sources);
          const auto reader = Open(bytes);
          ASSERT_NE(reader, nullptr);
          EXPECT_EQ(reader->info().format, "tiled TIFF");
          EXPECT_EQ(reader->largest_reduction(),
                    compression == kTiffJpeg ? 8 : 1);
          ExpectLevelIs(*reader, 0, sources[0]);
          ExpectLevelIs(*reader, 1, sources[1]);
        }
      }
    }
  }
}

TEST(TiffPyramidTest, YcbcrWithoutSubsamplingIsRead) {
  TiffSource source = JpegTiles(50, 40);
  source.chroma_px = 1;
  const Bytes bytes = EncodeTiff(source);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  ExpectLevelIs(*reader, 0, source);
}

TEST(TiffPyramidTest, GreyPlanesDeepAndTransparentPixelsAreRead) {
  for (const int compression : {kTiffNone, kTiffDeflate, kTiffJpeg}) {
    std::vector<TiffSource> sources;
    TiffSource grey = Tiles(40, 20, compression);
    grey.samples = 1;
    grey.colour = 1;
    grey.values.resize(40 * 20);
    TiffSource planes = Tiles(40, 20, compression);
    planes.separate = true;
    sources = {grey, planes};
    grey.colour = 0;
    sources.push_back(grey);
    if (compression != kTiffJpeg) {
      TiffSource deep = Tiles(40, 20, compression);
      deep.bits = 16;
      for (uint16_t& value : deep.values)
        value = static_cast<uint16_t>(value * 257);
      sources.push_back(deep);
      TiffSource clear = Tiles(30, 20, compression);
      clear.samples = 4;
      clear.extra_samples = {2};
      clear.values = Tiles(40, 20).values;
      sources.push_back(clear);
    }
    for (const TiffSource& source : sources) {
      const Bytes bytes = EncodeTiff(source);
      const auto reader = Open(bytes);
      ASSERT_NE(reader, nullptr);
      ExpectLevelIs(*reader, 0, source);
    }
  }
}

// The reduced tile, of which the part inside of the level remains.
TEST(TiffPyramidTest, AReducedBlockIsItsTileReducedAndCut) {
  TiffSource source = JpegTiles(100, 70);
  source.tile_px = 64;
  const Bytes bytes = EncodeTiff(source);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  for (const int64_t reduction : {2, 4, 8}) {
    const BlockId inside = {.reduction = reduction};
    const auto image = reader->ReadBlock(inside);
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    EXPECT_EQ(image->width_px(), 64 / reduction);
    const auto full = reader->ReadBlock({});
    // Near the mean of its pixels, which is all that a scaled DCT promises.
    int64_t sum = 0;
    int64_t reduced = 0;
    for (const uint8_t value : PixelsOf(full->view())) sum += value;
    for (const uint8_t value : PixelsOf(image->view())) reduced += value;
    EXPECT_NEAR(static_cast<double>(reduced * reduction * reduction) /
                    static_cast<double>(sum),
                1, 0.02);
    const BlockId corner = {.column = 1, .row = 1, .reduction = reduction};
    const auto cut = reader->ReadBlock(corner);
    ASSERT_TRUE(cut.ok());
    EXPECT_EQ(cut->width_px(), (36 + reduction - 1) / reduction);
    EXPECT_EQ(cut->height_px(), (6 + reduction - 1) / reduction);
  }
}

TEST(TiffPyramidTest, AMissingTileIsWhiteAndSaidToBeMissing) {
  TiffSource source = JpegTiles(50, 40);
  source.missing_tiles = {0, 5, 11};
  const Bytes bytes = EncodeTiff(source);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  int missing = 0;
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t column = 0; column < 4; ++column) {
      const BlockId block = {.column = column, .row = row, .reduction = 2};
      if (reader->HasBlock(block)) continue;
      ++missing;
      const auto image = reader->ReadBlock(block);
      ASSERT_TRUE(image.ok());
      EXPECT_EQ(image->width_px(), column == 3 ? 1 : 8);
      for (const uint8_t value : PixelsOf(image->view())) ASSERT_EQ(value, 255);
    }
  }
  EXPECT_EQ(missing, 3);
  EXPECT_FALSE(reader->HasBlock({}));
  EXPECT_TRUE(reader->HasBlock({.column = 1}));
}

TEST(TiffPyramidTest, APlaneThatIsMissingAloneIsDamage) {
  TiffSource source = Tiles(16, 16);
  source.separate = true;
  source.missing_tiles = {1};
  const Bytes bytes = EncodeTiff(source);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  EXPECT_TRUE(reader->HasBlock({}));
  EXPECT_EQ(reader->ReadBlock({}).status().ToString(),
            "DATA_LOSS: level 0, column 0, row 0: damaged TIFF: a plane is "
            "missing");
}

// --- which directories are levels ---

TEST(TiffPyramidTest, LevelsAreSortedBySizeAndOfOneAspect) {
  TiffSource mask = Tiles(100, 70);
  mask.subfile_type = 4;
  const Bytes bytes =
      EncodeTiff({Tiles(25, 18), Tiles(100, 70), Tiles(64, 64), mask,
                  Tiles(50, 35), Tiles(100, 70), Tiles(50, 35), Strips(10, 7)});
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  const SlideInfo& info = reader->info();
  ASSERT_EQ(info.levels.size(), 3);
  EXPECT_EQ(info.levels[0].width_px, 100);
  EXPECT_EQ(info.levels[1].width_px, 50);
  EXPECT_EQ(info.levels[2].width_px, 25);
  EXPECT_EQ(info.focal_planes, 2);
  EXPECT_EQ(info.associated,
            (std::vector<std::string>{"image 7", "image of another shape"}));
}

// Sides rounded down, up, or to the nearest, by every factor.
TEST(TiffPyramidTest, EveryRoundingOfTheSidesIsALevel) {
  for (const int64_t factor : {2, 3, 4, 7, 16}) {
    for (const int64_t round : {int64_t{0}, factor / 2, factor - 1}) {
      const Bytes bytes =
          EncodeTiff({Tiles(101, 67),
                      Tiles((101 + round) / factor, (67 + round) / factor)});
      const auto reader = Open(bytes);
      ASSERT_NE(reader, nullptr);
      EXPECT_EQ(reader->info().levels.size(), 2) << factor << ", " << round;
    }
  }
}

TEST(TiffPyramidTest, SubDirectoriesAreLevels) {
  TiffSource base = JpegTiles(100, 70);
  base.sub_directories = 2;
  const std::vector<TiffSource> sources = {base, JpegTiles(50, 35),
                                           JpegTiles(25, 18), Strips(9, 9)};
  for (const bool big_tiff : {false, true}) {
    std::vector<TiffSource> of_kind = sources;
    of_kind[0].big_tiff = big_tiff;
    const Bytes bytes = EncodeTiff(of_kind);
    const auto reader = Open(bytes);
    ASSERT_NE(reader, nullptr);
    ASSERT_EQ(reader->info().levels.size(), 3);
    ExpectLevelIs(*reader, 1, sources[1]);
    ExpectLevelIs(*reader, 2, sources[2]);
    EXPECT_EQ(reader->info().associated, std::vector<std::string>{"image 1"});
  }
}

TEST(TiffPyramidTest, WithoutAnAperioDescriptionTheResolutionIsTheScale) {
  TiffSource source = Tiles(20, 20);
  source.x_resolution = source.y_resolution = 40'000;
  const Bytes bytes = EncodeTiff(source);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info().um_per_px, 0.25);
  EXPECT_EQ(reader->info().mpp_source, "tiff.XResolution");
  EXPECT_EQ(reader->info().magnification, std::nullopt);
  source.resolution_unit = 2;
  source.x_resolution = source.y_resolution = 50'800;
  const Bytes inch = EncodeTiff(source);
  EXPECT_EQ(Open(inch)->info().um_per_px, 0.5);
  source.x_resolution = source.y_resolution = 72;
  const Bytes print = EncodeTiff(source);
  EXPECT_EQ(Open(print)->info().um_per_px, std::nullopt);
  EXPECT_EQ(Open(print)->info().mpp_source, "");
}

TEST(TiffPyramidTest, AMagnificationMayStandWithoutBlanks) {
  for (const char* right : {"|AppMag=20", "| AppMag = 20 |MPP=0.5"}) {
    const Bytes bytes = EncodeTiff(
        Described(Tiles(20, 20), std::string("Aperio X\r\n") + right));
    EXPECT_EQ(Open(bytes)->info().magnification, 20) << right;
  }
}

TEST(TiffPyramidTest, AMagnificationThatIsNoneIsIgnored) {
  for (const char* wrong : {"0", "-20", "nan", "", "20x", "5000"}) {
    const Bytes bytes = EncodeTiff(Described(
        Tiles(20, 20), std::string("Aperio X\r\n|AppMag = ") + wrong));
    EXPECT_EQ(Open(bytes)->info().magnification, std::nullopt) << wrong;
  }
}

// --- not for us ---

TEST(TiffPyramidTest, WhatIsLeftToOpenSlideIsUnimplemented) {
  EXPECT_EQ(ErrorOf(EncodeTiff(Strips(20, 20))),
            "UNIMPLEMENTED: TIFF without tiles is not a slide");
  for (const auto& [software, name] :
       {std::pair{"Philips DP v1.0", "Philips TIFF"},
        {"MedScan", "Trestle TIFF"}}) {
    TiffSource source = Tiles(20, 20);
    source.software = software;
    EXPECT_EQ(ErrorOf(EncodeTiff(source)),
              std::string("UNIMPLEMENTED: ") + name + " is not read directly");
  }
  EXPECT_EQ(
      ErrorOf(EncodeTiff(Described(
          Tiles(20, 20),
          "<scn xmlns=\"http://www.leica-microsystems.com/scn/2010/\">"))),
      "UNIMPLEMENTED: Leica SCN is not read directly");
}

// Rows are for the first page alone, so the others cannot refuse it.
TEST(TiffPyramidTest, APlainImageIsNoSlideWhateverItsOtherPagesAre) {
  const std::string no_tiles =
      "UNIMPLEMENTED: TIFF without tiles is not a slide";
  EXPECT_EQ(ErrorOf(EncodeTiff(std::vector<TiffSource>(1100, Strips(2, 2)))),
            no_tiles);
  TiffBytes twice(EncodeTiff({Strips(20, 20), Strips(10, 10)}));
  twice.PutTag(1, 257, 256);
  EXPECT_EQ(ErrorOf(twice.bytes), no_tiles);
  TiffBytes empty(EncodeTiff({Strips(20, 20), Strips(10, 10)}));
  empty.PutTag(1, 273, 65'001);  // no pixels.
  EXPECT_EQ(ErrorOf(empty.bytes), no_tiles);
  TiffBytes ring(EncodeTiff({Strips(20, 20), Strips(10, 10)}));
  ring.PutLink(2, static_cast<uint64_t>(ring.DirectoryAt(0)));
  EXPECT_EQ(ErrorOf(ring.bytes), no_tiles);
  TiffBytes first(EncodeTiff({Strips(20, 20), Strips(10, 10)}));
  first.PutTag(0, 257, 256);
  EXPECT_EQ(ErrorOf(first.bytes),
            "DATA_LOSS: directory 0: damaged TIFF: tag 256 stands twice");
}

TEST(TiffPyramidTest, ASlideMayBeginWithAThumbnailInStrips) {
  const std::vector<TiffSource> sources = {Strips(25, 18), Tiles(100, 70),
                                           Tiles(50, 35)};
  const Bytes bytes = EncodeTiff(sources);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info().levels.size(), 2);
  TiffBytes damaged(bytes);
  damaged.PutTag(2, 257, 256);
  EXPECT_EQ(ErrorOf(damaged.bytes),
            "DATA_LOSS: directory 2: damaged TIFF: tag 256 stands twice");
}

// The two bytes of a SHORT or the four of a LONG, in the first directory whose
// tag has this value.
Bytes WithTag(Bytes bytes, int tag, uint32_t from, uint32_t to) {
  for (size_t at = 8; at + 12 <= bytes.size(); at += 2) {
    uint16_t id = 0;
    uint32_t value = 0;
    std::memcpy(&id, &bytes[at], sizeof(id));
    std::memcpy(&value, &bytes[at + 8], sizeof(value));
    if (id != tag || value != from) continue;
    std::memcpy(&bytes[at + 8], &to, sizeof(to));
    return bytes;
  }
  ADD_FAILURE() << "no tag " << tag << " of " << from;
  return bytes;
}

TEST(TiffPyramidTest, Jpeg2000IsUnimplemented) {
  const Bytes bytes = EncodeTiff(Tiles(20, 20));
  for (const uint32_t coding : {33003, 33005}) {
    EXPECT_EQ(
        ErrorOf(WithTag(bytes, 259, kTiffNone, coding)),
        "UNIMPLEMENTED: level 0: Compression = " + std::to_string(coding) +
            " (JPEG 2000) is not supported: must be 1 (none), 5 (LZW), 7 "
            "(JPEG), 8 (deflate) or 32773 (PackBits)");
  }
}

TEST(TiffPyramidTest, ABlockOutsideOfTheGridIsRefused) {
  const Bytes jpeg = EncodeTiff(JpegTiles(40, 20));
  const auto reader = Open(jpeg);
  ASSERT_NE(reader, nullptr);
  const auto error = [&](const BlockId& block) {
    return reader->ReadBlock(block).status().ToString();
  };
  EXPECT_EQ(error({.level = 1}),
            "INVALID_ARGUMENT: level = 1: must be in [0, 0]");
  EXPECT_EQ(error({.level = -1}),
            "INVALID_ARGUMENT: level = -1: must be in [0, 0]");
  EXPECT_EQ(error({.column = 3}),
            "INVALID_ARGUMENT: column = 3: must be in [0, 2]");
  EXPECT_EQ(error({.row = 2}), "INVALID_ARGUMENT: row = 2: must be in [0, 1]");
  EXPECT_EQ(error({.reduction = 3}),
            "INVALID_ARGUMENT: reduction = 3: must be 1, 2, 4 or 8");
  const Bytes plain = EncodeTiff(Tiles(40, 20));
  EXPECT_EQ(Open(plain)->ReadBlock({.reduction = 2}).status().ToString(),
            "UNIMPLEMENTED: reduction = 2 is not supported: must be at most 1");
}

// --- damage ---

size_t Number32(const Bytes& bytes, size_t at) {
  uint32_t number = 0;
  std::memcpy(&number, &bytes[at], sizeof(number));
  return number;
}

TEST(PromiseP6, ATileThatClaimsToBeHugeIsRefusedBeforeAllocation) {
  Bytes bytes = EncodeTiff(JpegTiles(16, 16));
  bytes = WithTag(bytes, 322, 16, 60'000);
  bytes = WithTag(bytes, 323, 16, 60'000);
  const std::string error = ErrorOf(bytes);
  EXPECT_TRUE(error.starts_with("INVALID_ARGUMENT: decoder bytes = 2"))
      << error;
  EXPECT_TRUE(error.ends_with(": must be in [0, 536870912]")) << error;
}

TEST(PromiseP6, DirectoriesMayHaveSoManyBytesInAll) {
  const Bytes bytes = EncodeTiff(std::vector<TiffSource>(40, Tiles(16, 16)));
  const std::string error = ErrorOf(bytes, {.max_decoder_bytes = 4000});
  EXPECT_TRUE(error.starts_with("INVALID_ARGUMENT: directory bytes = 4"))
      << error;
  EXPECT_TRUE(error.ends_with(": must be in [0, 4000]")) << error;
}

TEST(PromiseP4, ATiledTiffCutAtAnyByteIsAnError) {
  for (const Bytes& whole :
       {EncodeTiff(AperioSources()),
        EncodeTiff({Tiles(40, 20, kTiffLzw), Tiles(20, 10)})}) {
    for (size_t size = 0; size < whole.size(); size += 1 + size / 400) {
      const Bytes cut(whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(OpenTiffPyramid(cut, {}).ok()) << size;
    }
  }
}

// Where tile 0 of the only directory lies: a tag 324 of several LONGs.
size_t FirstTileAt(const Bytes& bytes) {
  const size_t directory = Number32(bytes, 4);
  for (size_t at = directory + 2; at < bytes.size(); at += 12) {
    uint16_t id = 0;
    std::memcpy(&id, &bytes[at], sizeof(id));
    if (id == 324) return Number32(bytes, Number32(bytes, at + 8));
  }
  return 0;
}

TEST(PromiseP4, ADamagedTileIsNamedAndTheOthersAreRead) {
  for (const int compression : {kTiffJpeg, kTiffLzw, kTiffDeflate}) {
    TiffSource source = Tiles(40, 20, compression);
    Bytes bytes = EncodeTiff(source);
    const size_t tile = FirstTileAt(bytes);
    for (size_t i = 0; i < 40; ++i) bytes[tile + i] = std::byte{0};
    const auto reader = Open(bytes);
    ASSERT_NE(reader, nullptr);
    const Status status = reader->ReadBlock({}).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_TRUE(status.message().starts_with("level 0, column 0, row 0: "))
        << status.ToString();
    EXPECT_TRUE(reader->ReadBlock({.column = 1}).ok());
    EXPECT_FALSE(reader->ReadBlock({}).ok());
  }
}

TEST(TiffPyramidTest, AJpegOfAnotherSizeThanItsTileIsDamage) {
  Bytes bytes = EncodeTiff(JpegTiles(30, 30));
  bytes = WithTag(bytes, 322, 16, 24);
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->ReadBlock({.column = 1, .row = 1}).status().ToString(),
            "DATA_LOSS: level 0, column 1, row 1: damaged JPEG: it has 16 x 16 "
            "pixels: must have 24 x 16");
}

// Whatever byte changes: an error, or blocks of the size that the level says.
TEST(TiffPyramidTest, AnyChangedByteGivesAnErrorOrBlocks) {
  const Bytes whole =
      EncodeTiff({JpegTiles(20, 18), Tiles(10, 9, kTiffDeflate)});
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes bytes = whole;
    bytes[i] ^= std::byte{0x81};
    const auto reader = OpenTiffPyramid(
        bytes,
        {.max_slide_pixels = 1 << 20, .max_decoder_bytes = int64_t{1} << 24});
    ASSERT_NE(reader.status().code(), StatusCode::kInternal);
    if (!reader.ok()) continue;
    for (size_t level = 0; level < (*reader)->info().levels.size(); ++level) {
      const BlockId block = {.level = static_cast<int64_t>(level)};
      const auto image = (*reader)->ReadBlock(block);
      ASSERT_NE(image.status().code(), StatusCode::kInternal);
      if (!image.ok()) continue;
      const auto [width, height] =
          BlockSize((*reader)->info().levels[level], block);
      ASSERT_EQ(image->width_px(), width);
      ASSERT_EQ(image->height_px(), height);
    }
  }
}

// --- files ---

TEST(TiffPyramidTest, ErrorsOfAFileStartWithItsPath) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("a.svs");
  const Bytes bytes = EncodeTiff(Strips(20, 20));
  folder.Put("a.svs",
             {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto error = [&](const std::string& of) {
    return OpenTiffPyramid(RealFileSystem(), of, {}).status().message();
  };
  EXPECT_EQ(error(path), path + ": TIFF without tiles is not a slide");
  EXPECT_EQ(error(folder.path()), folder.path() + ": is not a regular file");
  EXPECT_TRUE(error(folder.PathOf("b")).starts_with(folder.PathOf("b") + ": "));
  folder.Put("c", "");
  EXPECT_EQ(error(folder.PathOf("c")).substr(0, folder.PathOf("c").size() + 2),
            folder.PathOf("c") + ": ");
}

TEST(PromiseP10, EveryFailingCallOfAFileIsANamedError) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("a.svs");
  const Bytes bytes = EncodeTiff(AperioSources());
  folder.Put("a.svs",
             {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  FaultyFileSystem files(RealFileSystem());
  const auto read = [&]() -> Status {
    CYTO8_ASSIGN_OR_RETURN(const auto reader, OpenTiffPyramid(files, path, {}));
    CYTO8_RETURN_IF_ERROR(reader->ReadBlock({}).status());
    return reader->ReadBlock({.level = 2, .reduction = 4}).status();
  };
  ASSERT_TRUE(read().ok());
  const auto calls = static_cast<int64_t>(files.calls().size());
  ASSERT_GT(calls, 10);
  for (int64_t i = 0; i + 1 < calls; ++i) {  // the last one closes.
    files.Arm({.index = i, .error_number = EIO});
    const Status status = read();
    ASSERT_EQ(status.code(), StatusCode::kIoError) << i;
    ASSERT_TRUE(status.message().starts_with(path + ": ")) << status.message();
    ASSERT_EQ(status.message().find(path, 1), std::string::npos);
    files.Disarm();
    ASSERT_EQ(files.open_files(), 0);
  }
  files.ShortenTransfers(7);
  EXPECT_TRUE(read().ok());
}

TEST(TiffPyramidTest, ThreadsReadTheSameBlocks) {
  const Bytes bytes = EncodeTiff(AperioSources());
  const auto reader = Open(bytes);
  ASSERT_NE(reader, nullptr);
  std::vector<std::vector<uint8_t>> expected;
  for (int64_t column = 0; column < 7; ++column) {
    expected.push_back(PixelsOf(reader->ReadBlock({.column = column})->view()));
  }
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 70; ++i) {
        const auto image = reader->ReadBlock({.column = i % 7});
        const bool same =
            image.ok() &&
            PixelsOf(image->view()) == expected[static_cast<size_t>(i % 7)];
        if (!same) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace cyto8
