// SPDX-License-Identifier: Apache-2.0
// Opens all inputs; see dry_run.h.
#include "app/dry_run.h"

#include <algorithm>

namespace cyto8 {
DryRun PlanAll(const SlidePlanner& planner, std::span<const SlideInput> inputs,
               int64_t in_flight) {
  DryRun run;
  for (const SlideInput& input : inputs) {
    ++run.images;
    const StatusOr<SlidePlan> plan =
        input.status.ok() ? planner.Plan(input) : input.status;
    if (!plan.ok()) {
      run.failures.push_back(Shown(input, plan.status()));
      continue;
    }
    run.tiles += std::ssize(plan->tiles);
    run.pixel_bytes = std::max(run.pixel_bytes, plan->PixelBytes(in_flight));
  }
  return run;
}

}  // namespace cyto8
