// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/kfb_slide.h and kfb_tile.h: each block is the JPEG of its
// cell, clipped; what is missing is white; what is damaged fails alone, with
// its name; nothing is read that nobody asked for.
#include "tiling/kfb_slide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/kfb_file.h"
#include "tests/support/one_file.h"
#include "tests/support/temporary_folder.h"
#include "tiling/jpeg_block.h"
#include "tiling/kfb_header.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

std::unique_ptr<SlideReader> Open(OneFile& file) {
  return OpenKfb(file, "a.kfb", {}).value();
}

testing::AssertionResult Same(const ImageView& a, const ImageView& b) {
  if (a.width_px != b.width_px || a.height_px != b.height_px) {
    return testing::AssertionFailure()
           << a.width_px << " x " << a.height_px << " and " << b.width_px
           << " x " << b.height_px;
  }
  for (int64_t y = 0; y < a.height_px; ++y) {
    if (!std::equal(a.Row(y), a.Row(y) + 3 * a.width_px, b.Row(y))) {
      return testing::AssertionFailure() << "row " << y;
    }
  }
  return testing::AssertionSuccess();
}

// What a block must be: the picture, reduced, then clipped.
Image Expected(const KfbTileSource& tile, const SlideLevel& level,
               const BlockId& block) {
  const KfbPicture& picture = tile.picture;
  Image image = DecodeJpegBlock({.bytes = picture.jpeg,
                                 .width_px = picture.width_px,
                                 .height_px = picture.height_px},
                                block.reduction)
                    .value();
  const auto [width, height] = BlockSize(level, block);
  Image clipped = Image::Create(width, height).value();
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(image.view().Row(y), 3 * width, clipped.MutableRow(y));
  }
  return clipped;
}

BlockId BlockOf(const KfbTileSource& tile, int64_t reduction = 1) {
  return {tile.level, tile.column, tile.row, reduction};
}

void ExpectAllBlocks(SlideReader& slide, const KfbSource& source,
                     int64_t reduction) {
  for (const KfbTileSource& tile : source.tiles) {
    const BlockId block = BlockOf(tile, reduction);
    EXPECT_TRUE(slide.HasBlock(block));
    const SlideLevel& level =
        slide.info().levels[static_cast<size_t>(tile.level)];
    const StatusOr<Image> image = slide.ReadBlock(block);
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    EXPECT_TRUE(Same(image->view(), Expected(tile, level, block).view()))
        << tile.level << " " << tile.column << " " << tile.row;
  }
}

void ExpectWhite(const ImageView& image, int64_t width, int64_t height) {
  EXPECT_EQ(image.width_px, width);
  EXPECT_EQ(image.height_px, height);
  for (int64_t y = 0; y < image.height_px; ++y) {
    for (int64_t x = 0; x < image.width_px; ++x) {
      ASSERT_EQ(image.At(x, y), (Rgb{255, 255, 255}));
    }
  }
}

// How the error of a damaged block 0, 0, 0 begins.
const std::string kFirstTile =
    "DATA_LOSS: a.kfb: level 0, column 0, row 0: damaged KFB: ";

// The error of block 0, 0, 0.
std::string ErrorWith(const Bytes& bytes) {
  OneFile file(bytes);
  const std::unique_ptr<SlideReader> slide = Open(file);
  EXPECT_TRUE(slide->HasBlock({}));
  return slide->ReadBlock({}).status().ToString();
}

// A slide of one tile whose JPEG is `picture`, which its record describes.
Bytes OneTile(KfbPicture picture) {
  return EncodeKfb({.width_px = picture.width_px,
                    .height_px = picture.height_px,
                    .tiles = {{.picture = std::move(picture)}}});
}

KfbPicture SmallPicture(const JpegEncoding& encoding = {}) {
  return EncodeKfbPicture(MakeTestImage(40, 30).view(), encoding);
}

// --- good files ---

TEST(KfbSlideTest, EveryBlockIsTheJpegOfItsCell) {
  const KfbSource source = KfbWithPictures(520, 300);
  OneFile file(EncodeKfb(source));
  const std::unique_ptr<SlideReader> slide = Open(file);
  EXPECT_EQ(slide->largest_reduction(), 8);
  for (const int64_t reduction : {1, 2, 4, 8}) {
    ExpectAllBlocks(*slide, source, reduction);
  }
}

