// SPDX-License-Identifier: Apache-2.0
// promises.md P3 for slides: a malformed slide is refused with file, field,
// value and range, before a pixel is read. Good slides, of which every block is
// read, are at most a third as many. What is damaged inside of a tile is P4,
// what a file cannot hold is P6.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/error_pattern.h"
#include "tests/support/image_encoding.h"
#include "tests/support/kfb_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/tiling/malformed_slides.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/slide_opener.h"
#include "tiling/slide_reader.h"

namespace cyto8 {
namespace {

struct GoodSlide {
  std::string name;
  Bytes bytes;
  size_t levels = 0;
};

class Folder {
 public:
  StatusOr<std::unique_ptr<SlideReader>> Open(const Bytes& bytes) const {
    folder_.Put("a.slide",
                {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return OpenSlideFile(RealFileSystem(), path_, {});
  }
  // The error without the path, which has to stand in front of the message.
  std::string ErrorOf(const Bytes& bytes) const {
    const Status status = Open(bytes).status();
    const std::string front = path_ + ": ";
    if (!status.message().starts_with(front)) return status.ToString();
    return Status(status.code(), status.message().substr(front.size()))
        .ToString();
  }

 private:
  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("a.slide");
};

std::vector<MalformedSlide> AllMalformed() {
  std::vector<MalformedSlide> all = MalformedTiffs();
  const std::vector<MalformedSlide> kfbs = MalformedKfbs();
  all.insert(all.end(), kfbs.begin(), kfbs.end());
  return all;
}

TEST(PromiseP3, AMalformedSlideIsRefusedWithFileFieldValueAndRange) {
  const Folder folder;
  for (const MalformedSlide& slide : AllMalformed()) {
    const std::string error = folder.ErrorOf(slide.bytes);
    EXPECT_TRUE(MatchesError(error, slide.error))
        << slide.name << "\n  is       " << error << "\n  must be  "
        << slide.error;
  }
}

// --- good ones ---

std::vector<GoodSlide> GoodTiffs() {
  std::vector<GoodSlide> slides = {{"SVS", EncodeTiff(AperioSources()), 3}};
  const auto add = [&](const std::string& name,
                       const std::vector<TiffSource>& sources, size_t levels) {
    slides.push_back({name, EncodeTiff(sources), levels});
  };
  for (const int coding :
       {kTiffNone, kTiffLzw, kTiffDeflate, kTiffPackBits, kTiffJpeg}) {
    for (const bool big : {false, true}) {
      std::vector<TiffSource> sources = {Tiles(40, 20, coding),
                                         Tiles(20, 10, coding)};
      sources[0].big_tiff = sources[0].big_endian = big;
      add("coding " + std::to_string(coding), sources, 2);
    }
  }
  TiffSource separate = Tiles(40, 20);
  separate.separate = true;
  add("planes", {separate}, 1);
  TiffSource missing = Tiles(40, 20);
  missing.missing_tiles = {0, 1, 2, 3, 4};
  add("one tile of six", {missing, Tiles(20, 10)}, 2);
  TiffSource mask = Tiles(40, 20);
  mask.subfile_type = 4;
  add("a mask", {Tiles(40, 20), mask}, 1);
  TiffSource base = JpegTiles(100, 70);
  base.sub_directories = 2;
  add("SubIFDs", {base, JpegTiles(50, 35), JpegTiles(25, 18)}, 3);
  base.big_tiff = true;
  add("SubIFDs of 64 bits", {base, JpegTiles(50, 35), JpegTiles(25, 18)}, 3);
  add("another order", {Tiles(20, 10), Tiles(40, 20)}, 2);
  add("a level left out", {Tiles(80, 40), Tiles(20, 10)}, 2);
  add("another plane", {Tiles(40, 20), Tiles(40, 20)}, 1);
  add("another shape", {Tiles(40, 20), Tiles(20, 20)}, 1);
  return slides;
}

std::vector<GoodSlide> GoodKfbs() {
  std::vector<GoodSlide> slides;
  for (const int64_t width : {1, 256, 257}) {
    slides.push_back({"KFB", EncodeKfb(KfbWithPictures(width, 40)),
                      width > 256 ? size_t{2} : size_t{1}});
  }
  KfbSource source = KfbWithPictures(300, 40);
  source.label = source.overview = source.tiles[0].picture;
  slides.push_back({"KFB with a label", EncodeKfb(source), 2});
  std::ranges::reverse(source.tiles);
  slides.push_back({"KFB in another order", EncodeKfb(source), 2});
  source.tiles.erase(source.tiles.begin() + 1);
  slides.push_back({"KFB with a hole", EncodeKfb(source), 2});
  source.tiles.erase(source.tiles.begin());
  slides.push_back({"KFB without level 1", EncodeKfb(source), 1});
  slides.push_back(
      {"KFB that overruns", EncodeKfb(KfbWithPictures(300, 40, 5)), 2});
  return slides;
}

void ExpectEveryBlockIsRead(SlideReader& slide) {
  const std::vector<SlideLevel>& levels = slide.info().levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    for (int64_t row = 0; row < levels[i].blocks_down(); ++row) {
      for (int64_t column = 0; column < levels[i].blocks_across(); ++column) {
        const Status status =
            slide.ReadBlock({static_cast<int64_t>(i), column, row}).status();
        ASSERT_TRUE(status.ok()) << status.ToString();
      }
    }
  }
}

std::vector<GoodSlide> AllGood() {
  std::vector<GoodSlide> all = GoodTiffs();
  const std::vector<GoodSlide> kfbs = GoodKfbs();
  all.insert(all.end(), kfbs.begin(), kfbs.end());
  return all;
}

TEST(PromiseP3, AGoodSlideIsReadWhole) {
  const Folder folder;
  for (const GoodSlide& slide : AllGood()) {
    SCOPED_TRACE(slide.name);
    const auto reader = folder.Open(slide.bytes);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    EXPECT_EQ((*reader)->info().levels.size(), slide.levels);
    ExpectEveryBlockIsRead(**reader);
  }
}

TEST(PromiseP3, ThereAreThreeMalformedSlidesForAGoodOne) {
  const std::vector<MalformedSlide> malformed = AllMalformed();
  const size_t good = AllGood().size();
  EXPECT_GE(malformed.size(), 120U);
  EXPECT_LE(good, 40U);
  EXPECT_GE(malformed.size(), 3 * good);
  std::vector<Bytes> bytes;
  for (const MalformedSlide& slide : malformed) bytes.push_back(slide.bytes);
  std::ranges::sort(bytes);
  EXPECT_EQ(std::ranges::adjacent_find(bytes), bytes.end());
  RecordProperty("malformed", static_cast<int>(malformed.size()));
  RecordProperty("good", static_cast<int>(good));
}

}  // namespace
}  // namespace cyto8
