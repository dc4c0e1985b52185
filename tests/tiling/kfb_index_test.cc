// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/kfb_index.h, kfb_header.h and kfb_bytes.h: levels and tiles
// are found in any order; every field that lies is refused by name, value and
// range.
#include "tiling/kfb_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/support/kfb_file.h"

namespace cyto8 {
namespace {

StatusOr<KfbIndex> Parse(const Bytes& bytes, const Limits& limits = {}) {
  MemoryBytes source(bytes);
  return ParseKfb(source, limits);
}

std::string ErrorOf(const Bytes& bytes, const Limits& limits = {}) {
  return Parse(bytes, limits).status().ToString();
}

// 520 x 300 px: 3 x 2, 2 x 1 and 1 tiles; a header of 128 bytes, 9 bytes of
// JPEGs, the index from 137 to the end, 713.
Bytes Small() { return EncodeKfb(KfbWithoutPictures(520, 300)); }

uint64_t F32(float value) { return std::bit_cast<uint32_t>(value); }

std::vector<int64_t> CellCounts(const KfbIndex& index) {
  std::vector<int64_t> counts;
  for (const SlideLevel& level : index.levels) {
    counts.push_back(level.blocks_across() * level.blocks_down());
  }
  return counts;
}

// --- good files ---

TEST(KfbIndexTest, LevelsAreHalvedAndRoundedDown) {
  const KfbIndex index = Parse(Small()).value();
  const std::vector<SlideLevel> levels = {
      {520, 300, 256, 256}, {260, 150, 256, 256}, {130, 75, 256, 256}};
  EXPECT_EQ(index.levels, levels);
  EXPECT_EQ(index.tiles.size(), 9U);
  EXPECT_EQ(index.surplus_records, 0);
  EXPECT_EQ(index.header.magnification, 20);
  EXPECT_EQ(index.header.um_per_px, 0.4841);
}

// The one real slide whose geometry is known (9 levels, 32277 tiles).
TEST(KfbIndexTest, LevelsOfARealSlide) {
  const KfbIndex index =
      Parse(EncodeKfb(KfbWithoutPictures(34013, 46152))).value();
  EXPECT_EQ(CellCounts(index),
            (std::vector<int64_t>{24073, 6097, 1564, 391, 108, 30, 9, 4, 1}));
  EXPECT_EQ(index.tiles.size(), 32277U);
  EXPECT_EQ(index.levels[5].width_px, 1062);
  EXPECT_EQ(index.levels[5].height_px, 1442);
}

TEST(KfbIndexTest, EverySmallSizeHasItsTiles) {
  for (const int64_t width : {1, 255, 256, 257, 511, 512, 513, 1023, 1025}) {
    for (const int64_t height : {1, 255, 256, 257, 513}) {
      const KfbIndex index =
          Parse(EncodeKfb(KfbWithoutPictures(width, height))).value();
      const std::vector<int64_t> counts = CellCounts(index);
      const auto cells = std::accumulate(counts.begin(), counts.end(), 0L);
      EXPECT_EQ(static_cast<int64_t>(index.tiles.size()), cells);
      EXPECT_EQ(counts.back(), 1) << width << " x " << height;
      const bool more = counts.size() > 1;
      EXPECT_TRUE(!more || counts[counts.size() - 2] > 1);
      EXPECT_EQ(index.surplus_records, 0);
    }
  }
}

TEST(KfbIndexTest, FindsEachTileInAnyOrderOfRecords) {
  KfbSource source = KfbWithoutPictures(1700, 1400);
  const KfbIndex plain = Parse(EncodeKfb(source)).value();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (size_t i = 0; i < source.tiles.size(); ++i) {
    source.tiles[i].picture.jpeg.resize(i + 1);  // to know them again.
  }
  std::vector<KfbTileSource> tiles = source.tiles;
  std::ranges::shuffle(source.tiles, random);
  const KfbIndex index = Parse(EncodeKfb(source)).value();
  EXPECT_EQ(index.levels, plain.levels);
  for (const KfbTileSource& tile : tiles) {
    const KfbTile* found = index.Find({tile.level, tile.column, tile.row});
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(static_cast<size_t>(found->length), tile.picture.jpeg.size());
    EXPECT_EQ(found->width_px, tile.picture.width_px);
    EXPECT_EQ(found->height_px, tile.picture.height_px);
  }
}

TEST(KfbIndexTest, TheIndexMayPrecedeTheData) {
  Bytes bytes = Small();
  const int64_t index = KfbIndexAt(bytes);
  bytes.resize(bytes.size() + 100);
  PutNumber(bytes, KfbRecordAt(bytes, 0) + 36, 600, 8);
  EXPECT_EQ(Parse(bytes)->Find({})->offset, 600);
  EXPECT_EQ(Parse(bytes)->header.index_position, index);
}

TEST(KfbIndexTest, WhatLiesOutsideOfTheLevelsIsCounted) {
  struct Case {
    int64_t at;
    uint64_t value;
  };
  const Case outside[] = {
      {4, 768},         {4, 0xFFFFFF00},   {4, 0xFFFFFFFF}, {4, 521},
      {8, 512},         {8, 0x80000000},   {8, 300},        {20, F32(2.5F)},
      {20, F32(1e-4F)}, {20, F32(1e-45F)},
  };
  for (const Case& one : outside) {
    Bytes bytes = Small();
    PutNumber(bytes, KfbRecordAt(bytes, 5) + one.at, one.value, 4);
    const StatusOr<KfbIndex> index = Parse(bytes);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    EXPECT_EQ(index->surplus_records, 1) << one.at << " " << one.value;
    EXPECT_EQ(index->tiles.size(), 8U);
    EXPECT_EQ(index->levels.size(), 3U);
    EXPECT_EQ(index->Find({0, 2, 1}), nullptr);
  }
}

TEST(KfbIndexTest, TilesThatBeginAtTheEndOfALevelAreOutside) {
  for (const bool across : {true, false}) {
    KfbSource source = KfbWithoutPictures(512, 512);
    source.tiles.push_back(
        {0, across ? 2 : 0, across ? 0 : 2, {Bytes(1), 1, 1}});
    const KfbIndex index = Parse(EncodeKfb(source)).value();
    EXPECT_EQ(index.surplus_records, 1);
    EXPECT_EQ(index.levels.size(), 2U);
  }
}

// Some scanners halve down to 1 x 1 px.
TEST(KfbIndexTest, LevelsBeyondTheFirstOfOneTileAreNotUsed) {
  KfbSource source = KfbWithoutPictures(520, 300);
  for (int64_t level = 3; level < 18; ++level) {
    source.tiles.push_back({level, 0, 0, {Bytes(1), 1, 1}});
  }
  const KfbIndex index = Parse(EncodeKfb(source)).value();
  EXPECT_EQ(index.levels.size(), 3U);
  EXPECT_EQ(index.surplus_records, 15);
  source = KfbWithoutPictures(256, 256);  // fits exactly.
  source.tiles.push_back({1, 0, 0, {Bytes(1), 128, 128}});
  EXPECT_EQ(Parse(EncodeKfb(source))->levels.size(), 1U);
}

TEST(KfbIndexTest, ATileWithoutAJpegIsNotThere) {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{0xFFFFFFFF}, uint64_t{0x80000000}}) {
    Bytes bytes = Small();
    const int64_t record = KfbRecordAt(bytes, 4);
    for (int64_t at = 4; at < 60; at += 4) PutNumber(bytes, record + at, 0, 4);
    PutNumber(bytes, record + 32, length, 4);
    const KfbIndex index = Parse(bytes).value();
    EXPECT_EQ(index.tiles.size(), 8U);
    EXPECT_EQ(index.Find({0, 1, 1}), nullptr);
    EXPECT_EQ(index.surplus_records, 0);
  }
}