TEST(KfbSlideTest, AHintIsOfTheBytesThatABlockReads) {
  const KfbSource source = KfbWithPictures(520, 300);
  OneFile file(EncodeKfb(source));
  FaultyFileSystem files(file);
  const std::unique_ptr<SlideReader> slide =
      OpenKfb(files, "a.kfb", {}).value();
  for (const KfbTileSource& tile : source.tiles) {
    slide->WillNeed(BlockOf(tile));
    ASSERT_TRUE(slide->ReadBlock(BlockOf(tile)).ok());
  }
  EXPECT_EQ(files.hints(), std::ssize(source.tiles));
  EXPECT_EQ(files.unannounced_reads(), 0);
}

TEST(KfbSlideTest, InfoSaysWhatIsSafeToSay) {
  KfbSource source = KfbWithoutPictures(520, 300);
  source.label = source.overview = source.thumbnail = {Bytes(5), 4, 4};
  OneFile file(EncodeKfb(source));
  const SlideInfo info = Open(file)->info();
  EXPECT_EQ(info.format, "KFB");
  EXPECT_EQ(info.reader, "kfb");
  EXPECT_EQ(info.levels.size(), 3U);
  EXPECT_EQ(info.um_per_px, 0.4841);
  EXPECT_EQ(info.mpp_source, "kfb.um_per_px");
  EXPECT_EQ(info.magnification, 20.0);
  EXPECT_EQ(info.focal_planes, 1);
  EXPECT_EQ(info.surplus_blocks, 0);
  EXPECT_EQ(info.associated,
            (std::vector<std::string>{"label", "macro", "thumbnail"}));
}

TEST(KfbSlideTest, WithoutAScaleThereIsNoSourceOfIt) {
  KfbSource source = KfbWithoutPictures(100, 100);
  source.um_per_px = 0;
  OneFile file(EncodeKfb(source));
  const SlideInfo info = Open(file)->info();
  EXPECT_EQ(info.um_per_px, std::nullopt);
  EXPECT_EQ(info.mpp_source, "");
  EXPECT_TRUE(info.associated.empty());
}

TEST(KfbSlideTest, TilesThatOverrunAreClipped) {
  for (const int64_t overrun : {1, 5}) {
    const KfbSource source = KfbWithPictures(517, 261, overrun);
    OneFile file(EncodeKfb(source));
    const std::unique_ptr<SlideReader> slide = Open(file);
    EXPECT_EQ(slide->ReadBlock({0, 2, 1})->width_px(), 5);
    EXPECT_EQ(slide->ReadBlock({0, 2, 1})->height_px(), 5);
    for (const int64_t reduction : {1, 4}) {
      ExpectAllBlocks(*slide, source, reduction);
    }
  }
}

TEST(KfbSlideTest, AnyOrderOfRecordsAndJpegsIsTheSame) {
  KfbSource source = KfbWithPictures(520, 300);
  std::ranges::reverse(source.tiles);
  OneFile file(EncodeKfb(source));
  ExpectAllBlocks(*Open(file), source, 1);
}

TEST(KfbSlideTest, MissingTilesAreWhite) {
  KfbSource source = KfbWithPictures(520, 300);
  source.tiles.erase(source.tiles.begin() + 5);  // not in the index.
  Bytes bytes = EncodeKfb(source);
  PutNumber(bytes, KfbRecordAt(bytes, 0) + 32, 0, 4);
  OneFile file(bytes);
  const std::unique_ptr<SlideReader> slide = Open(file);
  EXPECT_FALSE(slide->HasBlock({0, 2, 1}));
  EXPECT_FALSE(slide->HasBlock({0, 0, 0}));
  ExpectWhite(slide->ReadBlock({0, 2, 1})->view(), 8, 44);
  ExpectWhite(slide->ReadBlock({0, 2, 1, 8})->view(), 1, 6);
  ExpectWhite(slide->ReadBlock({0, 0, 0})->view(), 256, 256);
  EXPECT_TRUE(slide->HasBlock({0, 1, 0}));
  EXPECT_EQ(slide->info().surplus_blocks, 0);
}

