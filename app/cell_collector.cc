// SPDX-License-Identifier: Apache-2.0
// See cell_collector.h.
#include "app/cell_collector.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/checked_math.h"
#include "tiling/tile_quality.h"

namespace cyto8 {

void CountQuality(uint32_t flags, SlideCounts& counts) {
  const auto has = [&](uint32_t bits) { return (flags & bits) != 0 ? 1 : 0; };
  counts.blurred += has(kBlurred);
  counts.too_dark += has(kTooDark);
  counts.blurred_or_dark += has(kBlurred | kTooDark);
  counts.pale += has(kPale);
  counts.artefact += has(kArtefact);
}

StatusOr<std::unique_ptr<CellCollector>> CellCollector::Create(
    const CellCollectorOptions& options,
    std::optional<CandidateWriter> writer) {
  CYTO8_ENSURE(options.turns.size() == options.reaches.size());
  CYTO8_ASSIGN_OR_RETURN(StreamMerger merger,
                         StreamMerger::Create(options.merge));
  return std::unique_ptr<CellCollector>(
      new CellCollector(options, std::move(writer), std::move(merger)));
}

CellCollector::CellCollector(const CellCollectorOptions& options,
                             std::optional<CandidateWriter> writer,
                             StreamMerger merger)
    : turns_(std::ssize(options.turns)),
      limits_(options.limits),
      areas_(options.turns, options.reaches),
      writer_(std::move(writer)),
      merger_(std::move(merger)),
      cells_(options.spool) {}

Status CellCollector::Add(int64_t turn, TileCandidates found) {
  const std::lock_guard lock(mutex_);
  waiting_.emplace(turn, std::move(found));
  while (!waiting_.empty() && waiting_.begin()->first == next_turn_) {
    CYTO8_RETURN_IF_ERROR(
        Take(std::move(waiting_.extract(waiting_.begin()).mapped())));
  }
  return OkStatus();
}

Status CellCollector::Take(TileCandidates found) {
  ++next_turn_;
  if (writer_) CYTO8_RETURN_IF_ERROR(writer_->Append(found));
  if (found.outcome == TileOutcome::kFailed) {
    ++counts_.failed;
  } else {
    ++counts_.scored;
    scored_.push_back(found.tile);
    CountQuality(found.flags, counts_);
  }
  CYTO8_RETURN_IF_ERROR(merger_.Add(std::move(found.detections)));
  CYTO8_ASSIGN_OR_RETURN(std::vector<Detection> settled,
                         merger_.Advance(areas_.After(next_turn_)));
  return Keep(std::move(settled));
}

Status CellCollector::Keep(std::vector<Detection> settled) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("boxes", cells_.size() + std::ssize(settled) + merger_.held(),
                 int64_t{0}, limits_.max_boxes));
  return cells_.Append(settled);
}

StatusOr<std::vector<Detection>> CellCollector::Finish(
    const std::optional<Sha256Digest>& fingerprint) {
  if (next_turn_ < turns_) {
    CYTO8_ASSIGN_OR_RETURN(std::vector<Detection> settled, merger_.Advance({}));
    CYTO8_RETURN_IF_ERROR(Keep(std::move(settled)));
  }
  if (writer_ && fingerprint) {
    CYTO8_RETURN_IF_ERROR(writer_->Commit(*fingerprint));
  }
  writer_.reset();
  CYTO8_ASSIGN_OR_RETURN(std::vector<Detection> cells, cells_.TakeAll());
  std::ranges::sort(cells, DetectionBefore);
  return cells;
}

SlideCounts CellCollector::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace cyto8
