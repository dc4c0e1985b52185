// SPDX-License-Identifier: Apache-2.0
// What a detector found, and the one total order of detections that makes
// results independent of tile order and thread count. Tested by
// tests/base/detection_test.cc.
#pragma once

#include <cstdint>

#include "base/box.h"

namespace cyto8 {

struct Detection {
  Box box;
  float score = 0;   // probability in [0, 1].
  int class_id = 0;  // as in the model card; from 1.
  int64_t tile = 0;  // number of the tile that found it, where there are tiles.
  friend bool operator==(const Detection&, const Detection&) = default;
};

// Strict total order on (score falling, class rising, y_min, x_min, y_max,
// x_max, tile rising): true if `a` comes before `b`.
bool DetectionBefore(const Detection& a, const Detection& b);

}  // namespace cyto8