// Markers of every part of a KFB in a comment of the JPEG, the file's own
// index among them.
TEST(KfbSlideTest, MarkersInsideOfAJpegMeanNothing) {
  KfbPicture picture = SmallPicture();
  Bytes comment;
  PutNumber(comment, 0, 0x0E00FEFF, 4);
  PutNumber(comment, 4, 0xEEEE04F1, 4);
  PutNumber(comment, 8, 0xEEEE03F1, 4);
  PutNumber(comment, 12, 0xEEEE04FF, 4);
  picture.jpeg.insert(picture.jpeg.begin() + 2, comment.begin(), comment.end());
  OneFile file(OneTile(picture));
  const StatusOr<Image> image = Open(file)->ReadBlock({});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_TRUE(Same(image->view(), DecodeJpeg(SmallPicture().jpeg, {})->view()));
}

TEST(KfbSlideTest, BytesBehindAJpegAreIgnored) {
  KfbPicture picture = SmallPicture();
  picture.jpeg.resize(picture.jpeg.size() + 7);
  OneFile file(OneTile(picture));
  EXPECT_TRUE(Open(file)->ReadBlock({}).ok());
}

TEST(KfbSlideTest, PositionsBeyond4GigabytesAreRead) {
  constexpr int64_t kGap = 5'000'000'000;
  const KfbSource source = KfbWithPictures(520, 300);
  Bytes bytes = EncodeKfb(source);
  const int64_t index = KfbIndexAt(bytes);
  PutNumber(bytes, 0x44, static_cast<uint64_t>(index + kGap), 8);
  // All but the header lies behind the hole: positions have more than 32 bits.
  OneFile far(bytes, 128, kGap);
  ExpectAllBlocks(*Open(far), source, 1);
  // The index alone does: offsets from it have more than 32 bits.
  for (size_t i = 0; i < source.tiles.size(); ++i) {
    const int64_t at = KfbRecordAt(bytes, static_cast<int64_t>(i)) - kGap + 36;
    PutNumber(bytes, at, GetNumber(bytes, at, 8) - kGap, 8);
  }
  OneFile far_index(bytes, index, kGap);
  ExpectAllBlocks(*Open(far_index), source, 1);
}

TEST(KfbSlideTest, OpeningReadsNoPixel) {
  KfbSource source = KfbWithPictures(520, 300);
  source.overview = source.label = SmallPicture();
  const Bytes bytes = EncodeKfb(source);
  OneFile file(bytes);
  file.Watch(128, KfbIndexAt(bytes));
  const std::unique_ptr<SlideReader> slide = Open(file);
  EXPECT_FALSE(file.touched());
  EXPECT_LT(file.bytes_read(), 128 + 64 * 9 + 1);
  const int64_t before = file.bytes_read();
  ASSERT_TRUE(slide->ReadBlock({0, 1, 0}).ok());
  const auto one = static_cast<int64_t>(source.tiles[1].picture.jpeg.size());
  EXPECT_EQ(file.bytes_read() - before, one);
}

// promises.md P20: nor does reading all blocks.
TEST(PromiseP20, LabelAndMacroOfAKfbAreNeverRead) {
  KfbSource source = KfbWithPictures(300, 300);
  source.overview = source.label = SmallPicture();
  const Bytes bytes = EncodeKfb(source);
  OneFile file(bytes);
  file.Watch(128,
             128 + 2 * (52 + static_cast<int64_t>(source.label.jpeg.size())));
  ExpectAllBlocks(*Open(file), source, 1);
  EXPECT_FALSE(file.touched());
}

TEST(KfbSlideTest, ThreadsReadTheSame) {
  const KfbSource source = KfbWithPictures(520, 300);
  OneFile file(EncodeKfb(source));
  const std::unique_ptr<SlideReader> slide = Open(file);
  std::vector<std::thread> threads;
  std::atomic<int> differ = 0;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < source.tiles.size(); ++i) {
        const KfbTileSource& tile = source.tiles[(i + 2 * t) % 9];
        const BlockId block = BlockOf(tile);
        const SlideLevel& level =
            slide->info().levels[static_cast<size_t>(tile.level)];
        const StatusOr<Image> image = slide->ReadBlock(block);
        const bool same =
            image.ok() &&
            Same(image->view(), Expected(tile, level, block).view());
        if (!same) ++differ;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(differ, 0);
}

