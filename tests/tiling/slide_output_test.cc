// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/slide_output.h: what each kind of damage does to the bytes,
// and that the record says so.
#include "tiling/slide_output.h"

#include <gtest/gtest.h>

#include <bit>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

constexpr int64_t kTileBytes = 1000;

// "head", three tiles of 'a', 'b', 'c', "tail"; the middle one is damaged.
struct Written {
  std::string bytes;
  std::vector<TilePlace> places;
  std::vector<DamageRecord> records;
  int64_t position = 0;
};

Written Write(std::vector<Damage> damage) {
  const TemporaryFolder folder;
  SlideOutput output = SlideOutput::Create(RealFileSystem(), folder.PathOf("x"),
                                           std::move(damage))
                           .value();
  Written written;
  EXPECT_TRUE(output.Append("head").ok());
  for (int64_t i = 0; i < 3; ++i) {
    const auto place =
        output.AppendTile({.level = 0, .column = i, .row = 7},
                          std::string(kTileBytes, static_cast<char>('a' + i)));
    written.places.push_back(place.value());
  }
  EXPECT_TRUE(output.Append("tail").ok());
  EXPECT_TRUE(output.Overwrite(0, "HE").ok());
  written.records = output.records();
  written.position = output.position();
  EXPECT_TRUE(output.Commit().ok());
  written.bytes = folder.Get("x");
  return written;
}

Written WriteWith(DamageKind kind) {
  Written written = Write({{.kind = kind, .column = 1, .row = 7}});
  EXPECT_EQ(written.records.size(), 1u);
  EXPECT_EQ(written.records[0].kind, kind);
  EXPECT_EQ(written.records[0].blocks[0], (BlockId{.column = 1, .row = 7}));
  return written;
}

const std::string kA(kTileBytes, 'a');
const std::string kB(kTileBytes, 'b');
const std::string kC(kTileBytes, 'c');

TEST(SlideOutputTest, WithoutDamageBytesAreAsGiven) {
  const Written written = Write({{.column = 1, .row = 6}});
  EXPECT_EQ(written.bytes, "HEad" + kA + kB + kC + "tail");
  EXPECT_EQ(written.places[1].begin, 1004);
  EXPECT_EQ(written.places[1].length, 1000);
  EXPECT_TRUE(written.records.empty());
}

TEST(SlideOutputTest, AMissingTileHasNoBytesAndNoPlace) {
  const Written written = WriteWith(DamageKind::kMissing);
  EXPECT_EQ(written.bytes, "HEad" + kA + kC + "tail");
  EXPECT_EQ(written.places[1].begin, 0);
  EXPECT_EQ(written.places[1].length, 0);
  EXPECT_EQ(written.places[2].begin, 1004);
  EXPECT_EQ(written.records[0].begin, 1004);
  EXPECT_EQ(written.records[0].end, 1004);
}

TEST(SlideOutputTest, ATruncatedTileHasItsFirstHalf) {
  const Written written = WriteWith(DamageKind::kTruncated);
  EXPECT_EQ(written.bytes, "HEad" + kA + std::string(500, 'b') + kC + "tail");
  EXPECT_EQ(written.places[1].length, 500);
  EXPECT_EQ(written.places[2].begin, 1504);
  EXPECT_EQ(written.records[0].begin, 1504);
}

TEST(SlideOutputTest, AWrongLengthStandsInTheIndexAlone) {
  const Written written = WriteWith(DamageKind::kWrongLength);
  EXPECT_EQ(written.bytes, "HEad" + kA + kB + kC + "tail");
  EXPECT_EQ(written.places[1].length, 500);
  EXPECT_EQ(written.places[2].begin, 2004);
}

TEST(SlideOutputTest, BitsFlipInTheSecondHalfOfATile) {
  const Written written = WriteWith(DamageKind::kBitFlips);
  const std::string whole = "HEad" + kA + kB + kC + "tail";
  ASSERT_EQ(written.bytes.size(), whole.size());
  int64_t flipped = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto other = static_cast<uint8_t>(written.bytes[i] ^ whole[i]);
    flipped += std::popcount(other);
    if (other != 0) {
      EXPECT_TRUE(i >= 1504 && i < 2002) << i;
    }
  }
  EXPECT_EQ(flipped, kFlippedBits);
  EXPECT_EQ(written.records[0].begin, 1004);
  EXPECT_EQ(written.records[0].end, 2004);
}

TEST(SlideOutputTest, ZerosGoOnThroughTheNextTilesButNoFurther) {
  const Written written = WriteWith(DamageKind::kZeroed);
  EXPECT_EQ(written.bytes, "HEad" + kA + std::string(500, 'b') +
                               std::string(1500, '\0') + "tail");
  EXPECT_EQ(written.records[0].begin, 1504);
  EXPECT_EQ(written.records[0].end, 3004);
  EXPECT_EQ(written.records[0].blocks.size(), 2u);
}

TEST(SlideOutputTest, ACutFileEndsButPositionsGoOn) {
  const Written written = WriteWith(DamageKind::kCut);
  EXPECT_EQ(written.bytes, "HEad" + kA + std::string(500, 'b'));
  EXPECT_EQ(written.places[2].begin, 2004);
  EXPECT_EQ(written.position, 3008);
  EXPECT_EQ(written.records[0].begin, 1504);
  EXPECT_EQ(written.records[0].end, 3008);
}

TEST(SlideOutputTest, EveryKindHasAName) {
  for (const DamageKind kind :
       {DamageKind::kMissing, DamageKind::kTruncated, DamageKind::kWrongLength,
        DamageKind::kBitFlips, DamageKind::kZeroed, DamageKind::kCut}) {
    EXPECT_EQ(ParseDamageKind(DamageName(kind)).value(), kind);
  }
  EXPECT_EQ(ParseDamageKind("burnt").status().message(),
            "\"burnt\": must be one of missing, truncated, wrong-length, "
            "flips, zeroed, cut");
}

}  // namespace
}  // namespace cyto8
