// SPDX-License-Identifier: Apache-2.0
// What was found on the tiles of one image becomes its cells: tiles come in
// the order in which threads finish them and are taken in their turn, so that
// memory holds the sweep's border and not the image (stream_merger.h), and the
// raw candidates are written along the way. Tested by
// tests/app/cell_collector_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "app/candidate_file.h"
#include "app/cell_spool.h"
#include "base/box.h"
#include "base/detection.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status.h"
#include "tiling/slide_verdict.h"
#include "tiling/stream_merger.h"
#include "tiling/tile_order.h"

namespace cyto8 {

struct CellCollectorOptions {
  // Both are looked at by Create alone.
  std::span<const TileTurn> turns = {};
  // By turn: where the boxes of the tile lie, in level-0 pixels.
  std::span<const Box> reaches = {};
  MergeOptions merge = {};
  CellSpoolOptions spool = {};
  Limits limits = {};
};

// Thread-safe, but for Finish.
class CellCollector {
 public:
  // `writer`: gets all tiles that are added; none: nobody wants them.
  static StatusOr<std::unique_ptr<CellCollector>> Create(
      const CellCollectorOptions& options,
      std::optional<CandidateWriter> writer);

  // The tile of a turn, each once. A box outside of the tile's reach, or more
  // boxes than limits.max_boxes, is an error, and then there is no result.
  Status Add(int64_t turn, TileCandidates found);

  // After the last Add; turns that never came have found nothing. With a
  // fingerprint the candidates are committed, without one there are none.
  StatusOr<std::vector<Detection>> Finish(
      const std::optional<Sha256Digest>& fingerprint);

  // scored, failed and the qualities, of the turns that came.
  SlideCounts counts() const;
  // After the last Add: the tiles that were scored.
  const std::vector<int64_t>& scored() const { return scored_; }

 private:
  CellCollector(const CellCollectorOptions& options,
                std::optional<CandidateWriter> writer, StreamMerger merger);
  Status Take(TileCandidates found);
  Status Keep(std::vector<Detection> settled);

  const int64_t turns_;
  const Limits limits_;
  const OpenAreas areas_;
  mutable std::mutex mutex_;
  std::optional<CandidateWriter> writer_;
  StreamMerger merger_;
  std::map<int64_t, TileCandidates> waiting_;  // by turn: not in turn yet.
  int64_t next_turn_ = 0;
  CellSpool cells_;
  SlideCounts counts_;
  std::vector<int64_t> scored_;
};

// A tile that is `flags` of tile_quality.h, counted.
void CountQuality(uint32_t flags, SlideCounts& counts);

}  // namespace cyto8