TEST(KfbSlideTest, MemoryCoversTheLongestJpeg) {
  KfbPicture picture = SmallPicture();
  OneFile file(OneTile(picture));
  const int64_t small = Open(file)->memory_bytes();
  picture.jpeg.resize(picture.jpeg.size() + 1'000'000);
  OneFile longer(OneTile(picture));
  EXPECT_EQ(Open(longer)->memory_bytes() - small, 1'000'000);
  EXPECT_GT(small, 2 * 256 * 256 * 3);
}

// --- what is asked for ---

TEST(KfbSlideTest, BlocksOutsideOfTheGridAreRefused) {
  OneFile file(EncodeKfb(KfbWithoutPictures(520, 300)));
  const std::unique_ptr<SlideReader> slide = Open(file);
  const auto error = [&](const BlockId& block) {
    return slide->ReadBlock(block).status().ToString();
  };
  EXPECT_EQ(error({3, 0, 0}),
            "INVALID_ARGUMENT: a.kfb: level = 3: must be in [0, 2]");
  EXPECT_EQ(error({-1, 0, 0}),
            "INVALID_ARGUMENT: a.kfb: level = -1: must be in [0, 2]");
  EXPECT_EQ(error({0, 3, 0}),
            "INVALID_ARGUMENT: a.kfb: column = 3: must be in [0, 2]");
  EXPECT_EQ(error({0, -1, 0}),
            "INVALID_ARGUMENT: a.kfb: column = -1: must be in [0, 2]");
  EXPECT_EQ(error({1, 0, 1}),
            "INVALID_ARGUMENT: a.kfb: row = 1: must be in [0, 0]");
  EXPECT_EQ(error({1, 0, -1}),
            "INVALID_ARGUMENT: a.kfb: row = -1: must be in [0, 0]");
  EXPECT_EQ(error({0, 0, 0, 3}),
            "INVALID_ARGUMENT: a.kfb: reduction = 3: must be 1, 2, 4 or 8");
  EXPECT_EQ(error({0, 0, 0, 16}),
            "INVALID_ARGUMENT: a.kfb: reduction = 16: must be 1, 2, 4 or 8");
  EXPECT_EQ(error({0, 0, 0, 0}),
            "INVALID_ARGUMENT: a.kfb: reduction = 0: must be 1, 2, 4 or 8");
}

// --- damaged tiles ---

// What the record says of its JPEG is wrong: this tile fails, others do not.
TEST(PromiseP4, AKfbTileThatIsNotInTheFileFailsAlone) {
  const KfbSource source = KfbWithPictures(300, 200);
  const Bytes whole = EncodeKfb(source);
  const auto size = static_cast<int64_t>(whole.size());
  const int64_t index = KfbIndexAt(whole);
  const auto out_of = [](const char* field, int64_t value, int64_t low,
                         int64_t high) {
    return std::string(field) + " = " + std::to_string(value) +
           ": must be in [" + std::to_string(low) + ", " +
           std::to_string(high) + "]";
  };
  const auto length = [&](int64_t value) {
    return out_of("JPEG length", value, 1, size);
  };
  const auto position = [&](int64_t value) {
    const auto jpeg = static_cast<int64_t>(source.tiles[0].picture.jpeg.size());
    return out_of("JPEG position", value, 0, size - jpeg);
  };
  struct Lie {
    int64_t at;
    int size;
    int64_t value;
    std::string message;
  };
  const Lie lies[] = {
      {32, 4, INT32_MAX, length(INT32_MAX)},
      {32, 4, 8'388'609, length(8'388'609)},
      {32, 4, size + 1, length(size + 1)},
      {32, 4, size, "JPEG position = 128: must be in [0, 0]"},
      {32, 4, 1, "the JPEG does not begin with FF D8"},
      {32, 4, 2, "the JPEG has no frame header"},
      {32, 4, 4, "the JPEG has no frame header"},
      {36, 8, 0, position(index)},
      {36, 8, 1000, position(index + 1000)},
      {36, 8, -1 - index, position(-1)},
      {36, 8, -index, "the JPEG does not begin with FF D8"},
      {36, 8, INT64_MIN, position(INT64_MIN + index)},
      {36, 8, INT64_MAX,
       "JPEG position: " + std::to_string(index) +
           " + 9223372036854775807 overflows 64 bits"},
      {12, 4, 255, "255 x 200 px do not cover the cell of 256 x 200 px"},
      {12, 4, 1, "1 x 200 px do not cover the cell of 256 x 200 px"},
      {16, 4, 199, "256 x 199 px do not cover the cell of 256 x 200 px"},
  };
  for (const Lie& lie : lies) {
    Bytes bytes = whole;
    PutNumber(bytes, KfbRecordAt(bytes, 0) + lie.at,
              static_cast<uint64_t>(lie.value), lie.size);
    EXPECT_EQ(ErrorWith(bytes), kFirstTile + lie.message);
    OneFile file(bytes);
    EXPECT_TRUE(Open(file)->ReadBlock({0, 1, 0}).ok());
    EXPECT_TRUE(Open(file)->ReadBlock({1, 0, 0}).ok());
  }
}

