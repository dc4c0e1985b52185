// SPDX-License-Identifier: Apache-2.0
// What is written is read again; whatever was changed is noticed.
#include "app/candidate_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using Tiles = std::vector<TileCandidates>;

class CandidateFileTest : public testing::Test {
 protected:
  static CandidateHeader Header() {
    return {.tiles = 4, .width_px = 2000, .height_px = 768};
  }
  static Sha256Digest Fingerprint() { return {1, 2, 3}; }
  static Tiles FourTiles() {
    return {{.tile = 2,
             .detections = {{.box = {1.5, -2, 30.25, 40},
                             .score = 0.75F,
                             .class_id = 3,
                             .tile = 2},
                            {.box = {0.1, 0.2, 0.3, 0.4},
                             .score = 1,
                             .class_id = 65535,
                             .tile = 2}}},
            {.tile = 0, .outcome = TileOutcome::kFailed},
            {.tile = 3, .outcome = TileOutcome::kBackground, .flags = 0xFFFF},
            {.tile = 1, .flags = 5}};
  }
  Status Write(const CandidateHeader& header, const Tiles& tiles) {
    CYTO8_ASSIGN_OR_RETURN(CandidateWriter writer,
                           CandidateWriter::Create(files_, path_, header));
    for (const TileCandidates& tile : tiles) {
      CYTO8_RETURN_IF_ERROR(writer.Append(tile));
    }
    return writer.Commit(Fingerprint());
  }
  StatusOr<Tiles> Read() {
    CYTO8_ASSIGN_OR_RETURN(
        const std::unique_ptr<CandidateReader> reader,
        CandidateReader::Open(files_, path_, {.max_boxes = 1000}));
    EXPECT_EQ(reader->header(), Header());
    EXPECT_EQ(reader->fingerprint(), Fingerprint());
    Tiles tiles;
    while (true) {
      CYTO8_ASSIGN_OR_RETURN(std::optional<TileCandidates> tile,
                             reader->Next());
      if (!tile) return tiles;
      tiles.push_back(std::move(*tile));
    }
  }
  // With a fingerprint and a hash that fits, so that the values themselves are
  // looked at.
  void PutWithTrailer(std::string bytes) {
    const Sha256Digest fingerprint = Fingerprint();
    bytes.append(fingerprint.begin(), fingerprint.end());
    const auto digest = Sha256(std::as_bytes(std::span(bytes))).value();
    bytes.append(digest.begin(), digest.end());
    folder_.Put("candidates.bin", bytes);
  }
  std::string ContentWithoutTrailer() {
    const std::string bytes = folder_.Get("candidates.bin");
    return bytes.substr(0, bytes.size() - 64);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("candidates.bin");
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(CandidateFileTest, GivesBackEveryTile) {
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  const StatusOr<Tiles> tiles = Read();
  ASSERT_TRUE(tiles.ok()) << tiles.status().ToString();
  EXPECT_EQ(*tiles, FourTiles());
  EXPECT_EQ(folder_.Get("candidates.bin").size(),
            40u + 4 * 16 + 2 * 40 + 2 * 32);
}

TEST_F(CandidateFileTest, AppearsOnlyWithAllTiles) {
  Tiles tiles = FourTiles();
  {
    CandidateWriter writer =
        CandidateWriter::Create(files_, path_, Header()).value();
    for (const TileCandidates& tile : tiles) {
      ASSERT_TRUE(writer.Append(tile).ok());
    }
    EXPECT_TRUE(folder_.Names().size() == 1 &&
                folder_.Names()[0] != "candidates.bin");
  }
  EXPECT_TRUE(folder_.Names().empty());
}

TEST_F(CandidateFileTest, NoticesEveryCutAndEveryFlippedByte) {
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  const std::string whole = folder_.Get("candidates.bin");
  for (size_t at = 0; at < whole.size(); ++at) {
    folder_.Put("candidates.bin", whole.substr(0, at));
    EXPECT_EQ(Read().status().code(), StatusCode::kDataLoss) << at;
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    folder_.Put("candidates.bin", flipped);
    EXPECT_EQ(Read().status().message(),
              path_ + ": damaged candidates: SHA-256 does not fit")
        << at;
  }
}

TEST_F(CandidateFileTest, RefusesValuesThatNobodyWrites) {
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  const std::string whole = ContentWithoutTrailer();
  struct Case {
    size_t at;
    std::string bytes;
    std::string message;
  };
  const std::string nan("\0\0\0\0\0\0\xF8\x7F", 8);
  const std::vector<Case> cases = {
      {0, "x", "damaged candidates: does not begin with CY8CAND1"},
      {8, "\3", "candidates of version 3: only 2 is read"},
      {16, std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8),
       "damaged candidates: tiles = -1: must be in [0, 4000000]"},
      {24, std::string(8, '\0'),
       "damaged candidates: width = 0: must be in [1, 1000000]"},
      {40, "\4", "damaged candidates: tile 0: number = 4: must be in [0, 3]"},
      {136, "\2", "damaged candidates: tile 1: comes twice"},
      {48, "\3",
       "damaged candidates: tile 0: class = 0: must be in [1, 65535]"},
      {92, std::string(4, '\0'),
       "damaged candidates: tile 0: class = 0: must be in [1, 65535]"},
      {51, "\1",
       "damaged candidates: tile 0: detections = 16777218: must be in [0, "
       "1000]"},
      {52, "\3", "damaged candidates: tile 0: outcome = 3: must be in [0, 2]"},
      {52, "\1",
       "damaged candidates: tile 0: detections = 2: must be in [0, 0]"},
      {56, nan,
       "damaged candidates: tile 0: coordinate = nan: must be in [-1e+09, "
       "1e+09]"},
      {88, std::string("\0\0\0\x40", 4),
       "damaged candidates: tile 0: score = 2: must be in [0, 1]"}};
  for (const Case& c : cases) {
    std::string changed = whole;
    changed.replace(c.at, c.bytes.size(), c.bytes);
    PutWithTrailer(changed);
    EXPECT_EQ(Read().status().message(), path_ + ": " + c.message) << c.at;
  }
}

TEST_F(CandidateFileTest, RefusesMissingAndSurplusBytes) {
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  const std::string whole = ContentWithoutTrailer();
  PutWithTrailer(whole + "x");
  EXPECT_EQ(Read().status().message(),
            path_ + ": damaged candidates: tile 4: more bytes than tiles");
  PutWithTrailer(whole.substr(0, whole.size() - 1));
  EXPECT_EQ(Read().status().message(),
            path_ + ": damaged candidates: tile 3: is missing");
  PutWithTrailer(whole.substr(0, 68));
  EXPECT_EQ(Read().status().message(),
            path_ + ": damaged candidates: tile 0: is cut");
}

TEST_F(CandidateFileTest, ANumberOfTilesThatIsNotTheHeadersIsADefect) {
  CandidateHeader header = Header();
  header.tiles = 3;
#ifdef NDEBUG
  EXPECT_EQ(Write(header, FourTiles()).code(), StatusCode::kInternal);
  header.tiles = 5;
  EXPECT_EQ(Write(header, FourTiles()).code(), StatusCode::kInternal);
#else
  EXPECT_DEATH(static_cast<void>(Write(header, FourTiles()).ok()),
               "CYTO8_ENSURE");
#endif
}

TEST_F(CandidateFileTest, NoFileIsNotFound) {
  EXPECT_EQ(Read().status().code(), StatusCode::kNotFound);
}

TEST_F(CandidateFileTest, WhateverCallFailsThereIsTheOldFileOrTheNewOne) {
  files_.Arm({.kind = FileCall::kMap});  // counts, fails nothing.
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  const auto calls = static_cast<int64_t>(files_.calls().size());
  const std::string whole = folder_.Get("candidates.bin");
  for (int64_t i = 0; i < calls; ++i) {
    files_.Arm({.index = i, .error_number = ENOSPC});
    EXPECT_FALSE(Write(Header(), FourTiles()).ok());
    EXPECT_EQ(files_.open_files(), 0);
    files_.Disarm();
    EXPECT_EQ(folder_.Get("candidates.bin"), whole);
    EXPECT_EQ(folder_.Names().size(), 1u);
  }
}

TEST_F(CandidateFileTest, AFailingReadIsNamedAndNoDamage) {
  ASSERT_TRUE(Write(Header(), FourTiles()).ok());
  files_.Arm({.kind = FileCall::kMap});
  ASSERT_TRUE(Read().ok());
  const auto calls = static_cast<int64_t>(files_.calls().size());
  for (int64_t i = 0; i + 1 < calls; ++i) {  // the last one closes.
    files_.Arm({.index = i, .error_number = EIO});
    EXPECT_EQ(Read().status().message(), path_ + ": Input/output error") << i;
    EXPECT_EQ(files_.open_files(), 0);
  }
}

}  // namespace
}  // namespace cyto8
