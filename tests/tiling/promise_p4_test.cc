// SPDX-License-Identifier: Apache-2.0
// promises.md P4 for slides: a cut or structurally damaged tile is never
// scored. One JPEG tile of about 2 KB, in a pyramidal TIFF, in an Aperio-like
// one with a JPEG of its own for each tile, and in a KFB; all of it is damaged,
// at every byte. What is so damaged has to fail, by name and alone. Flipped
// bits inside of the data of a scan are no part of this promise (E3), nor are
// quantisation tables of other values: such a JPEG is whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/image_encoding.h"
#include "tests/support/kfb_file.h"
#include "tests/support/one_file.h"
#include "tests/support/tiff_bytes.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/slide_opener.h"
#include "tiling/slide_reader.h"
#include "tiling/slide_tiles.h"

namespace cyto8 {
namespace {

constexpr int kTileByteCounts = 325;
constexpr int kTileOffsets = 324;

// A slide and where one of its tiles is: block 0, 1, 0.
struct Slide {
  std::string name;
  Bytes bytes;
  int64_t tile_at = 0;
  int64_t tile_bytes = 0;
  // The index says that the tile has so many bytes.
  std::function<void(Bytes&, int64_t)> cut = {};
  std::vector<BlockId> others = {};
};

constexpr BlockId kBlock = {.level = 0, .column = 1, .row = 0};

Slide TiffSlide() {
  std::vector<TiffSource> sources = {JpegTiles(112, 100), JpegTiles(56, 50)};
  for (TiffSource& source : sources) {
    source.tile_px = 64;
    source.jpeg_quality = 93;
  }
  const TiffBytes tiff(EncodeTiff(sources));
  Slide slide = {.name = "TIFF", .bytes = tiff.bytes};
  slide.tile_at = static_cast<int64_t>(tiff.Number(0, kTileOffsets, 1));
  slide.tile_bytes = static_cast<int64_t>(tiff.Number(0, kTileByteCounts, 1));
  slide.cut = [](Bytes& bytes, int64_t size) {
    TiffBytes cut(bytes);
    cut.PutNumber(0, kTileByteCounts, 1, static_cast<uint64_t>(size));
    bytes = cut.bytes;
  };
  slide.others = {{0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {1, 0, 0}};
  return slide;
}

Slide KfbSlide() {
  const KfbSource source = KfbWithPictures(312, 56);
  Slide slide = {.name = "KFB", .bytes = EncodeKfb(source)};
  const int64_t record = KfbRecordAt(slide.bytes, 1);
  slide.tile_at = KfbIndexAt(slide.bytes) +
                  static_cast<int64_t>(GetNumber(slide.bytes, record + 36, 8));
  slide.tile_bytes =
      static_cast<int64_t>(GetNumber(slide.bytes, record + 32, 4));
  slide.cut = [record](Bytes& bytes, int64_t size) {
    PutNumber(bytes, record + 32, static_cast<uint64_t>(size), 4);
  };
  slide.others = {{0, 0, 0}, {1, 0, 0}};
  return slide;
}

std::vector<Slide> Slides() { return {TiffSlide(), KfbSlide()}; }

std::unique_ptr<SlideReader> Open(OneFile& file) {
  auto slide = OpenSlideFile(file, "a.slide", {});
  EXPECT_TRUE(slide.ok()) << slide.status().ToString();
  return slide.ok() ? *std::move(slide) : nullptr;
}

// kDataLoss with level, column and row, whatever the reduction.
testing::AssertionResult Fails(SlideReader& slide, int64_t reduction = 1) {
  BlockId block = kBlock;
  block.reduction = reduction;
  if (!slide.HasBlock(block)) {
    return testing::AssertionFailure() << "taken for background";
  }
  const Status status = slide.ReadBlock(block).status();
  const bool named =
      status.code() == StatusCode::kDataLoss &&
      status.message().starts_with("a.slide: level 0, column 1, row 0: ");
  if (named) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.ToString();
}

testing::AssertionResult OthersAreRead(SlideReader& slide,
                                       const std::vector<BlockId>& others) {
  for (const BlockId& block : others) {
    const Status status = slide.ReadBlock(block).status();
    if (!status.ok()) {
      return testing::AssertionFailure() << status.ToString();
    }
  }
  return testing::AssertionSuccess();
}

TEST(PromiseP4, TheTileIsAsLargeAsItIsSaidToBe) {
  for (const Slide& slide : Slides()) {
    EXPECT_GE(slide.tile_bytes, 1500) << slide.name;
    EXPECT_LE(slide.tile_bytes, 2600) << slide.name;
    OneFile file(slide.bytes);
    const auto whole = Open(file);
    ASSERT_NE(whole, nullptr);
    EXPECT_TRUE(whole->ReadBlock(kBlock).ok());
    EXPECT_TRUE(OthersAreRead(*whole, slide.others));
  }
}

// The index says less than the tile has. Of a tile without any byte the file
// says that it has none: background, and not scored either.
TEST(PromiseP4, ATileCutByItsIndexAtAnyByteIsNeverScored) {
  for (const Slide& slide : Slides()) {
    int64_t caught = 0;
    for (int64_t size = 1; size < slide.tile_bytes; ++size) {
      Bytes bytes = slide.bytes;
      slide.cut(bytes, size);
      OneFile file(std::move(bytes));
      const auto cut = Open(file);
      ASSERT_NE(cut, nullptr);
      ASSERT_TRUE(Fails(*cut)) << slide.name << ", " << size;
      ++caught;
      if (size % 100 != 1) continue;
      for (const int64_t reduction : {2, 4, 8}) {
        ASSERT_TRUE(Fails(*cut, reduction)) << slide.name << ", " << size;
      }
      ASSERT_TRUE(OthersAreRead(*cut, slide.others));
    }
    EXPECT_EQ(caught, slide.tile_bytes - 1);
    Bytes none = slide.bytes;
    slide.cut(none, 0);
    OneFile file(std::move(none));
    EXPECT_FALSE(Open(file)->HasBlock(kBlock));
  }
}

std::vector<uint8_t> PixelsOf(SlideReader& slide) {
  const StatusOr<Image> image = slide.ReadBlock(kBlock);
  if (!image.ok()) return {};
  const uint8_t* begin = image->view().data;
  return {begin, begin + 3 * image->width_px() * image->height_px()};
}

// Of LZW the end mark alone may be gone: every pixel has been read by then.
TEST(PromiseP4, ATileOfAnyCodingCutAtAnyByteIsNeverScored) {
  for (const int compression :
       {kTiffNone, kTiffLzw, kTiffDeflate, kTiffPackBits}) {
    TiffBytes tiff(
        EncodeTiff({Tiles(40, 20, compression), Tiles(20, 10, compression)}));
    OneFile whole_file(tiff.bytes);
    const std::vector<uint8_t> whole = PixelsOf(*Open(whole_file));
    const uint64_t size = tiff.Number(0, kTileByteCounts, 1);
    ASSERT_GT(size, 100U);
    for (uint64_t cut = 1; cut < size; ++cut) {
      tiff.PutNumber(0, kTileByteCounts, 1, cut);
      OneFile file(tiff.bytes);
      const auto slide = Open(file);
      ASSERT_NE(slide, nullptr);
      if (compression == kTiffLzw && PixelsOf(*slide) == whole) {
        ASSERT_GE(cut, size - 2);
        continue;
      }
      ASSERT_TRUE(Fails(*slide)) << compression << ", " << cut;
    }
  }
}

// What lies behind the cut never reached the disk; the index is whole.
TEST(PromiseP4, ATileLostFromAnyByteOnIsNeverScored) {
  for (const Slide& slide : Slides()) {
    for (const int fill : {0x00, 0xFF}) {
      OneFile file(slide.bytes);
      const auto lost = Open(file);
      ASSERT_NE(lost, nullptr);
      for (int64_t size = slide.tile_bytes - 1; size >= 0; --size) {
        file.bytes()[static_cast<size_t>(slide.tile_at + size)] =
            static_cast<std::byte>(fill);
        ASSERT_TRUE(Fails(*lost)) << slide.name << ", " << size;
        if (size % 200 != 0) continue;
        ASSERT_TRUE(Fails(*lost, 8)) << slide.name << ", " << size;
        ASSERT_TRUE(OthersAreRead(*lost, slide.others));
      }
    }
  }
}

// Bytes went missing, and what came next follows at once: another JPEG.
TEST(PromiseP4, ATileThatGoesOnAsAnotherIsNeverScored) {
  for (const Slide& slide : Slides()) {
    OneFile file(slide.bytes);
    const auto mixed = Open(file);
    ASSERT_NE(mixed, nullptr);
    const auto tile = file.bytes().begin() + slide.tile_at;
    const Bytes whole(tile, tile + slide.tile_bytes);
    for (int64_t size = 1; size < slide.tile_bytes; ++size) {
      std::ranges::copy(whole, tile);
      std::copy_n(whole.begin(), slide.tile_bytes - size, tile + size);
      ASSERT_TRUE(Fails(*mixed)) << slide.name << ", " << size;
    }
    std::ranges::copy(whole, tile);
    EXPECT_TRUE(mixed->ReadBlock(kBlock).ok());
  }
}

// --- structure ---

// A marker with its parameters and, for SOS, the scan that follows.
struct Segment {
  int marker = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

constexpr int kSoi = 0xD8;
constexpr int kEoi = 0xD9;
constexpr int kSos = 0xDA;
constexpr int kDqt = 0xDB;
constexpr int kDht = 0xC4;
constexpr int kSof = 0xC0;

std::vector<Segment> SegmentsOf(const Bytes& bytes, int64_t begin,
                                int64_t end) {
  const auto at = [&](int64_t i) {
    return std::to_integer<int>(bytes[static_cast<size_t>(i)]);
  };
  std::vector<Segment> segments;
  for (int64_t here = begin; here < end;) {
    Segment segment = {.marker = at(here + 1), .begin = here, .end = here + 2};
    if (segment.marker != kSoi && segment.marker != kEoi) {
      segment.end += at(here + 2) << 8 | at(here + 3);
    }
    while (segment.marker == kSos && segment.end < end - 2) ++segment.end;
    here = segment.end;
    segments.push_back(segment);
  }
  return segments;
}

// The segments of the tile, and how its bytes are replaced: the rest of its
// place becomes zeros, which may follow a JPEG.
class Structure {
 public:
  explicit Structure(const Slide& slide)
      : slide_(slide),
        file_(slide.bytes),
        reader_(Open(file_)),
        segments_(SegmentsOf(slide.bytes, slide.tile_at,
                             slide.tile_at + slide.tile_bytes)) {}

  const std::vector<Segment>& segments() const { return segments_; }
  SlideReader& reader() { return *reader_; }

  Bytes BytesOf(const Segment& segment) const {
    return Bytes(slide_.bytes.begin() + segment.begin,
                 slide_.bytes.begin() + segment.end);
  }
  // The tile with these segments, one behind the other.
  void Put(const std::vector<Bytes>& parts) {
    const auto tile = file_.bytes().begin() + slide_.tile_at;
    std::fill_n(tile, slide_.tile_bytes, std::byte{0});
    auto to = tile;
    for (const Bytes& part : parts) {
      const auto room = tile + slide_.tile_bytes - to;
      const auto count = std::min<std::ptrdiff_t>(room, std::ssize(part));
      to = std::copy_n(part.begin(), count, to);
    }
  }
  std::vector<Bytes> Whole() const {
    std::vector<Bytes> parts;
    for (const Segment& segment : segments_) parts.push_back(BytesOf(segment));
    return parts;
  }

 private:
  const Slide& slide_;
  OneFile file_;
  std::unique_ptr<SlideReader> reader_;
  std::vector<Segment> segments_;
};

bool BearsOnThePixels(int marker) {
  return marker != 0xE0 && marker != 0xEE && marker != 0xFE;
}

TEST(PromiseP4, ATileWithoutOneOfItsMarkersIsNeverScored) {
  for (const Slide& slide : Slides()) {
    Structure tile(slide);
    int dropped = 0;
    for (size_t i = 0; i < tile.segments().size(); ++i) {
      std::vector<Bytes> parts = tile.Whole();
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
      if (!BearsOnThePixels(tile.segments()[i].marker)) continue;
      tile.Put(parts);
      EXPECT_TRUE(Fails(tile.reader()))
          << slide.name << ", " << tile.segments()[i].marker;
      ++dropped;
    }
    EXPECT_GE(dropped, 4);
    EXPECT_TRUE(OthersAreRead(tile.reader(), slide.others));
    tile.Put(tile.Whole());
    EXPECT_TRUE(tile.reader().ReadBlock(kBlock).ok());
  }
}

// The frame or the scan comes twice, or before what it needs.
TEST(PromiseP4, ATileWhoseMarkersAreOutOfOrderIsNeverScored) {
  for (const Slide& slide : Slides()) {
    Structure tile(slide);
    for (size_t i = 0; i < tile.segments().size(); ++i) {
      const int marker = tile.segments()[i].marker;
      if (marker != kSof && marker != kSos && marker != kSoi) continue;
      std::vector<Bytes> twice = tile.Whole();
      twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), twice[i]);
      tile.Put(twice);
      EXPECT_TRUE(Fails(tile.reader())) << slide.name << ", twice " << marker;
      if (marker != kSos) continue;
      std::vector<Bytes> early = tile.Whole();
      std::swap(early[i], early[1]);
      tile.Put(early);
      EXPECT_TRUE(Fails(tile.reader())) << slide.name << ", early";
    }
  }
}

// The Huffman tables exchange their places: of luma and chroma, of DC and AC.
TEST(PromiseP4, ATileWithSwappedTablesIsNeverScored) {
  const Slide slide = KfbSlide();
  Structure tile(slide);
  std::vector<size_t> tables;
  for (size_t i = 0; i < tile.segments().size(); ++i) {
    if (tile.segments()[i].marker == kDht) tables.push_back(i);
  }
  ASSERT_EQ(tables.size(), 4U);
  for (size_t a = 0; a < tables.size(); ++a) {
    for (size_t b = a + 1; b < tables.size(); ++b) {
      std::vector<Bytes> parts = tile.Whole();
      std::swap(parts[tables[a]][4], parts[tables[b]][4]);
      tile.Put(parts);
      EXPECT_TRUE(Fails(tile.reader())) << a << ", " << b;
    }
  }
}

// The tables of a TIFF's level are those of all its tiles. One after the other
// is dropped, then exchanged.
TEST(PromiseP4, NoTileOfALevelWithWrongTablesIsScored) {
  const Slide slide = TiffSlide();
  const TiffBytes tiff(slide.bytes);
  constexpr int kJpegTables = 347;
  const int64_t entry = tiff.EntryAt(0, kJpegTables);
  const auto begin = static_cast<int64_t>(tiff.Get(entry + 8, 4));
  const auto size = static_cast<int64_t>(tiff.Get(entry + 4, 4));
  const std::vector<Segment> segments =
      SegmentsOf(tiff.bytes, begin, begin + size);
  const auto fails = [&](const TiffBytes& damaged) {
    OneFile file(damaged.bytes);
    const auto opened = OpenSlideFile(file, "a.slide", {});
    if (!opened.ok()) {  // refused whole.
      return opened.status().code() == StatusCode::kDataLoss &&
             opened.status().message().starts_with("a.slide: level 0: ");
    }
    return static_cast<bool>(Fails(**opened)) &&
           !(*opened)->ReadBlock({0, 0, 1}).ok();
  };
  int tables = 0;
  for (const Segment& segment : segments) {
    if (segment.marker != kDht && segment.marker != kDqt) continue;
    ++tables;
    TiffBytes damaged = tiff;
    damaged.Put(segment.begin + 1, 0xFE, 1);  // a comment.
    EXPECT_TRUE(fails(damaged)) << tables;
    if (segment.marker != kDht) continue;
    damaged = tiff;
    damaged.Put(segment.begin + 4, tiff.Get(segment.begin + 4, 1) ^ 0x10, 1);
    EXPECT_TRUE(fails(damaged)) << tables;
  }
  EXPECT_GE(tables, 2);
}

// --- the tiles that the network gets ---

TEST(PromiseP4, OnlyTheTilesThatNeedADamagedBlockFail) {
  for (const Slide& slide : Slides()) {
    for (const int64_t size :
         {int64_t{1}, slide.tile_bytes / 2, slide.tile_bytes - 1}) {
      Bytes bytes = slide.bytes;
      slide.cut(bytes, size);
      OneFile file(std::move(bytes));
      const auto reader = Open(file);
      ASSERT_NE(reader, nullptr);
      const auto tiles = SlideTiles::Create(
          *reader, {.um_per_px = 0.5, .target_um_per_px = 0.5});
      ASSERT_TRUE(tiles.ok()) << tiles.status().ToString();
      const int64_t begin = reader->info().levels[0].block_width_px;
      const Status inside = (*tiles)->Read({begin, 0, 40, 40}).status();
      const Status across = (*tiles)->Read({begin - 20, 4, 40, 40}).status();
      for (const Status& status : {inside, across}) {
        EXPECT_EQ(status.code(), StatusCode::kDataLoss);
        EXPECT_TRUE(
            status.message().starts_with("a.slide: level 0, column 1, row 0: "))
            << status.ToString();
      }
      EXPECT_TRUE((*tiles)->Read({begin - 40, 0, 40, 40}).ok());
      EXPECT_TRUE((*tiles)->Read({0, 0, 40, 40}).ok());
    }
  }
}

}  // namespace
}  // namespace cyto8