// Else it would read as white: background everywhere.
TEST(KfbIndexTest, ALevelWithoutATileEndsThePyramid) {
  KfbSource source = KfbWithoutPictures(520, 300);
  std::erase_if(source.tiles,
                [](const KfbTileSource& tile) { return tile.level == 1; });
  const KfbIndex index = Parse(EncodeKfb(source)).value();
  EXPECT_EQ(index.levels.size(), 1U);
  EXPECT_EQ(index.tiles.size(), 6U);
  EXPECT_EQ(index.surplus_records, 1);
}

TEST(KfbIndexTest, TheMagnificationOfALevelIsRounded) {
  for (const float magnification : {14.2F, 19.9F, 20.1F, 28.2F}) {
    Bytes bytes = Small();
    PutNumber(bytes, KfbRecordAt(bytes, 0) + 20, F32(magnification), 4);
    EXPECT_NE(Parse(bytes)->Find({0, 0, 0}), nullptr) << magnification;
  }
}

TEST(KfbIndexTest, AnUnlikelyScaleIsNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float scale :
       {0.0F, -0.5F, 0.0499F, 5.001F, 1e30F, nan, infinity, -infinity}) {
    Bytes bytes = Small();
    PutNumber(bytes, 0x4C, F32(scale), 4);
    EXPECT_EQ(Parse(bytes)->header.um_per_px, std::nullopt) << scale;
  }
  for (const float scale : {0.05F, 0.2475F, 0.2506F, 5.0F}) {
    Bytes bytes = Small();
    PutNumber(bytes, 0x4C, F32(scale), 4);
    EXPECT_NEAR(Parse(bytes)->header.um_per_px.value(), scale, 1e-7);
  }
}

