// SPDX-License-Identifier: Apache-2.0
// See level_choice.h.
#include "tiling/level_choice.h"

#include <algorithm>
#include <cmath>

#include "base/checked_math.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

double Ratio(int64_t full, int64_t reduced) {
  return static_cast<double>(full) / static_cast<double>(reduced);
}

bool IsDivided(int64_t full, int64_t reduced, int64_t by) {
  return reduced == full / by || reduced == (full + by - 1) / by;
}

bool Divides(int64_t reduction, const SlideLevel& level) {
  return level.block_width_px % reduction == 0 &&
         level.block_height_px % reduction == 0;
}

}  // namespace

LevelScale ScaleOfLevel(const SlideInfo& slide, int64_t level) {
  const SlideLevel& full = slide.levels.front();
  const SlideLevel& reduced = slide.levels[static_cast<size_t>(level)];
  const LevelScale scale = {.x = Ratio(full.width_px, reduced.width_px),
                            .y = Ratio(full.height_px, reduced.height_px)};
  // The longer side tells it best.
  const double better = full.width_px > full.height_px ? scale.x : scale.y;
  const auto times = std::max<int64_t>(1, std::llround(better));
  if (IsDivided(full.width_px, reduced.width_px, times) &&
      IsDivided(full.height_px, reduced.height_px, times)) {
    return {.x = static_cast<double>(times), .y = static_cast<double>(times)};
  }
  return scale;
}

StatusOr<LevelChoice> ChooseLevel(const SlideInfo& slide,
                                  const LevelChoiceOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("um/px", options.um_per_px, kMinMpp, kMaxMpp));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("target um/px", options.target_um_per_px, kMinMpp, kMaxMpp));
  CYTO8_RETURN_IF_ERROR(CheckRange("tolerance", options.tolerance, 0.0, 0.5));
  if (slide.levels.empty()) return InvalidArgument("slide: has no levels");
  const double coarsest = options.target_um_per_px * (1 + options.tolerance);
  LevelChoice best = {.um_per_px = options.um_per_px};
  for (int64_t index = 0; index < std::ssize(slide.levels); ++index) {
    const SlideLevel& level = slide.levels[static_cast<size_t>(index)];
    const LevelScale scale = ScaleOfLevel(slide, index);
    for (int64_t reduction = 1; reduction <= options.largest_reduction;
         reduction *= 2) {
      const double mpp = options.um_per_px * (scale.x + scale.y) / 2 *
                         static_cast<double>(reduction);
      // What differs by rounding of the sides alone counts as equal.
      const bool better = mpp > best.um_per_px * 0.999;
      if (mpp > coarsest || !better || !Divides(reduction, level)) continue;
      best = {.level = index, .reduction = reduction, .um_per_px = mpp};
    }
  }
  const double finest = options.target_um_per_px / (1 + options.tolerance);
  best.resample = best.um_per_px > coarsest || best.um_per_px < finest;
  return best;
}

}  // namespace cyto8