TEST(PromiseP6, AKfbTileAbove8MebibytesFails) {
  Bytes bytes = OneTile(SmallPicture());
  PutNumber(bytes, KfbRecordAt(bytes, 0) + 32, 8'388'609, 4);
  OneFile file(bytes, static_cast<int64_t>(bytes.size()), 1 << 30);
  const std::unique_ptr<SlideReader> slide = Open(file);
  const int64_t before = file.bytes_read();
  EXPECT_EQ(slide->ReadBlock({}).status().ToString(),
            kFirstTile + "JPEG length = 8388609: must be in [1, 8388608]");
  EXPECT_EQ(file.bytes_read(), before);
  EXPECT_LT(slide->memory_bytes(), 10 << 20);
}

// A JPEG of another size than its record says, in both directions.
TEST(PromiseP4, AKfbTileOfAnotherSizeFails) {
  for (const auto& [width, height] :
       {std::pair{41, 30}, {40, 31}, {256, 256}, {41, 29}}) {
    Bytes bytes = OneTile(SmallPicture());
    PutNumber(bytes, KfbRecordAt(bytes, 0) + 12, width, 4);
    PutNumber(bytes, KfbRecordAt(bytes, 0) + 16, height, 4);
    EXPECT_TRUE(ErrorWith(bytes).starts_with(
        "DATA_LOSS: a.kfb: level 0, column 0, row 0: "))
        << ErrorWith(bytes);
  }
}

// The JPEG is longer than its record says, by any number of bytes.
TEST(PromiseP4, AKfbTileCutAtAnyByteFails) {
  const KfbPicture picture = SmallPicture();
  const Bytes whole = OneTile(picture);
  for (size_t length = 1; length < picture.jpeg.size(); ++length) {
    Bytes bytes = whole;
    PutNumber(bytes, KfbRecordAt(bytes, 0) + 32, length, 4);
    ASSERT_TRUE(ErrorWith(bytes).starts_with(
        "DATA_LOSS: a.kfb: level 0, column 0, row 0: damaged "))
        << length << ": " << ErrorWith(bytes);
  }
}