TEST(KfbIndexTest, LooksLikeKfbBySevenBytes) {
  const Bytes bytes = Small();
  for (size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(LooksLikeKfb(std::span(bytes).first(size)), size >= 7) << size;
  }
  for (size_t at = 0; at < 7; ++at) {
    Bytes other = bytes;
    other[at] ^= std::byte{1};
    EXPECT_FALSE(LooksLikeKfb(other)) << at;
  }
  Bytes fluorescence = bytes;
  PutNumber(fluorescence, 7, 'F', 1);
  EXPECT_TRUE(LooksLikeKfb(fluorescence));
}

// Every field that no reader needs, at any value.
TEST(KfbIndexTest, FieldsWithoutMeaningAreIgnored) {
  for (const int64_t at :
       {0x0C, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x50, 0x54}) {
    for (const uint64_t value : {0U, 0xFFFFFFFFU, 0x7FFFFFFFU}) {
      Bytes bytes = Small();
      PutNumber(bytes, at, value, 4);
      EXPECT_TRUE(Parse(bytes).ok()) << at << " " << value;
    }
  }
}

// A source of 5 GB, of which only header and index are in memory.
class FarIndex final : public ByteSource {
 public:
  static constexpr int64_t kGap = 5'000'000'000;

  explicit FarIndex(Bytes bytes) : bytes_(std::move(bytes)) {
    index_ = KfbIndexAt(bytes_);
    PutNumber(bytes_, 0x44, static_cast<uint64_t>(index_ + kGap), 8);
  }
  int64_t size_bytes() const override {
    return static_cast<int64_t>(bytes_.size()) + kGap;
  }

 private:
  Status Fill(int64_t offset, std::span<std::byte> dst) override {
    CYTO8_ENSURE(offset < index_ || offset >= index_ + kGap);
    const int64_t at = offset < index_ ? offset : offset - kGap;
    std::ranges::copy(
        std::span(bytes_).subspan(static_cast<size_t>(at), dst.size()),
        dst.begin());
    return OkStatus();
  }

  Bytes bytes_;
  int64_t index_ = 0;
};

TEST(KfbIndexTest, PositionsBeyond4GigabytesAreRead) {
  FarIndex far(Small());
  const KfbIndex index = ParseKfb(far, {}).value();
  EXPECT_EQ(index.header.index_position, FarIndex::kGap + 137);
  EXPECT_EQ(index.tiles.size(), 9U);
}

// --- malformed files ---

constexpr uint64_t kMinus1 = ~uint64_t{0};

