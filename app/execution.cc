// SPDX-License-Identifier: Apache-2.0
// Decisions of a run; see execution.h.
#include "app/execution.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "detector/runtime/row_split.h"

namespace cyto8 {

StatusOr<Isa> ChooseIsa(std::string_view word, std::span<const Isa> usable) {
  CYTO8_ENSURE(!usable.empty());
  if (word == "auto") return usable.back();
  const auto found = std::ranges::find(usable, word, IsaName);
  if (found != usable.end()) return *found;
  std::string names;
  for (const Isa isa : usable) {
    names += (names.empty() ? "" : ", ") + std::string(IsaName(isa));
  }
  return InvalidArgument("run.isa = \"" + std::string(word) +
                         "\": this CPU has " + names);
}

int64_t UsefulThreads(int64_t threads) {
  return std::min(threads, RowSplit::kMaxPieces);
}

Schedule ChooseSchedule(Schedule asked, const ScheduleFacts& facts) {
  if (asked != Schedule::kAuto) return asked;
  const bool leaves_threads_idle = facts.tiles < UsefulThreads(facts.threads);
  return facts.is_quantized && leaves_threads_idle ? Schedule::kLatency
                                                   : Schedule::kThroughput;
}

int64_t CountTiles(const SlidePlanner& planner,
                   std::span<const SlideInput> inputs, int64_t enough) {
  int64_t tiles = 0;
  for (const SlideInput& input : inputs) {
    if (tiles >= enough) break;
    if (!input.status.ok()) continue;
    const StatusOr<SlidePlan> plan = planner.Plan(input);
    if (plan.ok()) tiles += std::ssize(plan->tiles);
  }
  return std::min(tiles, enough);
}

}  // namespace cyto8
