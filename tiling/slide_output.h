// SPDX-License-Identifier: Apache-2.0
// The bytes of a slide on their way into its file, where damage is done to them
// on request: so a damaged slide needs no second pass, and what was done is
// known to the byte. For slides that test readers; a format's writer adds what
// lies around the tiles. Tested by tests/tiling/slide_output_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/file_system.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

enum class DamageKind {
  kMissing,      // nothing in the file; length 0 in the index.
  kTruncated,    // the first half of the JPEG; its length in the index.
  kWrongLength,  // the whole JPEG; half of its length in the index.
  kBitFlips,     // kFlippedBits bits in the second half of the JPEG.
  kZeroed,       // kZeroedBytes from its middle on, as far as tiles go.
  kCut,          // the file ends in its middle.
};
inline constexpr int64_t kFlippedBits = 16;
inline constexpr int64_t kZeroedBytes = int64_t{64} << 10;

// "missing", "truncated", "wrong-length", "flips", "zeroed", "cut".
std::string_view DamageName(DamageKind kind);
// kInvalidArgument names the value and the kinds.
StatusOr<DamageKind> ParseDamageKind(std::string_view text);

// To a tile of level 0.
struct Damage {
  DamageKind kind = DamageKind::kMissing;
  int64_t column = 0;
  int64_t row = 0;
};

// What was done: to the bytes [begin, end) of the whole file, which is where a
// missing tile would stand or a truncated one breaks off, the tile for a wrong
// length or flipped bits, zeros, and what a cut file lacks.
struct DamageRecord {
  DamageKind kind = DamageKind::kMissing;
  int64_t begin = 0;
  int64_t end = 0;
  // Tiles in file order; of a cut file the one that it ends in.
  std::vector<BlockId> blocks = {};
};

// Where the index shall say that a tile stands.
struct TilePlace {
  int64_t begin = 0;
  int64_t length = 0;
};

// `value` in so many bytes, the lowest first.
void AppendLittleEndian(std::string& bytes, uint64_t value, int count);

// Not thread-safe; movable. As AtomicFile: nothing appears without Commit.
class SlideOutput {
 public:
  // At most one damage to a tile.
  static StatusOr<SlideOutput> Create(FileSystem& files,
                                      const std::string& path,
                                      std::vector<Damage> damage);

  // Where the next byte stands. After a cut, as if there were none.
  int64_t position() const { return position_; }

  Status Append(std::string_view bytes);
  StatusOr<TilePlace> AppendTile(const BlockId& block, std::string jpeg);
  // Of what was appended before any tile.
  Status Overwrite(int64_t offset, std::string_view bytes);

  // Not before everything was appended.
  std::vector<DamageRecord> records() const;
  Status Commit() { return file_.Commit(); }

 private:
  SlideOutput(AtomicFile file, std::vector<Damage> damage);
  const Damage* DamageOf(const BlockId& block) const;
  TilePlace Spoil(DamageKind kind, const BlockId& block, std::string& jpeg);
  void Zero(const BlockId& block, std::string& jpeg);

  AtomicFile file_;
  std::vector<Damage> damage_;
  std::vector<DamageRecord> records_;
  int64_t position_ = 0;
  int64_t tiles_end_ = 0;  // of the last tile.
  int64_t cut_at_;
};

}  // namespace cyto8
