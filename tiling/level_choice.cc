// SPDX-License-Identifier: Apache-2.0
// See level_choice.h.
#include "tiling/level_choice.h"

#include "base/checked_math.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

double Ratio(int64_t full, int64_t reduced) {
  return static_cast<double>(full) / static_cast<double>(reduced);
}

bool Divides(int64_t reduction, const SlideLevel& level) {
  return level.block_width_px % reduction == 0 &&
         level.block_height_px % reduction == 0;
}

}  // namespace

StatusOr<LevelChoice> ChooseLevel(const SlideInfo& slide,
                                  const LevelChoiceOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("um/px", options.um_per_px, kMinMpp, kMaxMpp));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("target um/px", options.target_um_per_px, kMinMpp, kMaxMpp));
  CYTO8_RETURN_IF_ERROR(CheckRange("tolerance", options.tolerance, 0.0, 0.5));
  if (slide.levels.empty()) return InvalidArgument("slide: has no levels");
  const SlideLevel& full = slide.levels.front();
  const double coarsest = options.target_um_per_px * (1 + options.tolerance);
  LevelChoice best = {.um_per_px = options.um_per_px};
  for (int64_t index = 0; index < std::ssize(slide.levels); ++index) {
    const SlideLevel& level = slide.levels[static_cast<size_t>(index)];
    const double scale = (Ratio(full.width_px, level.width_px) +
                          Ratio(full.height_px, level.height_px)) /
                         2;
    for (int64_t reduction = 1; reduction <= options.largest_reduction;
         reduction *= 2) {
      const double mpp =
          options.um_per_px * scale * static_cast<double>(reduction);
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