TEST(PromiseP4, AKfbTileOfAnotherKindFails) {
  struct Case {
    JpegEncoding encoding;
    std::string frame;
  };
  const Case cases[] = {
      {{.progressive = true}, "SOF2, 8 bits, 3 components"},
      {{.kind = JpegKind::kGrey}, "SOF0, 8 bits, 1 components"},
      {{.kind = JpegKind::kCmyk}, "SOF0, 8 bits, 4 components"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(ErrorWith(OneTile(SmallPicture(one.encoding))),
              kFirstTile + "the JPEG has frame " + one.frame +
                  ": must be SOF0, 8 bits, 3 components");
  }
}

TEST(PromiseP4, AKfbTileWithoutAFrameFails) {
  struct Case {
    std::function<void(Bytes&)> damage;
    std::string message;
  };
  const std::string no_start = "the JPEG does not begin with FF D8";
  const std::string no_frame = "the JPEG has no frame header";
  const Case cases[] = {
      {[](Bytes& jpeg) { jpeg[0] = {}; }, no_start},
      {[](Bytes& jpeg) { jpeg[1] = std::byte{0xD9}; }, no_start},
      {[](Bytes& jpeg) { jpeg.assign(jpeg.size(), {}); }, no_start},
      {[](Bytes& jpeg) { jpeg[2] = {}; }, no_frame},
      {[](Bytes& jpeg) { PutNumber(jpeg, 4, 0, 2); }, no_frame},
      {[](Bytes& jpeg) { PutNumber(jpeg, 4, 0xFFFF, 2); }, no_frame},
      {[](Bytes& jpeg) {
         std::fill(jpeg.begin() + 2, jpeg.end(), std::byte{0xFF});
       },
       no_frame},
  };
  for (const Case& one : cases) {
    KfbPicture picture = SmallPicture();
    one.damage(picture.jpeg);
    EXPECT_EQ(ErrorWith(OneTile(picture)), kFirstTile + one.message);
  }
}

// --- files ---

std::string_view AsText(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(KfbSlideTest, ErrorsStartWithThePath) {
  const TemporaryFolder folder;
  Bytes bytes = EncodeKfb(KfbWithoutPictures(100, 100));
  PutNumber(bytes, 0x58, 255, 4);
  folder.Put("a.kfb", AsText(bytes));
  const std::string path = folder.PathOf("a.kfb");
  EXPECT_EQ(OpenKfb(RealFileSystem(), path, {}).status().message(),
            path + ": KFB tile side = 255: must be 256");
  EXPECT_EQ(OpenKfb(RealFileSystem(), folder.path(), {}).status().message(),
            folder.path() + ": is not a regular file");
  EXPECT_EQ(OpenKfb(RealFileSystem(), folder.PathOf("b"), {}).status().code(),
            StatusCode::kNotFound);
  folder.Put("empty.kfb", "");
  EXPECT_EQ(OpenKfb(RealFileSystem(), folder.PathOf("empty.kfb"), {})
                .status()
                .message(),
            folder.PathOf("empty.kfb") +
                ": damaged KFB: the header at byte 0 needs 100 bytes: the file "
                "ends at byte 0");
}

// Each call fails once in turn; what was opened is closed.
TEST(PromiseP10, EachFailingCallOfAKfbIsNamed) {
  const TemporaryFolder folder;
  const KfbSource source = KfbWithPictures(300, 200);
  folder.Put("a.kfb", AsText(EncodeKfb(source)));
  const std::string path = folder.PathOf("a.kfb");
  FaultyFileSystem files(RealFileSystem());
  files.ShortenTransfers(1000);
  const auto read_all = [&]() -> Status {
    CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<SlideReader> slide,
                           OpenKfb(files, path, {}));
    for (const KfbTileSource& tile : source.tiles) {
      CYTO8_RETURN_IF_ERROR(slide->ReadBlock(BlockOf(tile)).status());
    }
    return OkStatus();
  };
  files.Disarm();
  ASSERT_TRUE(read_all().ok());
  const auto calls = static_cast<int64_t>(files.calls().size());
  EXPECT_GT(calls, 10);
  for (int64_t i = 0; i < calls - 1; ++i) {  // the last one is Close.
    files.Arm({.index = i, .error_number = EIO});
    const Status status = read_all();
    EXPECT_EQ(status.code(), StatusCode::kIoError) << i;
    EXPECT_EQ(status.message(), path + ": Input/output error");
    EXPECT_EQ(files.open_files(), 0);
  }
}

TEST(KfbSlideTest, AFailedReadFailsItsBlockAndEndsNothing) {
  const TemporaryFolder folder;
  folder.Put("a.kfb", AsText(EncodeKfb(KfbWithPictures(300, 200))));
  const std::string path = folder.PathOf("a.kfb");
  FaultyFileSystem files(RealFileSystem());
  const std::unique_ptr<SlideReader> slide = OpenKfb(files, path, {}).value();
  files.Arm({.kind = FileCall::kReadAt, .error_number = EIO});
  const Status status = slide->ReadBlock({0, 1, 0}).status();
  EXPECT_EQ(status.message(), path + ": Input/output error");
  EXPECT_TRUE(slide->ReadBlock({0, 1, 0}).ok());
}

TEST(KfbSlideTest, AFileThatBecomesShorterFails) {
  const TemporaryFolder folder;
  const Bytes bytes = EncodeKfb(KfbWithPictures(300, 200));
  folder.Put("a.kfb", AsText(bytes));
  const std::string path = folder.PathOf("a.kfb");
  const std::unique_ptr<SlideReader> slide =
      OpenKfb(RealFileSystem(), path, {}).value();
  folder.Put("a.kfb", AsText(bytes).substr(0, 1000));
  EXPECT_EQ(slide->ReadBlock({1, 0, 0}).status().ToString(),
            "DATA_LOSS: " + path + ": became shorter while read");
}

}  // namespace
}  // namespace cyto8
