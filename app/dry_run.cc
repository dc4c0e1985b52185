// SPDX-License-Identifier: Apache-2.0
// Opens all inputs; see dry_run.h.
#include "app/dry_run.h"

#include <algorithm>

namespace cyto8 {
namespace {

int64_t PixelBytes(const SlidePlan& plan, int64_t in_flight) {
  int64_t tile_bytes = 0;
  for (const Tile& tile : plan.tiles) {
    tile_bytes = std::max(tile_bytes,
                          tile.width_px * tile.height_px * kRgbChannels);
  }
  return plan.decoder_bytes + tile_bytes +
         TileCutter::HeldBytes(plan.tiles, plan.scaled_width_px, in_flight);
}

}  // namespace

DryRun PlanAll(const SlideReader& reader, std::span<const SlideInput> inputs,
               int64_t in_flight) {
  DryRun run;
  for (const SlideInput& input : inputs) {
    ++run.images;
    const StatusOr<SlidePlan> plan =
        input.status.ok() ? reader.Plan(input) : input.status;
    if (!plan.ok()) {
      run.failures.push_back(plan.status());
      continue;
    }
    run.tiles += std::ssize(plan->tiles);
    run.pixel_bytes = std::max(run.pixel_bytes, PixelBytes(*plan, in_flight));
  }
  return run;
}

}  // namespace cyto8