// Where it is taken for one nevertheless; for lies about all else see
// malformed_kfbs.cc.
TEST(PromiseP3, WhatDoesNotBeginAsAKfbIsRefused) {
  for (const int64_t at : {0, 3, 4, 6}) {
    Bytes bytes = Small();
    PutNumber(bytes, at, 0x55, 1);
    EXPECT_EQ(ErrorOf(bytes),
              "DATA_LOSS: damaged KFB: it does not begin with F1 01 EE EE and "
              "\"KFB\"");
  }
}

TEST(PromiseP3, AFluorescenceSlideIsRefusedByName) {
  const auto refusal = [](const std::string& channels) {
    return "UNIMPLEMENTED: fluorescence slide (KFBF)" + channels +
           "; Cyto8 scores bright-field KFB only";
  };
  Bytes bytes = Small();
  PutNumber(bytes, 7, 'F', 1);
  EXPECT_EQ(ErrorOf(bytes), refusal(""));
  PutNumber(bytes, 0x74, 75, 4);  // the tag of the channels.
  for (const uint64_t channels : {1, 4, 64}) {
    PutNumber(bytes, 0x7C, channels, 4);
    EXPECT_EQ(ErrorOf(bytes),
              refusal(" with " + std::to_string(channels) + " channels"));
  }
  for (const uint64_t unlikely : {uint64_t{0}, uint64_t{65}, kMinus1}) {
    PutNumber(bytes, 0x7C, unlikely, 4);
    EXPECT_EQ(ErrorOf(bytes), refusal(""));
  }
  PutNumber(bytes, 0x60, kMinus1, 4);  // damaged fields change nothing.
  EXPECT_EQ(ErrorOf(bytes), refusal(""));
}

// A cut leaves no index at the end; every byte counts.
TEST(PromiseP3, AKfbCutAtAnyByteIsRefused) {
  const Bytes bytes = Small();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(size);
    const std::string left = std::to_string(static_cast<int64_t>(size) - 100);
    const std::string last = std::to_string(static_cast<int64_t>(size) - 576);
    EXPECT_EQ(ErrorOf(Bytes(bytes.begin(), end)),
              "DATA_LOSS: damaged KFB: " +
                  (size < 100 ? "the header at byte 0 needs 100 bytes: the "
                                "file ends at byte " +
                                    std::to_string(size)
                   : size < 676 ? "bytes of the tile index = 576: must be in "
                                  "[1, " +
                                      left + "]"
                                : "position of the tile index = 137: must be "
                                  "in [100, " +
                                      last + "]"));
  }
}

TEST(PromiseP6, AKfbBeyondALimitIsRefused) {
  const Bytes bytes = Small();
  EXPECT_LT(kMaxKfbSidePx, Limits().max_side_px);
  EXPECT_EQ(AsKfb({}).max_side_px, kMaxKfbSidePx);
  EXPECT_EQ(ErrorOf(bytes, {.max_side_px = 519}),
            "INVALID_ARGUMENT: width_px = 520: must be in [1, 519]");
  EXPECT_EQ(ErrorOf(bytes, {.max_slide_pixels = 155'999}),
            "INVALID_ARGUMENT: image pixels = 156000: must be in [1, 155999]");
  EXPECT_EQ(ErrorOf(bytes, {.max_tiles = 8}),
            "INVALID_ARGUMENT: tile records = 9: must be in [1, 8]");
  EXPECT_TRUE(
      Parse(bytes,
            {.max_side_px = 520, .max_slide_pixels = 156'000, .max_tiles = 9})
          .ok());
}

TEST(PromiseP3, AnyByteOfAKfbMayBeWrong) {
  const Bytes bytes = Small();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      Bytes flipped = bytes;
      flipped[at] ^= static_cast<std::byte>(1 << bit);
      const StatusOr<KfbIndex> index = Parse(flipped);
      EXPECT_NE(index.status().code(), StatusCode::kInternal) << at;
      EXPECT_TRUE(!index.ok() || index->tiles.size() <= 9) << at;
    }
  }
}

TEST(PromiseP3, RandomKfbIndexesAreRefused) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int trial = 0; trial < 500; ++trial) {
    Bytes bytes = Small();
    for (size_t i = 100; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(random());
    }
    EXPECT_EQ(Parse(bytes).status().code(), StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace cyto8
