// SPDX-License-Identifier: Apache-2.0
// Which level of a slide is read, and how far it is reduced while it is
// decoded, for a network that wants a certain scale. Pure arithmetic. Tested by
// tests/tiling/level_choice_test.cc.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

struct LevelChoiceOptions {
  double um_per_px = 0;         // of level 0.
  double target_um_per_px = 0;  // that the network was trained on.
  // Pixels that are larger or smaller than the target's by no more than this
  // share are taken as they are: resampling would cost more than it gives.
  double tolerance = 0.05;
  int64_t largest_reduction = 1;  // SlideReader::largest_reduction.
};

struct LevelChoice {
  int64_t level = 0;
  int64_t reduction = 1;
  double um_per_px = 0;  // of the pixels that are read.
  // False: the pixels go to the network as they are. True: they are finer than
  // the target (or the slide has none so fine) and are resampled to it.
  bool resample = false;
};

// How many level-0 pixels a pixel of the level is wide and high: the whole
// number of times by which level 0 was divided, whichever way the sides were
// rounded; else the ratio of the sides.
struct LevelScale {
  double x = 1;
  double y = 1;
};
LevelScale ScaleOfLevel(const SlideInfo& slide, int64_t level);

// The coarsest pixels that are not coarser than the target by more than the
// tolerance; of equal ones those of the smaller level, which cost less to
// decode. Level 0 as it is if all are coarser. um/px of a level is that of
// level 0 times the mean ratio of its sides to level 0's. kInvalidArgument for
// um/px that are not above 0, a tolerance outside [0, 0.5] or a slide without
// levels.
StatusOr<LevelChoice> ChooseLevel(const SlideInfo& slide,
                                  const LevelChoiceOptions& options);

}  // namespace cyto8
