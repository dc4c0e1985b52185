// SPDX-License-Identifier: Apache-2.0
// candidates.bin: what the detector found on each tile of a slide before
// merging, and what became of the tiles, so that a new threshold redoes the
// merge only (docs/formats.md, section 7). Tested by
// tests/app/candidate_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/detection.h"
#include "base/file_system.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status.h"

namespace cyto8 {

enum class TileOutcome { kScored, kFailed, kBackground };

// Of one tile; only a scored one has detections, in level-0 pixels and in any
// order, each with the number of the tile.
struct TileCandidates {
  int64_t tile = 0;  // its number among the tiles of the slide.
  TileOutcome outcome = TileOutcome::kScored;
  uint16_t flags = 0;  // TileFlag of tiling/tile_quality.h.
  std::vector<Detection> detections = {};
  friend bool operator==(const TileCandidates&,
                         const TileCandidates&) = default;
};

struct CandidateHeader {
  int64_t tiles = 0;
  int64_t width_px = 0;  // of level 0.
  int64_t height_px = 0;
  friend bool operator==(const CandidateHeader&,
                         const CandidateHeader&) = default;
};

// Holds one tile at a time. Without Commit no file appears.
class CandidateWriter {
 public:
  static StatusOr<CandidateWriter> Create(FileSystem& files,
                                          const std::string& path,
                                          const CandidateHeader& header);

  // Each tile once, in any order. kInternal beyond header.tiles.
  Status Append(const TileCandidates& tile);

  // `fingerprint`: of all that decides what is found. kInternal unless all
  // tiles were appended.
  Status Commit(const Sha256Digest& fingerprint);

 private:
  CandidateWriter(AtomicFile file, const CandidateHeader& header)
      : file_(std::move(file)), header_(header) {}
  Status Write(std::span<const std::byte> bytes);

  AtomicFile file_;
  CandidateHeader header_;
  Sha256Hasher hasher_;
  int64_t tiles_ = 0;  // appended.
};

// Believes nothing before the hash of the whole file is checked. Holds one tile
// at a time; belongs to one thread.
class CandidateReader {
 public:
  // kNotFound if there is none; kDataLoss if it is cut, damaged or has values
  // out of range; kUnimplemented for another version. Errors start with the
  // path.
  static StatusOr<std::unique_ptr<CandidateReader>> Open(
      FileSystem& files, const std::string& path, const Limits& limits);

  const CandidateHeader& header() const { return header_; }
  const Sha256Digest& fingerprint() const { return fingerprint_; }

  // The next tile; none after the last one.
  StatusOr<std::optional<TileCandidates>> Next();

 private:
  CandidateReader(std::unique_ptr<InputFile> file, std::string path,
                  int64_t max_boxes);
  Status CheckHash();
  Status ReadHeader(const Limits& limits);
  StatusOr<std::optional<TileCandidates>> ReadTile();

  std::unique_ptr<InputFile> file_;
  std::string path_;
  BlockReader bytes_;
  CandidateHeader header_;
  Sha256Digest fingerprint_ = {};
  std::vector<bool> seen_;  // by tile.
  int64_t tiles_left_ = 0;
  int64_t max_boxes_;  // of a tile.
};

}  // namespace cyto8
